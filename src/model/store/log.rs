//! The activation log: the truth about what is active.

use std::{io, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    StoreError, Version,
    error::{at, reason},
    files,
};

/// How a version became the active one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationKind {
    /// It was named.
    Activate,
    /// It was active before.
    Rollback,
}

impl std::fmt::Display for ActivationKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ActivationKind::Activate => "activate",
            ActivationKind::Rollback => "rollback",
        })
    }
}

/// One line of the log: one version took the place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// When, by the clock of whoever did it.
    pub at: Timestamp,
    /// Who, in their own words.
    pub actor: String,
    /// Whether somebody made sure of that.
    pub actor_verified: bool,
    /// How.
    pub kind: ActivationKind,
    /// What was active until then; `None` in the first line.
    pub from: Option<Version>,
    /// What is active from then on.
    pub to: Version,
    /// Why, in their own words.
    pub why: String,
}

/// Its name in the directory.
const NAME: &str = "activations.jsonl";

/// The whole log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Oldest first.
    pub(super) activations: Vec<Activation>,
    /// Where the last whole line ends, in bytes. What stands behind it is torn.
    end: u64,
    /// What was active, one upon the other: see [`Log::before`].
    stack: Vec<Version>,
}

impl Log {
    /// Reads the log; one that is not there is empty. The caller holds a lock, if there is anybody to hold it against.
    pub(super) fn read(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(NAME);
        match files::read(&path) {
            Ok(bytes) => Self::parse(&bytes).map_err(|(line, reason)| StoreError::Log { path, line, reason }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory.is_dir() => Ok(Self::default()),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Reads the lines; an error is the number of a line, from 1, and what is wrong with it.
    ///
    /// The last line is torn if it does not end, or holds a zero byte: file systems put zeros where the data of a write
    /// had not arrived when the machine stopped. Anything else that makes no sense is damage, not a crash, and is told.
    fn parse(bytes: &[u8]) -> Result<Self, (u64, String)> {
        let mut log = Self::default();
        let mut lines = bytes.split_inclusive(|&c| c == b'\n').zip(1..).peekable();
        while let Some((line, number)) = lines.next() {
            let is_torn = !line.ends_with(b"\n") || line.contains(&0);
            if is_torn && lines.peek().is_none() {
                break;
            }
            let activation: Activation = serde_json::from_slice(line).map_err(|error| (number, reason(&error)))?;
            log.push(activation).map_err(|reason| (number, reason))?;
            log.end += line.len() as u64;
        }
        Ok(log)
    }

    /// Takes a line in, if it can follow those before it.
    fn push(&mut self, activation: Activation) -> Result<(), String> {
        if activation.from.as_ref() != self.current() {
            return Err("it does not follow from the line before".to_owned());
        }
        match activation.kind {
            ActivationKind::Activate => self.stack.push(activation.to.clone()),
            ActivationKind::Rollback => {
                self.stack.pop();
                let target = self.stack.iter().rposition(|version| *version == activation.to);
                let target = target.ok_or_else(|| "it goes back to what was not active before".to_owned())?;
                self.stack.truncate(target + 1);
            }
        }
        self.activations.push(activation);
        Ok(())
    }

    /// Puts a line behind the others, on the disk when it returns.
    pub(super) fn append(&mut self, directory: &Path, activation: Activation) -> Result<(), StoreError> {
        let path = directory.join(NAME);
        let number = self.activations.len() as u64 + 1;
        let damaged = |reason| StoreError::Log { path: path.clone(), line: number, reason };
        let mut line = serde_json::to_vec(&activation).map_err(|error| damaged(error.to_string()))?;
        line.push(b'\n');
        files::append(directory, &path, self.end, &line)?;
        self.end += line.len() as u64;
        self.push(activation).map_err(damaged)
    }

    /// What is active.
    pub(super) fn current(&self) -> Option<&Version> {
        self.activations.last().map(|activation| &activation.to)
    }

    /// What a roll-back goes back to, nearest first: the versions whose activation led to the present one, without those
    /// that were rolled back.
    pub(super) fn before(&self) -> impl Iterator<Item = &Version> {
        self.stack.iter().rev().skip(1).filter(|version| Some(*version) != self.current())
    }
}

/// Makes lasting what is in the log, if whoever wrote it was stopped before that.
pub(super) fn sync(directory: &Path) -> Result<(), StoreError> {
    files::sync_file(&directory.join(NAME))?;
    files::sync_directory(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(letter: char) -> Version {
        Version::new(&letter.to_string().repeat(32)).unwrap()
    }

    /// A log from words such as `a`, activated, and `<a`, gone back to.
    fn log(words: &str) -> Log {
        let mut log = Log::default();
        for word in words.split_whitespace() {
            let kind = if word.starts_with('<') { ActivationKind::Rollback } else { ActivationKind::Activate };
            let to = version(word.chars().last().unwrap());
            let from = log.current().cloned();
            let (actor, why) = ("me".to_owned(), word.to_owned());
            let at = Timestamp::from_second(7).unwrap();
            log.push(Activation { at, actor, actor_verified: false, kind, from, to, why }).unwrap();
        }
        log
    }

    fn bytes(log: &Log) -> Vec<u8> {
        log.activations.iter().flat_map(|a| (serde_json::to_string(a).unwrap() + "\n").into_bytes()).collect()
    }

    /// Compares what a roll-back would go back to.
    fn check(words: &str, expect: &str) {
        let before: Vec<String> = log(words).before().map(|version| version.as_str()[..1].to_owned()).collect();
        assert_eq!(before.join(" "), expect, "{words}");
    }

    #[test]
    fn rolling_back_goes_further_back() {
        check("", "");
        check("a", "");
        check("a b c", "b a");
        check("a b c <b", "a");
        check("a b c <b <a", "");
        check("a b c <b d", "b a");
        check("a b c <a d", "a");
        // Activating an old version by name is a step forward.
        check("a b a", "b");
        check("a b a c", "a b a");
        check("a b a c <a <b <a", "");
    }

    #[test]
    fn a_torn_last_line_is_ignored_and_any_other_is_damage() {
        let whole = bytes(&log("a b c"));
        let ends: Vec<usize> = whole.iter().enumerate().filter(|(_, c)| **c == b'\n').map(|(at, _)| at + 1).collect();
        for length in 0..=whole.len() {
            let lines = ends.iter().filter(|end| **end <= length).count();
            let torn = Log::parse(&whole[..length]).unwrap();
            assert_eq!((torn.activations.len(), torn.end), (lines, lines.checked_sub(1).map_or(0, |n| ends[n] as u64)));
            let zeros = [&whole[..length], &[0; 20]].concat();
            assert_eq!(Log::parse(&zeros).unwrap().activations.len(), lines);
        }
        let mut zeroed = whole.clone();
        zeroed[ends[1]..ends[1] + 60].fill(0);
        assert_eq!(Log::parse(&zeroed).unwrap().current(), Some(&version('b')));
        zeroed[ends[0]..ends[0] + 60].fill(0);
        assert_eq!(Log::parse(&zeroed).unwrap_err().0, 2);
        assert_eq!(Log::parse(&[&whole, &b"\n"[..]].concat()).unwrap_err().0, 4);
    }

    #[test]
    fn a_flipped_bit_is_told_or_changes_nothing_but_words_and_the_last_line() {
        let (log, mut told) = (log("a b c"), 0);
        let (whole, to) =
            (bytes(&log), |log: &Log| log.activations.iter().map(|a| a.to.clone()).take(2).collect::<Vec<_>>());
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match Log::parse(&flipped) {
                Ok(read) => assert_eq!(to(&read), to(&log), "bit {bit}"),
                Err(_) => told += 1,
            }
        }
        assert!(told > whole.len() * 4, "{told} of {}", whole.len() * 8);
    }

    #[test]
    fn lines_must_follow_from_each_other() {
        let whole = bytes(&log("a b c"));
        let lines: Vec<&[u8]> = whole.split_inclusive(|&c| c == b'\n').collect();
        for (order, line) in [([1, 2, 2], 1), ([0, 2, 1], 2), ([0, 1, 1], 3)] {
            let mixed: Vec<u8> = order.into_iter().flat_map(|number| lines[number].to_vec()).collect();
            assert_eq!(Log::parse(&mixed).unwrap_err().0, line, "{order:?}");
        }
        let text = String::from_utf8(bytes(&log("a b <a"))).unwrap();
        let elsewhere = text.replace(
            &format!("\"to\":\"{}\",\"why\":\"<a\"", version('a')),
            &format!("\"to\":\"{}\",\"why\":\"\"", version('d')),
        );
        assert_eq!(
            Log::parse(elsewhere.as_bytes()).unwrap_err(),
            (3, "it goes back to what was not active before".to_owned())
        );
    }
}

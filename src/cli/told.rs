//! What standard error is told while a command runs: progress, and the items that failed.

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Write as _},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Exit, terminal::escape};

/// Failures told one by one; more are only counted.
const MAX_TOLD: u64 = 100;

/// Writes a line to standard error, foreign text made safe. Nobody is left to tell if that is closed.
pub(super) fn note(message: &str) {
    let _ = writeln!(io::stderr(), "{}", escape(message));
}

/// Does something, and tells it if that takes longer than a time.
pub(super) fn if_slow<T>(time: Duration, tell: impl FnOnce() + Send + 'static, work: impl FnOnce() -> T) -> T {
    let (working, ended) = mpsc::channel::<()>();
    // Without a thread nothing is told, and the work is done all the same.
    let _ = thread::Builder::new().spawn(move || {
        if ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
            tell();
        }
    });
    let result = work();
    drop(working);
    result
}

/// Counts items and tells of those that failed.
pub(super) struct Told {
    bar: ProgressBar,
    items: u64,
    failed: u64,
}

impl Told {
    /// A counter, with a progress bar if one is wanted and standard error is a terminal.
    pub(super) fn new(bar: bool) -> Self {
        let bar = if bar && io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} articles, {elapsed} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        } else {
            ProgressBar::hidden()
        };
        Self { bar, items: 0, failed: 0 }
    }

    /// Counts items, and tells of the failed ones among them.
    pub(super) fn add(&mut self, items: u64, failures: Vec<String>) {
        self.items += items;
        self.bar.inc(items);
        for failure in failures {
            self.failed += 1;
            if self.failed <= MAX_TOLD {
                self.bar.suspend(|| note(&failure));
            }
        }
    }

    /// Names on the progress bar what is being done now.
    pub(super) fn doing(&self, what: impl Into<Cow<'static, str>>) {
        self.bar.set_message(what);
    }

    /// Tells the counts if anything failed.
    pub(super) fn finish(self) -> Exit {
        self.bar.finish_and_clear();
        if self.failed == 0 {
            return Exit::Done;
        }
        if self.failed > MAX_TOLD {
            note(&format!("... and {} more", self.failed - MAX_TOLD));
        }
        note(&format!("{} of {} failed", self.failed, self.items));
        Exit::SomeFailed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_takes_long_is_told() {
        // The work ends when it has been told.
        let (tell, told) = mpsc::channel();
        let tell_of = tell.clone();
        assert_eq!(if_slow(Duration::ZERO, move || tell_of.send(()).unwrap(), || told.recv()), Ok(()));
        let tell_of = tell.clone();
        assert_eq!(if_slow(Duration::MAX, move || tell_of.send(()).unwrap(), || 7), 7);
        drop(tell);
        // Whoever would tell has gone without a word.
        assert!(told.recv().is_err());
    }
}

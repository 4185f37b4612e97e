//! Bytes that wait in a file while there are too many of them for memory.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A temporary file without a name, which is made when the first bytes are put there and which the system removes when it is
/// closed.
///
/// Bytes that cannot be written stay where they are. What cannot be read again is told in the end, by [`Scratch::check`].
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    /// Where bytes go for which there is no room before.
    end: u64,
    /// Where there is room again, and how much.
    free: BTreeMap<u64, u64>,
    /// Whether something could not be written: nothing is tried again.
    is_full: bool,
    /// Why something could not be read.
    unread: Option<io::Error>,
}

impl Scratch {
    /// A file in a directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes bytes, and says where they stand; `None` if they cannot be written.
    pub(crate) fn put(&self, bytes: &[u8]) -> Option<u64> {
        let state = &mut *self.state();
        if state.is_full {
            return None;
        }
        let length = bytes.len() as u64;
        let free = state.free.iter().find(|(_, room)| **room >= length).map(|(at, room)| (*at, *room));
        let at = free.map_or(state.end, |(at, _)| at);
        let mut write = || -> io::Result<()> {
            let file = match &mut state.file {
                Some(file) => file,
                none => none.insert(tempfile::tempfile_in(&self.directory)?),
            };
            file.seek(SeekFrom::Start(at))?;
            file.write_all(bytes)
        };
        state.is_full = write().is_err();
        if let Some((at, room)) = free {
            state.free.remove(&at);
            if room > length {
                state.free.insert(at + length, room - length);
            }
        } else {
            state.end += length;
        }
        (!state.is_full).then_some(at)
    }

    /// Gives back the room of bytes that nobody will read again.
    pub(crate) fn give_back(&self, at: u64, length: usize) {
        let free = &mut self.state().free;
        let (mut start, mut end) = (at, at + length as u64);
        // With the room before and behind, if they touch.
        let before =
            free.range(..at).next_back().filter(|(before, room)| *before + *room == at).map(|(before, _)| *before);
        if let Some(before) = before {
            free.remove(&before);
            start = before;
        }
        if let Some(room) = free.remove(&end) {
            end += room;
        }
        free.insert(start, end - start);
    }

    /// Bytes that the file has taken at most.
    #[cfg(test)]
    pub(crate) fn length(&self) -> u64 {
        self.state().end
    }

    /// Reads bytes that were put somewhere; none if they cannot be read.
    pub(crate) fn get(&self, at: u64, length: usize) -> Vec<u8> {
        let state = &mut *self.state();
        let mut bytes = vec![0; length];
        let read = state.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into()).and_then(|file| {
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut bytes)
        });
        if let Err(error) = read {
            state.unread.get_or_insert(error);
            bytes.clear();
        }
        bytes
    }

    /// Whether all that was to be read could be.
    ///
    /// # Errors
    ///
    /// Why not.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.state().unread.take().map_or(Ok(()), Err)
    }
}

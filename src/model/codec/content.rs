//! The bytes of a file: held, or read when they are asked for.

use std::{
    borrow::Cow,
    fs::{File, Metadata},
    io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom},
    sync::{Mutex, PoisonError},
};

use crate::model::ModelError;

/// The bytes of a file.
#[derive(Debug)]
pub(in crate::model) enum Content<'a> {
    /// All of them.
    Held(Cow<'a, [u8]>),
    /// None of them: a regular file, and what it was when it was opened.
    OnDisk(Mutex<File>, Metadata),
}

impl Content<'_> {
    /// The bytes of a file; of one that cannot be read twice, such as a pipe, they are held.
    pub(in crate::model) fn of(mut file: File) -> Result<Self, ModelError> {
        let metadata = file.metadata().map_err(ModelError::Read)?;
        if metadata.is_file() {
            return Ok(Content::OnDisk(Mutex::new(file), metadata));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(ModelError::Read)?;
        Ok(Content::Held(bytes.into()))
    }

    /// How many there are.
    pub(super) fn length(&self) -> u64 {
        match self {
            Content::Held(bytes) => bytes.len() as u64,
            Content::OnDisk(_, metadata) => metadata.len(),
        }
    }

    /// Those of a range, as far as they are there.
    pub(super) fn range(&self, start: u64, length: u64) -> Range<'_> {
        match self {
            Content::Held(bytes) => {
                let rest = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
                Range::Held(&rest[..rest.len().min(usize::try_from(length).unwrap_or(usize::MAX))])
            }
            Content::OnDisk(file, _) => Range::OnDisk(BufReader::new(Part { file, at: start, left: length })),
        }
    }

    /// Whether they are those that were there when the file was opened, by its length and the time of its last change.
    pub(super) fn is_unchanged(&self) -> bool {
        match self {
            Content::Held(_) => true,
            Content::OnDisk(file, before) => {
                let now = file.lock().unwrap_or_else(PoisonError::into_inner).metadata();
                now.is_ok_and(|now| now.len() == before.len() && now.modified().ok() == before.modified().ok())
            }
        }
    }
}

/// A range of the bytes.
pub(super) enum Range<'a> {
    Held(&'a [u8]),
    OnDisk(BufReader<Part<'a>>),
}

impl Read for Range<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Range::Held(bytes) => bytes.read(buffer),
            Range::OnDisk(reader) => reader.read(buffer),
        }
    }
}

impl BufRead for Range<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Range::Held(bytes) => Ok(bytes),
            Range::OnDisk(reader) => reader.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Range::Held(bytes) => bytes.consume(amount),
            Range::OnDisk(reader) => reader.consume(amount),
        }
    }
}

/// A range of a file that others read as well.
pub(super) struct Part<'a> {
    file: &'a Mutex<File>,
    at: u64,
    left: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(&mut buffer[..most])?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

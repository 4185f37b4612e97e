//! Where the articles of a training wait until all have come: in memory while they are few, then in a file without a name,
//! which the system removes when it is closed, however that comes.

use std::{
    io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _},
    path::Path,
};

use tempfile::SpooledTempFile;

use super::Item;

/// Bytes that are kept in memory before a file is made.
const IN_MEMORY: usize = 1 << 20;

/// Takes items.
pub(super) struct Spill(BufWriter<SpooledTempFile>);

impl Spill {
    /// An empty one, whose file would lie in a directory.
    pub(super) fn new(directory: &Path) -> Self {
        Self(BufWriter::new(SpooledTempFile::new_in(IN_MEMORY, directory)))
    }

    /// Puts an item behind the others.
    pub(super) fn push(&mut self, item: &Item) -> io::Result<()> {
        let bytes = postcard::to_stdvec(item).map_err(io::Error::other)?;
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.0.write_all(&length.to_le_bytes())?;
        self.0.write_all(&bytes)
    }

    /// All that was taken.
    pub(super) fn finish(self) -> io::Result<Spilled> {
        Ok(Spilled(self.0.into_inner().map_err(io::IntoInnerError::into_error)?))
    }
}

/// Holds items, to be read as often as is needed.
pub(super) struct Spilled(SpooledTempFile);

impl Spilled {
    /// The items in the order in which they came.
    pub(super) fn items(&mut self) -> io::Result<Items<'_>> {
        self.0.rewind()?;
        Ok(Items(BufReader::new(&mut self.0)))
    }
}

/// One item after the other.
pub(super) struct Items<'a>(BufReader<&'a mut SpooledTempFile>);

impl Items<'_> {
    fn read(&mut self) -> io::Result<Option<Item>> {
        let mut length = [0; 4];
        match self.0.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        self.0.read_exact(&mut bytes)?;
        postcard::from_bytes(&bytes).map(Some).map_err(io::Error::other)
    }
}

impl Iterator for Items<'_> {
    type Item = io::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

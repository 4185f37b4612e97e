//! Where answers go: standard output, a device or pipe, or a file that appears whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::records::Publication;

/// An open destination.
pub(super) enum Output {
    /// Standard output.
    Stdout(io::Stdout),
    /// A device or named pipe, which must not be replaced by a file.
    Special(File),
    /// A file.
    File(BufWriter<Publication>),
}

impl Output {
    /// Opens a destination; without a path, standard output.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Output::Stdout(io::stdout())) };
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(metadata) if !metadata.is_file() => Ok(Output::Special(File::options().write(true).open(path)?)),
            Ok(_) | Err(_) => Ok(Output::File(BufWriter::new(Publication::begin(path)?))),
        }
    }

    /// Writes all of it, and to anything but a file at once.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Output::Stdout(stdout) => {
                let mut stdout = stdout.lock();
                stdout.write_all(bytes)?;
                stdout.flush()
            }
            Output::Special(file) => file.write_all(bytes),
            Output::File(file) => file.write_all(bytes),
        }
    }

    /// Puts a file into its place.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Output::Stdout(_) | Output::Special(_) => Ok(()),
            Output::File(file) => file.into_inner().map_err(io::IntoInnerError::into_error)?.commit(),
        }
    }
}

/// A file that exists, by the one name that all its paths lead to; `None` for what is no regular file.
pub(super) fn identity(path: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    path.is_file().then_some(path)
}

//! Where answers go: standard output, a device or pipe, or a file that appears whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;

use super::CliError;
use crate::{
    records::{Input, Publication},
    shutdown,
};

/// The temporary file of this process, if it is writing one.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Begins a file that appears whole or not at all, also when a signal ends the process.
fn begin(target: &Path) -> io::Result<Publication> {
    shutdown::at_signal(remove_unfinished)?;
    // A signal that comes in between waits for the lock.
    let mut unfinished = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
    let publication = Publication::begin(target)?;
    *unfinished = Some(publication.temporary_path().to_owned());
    Ok(publication)
}

/// Opens what `--output` names for the one result of a command: before the work, so that a place that cannot be written to
/// is known before it.
pub(super) fn begin_result(target: &Path) -> Result<Output, CliError> {
    Output::open(Some(target)).map_err(|error| CliError::Usage(format!("--output {}: {error}", target.display())))
}

/// Writes the result and puts it into its place.
pub(super) fn publish(output: Output, target: &Path, bytes: &[u8]) -> Result<(), CliError> {
    publish_with(output, target, |writer| writer.write_all(bytes))
}

/// Puts the result into its place that something writes.
pub(super) fn publish_with(
    mut output: Output,
    target: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CliError> {
    let written = write(output.writer());
    let written = written.and_then(|()| output.finish());
    Ok(written.with_context(|| format!("--output {}", target.display()))?)
}

fn remove_unfinished() {
    if let Some(path) = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        // It is gone if the file was finished; nobody is left to tell of anything else.
        let _ = fs::remove_file(path);
    }
}

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
            Ok(_) | Err(_) => Ok(Output::File(BufWriter::new(begin(path)?))),
        }
    }

    /// The directory that the file goes to; `None` for what is no regular file.
    pub(super) fn directory(&self) -> Option<&Path> {
        match self {
            Output::Stdout(_) | Output::Special(_) => None,
            Output::File(file) => file.get_ref().temporary_path().parent(),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Output::Stdout(stdout) => stdout,
            Output::Special(file) => file,
            Output::File(file) => file,
        }
    }

    /// Writes all of it, and to anything but a file at once.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer().write_all(bytes)?;
        if let Output::Stdout(stdout) = self { stdout.flush() } else { Ok(()) }
    }

    /// Puts a file into its place.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Output::Stdout(mut stdout) => stdout.flush(),
            Output::Special(_) => Ok(()),
            Output::File(file) => file.into_inner().map_err(io::IntoInnerError::into_error)?.commit(),
        }
    }
}

/// Refuses to write a file that is read as well, by its name or from a directory. `flag` and `other` are what the two
/// were given by.
pub(super) fn differs(flag: &str, output: &Path, other: &str, input: &Path) -> Result<(), CliError> {
    let Some(identity) = identity(output) else { return Ok(()) };
    if self::identity(input).as_ref() == Some(&identity) {
        return Err(CliError::Usage(format!("{flag}: the file is also {other} {}", input.display())));
    }
    // In a directory, only files whose names tell a format are read.
    let is_walked = fs::canonicalize(input).is_ok_and(|input| input.is_dir() && identity.starts_with(input));
    if is_walked && Input::file(identity, None).is_ok() {
        return Err(CliError::Usage(format!("{flag}: the file is read from {other} {}", input.display())));
    }
    Ok(())
}

/// A file that exists, by the one name that all its paths lead to; `None` for what is no regular file.
pub(super) fn identity(path: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    path.is_file().then_some(path)
}

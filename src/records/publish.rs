//! A file that appears whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

/// A file being written beside its final place. Dropped without [`Publication::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Publication {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl Publication {
    /// Begins a file that is to stand at `target`, where a symbolic link is followed. The name of the temporary file
    /// begins with a dot, so that a walk over the directory passes over it.
    ///
    /// # Errors
    ///
    /// No file can be created in the directory.
    pub fn begin(target: &Path) -> io::Result<Self> {
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let mut builder = Builder::new();
        builder.prefix(".chuanda-");
        let permissions = fs::metadata(&target).ok().map(|metadata| metadata.permissions());
        if let Some(permissions) = permissions.or_else(usual_permissions) {
            builder.permissions(permissions);
        }
        let temporary = builder.tempfile_in(directory(&target))?;
        Ok(Self { temporary, target })
    }

    /// Where the file is until then: what a process that is stopped has to remove.
    #[must_use]
    pub fn temporary_path(&self) -> &Path {
        self.temporary.path()
    }

    /// Moves the file to its place, durably: file, then name.
    ///
    /// # Errors
    ///
    /// The file cannot be written out or moved; what stood at its place is untouched.
    pub fn commit(self) -> io::Result<()> {
        self.temporary.as_file().sync_all()?;
        let directory = directory(&self.target).to_owned();
        self.temporary.persist(&self.target)?;
        // Not every system lets a directory be opened and synced; the file is in place either way.
        if let Ok(directory) = File::open(directory) {
            let _ = directory.sync_all();
        }
        Ok(())
    }
}

impl Write for Publication {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

fn directory(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What a newly created file gets, before the process's mask is taken off; temporary files are private otherwise.
#[cfg(unix)]
fn usual_permissions() -> Option<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn usual_permissions() -> Option<fs::Permissions> {
    None
}

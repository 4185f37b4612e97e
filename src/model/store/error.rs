//! Why the store refused.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::{super::ModelError, Version};

/// Why the store refused. What was active before is active still, unless the system fails in a sync and then in taking
/// back what it did not sync.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A text that no version can be.
    #[error("not a version: 32 lower-case hexadecimal digits")]
    NotAVersion,
    /// The bytes that were to be published are no sound model.
    #[error("not published: {0}")]
    Unsound(#[source] ModelError),
    /// There is no file of this version: it was never published here, or is deleted.
    #[error("{}: there is no version {version}", directory.display())]
    NotFound {
        /// Of the store.
        directory: PathBuf,
        /// What was asked for.
        version: Version,
    },
    /// A file of the store cannot be loaded.
    #[error("{}: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: ModelError,
    },
    /// A sound model under a name that is not its version.
    #[error("{}: the file holds version {found}", path.display())]
    Misnamed {
        /// The file.
        path: PathBuf,
        /// The version of its content.
        found: String,
    },
    /// No version has been activated yet.
    #[error("{}: no version is active", directory.display())]
    NothingActive {
        /// Of the store.
        directory: PathBuf,
    },
    /// Nothing that still exists was active before the current version.
    #[error("{}: nothing to roll back to: no version that is still here was active before {current}", directory.display())]
    NothingBefore {
        /// Of the store.
        directory: PathBuf,
        /// The active version.
        current: Version,
    },
    /// Another version is active than the caller expected: somebody else was faster.
    #[error("expected {} to be active, and it is {}", Named(expected.as_ref()), Named(actual.as_ref()))]
    NotExpected {
        /// By the caller; `None` is "no version".
        expected: Option<Version>,
        /// The active version.
        actual: Option<Version>,
    },
    /// The active version cannot be deleted.
    #[error("version {version} is active and cannot be deleted")]
    IsActive {
        /// The version.
        version: Version,
    },
    /// A line of the activation log makes no sense, and it is not one that a crash cut off.
    #[error("{}:{line}: {reason}", path.display())]
    Log {
        /// Of the log.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A sidecar cannot be read.
    #[error("{}: {reason}", path.display())]
    Info {
        /// Of the sidecar.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A text of the caller is longer than the store keeps.
    #[error("{field} is {actual} bytes long, {maximum} are allowed")]
    TooLong {
        /// Which text.
        field: &'static str,
        /// Bytes.
        maximum: usize,
        /// Bytes.
        actual: usize,
    },
    /// The file system refused: permissions, a full disk, a directory that is not there.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was worked on.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A version, or that there is none.
struct Named<'a>(Option<&'a Version>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(version) => write!(f, "version {version}"),
            None => f.write_str("no version"),
        }
    }
}

/// What is wrong with JSON, without what stands there, as the library's own message may tell it at any length.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let kind = if error.is_data() { "not what is written here" } else { "not JSON" };
    format!("{kind}, from column {} of line {} on", error.column(), error.line())
}

/// Names the file that an error of the system is about.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { path: path.to_owned(), source }
}

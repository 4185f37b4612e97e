//! Which files are read, in which order, and how each is opened.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
    vec,
};

use super::{RecordError, lines::Stream};

/// Bytes asked of a file at a time.
const BUFFER: usize = 64 << 10;

/// How articles stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The whole file is one article.
    Text,
    /// One JSON object per line.
    Jsonl,
    /// A table with a header.
    Csv,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one or more members.
    Gzip,
    /// Zstandard, one or more frames.
    Zstd,
}

/// A path whose name does not tell its format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the format of {} cannot be told from its name: not .txt, .jsonl or .csv, perhaps with .gz or .zst", .0.display())]
pub struct UnknownFormat(
    /// The path.
    pub PathBuf,
);

/// One file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// `None` is standard input.
    path: Option<PathBuf>,
    name: Arc<str>,
    format: Format,
    compression: Compression,
}

impl Input {
    /// Standard input, not compressed.
    #[must_use]
    pub fn stdin(format: Format) -> Self {
        Self { path: None, name: "-".into(), format, compression: Compression::None }
    }

    /// A file. Its compression, and its format if none is given, are told by its name.
    ///
    /// # Errors
    ///
    /// No format is given and the name tells none.
    pub fn file(path: PathBuf, format: Option<Format>) -> Result<Self, UnknownFormat> {
        let (by_name, compression) = by_name(&path);
        let Some(format) = format.or(by_name) else { return Err(UnknownFormat(path)) };
        let name = path.to_string_lossy().into();
        Ok(Self { path: Some(path), name, format, compression })
    }

    /// The file's path, `None` for standard input.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The file as it was named, `-` for standard input.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    pub(super) fn stream(&self) -> io::Result<Stream> {
        let source: Box<dyn Read + Send> = match &self.path {
            None => Box::new(io::stdin()),
            Some(path) => Box::new(File::open(path)?),
        };
        let uncompressed: Box<dyn Read + Send> = match self.compression {
            Compression::None => source,
            Compression::Gzip => {
                Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, source)))
            }
            Compression::Zstd => Box::new(Unpacked(zstd::stream::read::Decoder::new(source)?)),
        };
        Ok(BufReader::with_capacity(BUFFER, uncompressed))
    }
}

/// What a zstd decoder reads. It tells of damage as an error of no kind, which would look like trouble with the device.
struct Unpacked<R>(R);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Other { io::Error::new(io::ErrorKind::InvalidData, error) } else { error }
        })
    }
}

/// Format and compression by the file's last one or two extensions, in any case of letters.
fn by_name(path: &Path) -> (Option<Format>, Compression) {
    let extension = |path: &Path| path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let compression = match extension(path).as_deref() {
        Some("gz") => Compression::Gzip,
        Some("zst") => Compression::Zstd,
        _ => Compression::None,
    };
    let inner = match compression {
        Compression::None => path.to_owned(),
        Compression::Gzip | Compression::Zstd => path.with_extension(""),
    };
    let format = match extension(&inner).as_deref() {
        Some("txt") => Some(Format::Text),
        Some("jsonl") => Some(Format::Jsonl),
        Some("csv") => Some(Format::Csv),
        _ => None,
    };
    (format, compression)
}

/// The files that a list of arguments stands for, in order.
///
/// `-` is standard input. A directory stands for the `.txt`, `.jsonl` and `.csv` files in it (each perhaps `.gz` or
/// `.zst`) and in the directories below it, in the order of their names' bytes. Names that begin with a dot are passed
/// over there, and symbolic links to directories are not followed, so that the walk always ends.
#[derive(Debug)]
pub struct Inputs {
    arguments: vec::IntoIter<PathBuf>,
    format: Option<Format>,
    /// What is still to be visited of the directory being walked, last first.
    found: Vec<PathBuf>,
}

impl Inputs {
    /// Checks the arguments. `format` overrides what the names of files tell, except inside directories; standard input
    /// is text without it.
    ///
    /// # Errors
    ///
    /// The first file whose format is neither given nor told by its name.
    pub fn new(arguments: Vec<PathBuf>, format: Option<Format>) -> Result<Self, UnknownFormat> {
        for path in &arguments {
            if path.as_os_str() != "-" && !path.is_dir() {
                Input::file(path.clone(), format)?;
            }
        }
        Ok(Self { arguments: arguments.into_iter(), format, found: Vec::new() })
    }

    /// Puts the entries of a directory that count on the stack.
    fn list(&mut self, directory: &Path) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().first() == Some(&b'.') {
                continue;
            }
            let path = entry.path();
            let kind = entry.file_type()?;
            let counts = kind.is_dir() || (by_name(&path).0.is_some() && !(kind.is_symlink() && path.is_dir()));
            if counts {
                entries.push((name, path));
            }
        }
        entries.sort_unstable_by(|a, b| b.0.as_encoded_bytes().cmp(a.0.as_encoded_bytes()));
        self.found.extend(entries.into_iter().map(|(_, path)| path));
        Ok(())
    }

    fn enter(&mut self, directory: &Path) -> Option<RecordError> {
        let error = self.list(directory).err()?;
        Some(RecordError { file: directory.to_string_lossy().into(), line: None, kind: error.into() })
    }
}

impl Iterator for Inputs {
    type Item = Result<Input, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (path, format) = match self.found.pop() {
                Some(path) => (path, None),
                None => (self.arguments.next()?, self.format),
            };
            if path.as_os_str() == "-" {
                return Some(Ok(Input::stdin(format.unwrap_or(Format::Text))));
            }
            if path.is_dir() {
                if let Some(error) = self.enter(&path) {
                    return Some(Err(error));
                }
                continue;
            }
            // A name without a format was refused at the start; only a directory that went away since can be one.
            if let Ok(input) = Input::file(path, format) {
                return Some(Ok(input));
            }
        }
    }
}

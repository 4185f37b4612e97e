//! The files of models and of counts: a header and one or two sections, each compressed, each with its own checksum.
//!
//! ```text
//! magic      8 bytes   "CHUANDA\n" for a model, "CHUANDC\n" for counts
//! format     u16       layout of this file
//! scheme     u16       how words become features (text::SCHEME)
//! serving    u64 length uncompressed, u64 length in the file, 32 bytes BLAKE3 of the uncompressed bytes
//! counts     the same
//! serving    zstd frame of postcard
//! counts     zstd frame of postcard
//! ```
//!
//! A file of counts has everything but the two lines of the serving section. Integers are little-endian. Compression is
//! a wrapper: the version of a model names the uncompressed bytes.

mod content;
mod pack;

use std::io::{self, BufRead, Read as _};

use serde::de::DeserializeOwned;

pub(super) use self::{
    content::Content,
    pack::{Packed, pack, write, write_to},
};
use super::ModelError;
use crate::text::SCHEME;

const MAGIC_LENGTH: usize = 8;

/// The layout this build writes and reads.
pub(super) const FORMAT: u16 = 1;

/// Magic, format and scheme.
const FIXED_HEADER: usize = MAGIC_LENGTH + 2 + 2;
const SECTION_HEADER: usize = 8 + 8 + 32;

/// No section is longer in memory, in bytes; a header that says more is damaged or forged.
const MAX_SECTION: [u64; 2] = [256 << 20, 4 << 30];

/// The window of a section is no larger, as a power of two of bytes: what unpacking takes, in each of several places at once.
const MAX_WINDOW_LOG: u32 = 23;

/// No section is more compressible than this, but for a fixed part: a small forged file does not make a long section. What it
/// is decoded to takes more: eight bytes for a number that is one there, twenty-four for an empty text.
const MAX_RATIO: u64 = 256;
const FIXED_PART: u64 = 1 << 20;

/// The two sections of a file, in the order they stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// All that answering needs.
    Serving,
    /// All that learning on needs.
    Counts,
}

impl std::fmt::Display for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Section::Serving => "serving section",
            Section::Counts => "counts section",
        })
    }
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Model,
    Counts,
}

impl Kind {
    fn magic(self) -> &'static [u8; MAGIC_LENGTH] {
        match self {
            Kind::Model => b"CHUANDA\n",
            Kind::Counts => b"CHUANDC\n",
        }
    }

    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        [Kind::Model, Kind::Counts].into_iter().find(|kind| bytes.starts_with(kind.magic()))
    }

    /// In the order they stand in.
    fn sections(self) -> &'static [Section] {
        match self {
            Kind::Model => &[Section::Serving, Section::Counts],
            Kind::Counts => &[Section::Counts],
        }
    }
}

/// A section as the header tells of it.
#[derive(Debug)]
struct Entry {
    section: Section,
    raw_length: u64,
    packed_length: u64,
    digest: [u8; 32],
}

/// The header of a file and where its sections lie.
#[derive(Debug)]
pub(super) struct Container<'a> {
    kind: Kind,
    entries: Vec<Entry>,
    content: Content<'a>,
}

/// Little-endian bytes from a position; `None` beyond the end.
fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Longest header.
const LONGEST_HEADER: usize = FIXED_HEADER + 2 * SECTION_HEADER;

impl<'a> Container<'a> {
    /// Reads the header of a file that is held.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ModelError> {
        Self::of(Content::Held(bytes.into()))
    }

    /// Reads the header of a file.
    pub(super) fn of(content: Content<'a>) -> Result<Self, ModelError> {
        let (mut bytes, actual) = (Vec::new(), content.length());
        content.range(0, LONGEST_HEADER as u64).read_to_end(&mut bytes).map_err(ModelError::Read)?;
        let kind = Kind::of(&bytes).ok_or(ModelError::NotAModel)?;
        let header = FIXED_HEADER + kind.sections().len() * SECTION_HEADER;
        let truncated = || ModelError::Truncated { expected: header as u64, actual };
        let number = |at| bytes_at(&bytes, at).map(u16::from_le_bytes).ok_or_else(truncated);
        let (format, scheme) = (number(MAGIC_LENGTH)?, number(MAGIC_LENGTH + 2)?);
        if format != FORMAT {
            return Err(ModelError::Format { found: format, supported: FORMAT });
        }
        if scheme != SCHEME {
            return Err(ModelError::Scheme { found: scheme, supported: SCHEME });
        }
        let entry = |(number, &section): (usize, &Section)| {
            let at = FIXED_HEADER + number * SECTION_HEADER;
            Some(Entry {
                section,
                raw_length: u64::from_le_bytes(bytes_at(&bytes, at)?),
                packed_length: u64::from_le_bytes(bytes_at(&bytes, at + 8)?),
                digest: bytes_at(&bytes, at + 16)?,
            })
        };
        let entries: Option<Vec<Entry>> = kind.sections().iter().enumerate().map(entry).collect();
        let entries = entries.ok_or_else(truncated)?;
        let lengths = entries.iter().try_fold(header as u64, |sum, entry| sum.checked_add(entry.packed_length));
        let expected = lengths.unwrap_or(u64::MAX);
        match actual.cmp(&expected) {
            std::cmp::Ordering::Less => Err(ModelError::Truncated { expected, actual }),
            std::cmp::Ordering::Greater => Err(ModelError::TrailingBytes { expected, actual }),
            std::cmp::Ordering::Equal => Ok(Container { kind, entries, content }),
        }
    }

    /// What the file is.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Content address of the file: 32 hexadecimal digits of BLAKE3 over scheme and sections.
    pub(super) fn version(&self) -> String {
        version(self.entries.iter().map(|entry| &entry.digest))
    }

    /// The checksum of a section; `None` if the file has no such section.
    pub(super) fn digest(&self, section: Section) -> Option<[u8; 32]> {
        self.entries.iter().find(|entry| entry.section == section).map(|entry| entry.digest)
    }

    /// What a section says of itself, and its bytes as they are unpacked: one more than it says, if there are more.
    fn unpack(&self, section: Section) -> Result<(&Entry, impl io::Read), ModelError> {
        let Some(number) = self.entries.iter().position(|entry| entry.section == section) else {
            return Err(ModelError::OnlyCounts);
        };
        let entry = &self.entries[number];
        let plausible = entry.packed_length.saturating_mul(MAX_RATIO).saturating_add(FIXED_PART);
        if entry.raw_length > MAX_SECTION[section as usize].min(plausible) {
            return Err(ModelError::TooLarge { section, actual: entry.raw_length });
        }
        // `of` made sure that the lengths add up to the length of the file.
        let header = FIXED_HEADER + self.entries.len() * SECTION_HEADER;
        let first = header as u64 + self.entries[..number].iter().map(|e| e.packed_length).sum::<u64>();
        let packed = self.content.range(first, entry.packed_length);
        let mut decoder = zstd::Decoder::with_buffer(packed).map_err(|error| unread(error, section))?;
        decoder.window_log_max(MAX_WINDOW_LOG).map_err(|error| unread(error, section))?;
        Ok((entry, decoder.take(entry.raw_length + 1)))
    }

    /// Unpacks, verifies and decodes a section.
    pub(super) fn section<T: DeserializeOwned>(&self, section: Section) -> Result<T, ModelError> {
        let (entry, mut unpacked) = self.unpack(section)?;
        // Room for all of it at once: growing would take twice the memory.
        let mut raw = Vec::new();
        let too_large = |_| ModelError::TooLarge { section, actual: entry.raw_length };
        raw.try_reserve_exact(entry.raw_length as usize).map_err(too_large)?;
        unpacked.read_to_end(&mut raw).map_err(|error| unread(error, section))?;
        if raw.len() as u64 != entry.raw_length || blake3::hash(&raw) != entry.digest {
            return Err(ModelError::Damaged { section });
        }
        match postcard::take_from_bytes(&raw) {
            Ok((value, [])) => Ok(value),
            Ok(_) => Err(ModelError::malformed(section, "bytes left over")),
            Err(error) => Err(ModelError::malformed(section, &error)),
        }
    }

    /// Verifies a section in little memory.
    pub(super) fn verify(&self, section: Section) -> Result<(), ModelError> {
        self.verified(section, |_| Ok(()))
    }

    /// Verifies a section in little memory, and gives what `read` makes of its bytes; if that is an error, it is told only of
    /// a section that is not damaged.
    pub(super) fn verified<T>(
        &self,
        section: Section,
        read: impl FnOnce(&mut dyn BufRead) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let (entry, unpacked) = self.unpack(section)?;
        let mut unpacked = io::BufReader::with_capacity(BUFFER, Measuring { unpacked, measured: Measured::default() });
        let made = read(&mut unpacked);
        io::copy(&mut unpacked, &mut io::sink()).map_err(|error| unread(error, section))?;
        let Measuring { measured, .. } = unpacked.into_inner();
        if measured.length != entry.raw_length || measured.hasher.finalize() != entry.digest {
            return Err(ModelError::Damaged { section });
        }
        made
    }

    /// The bytes of a section, which was verified, from one of them on.
    pub(super) fn read_from(&self, section: Section, at: u64) -> Result<impl BufRead, ModelError> {
        let (_, unpacked) = self.unpack(section)?;
        let mut unpacked = io::BufReader::with_capacity(BUFFER, unpacked);
        io::copy(&mut unpacked.by_ref().take(at), &mut io::sink()).map_err(|error| unread(error, section))?;
        Ok(unpacked)
    }

    /// Whether the file is the one that was opened, as far as can be told.
    pub(super) fn is_unchanged(&self) -> bool {
        self.content.is_unchanged()
    }
}

/// Bytes that are unpacked at a time.
const BUFFER: usize = 1 << 16;

/// Why bytes of a section could not be read: what the system says, or that they cannot be unpacked.
pub(super) fn unread(error: io::Error, section: Section) -> ModelError {
    if error.raw_os_error().is_some() { ModelError::Read(error) } else { ModelError::Damaged { section } }
}

/// What is read is measured.
struct Measuring<R> {
    unpacked: R,
    measured: Measured,
}

impl<R: io::Read> io::Read for Measuring<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpacked.read(buffer)?;
        self.measured.length += read as u64;
        self.measured.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

fn version<'a>(digests: impl Iterator<Item = &'a [u8; 32]>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&SCHEME.to_le_bytes());
    digests.for_each(|digest| {
        hasher.update(digest);
    });
    let hex = hasher.finalize().to_hex();
    hex.as_str()[..32].to_owned()
}

/// Length and checksum of what is written to it.
#[derive(Default)]
struct Measured {
    length: u64,
    hasher: blake3::Hasher,
}

impl io::Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length += bytes.len() as u64;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

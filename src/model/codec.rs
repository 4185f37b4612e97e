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

use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};

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

/// No section is more compressible than this, but for a fixed part. Keeps a small forged file from filling memory.
const MAX_RATIO: u64 = 256;
const FIXED_PART: u64 = 1 << 20;

const COMPRESSION_LEVEL: i32 = 12;

/// A section up to this length, in bytes, is encoded before it is compressed; a longer one is compressed as it is encoded,
/// into a file if there is a place for one, so that it is never in memory as a whole.
const IN_ONE_GO: u64 = 64 << 20;

/// How hard such a long one is compressed: what the embedded model gains by more is not worth minutes.
const LEVEL_OF_LONG: i32 = 3;

/// Bytes that are handed over at a time while a section is encoded.
const BUFFER: usize = 1 << 16;

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
struct Entry {
    section: Section,
    raw_length: u64,
    packed_length: u64,
    digest: [u8; 32],
}

/// The header of a file and where its sections lie.
pub(super) struct Container<'a> {
    entries: Vec<Entry>,
    bytes: &'a [u8],
}

/// Little-endian bytes from a position; `None` beyond the end.
fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Longest header.
pub(super) const LONGEST_HEADER: usize = FIXED_HEADER + 2 * SECTION_HEADER;

/// How many bytes of a model file come before its counts, by its header; of anything else, and of what is damaged, some
/// number.
pub(super) fn length_without_counts(header: &[u8]) -> u64 {
    let length = bytes_at(header, FIXED_HEADER + 8).map_or(0, u64::from_le_bytes);
    length.saturating_add(LONGEST_HEADER as u64)
}

impl<'a> Container<'a> {
    /// Reads the header of a whole file.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ModelError> {
        Self::open_front(bytes, bytes.len() as u64)
    }

    /// Reads the header of a file of some length, of which these are the first bytes. A section that is not among them counts
    /// as damaged.
    pub(super) fn open_front(bytes: &'a [u8], actual: u64) -> Result<Self, ModelError> {
        let kind = Kind::of(bytes).ok_or(ModelError::NotAModel)?;
        let header = FIXED_HEADER + kind.sections().len() * SECTION_HEADER;
        let truncated = || ModelError::Truncated { expected: header as u64, actual };
        let number = |at| bytes_at(bytes, at).map(u16::from_le_bytes).ok_or_else(truncated);
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
                raw_length: u64::from_le_bytes(bytes_at(bytes, at)?),
                packed_length: u64::from_le_bytes(bytes_at(bytes, at + 8)?),
                digest: bytes_at(bytes, at + 16)?,
            })
        };
        let entries: Option<Vec<Entry>> = kind.sections().iter().enumerate().map(entry).collect();
        let entries = entries.ok_or_else(truncated)?;
        let lengths = entries.iter().try_fold(header as u64, |sum, entry| sum.checked_add(entry.packed_length));
        let expected = lengths.unwrap_or(u64::MAX);
        match actual.cmp(&expected) {
            std::cmp::Ordering::Less => Err(ModelError::Truncated { expected, actual }),
            std::cmp::Ordering::Greater => Err(ModelError::TrailingBytes { expected, actual }),
            std::cmp::Ordering::Equal => Ok(Container { entries, bytes }),
        }
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
        // `open` made sure that the lengths add up to the length of the file.
        let header = FIXED_HEADER + self.entries.len() * SECTION_HEADER;
        let first = header + self.entries[..number].iter().map(|e| e.packed_length as usize).sum::<usize>();
        let packed = self.bytes.get(first..first + entry.packed_length as usize).unwrap_or_default();
        let decoder = zstd::Decoder::with_buffer(packed).map_err(|_| ModelError::Damaged { section })?;
        Ok((entry, decoder.take(entry.raw_length + 1)))
    }

    /// Unpacks, verifies and decodes a section.
    pub(super) fn section<T: DeserializeOwned>(&self, section: Section) -> Result<T, ModelError> {
        let (entry, mut unpacked) = self.unpack(section)?;
        let mut raw = Vec::new();
        let read = unpacked.read_to_end(&mut raw);
        if read.is_err() || raw.len() as u64 != entry.raw_length || blake3::hash(&raw) != entry.digest {
            return Err(ModelError::Damaged { section });
        }
        match postcard::take_from_bytes(&raw) {
            Ok((value, [])) => Ok(value),
            Ok(_) => Err(ModelError::Malformed { section, reason: "bytes left over".to_owned() }),
            Err(error) => Err(ModelError::Malformed { section, reason: error.to_string() }),
        }
    }

    /// Verifies a section in little memory.
    pub(super) fn verify(&self, section: Section) -> Result<(), ModelError> {
        let (entry, mut unpacked) = self.unpack(section)?;
        let mut measured = Measured::default();
        let read = io::copy(&mut unpacked, &mut measured);
        if read.is_err() || measured.length != entry.raw_length || measured.hasher.finalize() != entry.digest {
            return Err(ModelError::Damaged { section });
        }
        Ok(())
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

/// A section as it stands in a file.
#[derive(Debug)]
pub(super) struct Packed {
    raw_length: u64,
    pub(super) digest: [u8; 32],
    bytes: Waiting,
}

/// Bytes that wait to be written.
#[derive(Debug)]
enum Waiting {
    InMemory(Vec<u8>),
    /// In a file without a name, which the system removes when it is closed.
    InFile {
        file: File,
        length: u64,
    },
}

impl Waiting {
    fn length(&self) -> u64 {
        match self {
            Waiting::InMemory(bytes) => bytes.len() as u64,
            Waiting::InFile { length, .. } => *length,
        }
    }

    /// Puts them behind others.
    fn append_to(self, all: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Waiting::InMemory(bytes) => all.extend(bytes),
            Waiting::InFile { mut file, length } => {
                file.rewind()?;
                if file.take(length).read_to_end(all)? as u64 != length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        Ok(())
    }
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

/// Notes why nothing more can be written, which the encoder does not tell.
struct Noting<'a, W> {
    writer: &'a mut W,
    failed: &'a mut Option<io::Error>,
}

impl<W: io::Write> io::Write for Noting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes).map_err(|error| {
            let kind = error.kind();
            *self.failed = Some(error);
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes the canonical bytes of a section, and gives the writer back.
fn encode<W: io::Write>(value: &impl Serialize, mut writer: W, section: Section) -> Result<W, ModelError> {
    let mut failed = None;
    let noting = Noting { writer: &mut writer, failed: &mut failed };
    let written = postcard::to_io(value, io::BufWriter::with_capacity(BUFFER, noting));
    let written = written.map(|buffer| buffer.into_inner().is_ok());
    match (failed, written) {
        (Some(error), _) => Err(ModelError::Scratch(error)),
        (None, Ok(_)) => Ok(writer),
        (None, Err(error)) => Err(ModelError::malformed(section, &error)),
    }
}

fn measure(value: &impl Serialize, section: Section) -> Result<Measured, ModelError> {
    encode(value, Measured::default(), section)
}

/// The checksum of a section's canonical bytes.
pub(super) fn digest(value: &impl Serialize, section: Section) -> Result<[u8; 32], ModelError> {
    Ok(*measure(value, section)?.hasher.finalize().as_bytes())
}

/// Packs a section. A long one waits in a file in the directory, if there is one.
pub(super) fn pack(value: &impl Serialize, section: Section, directory: Option<&Path>) -> Result<Packed, ModelError> {
    pack_with(value, section, directory, IN_ONE_GO)
}

fn pack_with(
    value: &impl Serialize,
    section: Section,
    directory: Option<&Path>,
    in_one_go: u64,
) -> Result<Packed, ModelError> {
    let Measured { length: raw_length, hasher } = measure(value, section)?;
    if raw_length > MAX_SECTION[section as usize] {
        return Err(ModelError::TooLarge { section, actual: raw_length });
    }
    let bytes = if raw_length <= in_one_go {
        let raw = encode(value, Vec::with_capacity(raw_length as usize), section)?;
        let packed = zstd::bulk::compress(&raw, COMPRESSION_LEVEL);
        Waiting::InMemory(packed.map_err(|error| ModelError::malformed(section, &error))?)
    } else if let Some(directory) = directory {
        let file = tempfile::tempfile_in(directory).map_err(ModelError::Scratch)?;
        let mut file = compress(value, section, raw_length, file)?;
        let length = file.stream_position().map_err(ModelError::Scratch)?;
        Waiting::InFile { file, length }
    } else {
        Waiting::InMemory(compress(value, section, raw_length, Vec::new())?)
    };
    Ok(Packed { raw_length, digest: *hasher.finalize().as_bytes(), bytes })
}

/// Compresses a section as it is encoded.
fn compress<W: io::Write>(
    value: &impl Serialize,
    section: Section,
    raw_length: u64,
    writer: W,
) -> Result<W, ModelError> {
    let mut encoder = zstd::Encoder::new(writer, LEVEL_OF_LONG).map_err(ModelError::Scratch)?;
    encoder.set_pledged_src_size(Some(raw_length)).map_err(ModelError::Scratch)?;
    encode(value, encoder, section)?.finish().map_err(ModelError::Scratch)
}

/// A file from its sections in the order of its kind, and its version.
pub(super) fn write(kind: Kind, sections: Vec<Packed>) -> Result<(Vec<u8>, String), ModelError> {
    let version = version(sections.iter().map(|section| &section.digest));
    let mut header = kind.magic().to_vec();
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&SCHEME.to_le_bytes());
    for section in &sections {
        header.extend_from_slice(&section.raw_length.to_le_bytes());
        header.extend_from_slice(&section.bytes.length().to_le_bytes());
        header.extend_from_slice(&section.digest);
    }
    let length = header.len() as u64 + sections.iter().map(|section| section.bytes.length()).sum::<u64>();
    let mut bytes = Vec::with_capacity(length as usize);
    bytes.append(&mut header);
    for section in sections {
        section.bytes.append_to(&mut bytes).map_err(ModelError::Scratch)?;
    }
    Ok((bytes, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Read back, what was compressed piece by piece is what was compressed in one go.
    #[test]
    fn long_sections_are_packed_piece_by_piece() {
        let value: Vec<u64> = (0..100_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 64)).collect();
        let directory = tempfile::tempdir().unwrap();
        let ways = [(u64::MAX, None), (0, None), (0, Some(directory.path())), (u64::MAX, Some(directory.path()))];
        let files = ways.map(|(in_one_go, directory)| {
            let packed = pack_with(&value, Section::Counts, directory, in_one_go).unwrap();
            let (bytes, version) = write(Kind::Counts, vec![packed]).unwrap();
            let read: Vec<u64> = Container::open(&bytes).unwrap().section(Section::Counts).unwrap();
            assert_eq!(read, value);
            (bytes, version)
        });
        let [(whole, version), pieces, from_file, few] = files;
        assert_eq!((&pieces.1, &few), (&version, &(whole, version.clone())));
        assert_eq!(pieces, from_file);
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        let nowhere = pack_with(&value, Section::Counts, Some(&directory.path().join("none")), 0);
        assert!(matches!(nowhere, Err(ModelError::Scratch(_))));
    }
}

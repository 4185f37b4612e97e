//! The writing half: sections encoded, measured and compressed, a long one piece by piece.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    path::Path,
};

use serde::Serialize;

use super::{FORMAT, Kind, MAX_SECTION, Measured, Section, version};
use crate::{model::ModelError, text::SCHEME};

const COMPRESSION_LEVEL: i32 = 12;

/// A section up to this length, in bytes, is encoded before it is compressed; a longer one is compressed as it is encoded,
/// into a file if there is a place for one, so that it is never in memory as a whole.
const IN_ONE_GO: u64 = 64 << 20;

/// How hard such a long one is compressed: what the embedded model gains by more is not worth minutes.
const LEVEL_OF_LONG: i32 = 3;

/// Bytes that are handed over at a time while a section is encoded.
const BUFFER: usize = 1 << 16;

/// A section as it stands in a file.
#[derive(Debug)]
pub(in crate::model) struct Packed {
    raw_length: u64,
    pub(in crate::model) digest: [u8; 32],
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
pub(in crate::model) fn digest(value: &impl Serialize, section: Section) -> Result<[u8; 32], ModelError> {
    Ok(*measure(value, section)?.hasher.finalize().as_bytes())
}

/// Packs a section. A long one waits in a file in the directory, if there is one.
pub(in crate::model) fn pack(
    value: &impl Serialize,
    section: Section,
    directory: Option<&Path>,
) -> Result<Packed, ModelError> {
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
pub(in crate::model) fn write(kind: Kind, sections: Vec<Packed>) -> Result<(Vec<u8>, String), ModelError> {
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
    use super::{super::Container, *};

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

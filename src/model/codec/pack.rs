//! The writing half: sections encoded, measured and compressed piece by piece.

use std::{
    io::{self, Read as _, Seek as _},
    path::Path,
};

use serde::Serialize;
use tempfile::SpooledTempFile;

use super::{BUFFER, FORMAT, Kind, LONGEST_HEADER, MAX_SECTION, Measured, Section, version};
use crate::{model::ModelError, text::SCHEME};

/// Much of a section is hashes, which do not compress: level 12 takes thirty times as long for a file that is smaller by a
/// fifteenth.
const COMPRESSION_LEVEL: i32 = 1;

/// A compressed section up to this length, in bytes, waits in memory; a longer one in a file, if there is a place for one.
const IN_MEMORY: usize = 32 << 20;

/// A section as it stands in a file.
#[derive(Debug)]
pub(in crate::model) struct Packed {
    raw_length: u64,
    pub(in crate::model) digest: [u8; 32],
    length: u64,
    /// The file, if it is one, has no name: the system removes it when it is closed.
    bytes: SpooledTempFile,
}

/// Notes why nothing more can be written, which the encoder does not tell.
struct Noting<'a, W> {
    writer: &'a mut W,
    failed: &'a mut Option<io::Error>,
}

impl<W> Noting<'_, W> {
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            *self.failed = Some(error);
            kind.into()
        })
    }
}

impl<W: io::Write> io::Write for Noting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.writer.flush();
        self.note(flushed)
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

/// What measures and compresses at once.
struct Both<W: io::Write> {
    measured: Measured,
    encoder: zstd::Encoder<'static, W>,
}

impl<W: io::Write> io::Write for Both<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.encoder.write(bytes)?;
        self.measured.write(&bytes[..written])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush()
    }
}

/// Packs a section. A long one waits in a file in the directory, if there is one.
pub(in crate::model) fn pack(
    value: &impl Serialize,
    section: Section,
    directory: Option<&Path>,
) -> Result<Packed, ModelError> {
    let spool = match directory {
        Some(directory) => tempfile::spooled_tempfile_in(IN_MEMORY, directory),
        None => tempfile::spooled_tempfile(usize::MAX),
    };
    pack_into(value, section, spool)
}

fn pack_into(value: &impl Serialize, section: Section, spool: SpooledTempFile) -> Result<Packed, ModelError> {
    let encoder = zstd::Encoder::new(spool, COMPRESSION_LEVEL).map_err(ModelError::Scratch)?;
    let Both { measured, encoder } = encode(value, Both { measured: Measured::default(), encoder }, section)?;
    if measured.length > MAX_SECTION[section as usize] {
        return Err(ModelError::TooLarge { section, actual: measured.length });
    }
    let mut bytes = encoder.finish().map_err(ModelError::Scratch)?;
    let length = bytes.stream_position().map_err(ModelError::Scratch)?;
    Ok(Packed { raw_length: measured.length, digest: *measured.hasher.finalize().as_bytes(), length, bytes })
}

/// A file from its sections in the order of its kind, and its version.
pub(in crate::model) fn write(kind: Kind, sections: Vec<Packed>) -> Result<(Vec<u8>, String), ModelError> {
    let version = version(sections.iter().map(|section| &section.digest));
    let length = LONGEST_HEADER as u64 + sections.iter().map(|section| section.length).sum::<u64>();
    let mut bytes = Vec::with_capacity(length as usize);
    write_to(kind, sections, &mut bytes).map_err(ModelError::Scratch)?;
    Ok((bytes, version))
}

/// Writes a file of sections in the order of its kind. It is an error also if where they wait they cannot be read.
pub(in crate::model) fn write_to(kind: Kind, sections: Vec<Packed>, writer: &mut dyn io::Write) -> io::Result<()> {
    let mut header = kind.magic().to_vec();
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&SCHEME.to_le_bytes());
    for section in &sections {
        header.extend_from_slice(&section.raw_length.to_le_bytes());
        header.extend_from_slice(&section.length.to_le_bytes());
        header.extend_from_slice(&section.digest);
    }
    writer.write_all(&header)?;
    for mut section in sections {
        section.bytes.rewind()?;
        if io::copy(&mut section.bytes.take(section.length), writer)? != section.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::Container, *};

    /// Wherever it waits, a section is the same, and nothing of it stays behind.
    #[test]
    fn sections_wait_in_memory_or_in_a_file() {
        let value: Vec<u64> = (0..100_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 64)).collect();
        let directory = tempfile::tempdir().unwrap();
        let files = [usize::MAX, 1000].map(|in_memory| {
            let spool = tempfile::spooled_tempfile_in(in_memory, directory.path());
            let packed = pack_into(&value, Section::Counts, spool).unwrap();
            assert_eq!(packed.bytes.is_rolled(), in_memory == 1000);
            assert_eq!(packed.digest, *blake3::hash(&postcard::to_stdvec(&value).unwrap()).as_bytes());
            let (bytes, version) = write(Kind::Counts, vec![packed]).unwrap();
            let read: Vec<u64> = Container::open(&bytes).unwrap().section(Section::Counts).unwrap();
            assert_eq!(read, value);
            (bytes, version)
        });
        assert_eq!(files[0], files[1]);
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        let nowhere = tempfile::spooled_tempfile_in(1000, directory.path().join("none"));
        assert!(matches!(pack_into(&value, Section::Counts, nowhere), Err(ModelError::Scratch(_))));
    }
}

//! Lines of a stream, one at a time, each no longer than a limit.

use std::io::{self, BufRead, BufReader, Read};

use super::MAX_RECORD_BYTES;

/// The bytes of a file or of standard input, uncompressed.
pub(super) type Stream = BufReader<Box<dyn Read + Send>>;

/// What stood on a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// The line without its end.
    Bytes(&'a [u8]),
    /// More than [`MAX_RECORD_BYTES`]; passed over.
    TooLong,
}

/// Reads lines that end in LF or CRLF; the last may lack its end.
pub(super) struct Lines {
    stream: Stream,
    buffer: Vec<u8>,
    /// Lines begun so far: the number of the line read last, from 1.
    pub(super) number: u64,
}

impl Lines {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, buffer: Vec::new(), number: 0 }
    }

    /// The next line, `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        // One huge line must not hold its memory for the rest of a long run.
        if self.buffer.capacity() > 1 << 20 {
            self.buffer = Vec::new();
        }
        self.buffer.clear();
        let mut too_long = false;
        let mut begun = false;
        loop {
            let available = match self.stream.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() && !begun {
                return Ok(None);
            }
            if !begun {
                begun = true;
                self.number = self.number.saturating_add(1);
            }
            let end = memchr::memchr(b'\n', available);
            let piece = end.map_or(available, |end| available.split_at(end).0);
            // Two bytes more than the limit leave room for CR and show that the limit was passed.
            too_long |= self.buffer.len() + piece.len() > MAX_RECORD_BYTES + 1;
            if too_long {
                self.buffer = Vec::new();
            } else {
                self.buffer.extend_from_slice(piece);
            }
            let (used, done) = (piece.len() + usize::from(end.is_some()), end.is_some() || available.is_empty());
            self.stream.consume(used);
            if done {
                break;
            }
        }
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        if too_long || self.buffer.len() > MAX_RECORD_BYTES {
            return Ok(Some(Line::TooLong));
        }
        let bytes = self.buffer.as_slice();
        let bytes = if self.number == 1 { without_mark(bytes) } else { bytes };
        Ok(Some(Line::Bytes(bytes)))
    }

    /// Whether asking for the next line may have to wait for whoever writes the stream.
    pub(super) fn may_wait(&self) -> bool {
        self.stream.buffer().is_empty()
    }
}

/// Bytes without a UTF-8 byte-order mark at their start.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], expect: &[&[u8]]) {
        // A stream that gives one byte at a time crosses every boundary there is.
        for capacity in [1, 2, 3, 64] {
            let stream: Box<dyn Read + Send> = Box::new(io::Cursor::new(input.to_vec()));
            let mut lines = Lines::new(BufReader::with_capacity(capacity, stream));
            let mut found = Vec::new();
            while let Some(line) = lines.next().unwrap() {
                found.push(match line {
                    Line::Bytes(bytes) => bytes.to_vec(),
                    Line::TooLong => b"too long".to_vec(),
                });
            }
            assert_eq!(found, expect, "capacity {capacity}");
            assert_eq!(lines.number, expect.len() as u64);
        }
    }

    #[test]
    fn lines_end_in_lf_or_crlf_or_with_the_stream() {
        check(b"", &[]);
        check(b"\n", &[b""]);
        check(b"a", &[b"a"]);
        check(b"a\n", &[b"a"]);
        check(b"a\r\n\r\nb\rc\r\n", &[b"a", b"", b"b\rc"]);
        check(b"\xEF\xBB\xBFa\n\xEF\xBB\xBFb", &[b"a", b"\xEF\xBB\xBFb"]);
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over() {
        for (length, fits) in [(MAX_RECORD_BYTES, true), (MAX_RECORD_BYTES + 1, false), (MAX_RECORD_BYTES + 2, false)] {
            let mut input = vec![b'x'; length];
            input.extend_from_slice(b"\r\nnext\n");
            let stream: Box<dyn Read + Send> = Box::new(io::Cursor::new(input));
            let mut lines = Lines::new(BufReader::new(stream));
            assert_eq!(matches!(lines.next().unwrap(), Some(Line::Bytes(_))), fits, "{length}");
            assert_eq!(lines.next().unwrap(), Some(Line::Bytes(b"next".as_slice())));
            assert_eq!(lines.number, 2);
        }
    }
}

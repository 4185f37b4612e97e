//! Byte offsets become offsets in the unit the caller counts in.

use std::str::FromStr;

/// The unit in which offsets are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffsetEncoding {
    /// Bytes of the UTF-8 form.
    #[default]
    Utf8Bytes,
    /// UTF-16 code units.
    Utf16CodeUnits,
    /// Unicode code points.
    CodePoints,
}

impl OffsetEncoding {
    /// Name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OffsetEncoding::Utf8Bytes => "utf8_bytes",
            OffsetEncoding::Utf16CodeUnits => "utf16_code_units",
            OffsetEncoding::CodePoints => "code_points",
        }
    }
}

impl FromStr for OffsetEncoding {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let all = [OffsetEncoding::Utf8Bytes, OffsetEncoding::Utf16CodeUnits, OffsetEncoding::CodePoints];
        all.into_iter().find(|encoding| encoding.name() == name).ok_or_else(|| {
            format!("{name:?} is no offset encoding; one of {}", all.map(OffsetEncoding::name).join(", "))
        })
    }
}

/// Turns every byte offset of `offsets` into the unit of `encoding`, in one pass over `string`. An offset beyond the
/// end counts as the end.
pub(super) fn convert(string: &str, encoding: OffsetEncoding, mut offsets: Vec<&mut usize>) {
    let width: fn(char) -> usize = match encoding {
        OffsetEncoding::Utf8Bytes => return,
        OffsetEncoding::Utf16CodeUnits => char::len_utf16,
        OffsetEncoding::CodePoints => |_| 1,
    };
    offsets.sort_unstable_by_key(|offset| **offset);
    let mut waiting = offsets.into_iter().peekable();
    let mut units = 0;
    for (at, character) in string.char_indices() {
        while let Some(offset) = waiting.next_if(|offset| **offset <= at) {
            *offset = units;
        }
        if waiting.peek().is_none() {
            return;
        }
        units += width(character);
    }
    for offset in waiting {
        *offset = units;
    }
}

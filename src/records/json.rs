//! One line of JSONL becomes [`Fields`].

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{
    Fields, RecordErrorKind,
    fields::{MAX_FIELDS, Value},
};

/// Reads a JSON object. Only its own keys are looked into; values stay as they are written.
pub(super) fn parse(line: &[u8]) -> Result<Fields, RecordErrorKind> {
    let line = std::str::from_utf8(line).map_err(|error| RecordErrorKind::NotUtf8 { byte: error.valid_up_to() })?;
    let fields: Fields = serde_json::from_str(line).map_err(|error| {
        // The library's own message can quote the value; category and column cannot.
        if error.is_data() { RecordErrorKind::NotAnObject } else { RecordErrorKind::NotJson { column: error.column() } }
    })?;
    if fields.0.len() > MAX_FIELDS { Err(RecordErrorKind::TooManyFields { maximum: MAX_FIELDS }) } else { Ok(fields) }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while fields.len() <= MAX_FIELDS
            && let Some(name) = map.next_key()?
        {
            fields.push((name, Value::Json(map.next_value()?)));
        }
        // One more than may be is enough to tell; the others are not kept.
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Fields(fields))
    }
}

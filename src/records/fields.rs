//! The named fields of a record, in the order of the file; those nobody asked for can be given back unchanged.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::RecordErrorKind;

/// One value as the file has it.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A cell of a table.
    Cell(String),
    /// JSON exactly as it was written, so that long numbers and repeated keys come back as they were.
    Json(Box<RawValue>),
}

/// The most fields that a record may have: many times what one has, and so few that a record of names alone takes no more
/// memory than one of text.
pub(super) const MAX_FIELDS: usize = 4096;

/// Fields of a record in the order of the file. Serialises as a map.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub(super) Vec<(String, Value)>);

impl Fields {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that they take in memory, about.
    pub(super) fn size(&self) -> usize {
        let value = |value: &Value| match value {
            Value::Cell(cell) => cell.len(),
            Value::Json(json) => json.get().len(),
        };
        self.0.iter().map(|(name, own)| size_of::<(String, Value)>() + name.len() + value(own)).sum()
    }

    /// Takes a string out. A field that is missing, `null` or empty is `None`.
    ///
    /// # Errors
    ///
    /// The field is not a string or stands twice.
    pub(super) fn take(&mut self, field: &'static str) -> Result<Option<String>, RecordErrorKind> {
        Ok(self.take_any(field)?.filter(|value| !value.is_empty()))
    }

    /// As [`Fields::take`], where an empty string is a value, and none is an error.
    pub(super) fn take_required(&mut self, field: &'static str) -> Result<String, RecordErrorKind> {
        self.take_any(field)?.ok_or(RecordErrorKind::Missing { field })
    }

    fn take_any(&mut self, field: &'static str) -> Result<Option<String>, RecordErrorKind> {
        let Some(index) = self.0.iter().position(|(name, _)| name == field) else { return Ok(None) };
        let (_, value) = self.0.remove(index);
        if self.0.iter().any(|(name, _)| name == field) {
            return Err(RecordErrorKind::Repeated { field });
        }
        let json = match value {
            Value::Cell(cell) => return Ok(Some(cell)),
            Value::Json(json) => json,
        };
        let found = match json.get().as_bytes().first() {
            Some(b'"') => {
                return serde_json::from_str(json.get())
                    .map(Some)
                    .map_err(|_| RecordErrorKind::NotACharacter { field });
            }
            Some(b'n') => return Ok(None),
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "a boolean",
            _ => "a number",
        };
        Err(RecordErrorKind::NotAString { field, found })
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            match value {
                Value::Cell(cell) => map.serialize_entry(name, cell)?,
                Value::Json(json) => map.serialize_entry(name, json)?,
            }
        }
        map.end()
    }
}

//! The name of a version.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::StoreError;

/// Digits of a version.
const DIGITS: usize = 32;

/// The content address of a model: 32 lower-case hexadecimal digits, and so safe as the name of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Version(String);

impl Version {
    /// Checks a version.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAVersion`].
    pub fn new(text: &str) -> Result<Self, StoreError> {
        let is_digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if text.len() == DIGITS && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(StoreError::NotAVersion)
        }
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Version {
    type Error = StoreError;

    fn try_from(text: String) -> Result<Self, StoreError> {
        Self::new(&text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

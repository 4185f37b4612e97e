//! Why a model file is refused.

use super::Section;

/// Why a model file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It does not begin as model files do.
    #[error("not a chuanda model file")]
    NotAModel,
    /// It begins neither as files of counts do nor as model files.
    #[error("neither a file of counts nor a model file of chuanda")]
    NotCounts,
    /// A file of counts, from which no model was learnt yet.
    #[error("a file of counts and not of a model: `chuanda merge` makes a model of it")]
    OnlyCounts,
    /// Another layout.
    #[error("the file has format {found}; this build reads format {supported}")]
    Format {
        /// Of the file.
        found: u16,
        /// Of this build.
        supported: u16,
    },
    /// Learnt from features of another kind.
    #[error("the model was trained with feature scheme {found}; this build reads scheme {supported}: train it again")]
    Scheme {
        /// Of the file.
        found: u16,
        /// Of this build.
        supported: u16,
    },
    /// Shorter than its header says.
    #[error("the file is cut off: {actual} bytes of {expected}")]
    Truncated {
        /// Bytes.
        expected: u64,
        /// Bytes.
        actual: u64,
    },
    /// Longer than its header says.
    #[error("the file has {actual} bytes where its header says {expected}")]
    TrailingBytes {
        /// Bytes.
        expected: u64,
        /// Bytes.
        actual: u64,
    },
    /// Longer in memory than any section of a model, or than its length in the file makes plausible.
    #[error("the {section} is {actual} bytes long in memory: more than a model can have")]
    TooLarge {
        /// Which.
        section: Section,
        /// Bytes.
        actual: u64,
    },
    /// The checksum does not match.
    #[error("the {section} is damaged: its checksum does not match")]
    Damaged {
        /// Which.
        section: Section,
    },
    /// The checksum matches but the content makes no sense.
    #[error("the {section} is malformed: {reason}")]
    Malformed {
        /// Which.
        section: Section,
        /// What is wrong.
        reason: String,
    },
    /// The file cannot be read, or is not the same any more.
    #[error("it cannot be read: {0}")]
    Read(#[source] std::io::Error),
    /// What is too long for memory cannot be written into a temporary file, or read back.
    #[error("a temporary file: {0}")]
    Scratch(#[source] std::io::Error),
    /// It does not give the answers it was published with.
    #[error("the model fails its self-test on text {text}: this build reads articles differently than its trainer did")]
    SelfTest {
        /// Which of the built-in texts, from 0.
        text: usize,
    },
}

impl ModelError {
    /// The section makes no sense, though its checksum matches.
    pub(crate) fn malformed(section: Section, reason: &(impl ToString + ?Sized)) -> Self {
        ModelError::Malformed { section, reason: reason.to_string() }
    }
}

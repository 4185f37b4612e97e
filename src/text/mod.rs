//! An article becomes a [`Document`]: furniture, headline, sentences, tokens, zones.
//!
//! Total functions: every `&str` has an answer, nothing here can fail, block, log or read the clock. Every position is
//! a byte offset on a char boundary of the string as the caller sent it; normalising makes terms and never moves spans.
//!
//! The order of work, all of it linear in the text: `tokens` in one pass over the string, `lines` (paragraphs),
//! `furniture` among them, the `headline`, `sentences` in what is left, and at last `zones`.

mod article;
mod document;
mod furniture;
mod headline;
mod language;
mod lines;
mod phrases;
mod sentences;
mod terms;
mod tokens;
mod zones;

#[cfg(test)]
mod tests;

pub use article::{Article, Part, Span};
pub use document::{Document, Role, Sentence};
pub use language::Language;
pub(crate) use terms::Home;
pub use terms::{Numbering, TermFilter};
pub(crate) use tokens::FOLDED;
pub use tokens::{SCHEME, Token, TokenKind, is_han, mix, term_hash};
pub use zones::{Zone, holding_verb};

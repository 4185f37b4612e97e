//! Chuanda (传达, "to relay") reads news about meetings of Chinese local governments and answers with an extractive
//! summary, the meeting type and the department that held the meeting, each with a calibrated probability and the words
//! that were the reason.
//!
//! ```
//! use chuanda::{
//!     engine::{ArticleInput, OptionsInput, analyze},
//!     model::Model,
//! };
//!
//! let text = "On Monday the Municipal Finance Bureau held a study session of its theory study center group.";
//! let article = ArticleInput { text: text.to_owned(), ..ArticleInput::default() };
//! let model = Model::embedded()?;
//! let analysis = analyze(&model, &article, &OptionsInput::default().check(&model)?);
//! assert_eq!(analysis.summary.text, text);
//! assert_eq!(analysis.meeting_type.unwrap().chosen.label, "study_session");
//! assert_eq!(analysis.relaying_department.unwrap().chosen.label, "finance_bureau");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The house
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`text`] | an article becomes a [`text::Document`]: furniture, headline, sentences, tokens, zones. Cannot fail |
//! | [`summarize`] | a document becomes a summary |
//! | [`classify`] | a document and scoring tables become two labels with probabilities and evidence |
//! | [`model`] | what a model is: counts, settings, fitted values, report; the codec of its file; the directory of versions |
//! | [`learn`] | labelled articles become counts, counts become a model; evaluation. Of files it knows counts that are gone on from, and temporary ones |
//! | [`records`] | articles in and out of files, with positions |
//! | [`engine`] | the running service without a network: current model, limits, CPU work, trainings |
//! | [`service`] | the gRPC door |
//! | [`cli`] | the command-line door |
//!
//! Each room uses only rooms above it in the table. [`config`], [`telemetry`] and [`shutdown`] belong to the doors:
//! what an operator may set, what is logged, and how the program ends. Only [`engine`] and the rooms below it may be
//! `async`, log, or read the clock or the environment. `tests/tidy.rs` holds these rules.

pub mod classify;
pub mod cli;
pub mod config;
pub mod engine;
pub mod learn;
pub mod model;
pub mod records;
pub mod service;
pub mod shutdown;
pub mod summarize;
pub mod telemetry;
pub mod text;

/// The contract, as generated from `proto/` at build time. The comments of the `.proto` files are its documentation.
// Generated code carries the only lint exceptions of the crate.
#[allow(missing_docs, unreachable_pub, rustdoc::all, clippy::all, clippy::pedantic, clippy::wildcard_enum_match_arm)]
pub mod proto {
    /// Package `chuanda.v1`.
    pub mod v1 {
        tonic::include_proto!("chuanda.v1");
    }

    /// The encoded `FileDescriptorSet` of the contract and all it imports, for reflection.
    pub const DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("chuanda_descriptor");
}

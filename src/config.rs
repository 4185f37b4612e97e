//! Settings of the server, from what an operator wrote to what was checked.

use std::{net::SocketAddr, thread, time::Duration};

use crate::{
    engine::{Limits, training::TrainingLimits},
    service,
};

/// What an operator may set, as written. `Default` holds the defaults.
///
/// Each has a flag and an environment variable of its name: `--max-batch-articles`, `CHUANDA_MAX_BATCH_ARTICLES`.
///
/// | setting | default | range |
/// | --- | --- | --- |
/// | `listen` | 127.0.0.1:50051 | an address and a port; port 0 lets the system choose |
/// | `cores` | 0: as many as the machine has | 0 to 1,024 |
/// | `max_article_bytes` | 1 MiB | 1 to `max_request_bytes` |
/// | `max_batch_articles` | 256 | 1 to 100,000 |
/// | `max_request_bytes` | 16 MiB | 1 KiB to 1 GiB |
/// | `max_response_bytes` | 64 MiB | 1 KiB to 2 GiB - 1 |
/// | `max_connections` | 1,024 | 1 to 1,000,000 |
/// | `max_streams_per_connection` | 256 | 1 to 1,000,000 |
/// | `unary_timeout_seconds` | 60 | 1 to 86,400 |
/// | `idle_timeout_seconds` | 300 | 1 to 86,400 |
/// | `keep_alive_interval_seconds` | 60 | 1 to 86,400 |
/// | `keep_alive_timeout_seconds` | 20 | 1 to 86,400 |
/// | `grace_period_seconds` | 30 | 0 to 86,400 |
/// | `models_poll_seconds` | 1 | 1 to 86,400 |
/// | `allow_model_changes` | no | |
/// | `max_model_bytes` | 1 GiB | from 1 KiB |
/// | `training_threads` | 0: half of the cores | 0 to 1,024 |
/// | `max_training_articles` | 2,000,000 | 1 to 4,000,000,000 |
/// | `max_training_bytes` | 8 GiB | from 1 KiB |
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct ServeSettings {
    /// Address and port to listen on; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS", env = "CHUANDA_LISTEN", default_value_t = Self::default().listen)]
    pub listen: SocketAddr,
    /// Large articles read at once; 0: as many as there are cores.
    #[arg(long, value_name = "N", env = "CHUANDA_CORES", default_value_t = Self::default().cores)]
    pub cores: usize,
    /// Title and text of one article together, in bytes.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_MAX_ARTICLE_BYTES",
        default_value_t = Self::default().max_article_bytes
    )]
    pub max_article_bytes: usize,
    /// Articles in one batch.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_MAX_BATCH_ARTICLES",
        default_value_t = Self::default().max_batch_articles
    )]
    pub max_batch_articles: usize,
    /// Longest message that is read, in bytes.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_MAX_REQUEST_BYTES",
        default_value_t = Self::default().max_request_bytes
    )]
    pub max_request_bytes: usize,
    /// Longest message that is sent, in bytes.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_MAX_RESPONSE_BYTES",
        default_value_t = Self::default().max_response_bytes
    )]
    pub max_response_bytes: usize,
    /// Connections open at once.
    #[arg(long, value_name = "N", env = "CHUANDA_MAX_CONNECTIONS", default_value_t = Self::default().max_connections)]
    pub max_connections: usize,
    /// Calls under way at once on one connection.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_MAX_STREAMS_PER_CONNECTION",
        default_value_t = Self::default().max_streams_per_connection
    )]
    pub max_streams_per_connection: usize,
    /// The longest that a call with one answer may take.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_UNARY_TIMEOUT_SECONDS",
        default_value_t = Self::default().unary_timeout_seconds
    )]
    pub unary_timeout_seconds: usize,
    /// How long a connection without a call is kept.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_IDLE_TIMEOUT_SECONDS",
        default_value_t = Self::default().idle_timeout_seconds
    )]
    pub idle_timeout_seconds: usize,
    /// How often an open connection is asked for a sign of life.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_KEEP_ALIVE_INTERVAL_SECONDS",
        default_value_t = Self::default().keep_alive_interval_seconds
    )]
    pub keep_alive_interval_seconds: usize,
    /// How long it may take to give one.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_KEEP_ALIVE_TIMEOUT_SECONDS",
        default_value_t = Self::default().keep_alive_timeout_seconds
    )]
    pub keep_alive_timeout_seconds: usize,
    /// How long a shutdown waits for calls under way.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_GRACE_PERIOD_SECONDS",
        default_value_t = Self::default().grace_period_seconds
    )]
    pub grace_period_seconds: usize,
    /// How often a directory of models is asked which version is active.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_MODELS_POLL_SECONDS",
        default_value_t = Self::default().models_poll_seconds
    )]
    pub models_poll_seconds: usize,
    /// Let clients train, import, activate and delete models in the directory of models. Nobody is authenticated yet.
    #[arg(long, env = "CHUANDA_ALLOW_MODEL_CHANGES")]
    pub allow_model_changes: bool,
    /// Longest model file that may be imported, in bytes.
    #[arg(long, value_name = "N", env = "CHUANDA_MAX_MODEL_BYTES", default_value_t = Self::default().max_model_bytes)]
    pub max_model_bytes: usize,
    /// Threads that a training works on; 0: half of the cores.
    #[arg(long, value_name = "N", env = "CHUANDA_TRAINING_THREADS", default_value_t = Self::default().training_threads)]
    pub training_threads: usize,
    /// Articles in one training.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_MAX_TRAINING_ARTICLES",
        default_value_t = Self::default().max_training_articles
    )]
    pub max_training_articles: usize,
    /// All articles of one training together, in bytes; they go to the disk of the directory of models.
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_MAX_TRAINING_BYTES",
        default_value_t = Self::default().max_training_bytes
    )]
    pub max_training_bytes: usize,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            cores: 0,
            max_article_bytes: 1 << 20,
            max_batch_articles: 256,
            max_request_bytes: 16 << 20,
            max_response_bytes: 64 << 20,
            max_connections: 1_024,
            max_streams_per_connection: 256,
            unary_timeout_seconds: 60,
            idle_timeout_seconds: 300,
            keep_alive_interval_seconds: 60,
            keep_alive_timeout_seconds: 20,
            grace_period_seconds: 30,
            models_poll_seconds: 1,
            allow_model_changes: false,
            max_model_bytes: 1 << 30,
            training_threads: 0,
            max_training_articles: 2_000_000,
            max_training_bytes: 8 << 30,
        }
    }
}

/// A setting that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {value} is not between {low} and {high}")]
pub struct SettingError {
    /// Name of the field in [`ServeSettings`].
    pub setting: &'static str,
    /// What was set.
    pub value: usize,
    /// Lowest value that is allowed.
    pub low: usize,
    /// Highest value that is allowed.
    pub high: usize,
}

/// Settings that were checked, in the hands of those they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where to listen.
    pub listen: SocketAddr,
    /// For [`crate::engine::Engine::new`].
    pub limits: Limits,
    /// For [`crate::engine::Engine::new`]; at least 1.
    pub cores: usize,
    /// For [`crate::service::serve`].
    pub service: service::Settings,
    /// For [`crate::engine::follow`].
    pub models_poll: Duration,
}

const DAY: usize = 24 * 60 * 60;
/// Lengths of messages on the wire are told in 32 bits, and some clients read them as signed.
const MAX_MESSAGE: usize = i32::MAX as usize;

impl ServeSettings {
    /// Checks every setting.
    ///
    /// # Errors
    ///
    /// The first setting out of its range.
    pub fn check(&self) -> Result<Checked, SettingError> {
        let cores = within("cores", self.cores, 0, 1_024)?;
        let max_request_bytes = within("max_request_bytes", self.max_request_bytes, 1 << 10, 1 << 30)?;
        let streams = within("max_streams_per_connection", self.max_streams_per_connection, 1, 1_000_000)?;
        let seconds =
            |setting, value, low| within(setting, value, low, DAY).map(|seconds| Duration::from_secs(seconds as u64));
        Ok(Checked {
            listen: self.listen,
            limits: Limits {
                max_article_bytes: within("max_article_bytes", self.max_article_bytes, 1, max_request_bytes)?,
                max_batch_articles: within("max_batch_articles", self.max_batch_articles, 1, 100_000)?,
                ..Limits::default()
            },
            cores: if cores == 0 { thread::available_parallelism().map_or(1, usize::from) } else { cores },
            service: service::Settings {
                max_request_bytes,
                max_response_bytes: within("max_response_bytes", self.max_response_bytes, 1 << 10, MAX_MESSAGE)?,
                max_connections: within("max_connections", self.max_connections, 1, 1_000_000)?,
                max_streams_per_connection: u32::try_from(streams).unwrap_or(u32::MAX),
                unary_timeout: seconds("unary_timeout_seconds", self.unary_timeout_seconds, 1)?,
                idle_timeout: seconds("idle_timeout_seconds", self.idle_timeout_seconds, 1)?,
                keep_alive_interval: seconds("keep_alive_interval_seconds", self.keep_alive_interval_seconds, 1)?,
                keep_alive_timeout: seconds("keep_alive_timeout_seconds", self.keep_alive_timeout_seconds, 1)?,
                grace_period: seconds("grace_period_seconds", self.grace_period_seconds, 0)?,
                allow_model_changes: self.allow_model_changes,
                max_model_bytes: within("max_model_bytes", self.max_model_bytes, 1 << 10, isize::MAX as usize)?,
                training: self.training()?,
            },
            models_poll: seconds("models_poll_seconds", self.models_poll_seconds, 1)?,
        })
    }
}

impl ServeSettings {
    fn training(&self) -> Result<TrainingLimits, SettingError> {
        let threads = within("training_threads", self.training_threads, 0, 1_024)?;
        // The articles of a model are counted in 32 bits.
        let articles = within("max_training_articles", self.max_training_articles, 1, 4_000_000_000)?;
        let bytes = within("max_training_bytes", self.max_training_bytes, 1 << 10, isize::MAX as usize)?;
        let limits = TrainingLimits::default();
        Ok(TrainingLimits {
            threads: if threads == 0 { limits.threads } else { threads },
            max_training_articles: articles,
            max_training_bytes: bytes,
        })
    }
}

fn within(setting: &'static str, value: usize, low: usize, high: usize) -> Result<usize, SettingError> {
    if (low..=high).contains(&value) { Ok(value) } else { Err(SettingError { setting, value, low, high }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_parts() {
        let checked = ServeSettings::default().check().unwrap();
        assert_eq!(checked.limits, Limits::default());
        assert_eq!(checked.service, service::Settings::default());
        assert!(checked.cores >= 1);
    }

    #[test]
    fn each_setting_out_of_range_is_named() {
        type Change = fn(&mut ServeSettings);
        let cases: [(Change, &str); 19] = [
            (|s| s.cores = 1_025, "cores: 1025 is not between 0 and 1024"),
            (|s| s.max_article_bytes = 0, "max_article_bytes: 0 is not between 1 and 16777216"),
            (|s| s.max_article_bytes = 1 << 25, "max_article_bytes: 33554432 is not between 1 and 16777216"),
            (|s| s.max_batch_articles = 0, "max_batch_articles: 0 is not between 1 and 100000"),
            (|s| s.max_request_bytes = 1023, "max_request_bytes: 1023 is not between 1024 and 1073741824"),
            (|s| s.max_response_bytes = 0, "max_response_bytes: 0 is not between 1024 and 2147483647"),
            (|s| s.max_connections = 0, "max_connections: 0 is not between 1 and 1000000"),
            (
                |s| s.max_streams_per_connection = usize::MAX,
                "max_streams_per_connection: 18446744073709551615 is not between 1 and 1000000",
            ),
            (|s| s.unary_timeout_seconds = 0, "unary_timeout_seconds: 0 is not between 1 and 86400"),
            (|s| s.idle_timeout_seconds = 0, "idle_timeout_seconds: 0 is not between 1 and 86400"),
            (|s| s.keep_alive_interval_seconds = 0, "keep_alive_interval_seconds: 0 is not between 1 and 86400"),
            (|s| s.keep_alive_timeout_seconds = 0, "keep_alive_timeout_seconds: 0 is not between 1 and 86400"),
            (|s| s.grace_period_seconds = 86_401, "grace_period_seconds: 86401 is not between 0 and 86400"),
            (|s| s.models_poll_seconds = 0, "models_poll_seconds: 0 is not between 1 and 86400"),
            (|s| s.max_model_bytes = 0, "max_model_bytes: 0 is not between 1024 and 9223372036854775807"),
            (|s| s.training_threads = 1_025, "training_threads: 1025 is not between 0 and 1024"),
            (|s| s.max_training_articles = 0, "max_training_articles: 0 is not between 1 and 4000000000"),
            (|s| s.max_training_bytes = 0, "max_training_bytes: 0 is not between 1024 and 9223372036854775807"),
            (|s| s.max_request_bytes = 1 << 10, "max_article_bytes: 1048576 is not between 1 and 1024"),
        ];
        for (change, expect) in cases {
            let mut settings = ServeSettings::default();
            change(&mut settings);
            assert_eq!(settings.check().unwrap_err().to_string(), expect);
        }
    }
}

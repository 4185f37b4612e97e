//! Log lines on stderr, as text for people or JSON for programs, never with article text.

use std::{
    io::{self, IsTerminal as _},
    panic::{self, PanicHookInfo},
    str::FromStr,
};

use tracing_subscriber::EnvFilter;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            other => Err(format!("{other:?} is no log format; one of text, json")),
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Neither a level nor a list of directives.
    #[error("log level {0:?}: not one of off, error, warn, info, debug, trace, nor directives such as chuanda=debug")]
    Level(String),
    /// Logging was set up before.
    #[error("logging is set up already")]
    Already,
}

/// Sets up logging for the process, and a panic hook that tells the place of a panic but nothing it quotes.
///
/// `level` is a level (`info`) or a list of directives (`info,chuanda=debug`); empty means `info`. The command line takes
/// it from `--log-level` or `CHUANDA_LOG`.
///
/// # Errors
///
/// The level is no level, or logging was set up before.
pub fn init(level: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let level = if level.trim().is_empty() { "info" } else { level };
    let filter = EnvFilter::try_new(level).map_err(|_| TelemetryError::Level(level.to_owned()))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Where stderr is gone, telling of it there would panic.
    let lines = lines.log_internal_errors(false);
    match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().with_ansi(false).try_init(),
    }
    .map_err(|_| TelemetryError::Already)?;
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    // A message put together at run time may quote the article, as that of a slice off a char boundary does. One that
    // stands in the program cannot.
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("not shown, as it may quote input");
    tracing::error!(place, message, "panic");
}

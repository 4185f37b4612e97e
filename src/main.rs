//! The `chuanda` program: parse, telemetry, run one command, exit code.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use chuanda::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.log().and_then(|()| cli.run()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            // Nothing is left to tell anyone if standard error is closed.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(&error)
        }
    }
}

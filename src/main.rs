//! The `chuanda` program: parse, telemetry, run one command, exit code.

use std::process::ExitCode;

use chuanda::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.log().and_then(|()| cli.run()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            error.tell();
            ExitCode::from(&error)
        }
    }
}

//! The `chuanda` program: parse, telemetry, run one command, exit code.

use std::process::ExitCode;

use chuanda::cli::Cli;
use clap::Parser as _;

// Calls and analyses allocate much and free it at once, which costs less here than with the allocator of the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

//! The `chuanda` program: parse, telemetry, run one command, exit code.

use std::process::ExitCode;

use chuanda::cli::Cli;
use clap::Parser as _;

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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

//! The `chuanda` program: parse, telemetry, run one command, exit code.

fn main() {}

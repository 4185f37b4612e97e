//! Compiles the contract in `proto/` with protox, so that no protoc is needed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const FILES: [&str; 2] = ["chuanda/v1/analysis_service.proto", "chuanda/v1/model_service.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    // `protox` reports a mistake in a file with its line; the set keeps comments and imports for reflection.
    let set = protox::compile(FILES, ["proto"])?;
    let descriptor = PathBuf::from(env::var("OUT_DIR")?).join("chuanda_descriptor.bin");
    fs::write(descriptor, set.encode_to_vec())?;
    tonic_prost_build::configure()
        // The same Rust type that tonic-types fills with error details.
        .extern_path(".google.rpc.Status", "::tonic_types::pb::Status")
        .compile_fds(set)?;
    Ok(())
}

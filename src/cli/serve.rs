//! `chuanda serve`: answers over gRPC until a signal ends it.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::{CliError, Exit, load_model};
use crate::{
    config::ServeSettings,
    engine::Engine,
    records::Publication,
    service::{self, Drained},
    shutdown,
};

/// Answer over gRPC
///
/// Serves chuanda.v1.AnalysisService and ModelService, grpc.health.v1 and reflection, until SIGINT or SIGTERM; then takes
/// no more calls and ends when those under way are answered. A second signal ends it at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chuanda serve
  chuanda serve --listen 0.0.0.0:50051 --model my.chuanda
  grpcurl -plaintext -d '{\"article\": {\"text\": \"...\"}}' \\
    127.0.0.1:50051 chuanda.v1.AnalysisService/Analyze

Exit codes: 0 stopped by a signal, 1 calls under way were cut, 2 wrong usage, 3 model unusable or no listening there")]
pub(super) struct Args {
    /// Address and port to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", env = "CHUANDA_LISTEN", default_value_t = defaults().listen)]
    listen: SocketAddr,
    /// Write the address that is listened on to a file, which appears when calls are taken and goes with the server
    #[arg(long, value_name = "FILE", env = "CHUANDA_ADDRESS_FILE")]
    address_file: Option<PathBuf>,
    /// Answer with the model in this file instead of the one that is built in
    #[arg(long, value_name = "FILE", env = "CHUANDA_MODEL")]
    model: Option<PathBuf>,
    /// Large articles read at once; 0: as many as there are cores
    #[arg(long, value_name = "N", env = "CHUANDA_CORES", default_value_t = defaults().cores)]
    cores: usize,
    /// Title and text of one article together, in bytes
    #[arg(long, value_name = "N", env = "CHUANDA_MAX_ARTICLE_BYTES", default_value_t = defaults().max_article_bytes)]
    max_article_bytes: usize,
    /// Articles in one batch
    #[arg(long, value_name = "N", env = "CHUANDA_MAX_BATCH_ARTICLES", default_value_t = defaults().max_batch_articles)]
    max_batch_articles: usize,
    /// Longest message that is read, in bytes
    #[arg(long, value_name = "N", env = "CHUANDA_MAX_REQUEST_BYTES", default_value_t = defaults().max_request_bytes)]
    max_request_bytes: usize,
    /// Longest message that is sent, in bytes
    #[arg(long, value_name = "N", env = "CHUANDA_MAX_RESPONSE_BYTES", default_value_t = defaults().max_response_bytes)]
    max_response_bytes: usize,
    /// Connections open at once
    #[arg(long, value_name = "N", env = "CHUANDA_MAX_CONNECTIONS", default_value_t = defaults().max_connections)]
    max_connections: usize,
    /// Calls under way at once on one connection
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_MAX_STREAMS_PER_CONNECTION",
        default_value_t = defaults().max_streams_per_connection
    )]
    max_streams_per_connection: usize,
    /// The longest that a call with one answer may take
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_UNARY_TIMEOUT_SECONDS",
        default_value_t = defaults().unary_timeout_seconds
    )]
    unary_timeout_seconds: usize,
    /// How long a connection without a call is kept
    #[arg(long, value_name = "N", env = "CHUANDA_IDLE_TIMEOUT_SECONDS", default_value_t = defaults().idle_timeout_seconds)]
    idle_timeout_seconds: usize,
    /// How often an open connection is asked for a sign of life
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_KEEP_ALIVE_INTERVAL_SECONDS",
        default_value_t = defaults().keep_alive_interval_seconds
    )]
    keep_alive_interval_seconds: usize,
    /// How long it may take to give one
    #[arg(
        long,
        value_name = "N",
        env = "CHUANDA_KEEP_ALIVE_TIMEOUT_SECONDS",
        default_value_t = defaults().keep_alive_timeout_seconds
    )]
    keep_alive_timeout_seconds: usize,
    /// How long a shutdown waits for calls under way
    #[arg(long, value_name = "N", env = "CHUANDA_GRACE_PERIOD_SECONDS", default_value_t = defaults().grace_period_seconds)]
    grace_period_seconds: usize,
}

fn defaults() -> ServeSettings {
    ServeSettings::default()
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Exit, CliError> {
    let settings = ServeSettings {
        listen: args.listen,
        cores: args.cores,
        max_article_bytes: args.max_article_bytes,
        max_batch_articles: args.max_batch_articles,
        max_request_bytes: args.max_request_bytes,
        max_response_bytes: args.max_response_bytes,
        max_connections: args.max_connections,
        max_streams_per_connection: args.max_streams_per_connection,
        unary_timeout_seconds: args.unary_timeout_seconds,
        idle_timeout_seconds: args.idle_timeout_seconds,
        keep_alive_interval_seconds: args.keep_alive_interval_seconds,
        keep_alive_timeout_seconds: args.keep_alive_timeout_seconds,
        grace_period_seconds: args.grace_period_seconds,
    };
    let checked = settings.check().map_err(|error| {
        let (low, high) = (error.low, error.high);
        CliError::Usage(format!(
            "--{}: {} is not between {low} and {high}",
            error.setting.replace('_', "-"),
            error.value
        ))
    })?;
    let model = load_model(args.model.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the runtime").map_err(CliError::Unusable)?;
    runtime.block_on(async {
        let unusable = |error: anyhow::Error| CliError::Unusable(error);
        let signals = shutdown::on_signals().context("signals").map_err(unusable)?;
        let listen = || format!("--listen {}", checked.listen);
        let listener = TcpListener::bind(checked.listen).await.with_context(listen).map_err(unusable)?;
        let address = listener.local_addr().with_context(listen).map_err(unusable)?;
        let engine = Engine::new(checked.limits, checked.cores);
        let _announced = args.address_file.as_deref().map(|path| AddressFile::write(path, address)).transpose()?;
        tracing::info!(%address, model = model.version(), "listening");
        engine.activate(model);
        tokio::select! {
            served = service::serve(listener, Arc::new(engine), checked.service, signals.drain) => {
                match served.map_err(|error| CliError::Unusable(error.into()))? {
                    Drained::Clean => Ok(Exit::Done),
                    Drained::Cut(connections) => {
                        tracing::warn!(connections, "the grace period is over; calls under way were cut");
                        Ok(Exit::SomeFailed)
                    }
                }
            }
            () = signals.stop.cancelled() => Ok(Exit::SomeFailed),
        }
    })
}

/// A file that says where the server listens, for as long as it does.
struct AddressFile<'a>(&'a Path);

impl<'a> AddressFile<'a> {
    fn write(path: &'a Path, address: SocketAddr) -> Result<Self, CliError> {
        let write = || {
            let mut publication = Publication::begin(path)?;
            writeln!(publication, "{address}")?;
            publication.commit()
        };
        write().map_err(|error| CliError::Usage(format!("--address-file {}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for AddressFile<'_> {
    fn drop(&mut self) {
        // Gone already, or not ours to remove any more: the server ends either way.
        let _ = fs::remove_file(self.0);
    }
}

//! `chuanda serve`: answers over gRPC until a signal ends it.

use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::{
    CliError, Exit,
    source::{self, Source},
    told,
};
use crate::{
    config::ServeSettings,
    engine::{self, Engine},
    records::Publication,
    service::{self, Drained},
    shutdown,
};

/// Answer over gRPC
///
/// Serves chuanda.v1.AnalysisService and ModelService, grpc.health.v1 and reflection, until SIGINT or SIGTERM; then takes
/// no more calls and ends when those under way are answered. A second signal ends it at once.
///
/// With --models, the active version of a directory of models answers, and another one from the moment on that it is
/// activated (chuanda models); what began with the one before ends with it. Before the first activation, the model that is
/// built in answers. With --allow-model-changes as well, clients may train, import, activate and delete versions.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chuanda serve
  chuanda serve --listen 0.0.0.0:50051 --model my.chuanda
  chuanda serve --models models/
  grpcurl -plaintext -d '{\"article\": {\"text\": \"...\"}}' \\
    127.0.0.1:50051 chuanda.v1.AnalysisService/Analyze

Exit codes: 0 stopped by a signal, 1 calls under way were cut, 2 wrong usage, 3 model unusable or no listening there")]
pub(super) struct Args {
    #[command(flatten)]
    model: source::Choice,
    #[command(flatten)]
    settings: ServeSettings,
    /// Write the address that is listened on to a file, which appears when calls are taken and goes with the server
    #[arg(long, value_name = "FILE", env = "CHUANDA_ADDRESS_FILE")]
    address_file: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Exit, CliError> {
    let checked = args.settings.check().map_err(|error| {
        let (low, high) = (error.low, error.high);
        CliError::Usage(format!(
            "--{}: {} is not between {low} and {high}",
            error.setting.replace('_', "-"),
            error.value
        ))
    })?;
    let source = args.model.source()?;
    if checked.service.allow_model_changes && !matches!(source, Source::Store(_)) {
        return Err(CliError::Usage("--allow-model-changes needs a directory of models: --models DIR".to_owned()));
    }
    let model = match &source {
        Source::Store(store) if store.current().map_err(|error| CliError::Unusable(error.into()))?.is_none() => {
            let directory = store.directory().display();
            told::note(&format!(
                "{directory}: no version is active yet; the model that is built in answers until one is"
            ));
            Source::Embedded.load()?
        }
        Source::Embedded | Source::File(_) | Source::Store(_) => source.load()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the runtime").map_err(CliError::Unusable)?;
    let ended = runtime.block_on(async {
        let unusable = |error: anyhow::Error| CliError::Unusable(error);
        let signals = shutdown::on_signals().context("signals").map_err(unusable)?;
        let listen = || format!("--listen {}", checked.listen);
        let listener = TcpListener::bind(checked.listen).await.with_context(listen).map_err(unusable)?;
        let address = listener.local_addr().with_context(listen).map_err(unusable)?;
        let engine = Engine::new(checked.limits, checked.cores);
        let engine = Arc::new(match source {
            Source::Store(store) => engine.with_store(store),
            Source::Embedded | Source::File(_) => engine,
        });
        let _announced = args.address_file.as_deref().map(|path| AddressFile::write(path, address)).transpose()?;
        tracing::info!(%address, model = model.version(), "listening");
        engine.activate(model);
        if engine.store().is_some() {
            tokio::spawn(engine::follow(Arc::clone(&engine), checked.models_poll));
        }
        tokio::select! {
            served = service::serve(listener, engine, checked.service, signals.drain) => {
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
    });
    // All calls have ended. Not waited for: a look at a store whose lock a process holds that is stopped.
    runtime.shutdown_background();
    ended
}

/// A file that says where the server listens, for as long as it does.
struct AddressFile<'a>(&'a Path);

impl<'a> AddressFile<'a> {
    fn write(path: &'a Path, address: SocketAddr) -> Result<Self, CliError> {
        let write = || {
            // A device would be replaced, and removed at the end; a pipe would be waited at.
            if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
                return Err(io::Error::other("is no file"));
            }
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

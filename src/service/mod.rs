//! The gRPC door: conversions, calls, one table of errors, health, reflection, one stack of layers around all of it;
//! and a client for the command line.

mod analysis;
mod connection;
mod convert;
mod health;
mod layers;
mod model;
mod remote;
mod socket;
mod status;
mod stream;

use std::{io, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{codec::CompressionEncoding, server::NamedService, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};

pub use self::remote::{RemoteError, RemoteModel, RemoteModels, RemoteTraining, TrainingAnswer};
use self::{analysis::Analyses, connection::Connections, layers::CallSettings, model::Models};
use crate::{
    engine::{Engine, training::TrainingLimits},
    proto::{
        DESCRIPTOR_SET,
        v1::{analysis_service_server::AnalysisServiceServer, model_service_server::ModelServiceServer},
    },
};

/// The services whose health is reported by name.
const SERVICES: [&str; 2] =
    [<AnalysisServiceServer<Analyses> as NamedService>::NAME, <ModelServiceServer<Models> as NamedService>::NAME];

/// How the server treats connections and calls. Checked: see [`crate::config::ServeSettings`] for ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Longest message that is read, in bytes. Default 16 MiB.
    pub max_request_bytes: usize,
    /// Longest message that is sent, in bytes. Default 64 MiB.
    pub max_response_bytes: usize,
    /// Connections open at once; more wait to be accepted. Default 1024.
    pub max_connections: usize,
    /// Calls under way at once on one connection. Default 256.
    pub max_streams_per_connection: u32,
    /// The longest that a call with one answer may take, whatever the client asks for. Default 60 s.
    pub unary_timeout: Duration,
    /// How long a connection without a call is kept, at least; at most twice that. Default 5 min.
    pub idle_timeout: Duration,
    /// How often an open connection is asked for a sign of life. Default 60 s.
    pub keep_alive_interval: Duration,
    /// How long it may take to give one. Default 20 s.
    pub keep_alive_timeout: Duration,
    /// How long a shutdown waits for calls under way. Default 30 s.
    pub grace_period: Duration,
    /// Whether clients may train, import, activate and delete models. Default no.
    pub allow_model_changes: bool,
    /// Longest model file that is imported, in bytes. Default 1 GiB.
    pub max_model_bytes: usize,
    /// What one training may take.
    pub training: TrainingLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_request_bytes: 16 << 20,
            max_response_bytes: 64 << 20,
            max_connections: 1024,
            max_streams_per_connection: 256,
            unary_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(300),
            keep_alive_interval: Duration::from_secs(60),
            keep_alive_timeout: Duration::from_secs(20),
            grace_period: Duration::from_secs(30),
            allow_model_changes: false,
            max_model_bytes: 1 << 30,
            training: TrainingLimits::default(),
        }
    }
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The contract that is built into the program cannot be reflected: a mistake in the build.
    #[error("the built-in contract cannot be reflected")]
    Reflection(#[source] tonic_reflection::server::Error),
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every call under way was answered.
    Clean,
    /// The grace period was over first; so many connections were cut.
    Cut(usize),
}

/// Serves until `shutdown` fires, then drains: reports not serving, takes no more connections and calls, answers what is
/// under way, ends streams that wait for their client, and returns when all connections are closed or the grace period
/// is over. The caller binds the listener.
///
/// # Errors
///
/// The server cannot start. Once it serves, nothing that a client or the network does ends it.
pub async fn serve(
    listener: TcpListener,
    engine: Arc<Engine>,
    settings: Settings,
    shutdown: CancellationToken,
) -> Result<Drained, ServeError> {
    if settings.allow_model_changes
        && let Ok(address) = listener.local_addr()
        && !address.ip().to_canonical().is_loopback()
    {
        tracing::warn!(%address, "whoever reaches this address may change the models: nobody is authenticated");
    }
    let (reporter, health_service) = tonic_health::server::health_reporter();
    // The reporter begins with the server as a whole serving; nobody is connected yet to see it.
    health::report(&reporter, ServingStatus::NotServing).await;
    let (draining, stop) = (CancellationToken::new(), CancellationToken::new());
    let routes = routes(&engine, &settings, &draining)?.add_service(health_service).prepare();
    let calls = CallSettings {
        unary_timeout: settings.unary_timeout,
        max_request_bytes: settings.max_request_bytes,
        draining: draining.clone(),
    };
    let grace_period = settings.grace_period;
    let connections = Connections { settings, routes, calls, draining: draining.clone(), stop: stop.clone() };

    let open = TaskTracker::new();
    tokio::join!(
        health::follow(HealthReporter::clone(&reporter), engine, shutdown.clone()),
        accept(listener, connections, &open, &shutdown),
    );
    tracing::info!(connections = open.len(), "draining");
    // Health says not serving by now, so that whoever watches it is told so before the call ends.
    draining.cancel();
    open.close();
    let drained = match tokio::time::timeout(grace_period, open.wait()).await {
        Ok(()) => Drained::Clean,
        Err(_) => Drained::Cut(open.len()),
    };
    stop.cancel();
    open.wait().await;
    Ok(drained)
}

/// All services but health.
fn routes(engine: &Arc<Engine>, settings: &Settings, draining: &CancellationToken) -> Result<Routes, ServeError> {
    let analyses = Analyses {
        engine: Arc::clone(engine),
        max_request_bytes: settings.max_request_bytes,
        max_response_bytes: settings.max_response_bytes,
        draining: draining.clone(),
    };
    // Compressed requests are read, and none of them may grow over the limit. Answers are not compressed: common clients
    // offer to read gzip always, and compressing an answer costs several times the analysis.
    let analyses = AnalysisServiceServer::new(analyses)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(settings.max_request_bytes);
    let models = ModelServiceServer::new(Models::new(engine, settings, draining))
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(settings.max_request_bytes);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // Each version of the service would tell of itself alone.
            .include_reflection_service(false)
            .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
    };
    let v1 = reflection().build_v1().map_err(ServeError::Reflection)?;
    let v1alpha = reflection().build_v1alpha().map_err(ServeError::Reflection)?;
    Ok(Routes::new(analyses).add_service(models).add_service(v1).add_service(v1alpha))
}

/// Takes connections until the shutdown; the listener closes on return.
async fn accept(listener: TcpListener, connections: Connections, open: &TaskTracker, shutdown: &CancellationToken) {
    let slots = Arc::new(Semaphore::new(connections.settings.max_connections));
    loop {
        let accepted = async {
            // The slot comes first: without one, clients wait in the system's queue.
            let slot = Arc::clone(&slots).acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|(socket, _)| (slot, socket))
        };
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((slot, socket)) => {
                let connections = connections.clone();
                open.spawn(async move {
                    connections.serve(socket).await;
                    drop(slot);
                });
            }
            Err(error) => {
                // Out of file descriptors, or a client that was gone at once. Trying again at full speed would only
                // heat the machine.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Rest after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

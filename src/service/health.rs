//! `grpc.health.v1.Health`: serving while a model is loaded and the server takes work.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};

use super::SERVICES;
use crate::engine::Engine;

/// Keeps the reported health true until the server shuts down, and leaves it at not serving.
pub(super) async fn follow(reporter: HealthReporter, engine: Arc<Engine>, shutdown: CancellationToken) {
    let mut changes = engine.changes();
    loop {
        let draining = shutdown.is_cancelled();
        let serving = !draining && engine.snapshot().is_ok();
        report(&reporter, if serving { ServingStatus::Serving } else { ServingStatus::NotServing }).await;
        if draining {
            return;
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            // An error would mean that the engine is gone, but it is held here.
            _ = changes.changed() => {}
        }
    }
}

/// Reports one health for the server as a whole and for each of its services.
pub(super) async fn report(reporter: &HealthReporter, status: ServingStatus) {
    for service in ["", SERVICES[0], SERVICES[1]] {
        reporter.set_service_status(service, status).await;
    }
}

//! Signals become a drain, and a second one becomes a stop.

use std::io;

use tokio_util::sync::CancellationToken;

/// What the operator asked for.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// Fires at the first SIGINT or SIGTERM: take no more work, finish what is under way.
    pub drain: CancellationToken,
    /// Fires at the second: end at once, whatever is under way.
    pub stop: CancellationToken,
}

/// Watches for SIGINT and SIGTERM (Ctrl-C where there are no signals) from now on.
///
/// # Errors
///
/// The system does not let the process watch for them.
pub fn on_signals() -> io::Result<Shutdown> {
    let shutdown = Shutdown { drain: CancellationToken::new(), stop: CancellationToken::new() };
    let (drain, stop) = (shutdown.drain.clone(), shutdown.stop.clone());
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("asked to stop; a second signal stops at once");
        drain.cancel();
        signals.next().await;
        tracing::warn!("asked again; stopping at once");
        stop.cancel();
    });
    Ok(shutdown)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

//! Signals become a drain, and a second one becomes a stop. A command that only writes a file tidies up and ends.

use std::{io, process, thread};

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

/// Exit code of a command that a signal ended: that of a shell for SIGINT.
const INTERRUPTED: i32 = 130;

/// From now on, the first SIGINT or SIGTERM calls `leave` and ends the process. For commands without a server.
///
/// # Errors
///
/// The system does not let the process watch for them.
pub fn at_signal(leave: fn()) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _context = runtime.enter();
        Signals::new()?
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(signals.next());
        leave();
        process::exit(INTERRUPTED);
    })?;
    Ok(())
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

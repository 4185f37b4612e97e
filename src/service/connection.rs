//! One connection: HTTP/2 over a socket, ended when it is idle, when the server drains, or when the grace is over.

use std::{
    future::{Future as _, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use http::Request;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, service::Routes};
use tower::ServiceExt as _;

use super::{
    Settings,
    layers::{self, CallSettings},
    socket,
};

/// What all connections share.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pub(super) settings: Settings,
    pub(super) routes: Routes,
    pub(super) calls: CallSettings,
    /// Fires when calls under way may end and no new ones come.
    pub(super) draining: CancellationToken,
    /// Fires when the grace is over.
    pub(super) stop: CancellationToken,
}

/// What a client may send on one call before any of it is read.
const CALL_WINDOW: u32 = 512 << 10;

/// What it may send on all calls of a connection: more than on all that may wait without being read, which are trainings in
/// line above all, so that these do not hold up the others.
const CONNECTION_WINDOW: u32 = 12 << 20;

impl Connections {
    /// Serves one connection to its end.
    pub(super) async fn serve(self, socket: TcpStream) {
        // Answers are small and complete; holding them back to fill packets only delays them.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let usage = Usage::default();
        let entering = usage.clone();
        let service = layers::stack(self.routes, &self.calls).map_request(move |mut request: Request<_>| {
            request.extensions_mut().insert(entering.enter());
            request.map(Body::new)
        });
        let mut builder = Builder::new(TokioExecutor::new()).http2_only();
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.settings.max_streams_per_connection)
            .initial_stream_window_size(CALL_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(self.settings.keep_alive_interval)
            .keep_alive_timeout(self.settings.keep_alive_timeout);
        let (socket, outgoing) = socket::gathering(socket);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), TowerToHyperService::new(service)));
        let mut closing = false;
        loop {
            let turn = poll_fn(|cx| {
                let ended = connection.as_mut().poll(cx);
                // What cannot be sent now is sent in the turn for which the socket wakes this task.
                match outgoing.poll_send(cx) {
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
                    Poll::Ready(Ok(())) | Poll::Pending => ended,
                }
            });
            tokio::select! {
                result = turn => {
                    if let Err(error) = result {
                        tracing::debug!(error, "a connection ended");
                    }
                    return;
                }
                () = self.stop.cancelled() => return,
                () = self.draining.cancelled(), if !closing => {}
                () = usage.idle(self.settings.idle_timeout), if !closing => {}
                // A client that never greets is not told goodbye either, and would be waited for without end. After a
                // call there may be an answer on its way, which is never cut off.
                () = tokio::time::sleep(FAREWELL), if closing && usage.never() => return,
            }
            connection.as_mut().graceful_shutdown();
            closing = true;
        }
    }
}

/// How long the end of a connection without a single call may take.
const FAREWELL: Duration = Duration::from_millis(250);

/// How much a connection is used.
#[derive(Clone, Debug, Default)]
struct Usage(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    /// Calls under way.
    open: AtomicUsize,
    /// Calls that ever began.
    begun: AtomicUsize,
}

/// A call under way on a connection, until the last clone is dropped.
#[derive(Clone, Debug)]
pub(super) struct OpenCall {
    _guard: Arc<Guard>,
}

#[derive(Debug)]
struct Guard(Usage);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Usage {
    fn enter(&self) -> OpenCall {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        OpenCall { _guard: Arc::new(Guard(self.clone())) }
    }

    /// Whether no call ever began.
    fn never(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed) == 0
    }

    /// Returns after `timeout` without a call, or up to twice that. Looking once in a while costs a busy connection
    /// nothing, where a timer set anew after every call would.
    async fn idle(&self, timeout: Duration) {
        let mut seen = None;
        loop {
            let begun = self.0.begun.load(Ordering::Relaxed);
            let unused = self.0.open.load(Ordering::Relaxed) == 0;
            if unused && seen == Some(begun) {
                return;
            }
            seen = unused.then_some(begun);
            tokio::time::sleep(timeout).await;
        }
    }
}

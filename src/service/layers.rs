//! What surrounds every call, whichever service answers it: one stack of tower layers.
//!
//! From the outside in: a tracing span without article text; the deadline; panics; errors that tonic makes itself, told
//! as in the contract. What identifies callers, turns away overload and counts calls belongs in [`stack`] too, outside
//! of [`Calls`], in that order; encryption belongs in [`super::connection`].

use std::{
    any::Any,
    convert::Infallible,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Code, Status, body::Body, service::Routes};
use tower::{Layer, Service, ServiceBuilder, layer::layer_fn};
use tracing::{Instrument as _, Span};

use super::{connection::OpenCall, status::Failure};

/// What the layers need to know.
#[derive(Clone, Debug)]
pub(super) struct CallSettings {
    /// The longest that a call with one answer may take.
    pub(super) unary_timeout: Duration,
    /// Named in the error about a message over it.
    pub(super) max_request_bytes: usize,
    /// Ends calls that only wait for news.
    pub(super) draining: CancellationToken,
}

/// The whole stack around the services of one connection.
pub(super) fn stack(
    routes: Routes,
    settings: &CallSettings,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + use<> {
    ServiceBuilder::new().layer(calls(settings.clone())).service(routes)
}

fn calls(settings: CallSettings) -> impl Layer<Routes, Service = Calls> {
    layer_fn(move |routes| Calls { routes, settings: settings.clone() })
}

/// How a call comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// One message and one answer, bounded in time by the server as well as the client.
    Unary,
    /// A stream of messages, of answers or of both that knows itself when to end; bounded in time by the client alone.
    Stream,
    /// A stream that waits for news and is cut off when the server drains.
    Subscription,
}

impl Kind {
    fn of(path: &str) -> Self {
        match path {
            "/chuanda.v1.AnalysisService/StreamAnalyze"
            | "/chuanda.v1.ModelService/TrainModel"
            | "/chuanda.v1.ModelService/UpdateModel"
            | "/chuanda.v1.ModelService/ExportModel"
            | "/chuanda.v1.ModelService/ImportModel" => Kind::Stream,
            "/grpc.health.v1.Health/Watch"
            | "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
            | "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" => Kind::Subscription,
            _ => Kind::Unary,
        }
    }
}

/// Runs one call after another through the services.
#[derive(Clone, Debug)]
struct Calls {
    routes: Routes,
    settings: CallSettings,
}

impl Service<Request<Body>> for Calls {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        <Routes as Service<Request<Body>>>::poll_ready(&mut self.routes, cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let kind = Kind::of(request.uri().path());
        let span = tracing::debug_span!("call", method = request.uri().path());
        let open = request.extensions_mut().remove::<OpenCall>();
        let server = (kind == Kind::Unary).then_some(self.settings.unary_timeout);
        let mut deadline = deadline(client_timeout(request.headers()), server);
        let max_request_bytes = self.settings.max_request_bytes;
        let draining = (kind == Kind::Subscription).then(|| Box::pin(self.settings.draining.clone().cancelled_owned()));
        let body_span = span.clone();
        let mut routes = self.routes.clone();
        let call = async move {
            let response = tokio::select! {
                biased;
                response = caught(async { routes.call(request).await }) => match response {
                    Ok(Ok(response)) => contract_errors(response, max_request_bytes),
                    Err(Panicked) => Failure::Internal.status().into_http(),
                },
                () = expired(&mut deadline) => Failure::DeadlineExceeded.status().into_http(),
            };
            let span = body_span;
            if response.body().is_end_stream() {
                finished(&span, response.headers());
            }
            Ok(response.map(|inner| Body::new(CallBody { inner, deadline, draining, done: false, span, _open: open })))
        };
        Box::pin(call.instrument(span))
    }
}

/// A panic was caught.
#[derive(Debug)]
struct Panicked;

impl From<Box<dyn Any + Send>> for Panicked {
    fn from(_: Box<dyn Any + Send>) -> Self {
        // What it says may quote text; the panic hook has told the place.
        tracing::error!("a call panicked");
        Panicked
    }
}

/// The output of a future, or the panic that ended it.
async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    // A future that panicked is not polled again, so that nobody sees its broken state.
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(payload.into())),
    })
    .await
}

/// Errors that tonic made while it read the request, told as in the contract.
fn contract_errors(response: Response<Body>, max_request_bytes: usize) -> Response<Body> {
    if !response.headers().contains_key(Status::GRPC_STATUS) {
        return response;
    }
    let failure = Status::from_header_map(response.headers())
        .filter(|status| status.code() != Code::Ok)
        .and_then(|status| Failure::from_tonic(&status, max_request_bytes));
    match failure {
        Some(failure) => {
            let mut told = failure.status().into_http();
            // Which encodings the server accepts stays with the error about them.
            if let Some(encodings) = response.headers().get("grpc-accept-encoding") {
                told.headers_mut().insert("grpc-accept-encoding", encodings.clone());
            }
            told
        }
        None => response,
    }
}

/// When a call is over, if ever.
type Deadline = Option<Pin<Box<Sleep>>>;

/// A longer time-out than this, a year, is none; the clock could not count to it.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn deadline(client: Option<Duration>, server: Option<Duration>) -> Deadline {
    let shorter = client.into_iter().chain(server).min().filter(|timeout| *timeout < LONGEST)?;
    Instant::now().checked_add(shorter).map(|instant| Box::pin(tokio::time::sleep_until(instant)))
}

async fn expired(deadline: &mut Deadline) {
    match deadline {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}

/// The `grpc-timeout` of a request: up to eight digits and a unit. One that is not well formed counts as none.
fn client_timeout(headers: &HeaderMap<HeaderValue>) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number.saturating_mul(60 * 60))),
        "M" => Some(Duration::from_secs(number.saturating_mul(60))),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Writes down how a call ended.
fn finished(span: &Span, trailers: &HeaderMap) {
    let code = trailers.get(Status::GRPC_STATUS).map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()));
    tracing::debug!(parent: span, ?code, "call finished");
}

/// The answer of a call on its way to the client: it still ends at the deadline, with the server, or with a panic.
struct CallBody {
    inner: Body,
    deadline: Deadline,
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    done: bool,
    span: Span,
    /// Tells the connection that it is in use.
    _open: Option<OpenCall>,
}

impl CallBody {
    /// The last frame: why there is no more.
    fn end(&mut self, failure: &Failure) -> Frame<<Body as HttpBody>::Data> {
        let mut trailers = HeaderMap::new();
        if failure.status().add_header(&mut trailers).is_err() {
            trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("13"));
        }
        self.done = true;
        finished(&self.span, &trailers);
        Frame::trailers(trailers)
    }
}

impl HttpBody for CallBody {
    type Data = <Body as HttpBody>::Data;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        let _entered = this.span.clone().entered();
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut this.inner).poll_frame(cx))) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(frame)) => {
                if let Some(Ok(frame)) = &frame
                    && let Some(trailers) = frame.trailers_ref()
                {
                    this.done = true;
                    finished(&this.span, trailers);
                }
                return Poll::Ready(frame);
            }
            Err(payload) => {
                let Panicked = payload.into();
                return Poll::Ready(Some(Ok(this.end(&Failure::Internal))));
            }
        }
        if this.deadline.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Some(Ok(this.end(&Failure::DeadlineExceeded))));
        }
        if this.draining.as_mut().is_some_and(|draining| draining.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Some(Ok(this.end(&Failure::ShuttingDown))));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.done || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_are_read() {
        let check = |value: &'static str, expect: Option<Duration>| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-timeout"),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )]);
            assert_eq!(client_timeout(&headers), expect, "{value:?}");
        };
        check("3H", Some(Duration::from_secs(3 * 60 * 60)));
        check("99999999H", Some(Duration::from_secs(99_999_999 * 60 * 60)));
        check("2M", Some(Duration::from_secs(120)));
        check("5S", Some(Duration::from_secs(5)));
        check("0m", Some(Duration::ZERO));
        check("250m", Some(Duration::from_millis(250)));
        check("10u", Some(Duration::from_micros(10)));
        check("10n", Some(Duration::from_nanos(10)));
        for none in ["", "m", "5", "+5S", "-5S", "5 S", "5s", "100000000S", "1.5S", "5µ"] {
            check(none, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_shorter_time_out_counts_and_endless_ones_do_not() {
        let left = |client: Option<u64>, server: Option<u64>| {
            let deadline = deadline(client.map(Duration::from_secs), server.map(Duration::from_secs));
            deadline.map(|sleep| (sleep.deadline() - Instant::now()).as_secs())
        };
        let cases = [
            (None, None, None),
            (Some(3), None, Some(3)),
            (None, Some(60), Some(60)),
            (Some(3), Some(60), Some(3)),
            (Some(90), Some(60), Some(60)),
            (Some(u64::MAX), None, None),
            (Some(u64::MAX), Some(60), Some(60)),
        ];
        for (client, server, expect) in cases {
            assert_eq!(left(client, server), expect);
        }
    }

    /// A body that panics, or gives nothing for ever.
    struct Broken {
        panics: bool,
    }

    impl HttpBody for Broken {
        type Data = <Body as HttpBody>::Data;
        type Error = Status;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
            assert!(!self.panics, "broken");
            Poll::Pending
        }
    }

    async fn last_frame(inner: Broken, deadline: Deadline, drains: bool) -> Option<Code> {
        let draining = CancellationToken::new();
        draining.cancel();
        let draining = drains.then(|| Box::pin(draining.cancelled_owned()));
        let body =
            CallBody { inner: Body::new(inner), deadline, draining, done: false, span: Span::none(), _open: None };
        let mut body = pin!(body);
        let frame = poll_fn(|cx| body.as_mut().poll_frame(cx)).await?.ok()?;
        assert!(poll_fn(|cx| body.as_mut().poll_frame(cx)).await.is_none(), "a frame after the trailers");
        Some(Code::from_bytes(frame.trailers_ref()?.get(Status::GRPC_STATUS)?.as_bytes()))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_with_what_went_wrong() {
        let soon = || deadline(Some(Duration::from_secs(1)), None);
        assert_eq!(last_frame(Broken { panics: true }, None, false).await, Some(Code::Internal));
        assert_eq!(last_frame(Broken { panics: false }, soon(), false).await, Some(Code::DeadlineExceeded));
        assert_eq!(last_frame(Broken { panics: false }, soon(), true).await, Some(Code::Unavailable));
    }

    #[tokio::test]
    async fn a_panic_in_a_call_is_caught() {
        assert!(matches!(caught(async { 7 }).await, Ok(7)));
        assert!(caught(async { panic!("broken") }).await.is_err());
    }
}

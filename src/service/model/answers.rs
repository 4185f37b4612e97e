//! The answers of a call, as another task makes them.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tonic::Status;

use crate::service::status::Failure;

/// Answers as they come, and at last why there are no more. Only answers need room to wait in: the end is kept beside them, so
/// that a client learns it even if it reads when the task has long ended.
#[derive(Debug)]
pub(in crate::service) struct Answers<T> {
    answers: mpsc::Receiver<T>,
    /// `None` when it was told.
    ended: Option<oneshot::Receiver<Result<(), Failure>>>,
}

/// Tells how it ended.
pub(super) type End = oneshot::Sender<Result<(), Failure>>;

impl<T> Answers<T> {
    /// Answers of which so many may wait.
    pub(super) fn new(ahead: usize) -> (mpsc::Sender<T>, End, Self) {
        let (sender, answers) = mpsc::channel(ahead);
        let (end, ended) = oneshot::channel();
        (sender, end, Answers { answers, ended: Some(ended) })
    }
}

impl<T> Stream for Answers<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(answer) = ready!(self.answers.poll_recv(cx)) {
            return Poll::Ready(Some(Ok(answer)));
        }
        let Some(ended) = &mut self.ended else { return Poll::Ready(None) };
        // A task that vanished has not said that this is all.
        let ended = ready!(Pin::new(ended).poll(cx)).unwrap_or(Err(Failure::Internal));
        self.ended = None;
        Poll::Ready(ended.err().map(|failure| Err(failure.status())))
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;
    use tonic::Code;

    use super::*;

    /// All answers of a task that has ended, and whether it ended well.
    async fn check(waiting: u32, end: Option<Result<(), Failure>>, expect: Option<Code>) {
        let (sender, ended, answers) = Answers::new(2);
        (0..waiting).for_each(|answer| sender.try_send(answer).unwrap());
        drop(sender);
        match end {
            Some(end) => ended.send(end).unwrap(),
            None => drop(ended),
        }
        let told: Vec<Result<u32, Code>> = answers.map(|answer| answer.map_err(|status| status.code())).collect().await;
        let expect: Vec<Result<u32, Code>> = (0..waiting).map(Ok).chain(expect.map(Err)).collect();
        assert_eq!(told, expect);
    }

    /// However many answers still wait.
    #[tokio::test]
    async fn the_end_is_told_behind_what_waits() {
        for waiting in 0..=2 {
            check(waiting, Some(Ok(())), None).await;
            check(waiting, Some(Err(Failure::Silent)), Some(Code::DeadlineExceeded)).await;
            check(waiting, None, Some(Code::Internal)).await;
        }
    }
}

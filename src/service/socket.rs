//! A socket that sends in one piece what one turn of a connection writes.
//!
//! HTTP/2 flushes after every frame of data, so that an answer and the trailers after it would be two packets, two calls
//! of the kernel and two awakenings of the client. Here a flush does nothing: the task of the connection sends what has
//! gathered when it has polled the connection, and has nothing else to do before that.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// So many bytes may gather, and a frame more, before they are sent all the same.
const MOST: usize = 16 << 10;

/// Bytes that are taken at a time at most, several times the usual frame: a peer may ask for frames of 16 MiB.
const MOST_AT_ONCE: usize = 64 << 10;

/// The socket of a connection, and the handle that sends what was written to it.
pub(super) fn gathering(socket: TcpStream) -> (Socket, Outgoing<OwnedWriteHalf>) {
    let (incoming, outgoing) = socket.into_split();
    let outgoing = Outgoing::new(outgoing);
    (Socket { incoming, outgoing: outgoing.clone() }, outgoing)
}

/// What the connection reads from and writes to.
#[derive(Debug)]
pub(super) struct Socket {
    incoming: OwnedReadHalf,
    outgoing: Outgoing<OwnedWriteHalf>,
}

/// Bytes on their way out. Clones are handles to the same.
#[derive(Debug)]
pub(super) struct Outgoing<W>(Arc<Mutex<Gathered<W>>>);

#[derive(Debug)]
struct Gathered<W> {
    bytes: Vec<u8>,
    /// How many of them are sent.
    sent: usize,
    writer: W,
}

impl<W> Clone for Outgoing<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: AsyncWrite + Unpin> Outgoing<W> {
    fn new(writer: W) -> Self {
        Self(Arc::new(Mutex::new(Gathered { bytes: Vec::new(), sent: 0, writer })))
    }

    /// Sends what has gathered. Ready when all is sent.
    pub(super) fn poll_send(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_send(cx)
    }

    fn poll_gather(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut gathered = self.lock();
        if gathered.bytes.len() >= MOST {
            ready!(gathered.poll_send(cx))?;
        }
        let mut room = MOST_AT_ONCE;
        for slice in slices {
            let (taken, _) = slice.split_at(slice.len().min(room));
            gathered.bytes.extend_from_slice(taken);
            room -= taken.len();
        }
        Poll::Ready(Ok(MOST_AT_ONCE - room))
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathered = self.lock();
        ready!(gathered.poll_send(cx))?;
        Pin::new(&mut gathered.writer).poll_shutdown(cx)
    }

    /// Held for the length of a poll, and both handles belong to one task: nobody ever waits.
    fn lock(&self) -> MutexGuard<'_, Gathered<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: AsyncWrite + Unpin> Gathered<W> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(unsent @ [_, ..]) = self.bytes.get(self.sent..) {
            let sent = ready!(Pin::new(&mut self.writer).poll_write(cx, unsent))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        self.bytes.clear();
        self.sent = 0;
        // A connection that is idle after a large answer keeps no large buffer.
        self.bytes.shrink_to(MOST);
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().incoming).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.outgoing.poll_gather(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.outgoing.poll_gather(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes so many bytes at a time, so many times, and remembers them.
    #[derive(Debug)]
    struct Narrow {
        width: usize,
        times: usize,
        taken: Vec<u8>,
        closed: bool,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            if this.times == 0 {
                return Poll::Pending;
            }
            this.times -= 1;
            let taken = bytes.len().min(this.width);
            this.taken.extend_from_slice(&bytes[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.get_mut().closed = true;
            Poll::Ready(Ok(()))
        }
    }

    fn narrow(width: usize, times: usize) -> Outgoing<Narrow> {
        Outgoing::new(Narrow { width, times, taken: Vec::new(), closed: false })
    }

    fn gather(outgoing: &Outgoing<Narrow>, slices: &[&[u8]]) -> Poll<usize> {
        let slices: Vec<IoSlice<'_>> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
        outgoing.poll_gather(&mut Context::from_waker(Waker::noop()), &slices).map(Result::unwrap)
    }

    fn send(outgoing: &Outgoing<Narrow>) -> Poll<io::Result<()>> {
        outgoing.poll_send(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn what_is_written_in_one_turn_is_sent_at_once_and_in_order() {
        let outgoing = narrow(usize::MAX, 1);
        assert_eq!(gather(&outgoing, &[b"head", b"", b"data"]), Poll::Ready(8));
        assert_eq!(gather(&outgoing, &[b"trailers"]), Poll::Ready(8));
        assert!(outgoing.lock().writer.taken.is_empty());
        assert!(matches!(send(&outgoing), Poll::Ready(Ok(()))));
        assert!(matches!(send(&outgoing), Poll::Ready(Ok(()))), "there is nothing left to send");
        assert_eq!(outgoing.lock().writer.taken, b"headdatatrailers");
    }

    #[test]
    fn of_a_frame_of_any_length_only_so_much_is_taken_at_once() {
        let outgoing = narrow(1_000, usize::MAX);
        let frame: Vec<u8> = (0..3 * MOST_AT_ONCE).map(|at| (at % 251) as u8).collect();
        let mut taken = 0;
        while taken < frame.len() {
            let (first, second) = frame[taken..].split_at((frame.len() - taken) / 2);
            let Poll::Ready(more) = gather(&outgoing, &[first, second]) else { panic!("held up") };
            assert!(more <= MOST_AT_ONCE && outgoing.lock().bytes.len() < MOST + MOST_AT_ONCE);
            taken += more;
        }
        assert!(matches!(send(&outgoing), Poll::Ready(Ok(()))));
        assert_eq!(outgoing.lock().writer.taken, frame);
    }

    #[test]
    fn a_full_socket_holds_up_the_writer_and_nothing_is_lost() {
        let outgoing = narrow(1_000, 0);
        let frame = [7; 10_000];
        let written = (0..10).take_while(|_| gather(&outgoing, &[&frame]).is_ready()).count();
        assert_eq!(written, MOST / frame.len() + 1);
        assert!(send(&outgoing).is_pending());
        outgoing.lock().writer.times = 19;
        assert!(send(&outgoing).is_pending());
        outgoing.lock().writer.times = 1;
        assert!(matches!(send(&outgoing), Poll::Ready(Ok(()))));
        assert_eq!(outgoing.lock().writer.taken, [7; 20_000]);
        assert!(gather(&outgoing, &[&frame]).is_ready());
    }

    #[test]
    fn the_end_comes_after_what_has_gathered() {
        let mut cx = Context::from_waker(Waker::noop());
        let outgoing = narrow(4, 1);
        assert!(gather(&outgoing, &[b"goodbye"]).is_ready());
        assert!(outgoing.poll_shutdown(&mut cx).is_pending());
        assert!(!outgoing.lock().writer.closed);
        outgoing.lock().writer.times = 1;
        assert!(outgoing.poll_shutdown(&mut cx).is_ready());
        let gathered = outgoing.lock();
        assert_eq!((gathered.writer.taken.as_slice(), gathered.writer.closed), (b"goodbye".as_slice(), true));
    }

    #[test]
    fn a_socket_that_takes_nothing_is_an_error() {
        let outgoing = narrow(0, 1);
        assert!(gather(&outgoing, &[b"x"]).is_ready());
        let Poll::Ready(Err(error)) = send(&outgoing) else { panic!("sent into nothing") };
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    }
}

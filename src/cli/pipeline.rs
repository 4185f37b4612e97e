//! Work on many items on every core, answers in order, with a bounded number of items in flight.
//!
//! For each item the reader puts a slot into a queue of bounded length, and the item with the slot's other end into the
//! queue of the workers. Whoever consumes the answers takes the slots in order and waits for each to be filled. The
//! bound on the queue of slots is the bound on everything: neither a slow consumer nor one slow item lets memory grow.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

/// Applies `work` to every item on `threads` threads and hands the results to `consume` in the order of the items.
///
/// If `consume` fails, the threads are left behind: the reader may be waiting for input that never comes.
///
/// # Errors
///
/// The first error of `consume`; a thread that could not be started or that stopped.
pub(super) fn ordered<T: Send + 'static, R: Send + 'static>(
    threads: usize,
    items: impl Iterator<Item = T> + Send + 'static,
    work: impl Fn(T) -> R + Send + Sync + 'static,
    mut consume: impl FnMut(R) -> io::Result<()>,
) -> io::Result<()> {
    let in_flight = threads.saturating_mul(2);
    let (put_slot, slots) = mpsc::sync_channel::<mpsc::Receiver<R>>(in_flight);
    let (put_job, jobs) = mpsc::sync_channel::<(T, mpsc::SyncSender<R>)>(in_flight);
    let reader = thread::Builder::new().name("reader".to_owned()).spawn(move || {
        for item in items {
            let (fill, slot) = mpsc::sync_channel(1);
            // The other ends are gone once the consumer has failed.
            if put_slot.send(slot).is_err() || put_job.send((item, fill)).is_err() {
                break;
            }
        }
    })?;
    let shared = Arc::new((Mutex::new(jobs), work));
    for number in 0..threads {
        let shared = Arc::clone(&shared);
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            let (jobs, work) = &*shared;
            loop {
                let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((item, fill)) = job else { break };
                // Nobody waits for this slot any more if the consumer has failed.
                let _ = fill.send(work(item));
            }
        })?;
    }
    let stopped = || io::Error::other("a thread stopped unexpectedly");
    for slot in slots {
        consume(slot.recv().map_err(|_| stopped())?)?;
    }
    // The queue of slots also ends if the reader panics, and then not everything was read.
    reader.join().map_err(|_| stopped())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 7] {
            let mut found = Vec::new();
            let work = |n: u64| {
                // Uneven work, so that later items finish first.
                (0..(1000 - n) * 50).fold(n, |sum, step| std::hint::black_box(sum ^ step ^ step)) * 2
            };
            ordered(threads, 0..1000, work, |double| {
                found.push(double);
                Ok(())
            })
            .unwrap();
            assert_eq!(found, (0..1000).map(|n| n * 2).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn a_consumer_that_fails_ends_the_work_even_if_the_reader_waits() {
        let (keep, wait) = mpsc::channel::<u64>();
        keep.send(1).unwrap();
        let error = ordered(2, wait.into_iter(), |n| n, |_| Err(io::ErrorKind::BrokenPipe.into())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        drop(keep);
    }
}

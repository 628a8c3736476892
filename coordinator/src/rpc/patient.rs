//! Streams to readers that may be slow or gone: one that is given up ends with an error, never as if it were whole.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use super::READER_WAIT;

/// Where what is to be read is sent.
#[derive(Debug)]
pub(crate) struct PatientSender<T, E> {
    items: mpsc::Sender<Result<T, E>>,
    is_given_up: Arc<AtomicBool>,
}

/// What a reader reads.
#[derive(Debug)]
pub(crate) struct PatientStream<T, E> {
    items: ReceiverStream<Result<T, E>>,
    is_given_up: Arc<AtomicBool>,
    given_up: fn() -> E,
}

/// The reader has gone, or took nothing for too long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone;

/// A stream with so much room, and what it ends with where its reader takes nothing for [`READER_WAIT`].
pub(crate) fn patient<T, E>(room: usize, given_up: fn() -> E) -> (PatientSender<T, E>, PatientStream<T, E>) {
    let (sender, receiver) = mpsc::channel(room);
    let is_given_up = Arc::new(AtomicBool::new(false));
    let stream = PatientStream {
        items: ReceiverStream::new(receiver),
        is_given_up: Arc::clone(&is_given_up),
        given_up,
    };
    (PatientSender { items: sender, is_given_up }, stream)
}

impl<T, E> PatientSender<T, E> {
    /// Sends an item, once there is room for it.
    pub(crate) async fn send(&self, item: Result<T, E>) -> Result<(), Gone> {
        let sent = self.items.send_timeout(item, READER_WAIT).await;
        if let Err(mpsc::error::SendTimeoutError::Timeout(_)) = &sent {
            self.is_given_up.store(true, Ordering::Release);
        }
        sent.map_err(|_| Gone)
    }

    /// Waits until the reader has gone.
    pub(crate) async fn closed(&self) {
        self.items.closed().await;
    }
}

impl<T, E> Stream for PatientStream<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.items).poll_next(context) {
            Poll::Ready(None) if self.is_given_up.swap(false, Ordering::Acquire) => {
                Poll::Ready(Some(Err((self.given_up)())))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_comes_back_too_late_learns_that_something_is_missing() {
        let (sender, stream) = patient(1, || "given up");
        let sending = tokio::spawn(async move {
            let mut sent = 0;
            while sender.send(Ok(sent)).await.is_ok() {
                sent += 1;
            }
            sent
        });
        assert_eq!(sending.await.expect("no panic"), 1, "there was room for one");
        assert_eq!(stream.collect::<Vec<_>>().await, [Ok(0), Err("given up")]);
    }

    #[tokio::test]
    async fn a_stream_that_was_read_ends_well() {
        let (sender, stream) = patient::<_, &str>(2, || "given up");
        assert!(sender.send(Ok(1)).await.is_ok());
        drop(sender);
        assert_eq!(stream.collect::<Vec<_>>().await, [Ok(1)]);
    }
}

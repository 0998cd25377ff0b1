//! The event of an invocation as the body of an HTTP answer: the slices of the batch, one after the other, never copied.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use pelton_core::Batch;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The slices that are not sent yet.
pub(crate) struct EventBody {
    slices: std::vec::IntoIter<Bytes>,
    bytes_left: u64,
}

impl EventBody {
    /// The event of `batch`.
    pub(crate) fn new(batch: &Batch) -> Self {
        Self { slices: batch.body().into_iter(), bytes_left: batch.event_len() as u64 }
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let slice = self.slices.next();
        if let Some(slice) = &slice {
            self.bytes_left -= slice.len() as u64;
        }
        Poll::Ready(slice.map(|slice| Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes_left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes_left)
    }
}

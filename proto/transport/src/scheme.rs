//! Notices that the other side speaks TLS where it was dialled in plain text, or plain text where it was dialled in TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::InvalidMessage;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::address::Address;

/// Begins what is said where an address has the wrong scheme: a person has to write the other one.
pub const SCHEME_IS_WRONG: &str = "the address begins with the wrong scheme";

/// The type of the record with which TLS refuses what is none (RFC 8446, section 5.1). No server begins HTTP with this byte.
const ALERT: u8 = 21;

/// A connection in plain text, which fails with what to write where the other side turns out to speak TLS.
pub(crate) struct PlainText<S> {
    stream: S,
    /// Where it leads, until the other side has said something.
    unheard: Option<Address>,
}

impl<S> PlainText<S> {
    pub(crate) fn new(stream: S, address: Address) -> Self {
        Self { stream, unheard: Some(address) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PlainText<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if let Some(first) = buffer.filled().get(before)
            && let Some(address) = self.unheard.take()
            && *first == ALERT
        {
            let secure = Address { is_secure: true, ..address.clone() };
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "{address}: {SCHEME_IS_WRONG}: TLS is spoken there; write {secure}, with the token that \
                     `sweep token create` printed in SWEEP_TOKEN"
                ),
            )));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PlainText<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What a failed TLS handshake means, where the other side has answered with something else than TLS.
pub(crate) fn told_of_plain_text(error: io::Error, address: &Address) -> io::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    if !matches!(cause, Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType))) {
        return error;
    }
    let remedy = if address.is_loopback() {
        format!(
            "write {}, or start that coordinator with --tls",
            Address { is_secure: false, ..address.clone() }
        )
    } else {
        "check the address: beyond its own machine a coordinator speaks TLS only".to_owned()
    };
    io::Error::new(error.kind(), format!("{SCHEME_IS_WRONG}: no TLS is spoken there; {remedy}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    #[tokio::test]
    async fn an_alert_is_told_with_the_address_to_write_and_everything_else_is_read() {
        let here = address("http://127.0.0.1:7077");
        for (said, is_tls) in [
            (&b"\x15\x03\x03\x00\x02\x02\x32"[..], true),
            (b"\x15", true),
            (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", false),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", false),
            // Only the first byte of all tells.
            (b"a\x15", false),
            (b"", false),
        ] {
            // One byte at a time, as a network may bring them.
            let mut stream = PlainText::new(said.take(u64::MAX), here.clone());
            let mut heard = Vec::new();
            let mut byte = [0];
            let outcome = loop {
                match stream.read(&mut byte).await {
                    Ok(0) => break Ok(()),
                    Ok(_) => heard.push(byte[0]),
                    Err(error) => break Err(error.to_string()),
                }
            };
            match outcome {
                Ok(()) => assert_eq!((heard.as_slice(), is_tls), (said, false)),
                Err(told) => assert!(is_tls && told.contains("write https://127.0.0.1:7077"), "{told}"),
            }
        }
    }

    #[test]
    fn plain_text_is_told_with_what_to_write_and_other_failures_stay_as_they_are() {
        let failed = |cause: rustls::Error| io::Error::new(io::ErrorKind::InvalidData, cause);
        let plain = || failed(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType));
        let told = told_of_plain_text(plain(), &address("https://127.0.0.1:7077")).to_string();
        assert!(told.contains("write http://127.0.0.1:7077"), "{told}");
        let told = told_of_plain_text(plain(), &address("https://example.org:7077")).to_string();
        assert!(told.contains("check the address") && !told.contains("http://"), "{told}");
        let other = told_of_plain_text(failed(rustls::Error::DecryptError), &address("https://127.0.0.1:1"));
        assert!(!other.to_string().contains(SCHEME_IS_WRONG), "{other}");
    }
}

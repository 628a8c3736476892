//! How long the bearer of a token may listen: an answer that streams is cut when the token is revoked or expires.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use coordinator_core::Engine;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use sweep_proto::{Role, Timestamp, TokenId};
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;

use super::sessions::Login;
use super::tokens;
use crate::driver::Driver;
use crate::status;

/// The rights of a token's bearer, from the begin of an answer on.
#[derive(Debug)]
pub(crate) struct Rights {
    revoked: watch::Receiver<bool>,
    role: Role,
    /// How long they last yet; `None`: until they are revoked.
    left: Option<Duration>,
    /// The login of a browser, with which they end, too.
    login: Option<Login>,
}

impl Rights {
    /// Those of a token now.
    ///
    /// # Errors
    /// Its refusal, where it has none any more.
    pub(crate) async fn of(driver: &Driver, id: TokenId) -> Result<Self, Status> {
        // Subscribed before the look, so that no revocation falls between the two.
        let revoked = driver.notices().of_token(id);
        let look = move |engine: &Engine, now: Timestamp| {
            let record = engine.tables().tokens.get(&id)?;
            let left = record.expires_at.map(|expires| Duration::from_millis(expires.since_ms(now)));
            Some((record.role, left, record.refusal(now)))
        };
        match driver.read(look).await.map_err(status::unasked)? {
            // A worker token that is used up may still repeat its request: joining decides.
            Some((role, _, Some(refusal))) if role != Role::Worker => {
                Err(tokens::refused(refusal, Some(role)))
            }
            Some((role, left, _)) => Ok(Self { revoked, role, left, login: None }),
            None => Err(tokens::refused(coordinator_core::UNKNOWN_TOKEN, None)),
        }
    }

    /// These rights for as long as a login lasts.
    #[must_use]
    pub(crate) fn within(self, login: Option<Login>) -> Self {
        Self { login, ..self }
    }

    /// Waits for their end; says why.
    async fn ended(mut self) -> Status {
        let expired = async {
            match self.left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        let revoked = async {
            if self.revoked.wait_for(|revoked| *revoked).await.is_err() {
                // The driver's end is the server's, which closes its connections in its own order.
                std::future::pending::<()>().await;
            }
        };
        let logged_out = async {
            match &self.login {
                Some(Login { ended, left }) => {
                    // A logout and the end of its time are alike.
                    let _either = tokio::time::timeout(*left, ended.cancelled()).await;
                }
                None => std::future::pending().await,
            }
        };
        let reason = tokio::select! {
            () = revoked => "the token was revoked",
            () = expired => "the token has expired",
            () = logged_out => return Status::unauthenticated("the login has ended; log in again"),
        };
        tokens::refused(reason, Some(self.role))
    }

    /// An answer that is cut when these rights end; where gRPC is spoken its status says why.
    pub(crate) fn bound(self, answer: Body, is_grpc: bool) -> Body {
        Body::new(Bounded { answer: Some(answer), ended: Box::pin(self.ended()), is_grpc })
    }
}

/// An answer as long as the rights of its reader.
struct Bounded {
    /// `None` once it was cut: whoever makes it learns that nobody reads it.
    answer: Option<Body>,
    ended: Pin<Box<dyn Future<Output = Status> + Send>>,
    is_grpc: bool,
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let is_grpc = self.is_grpc;
        let Some(answer) = &mut self.answer else { return Poll::Ready(None) };
        let next = Pin::new(answer).poll_frame(context);
        if let Poll::Ready(None) = next {
            return next;
        }
        // What was ready is dropped, too: nothing goes out after the end.
        let Poll::Ready(refusal) = self.ended.as_mut().poll(context) else { return next };
        self.answer = None;
        let mut trailers = HeaderMap::new();
        let cut = match refusal.add_header(&mut trailers) {
            Ok(()) if is_grpc => Ok(Frame::trailers(trailers)),
            _ => Err(refusal),
        };
        Poll::Ready(Some(cut))
    }

    fn is_end_stream(&self) -> bool {
        self.answer.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.as_ref().map(http_body::Body::size_hint).unwrap_or_default()
    }
}

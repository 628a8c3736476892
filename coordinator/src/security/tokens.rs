//! Whose a token is.

use coordinator_core::{Engine, UNKNOWN_TOKEN, token_refusal};
use http::HeaderValue;
use sweep_proto::{Role, Timestamp, Token, TokenId};
use tonic::Status;

use crate::driver::Driver;
use crate::status;

/// A token that was made here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownToken {
    pub(crate) id: TokenId,
    pub(crate) role: Role,
    /// Why it lets nobody in any more.
    pub(crate) refusal: Option<&'static str>,
}

/// The token of an `authorization` header.
pub(crate) fn of_bearer(authorization: &HeaderValue) -> Result<Token, Status> {
    let text = authorization.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    read(text.ok_or_else(|| Status::unauthenticated("the authorization is not \"Bearer TOKEN\""))?)
}

/// The token that somebody has typed.
pub(crate) fn read(shown: &str) -> Result<Token, Status> {
    shown.parse().map_err(|error| Status::unauthenticated(format!("{error}")))
}

/// What is known of a token that somebody shows.
pub(crate) async fn find(driver: &Driver, token: &Token) -> Result<KnownToken, Status> {
    let (id, digest) = (token.id, token.secret.digest());
    let look = move |engine: &Engine, now: Timestamp| {
        let record = engine.token(id, digest)?;
        Some(KnownToken { id, role: record.role, refusal: record.refusal(now) })
    };
    let found = driver.read(look).await.map_err(status::unasked)?;
    found.ok_or_else(|| refused(UNKNOWN_TOKEN, None))
}

/// The refusal of a token.
pub(crate) fn refused(reason: &str, role: Option<Role>) -> Status {
    Status::unauthenticated(token_refusal(reason, role))
}

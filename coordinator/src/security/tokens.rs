//! Whose a token is.

use coordinator_core::Engine;
use sweep_proto::{Role, Timestamp, Token, TokenId};
use tonic::Status;

use super::gate::unavailable;
use crate::driver::Driver;

/// A token that was made here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownToken {
    pub(crate) id: TokenId,
    pub(crate) role: Role,
    /// Why it lets nobody in any more.
    pub(crate) refusal: Option<&'static str>,
}

/// The token that somebody shows.
pub(crate) async fn find(driver: &Driver, shown: &str) -> Result<KnownToken, Status> {
    let token: Token = shown.parse().map_err(|error| Status::unauthenticated(format!("{error}")))?;
    let (id, digest) = (token.id, token.secret.digest());
    let look = move |engine: &Engine, now: Timestamp| {
        let record = engine.token(id, digest)?;
        Some(KnownToken { id, role: record.role, refusal: record.refusal(now) })
    };
    let found = driver.read(look).await.map_err(unavailable)?;
    found.ok_or_else(|| Status::unauthenticated("the token is not known here"))
}

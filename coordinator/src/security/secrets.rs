//! Makes tokens from the system's entropy.

use sweep_proto::access::{SECRET_BYTES, Secret};
use sweep_proto::{Digest, Token, TokenId};

/// A new token for this coordinator.
///
/// # Errors
/// The system's, where it has no entropy to give.
pub(crate) fn new_token(pin: Digest) -> Result<Token, getrandom::Error> {
    let mut id = [0_u8; 8];
    let mut secret = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut secret)?;
    Ok(Token { id: TokenId::from(id), secret: Secret::new(secret), pin })
}

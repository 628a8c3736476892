//! Roles, and the text of a token: who a secret belongs to, and which coordinator it may be shown to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::digest::Digest;

/// Bytes of a token's secret: nobody guesses 256 bits.
pub const SECRET_BYTES: usize = 32;

/// Bytes of a token's identifier.
const ID_BYTES: usize = 8;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything that people do: tokens, revocations, the audit log, and all below.
    Admin,
    /// Launches and controls sweeps, and all that a viewer does.
    Submitter,
    /// Reads sweeps, reports and models.
    Viewer,
    /// Joins as a worker and trains.
    Worker,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Submitter, Self::Viewer, Self::Worker];

    /// The role's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Submitter => "submitter",
            Self::Viewer => "viewer",
            Self::Worker => "worker",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Text that names no role.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("\"{0}\" is no role; the roles are admin, submitter, viewer and worker")]
pub struct RoleError(String);

impl FromStr for Role {
    type Err = RoleError;
    fn from_str(text: &str) -> Result<Self, RoleError> {
        let known = Self::ALL.into_iter().find(|role| role.name() == text);
        known.ok_or_else(|| RoleError(text.chars().take(40).collect()))
    }
}

/// The public name of a token: 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TokenId([u8; ID_BYTES]);

impl From<[u8; ID_BYTES]> for TokenId {
    fn from(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TokenId({self})")
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for TokenId {
    type Error = TokenError;
    fn try_from(text: String) -> Result<Self, TokenError> {
        text.parse()
    }
}

impl FromStr for TokenId {
    type Err = TokenError;
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(TokenError("its identifier"))
    }
}

/// Text that is no token. It never quotes the text, which may hold a secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "this is no token of a coordinator ({0} is wrong); copy the whole text that `sweep token create` printed"
)]
pub struct TokenError(&'static str);

/// The secret part of a token. It is not printed, and it is wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<[u8; SECRET_BYTES]>);

impl Secret {
    /// A secret of these bytes, which come from the system's entropy.
    pub fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// What the coordinator keeps of it. A plain hash is enough: there is nothing to guess in 256 random bits.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_slice())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// A whole token: `sw1.<id>.<secret>.<pin>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its public name.
    pub id: TokenId,
    /// Its secret.
    pub secret: Secret,
    /// SHA-256 of the `SubjectPublicKeyInfo` of the authority whose coordinator may see the secret.
    pub pin: Digest,
}

impl Token {
    /// What a token's text begins with, before a dot; the number is the format's version.
    pub const PREFIX: &str = "sw1";

    /// The text, secret included.
    pub fn reveal(&self) -> Zeroizing<String> {
        let base32 = &data_encoding::BASE32_NOPAD;
        let secret = Zeroizing::new(base32.encode(self.secret.0.as_slice()));
        Zeroizing::new(format!(
            "{}.{}.{}.{}",
            Self::PREFIX,
            self.id,
            *secret,
            base32.encode(self.pin.as_bytes())
        ))
    }
}

impl FromStr for Token {
    type Err = TokenError;
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let part = |text: &str, name| -> Result<[u8; 32], TokenError> {
            let bytes = data_encoding::BASE32_NOPAD.decode(text.as_bytes()).map(Zeroizing::new);
            bytes.ok().and_then(|bytes| bytes.as_slice().try_into().ok()).ok_or(TokenError(name))
        };
        let parts: Vec<&str> = text.trim().split('.').collect();
        let [Self::PREFIX, id, secret, pin] = parts.as_slice() else {
            return Err(TokenError("its shape"));
        };
        Ok(Self {
            id: id.parse()?,
            secret: Secret::new(part(secret, "its secret")?),
            pin: part(pin, "its pin")?.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token { id: TokenId([7; 8]), secret: Secret::new([9; 32]), pin: Digest::of(b"authority") }
    }

    #[test]
    fn a_written_token_is_read_again() {
        let text = token().reveal();
        assert_eq!(text.parse(), Ok(token()));
        assert_eq!(format!(" {}\n", *text).parse(), Ok(token()));
        assert!(!text.contains(char::is_whitespace) && text.len() < 140, "{}", *text);
    }

    #[test]
    fn damaged_tokens_are_refused_without_being_quoted() {
        let text = token().reveal();
        for wrong in
            ["", "sw1", "sw1.x.y.z", &text[..text.len() - 1], &text.replace("sw1", "sw2"), &text[4..]]
        {
            let error = wrong.parse::<Token>().expect_err("refused").to_string();
            assert!(wrong.len() < 10 || !error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let shown = format!("{:?} {:#?}", token(), token());
        let secret = data_encoding::BASE32_NOPAD.encode(&[9; 32]);
        assert!(!shown.contains(&secret) && !shown.contains("9, 9"), "{shown}");
    }

    #[test]
    fn roles_have_names() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}

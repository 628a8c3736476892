//! Names that come as text: what is read is written as something that reads alike, and secrets stay unsaid.

use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::sync::LazyLock;

use sweep_proto::access::{Secret, TokenError};
use sweep_proto::{Digest, Role, SweepId, Token, TokenId, TrialId, WorkerId};
use sweep_transport::{Address, Addresses};
use worker_trainer::DeviceChoice;

use super::seeds;
use crate::registry::Seed;

/// Most bytes of an error over text of any length.
const ERROR_BYTES_MAX: usize = 2_000;

fn reads_as_written<T: FromStr + Display + PartialEq + Debug>(text: &str)
where
    T::Err: Display,
{
    match text.parse::<T>() {
        Ok(value) => {
            let written = value.to_string();
            let again = written.parse::<T>().map_err(|error| error.to_string());
            assert_eq!(again.as_ref(), Ok(&value), "{text:?} was written as {written:?}");
        }
        Err(error) => assert!(error.to_string().len() <= ERROR_BYTES_MAX, "{error}"),
    }
}

/// Identifiers, digests, roles and devices.
pub(crate) fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    reads_as_written::<Digest>(&text);
    reads_as_written::<SweepId>(&text);
    reads_as_written::<TrialId>(&text);
    reads_as_written::<WorkerId>(&text);
    reads_as_written::<TokenId>(&text);
    reads_as_written::<Role>(&text);
    reads_as_written::<DeviceChoice>(&text);
    if let Ok(digest) = text.parse::<Digest>() {
        assert!(text.starts_with(&digest.short()) && digest.to_string() == text);
        let json = serde_json::to_string(&digest).expect("text");
        assert_eq!(serde_json::from_str::<Digest>(&json).expect("a digest"), digest);
    }
}

/// Every error of a token: its shape, its identifier, its secret or its pin is wrong.
static REFUSED: LazyLock<Vec<TokenError>> = LazyLock::new(|| {
    let secret = "A".repeat(52);
    let wrong = ["", "sw1.x.y.z", "sw1.0123456789abcdef.y.z", &format!("sw1.0123456789abcdef.{secret}.z")];
    let refused: Vec<TokenError> =
        wrong.iter().map(|text| text.parse::<Token>().expect_err("no token")).collect();
    assert!(refused.iter().enumerate().all(|(place, one)| !refused[..place].contains(one)), "{refused:?}");
    refused
});

/// Tokens.
pub(crate) fn tokens(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match text.parse::<Token>() {
        Ok(token) => {
            let revealed = token.reveal();
            assert_eq!(revealed.parse(), Ok(token.clone()));
            assert_eq!(text.trim(), revealed.as_str(), "one token has two texts");
            let secret = revealed.split('.').nth(2).expect("four parts").to_owned();
            assert!(!format!("{token:?}{token:#?}").contains(&secret));
        }
        // It names the part that is wrong and quotes nothing: there are four errors, whatever was given.
        Err(error) => assert!(REFUSED.contains(&error), "{error}"),
    }
}

/// Addresses of coordinators.
pub(crate) fn addresses(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    reads_as_written::<Address>(&text);
    reads_as_written::<Addresses>(&text);
    if let Ok(addresses) = text.parse::<Addresses>() {
        assert!(!addresses.all().is_empty());
        for address in addresses.all() {
            assert!(address.port != 0 && !address.host.is_empty(), "{address:?}");
            let stays_here = address.host == "localhost"
                || address.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
            assert!(addresses.is_secure() || stays_here, "{address:?} in plain text");
        }
    }
}

/// Names that are right.
pub(crate) fn name_seeds() -> Vec<Seed> {
    seeds([
        ("digest", Digest::of(b"abc").to_string()),
        ("trial", "3/17".to_owned()),
        ("worker", "018f3f3a-0000-7000-8000-000000000001".to_owned()),
        ("token_id", "0123456789abcdef".to_owned()),
        ("role", "submitter".to_owned()),
        ("device", "cuda:11".to_owned()),
    ])
}

/// A token.
pub(crate) fn token_seeds() -> Vec<Seed> {
    let token =
        Token { id: TokenId::from([7; 8]), secret: Secret::new([9; 32]), pin: Digest::of(b"authority") };
    seeds([("token", token.reveal().to_string())])
}

/// Addresses that are right.
pub(crate) fn address_seeds() -> Vec<Seed> {
    seeds([
        ("plain", "127.0.0.1:7077"),
        ("plain_6", "http://[::1]:7077/"),
        ("several", "https://10.0.0.1:1,https://[fe80::1]:2,https://example.org:7077"),
    ])
}

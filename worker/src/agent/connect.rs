//! The connection to a coordinator: which addresses are allowed, and how it is kept alive.

use std::net::IpAddr;
use std::time::Duration;

use sweep_proto::protocol::MESSAGE_BYTES_MAX;
use thiserror::Error;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};

use super::Client;

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A silent connection is probed this often, and given up after this long without an answer.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why an address is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// Not an address at all.
    #[error("\"{0}\" is no address; write http://127.0.0.1:7077 or 127.0.0.1:7077")]
    Malformed(String),
    /// Another scheme.
    #[error("the scheme \"{0}\" is not supported; write http://HOST:PORT")]
    Scheme(String),
    /// Plain text beyond this machine.
    #[error(
        "\"{0}\" is not this machine, and without TLS a worker joins only over loopback; \
         tunnel the port, for example with ssh -L 7077:127.0.0.1:7077 {0}, and join http://127.0.0.1:7077"
    )]
    NotLoopback(String),
}

/// Reads `http://HOST:PORT` or `HOST:PORT`.
///
/// # Errors
/// [`AddressError`] says what is wrong and what to write instead.
pub fn parse_address(text: &str) -> Result<Uri, AddressError> {
    let malformed = || AddressError::Malformed(text.chars().take(200).collect());
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let uri: Uri = full.parse().map_err(|_| malformed())?;
    let scheme = uri.scheme_str().ok_or_else(malformed)?;
    if scheme != "http" {
        return Err(AddressError::Scheme(scheme.to_owned()));
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(malformed)?;
    if uri.port_u16().is_none_or(|port| port == 0) || uri.path() != "/" || uri.query().is_some() {
        return Err(malformed());
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback =
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_loopback { Ok(uri) } else { Err(AddressError::NotLoopback(host.to_owned())) }
}

/// A client that connects when it is first used, and again whenever the connection broke.
pub fn client(address: Uri) -> Client {
    let channel = Endpoint::from(address)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .connect_lazy();
    client_over(channel)
}

/// A client over any channel, with the protocol's bounds.
pub fn client_over(channel: Channel) -> Client {
    Client::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_allowed_in_every_spelling() {
        for text in [
            "http://127.0.0.1:7077",
            "127.0.0.1:7077",
            "localhost:1",
            "http://[::1]:7077",
            "http://127.9.9.9:7/",
        ] {
            assert!(parse_address(text).is_ok(), "{text}: {:?}", parse_address(text));
        }
    }

    #[test]
    fn other_machines_schemes_and_nonsense_are_refused_by_name() {
        let refused = |text: &str| parse_address(text).expect_err("refused");
        assert_eq!(refused("http://10.0.0.5:7077"), AddressError::NotLoopback("10.0.0.5".into()));
        assert_eq!(
            refused("localhost.example.org:7077"),
            AddressError::NotLoopback("localhost.example.org".into())
        );
        assert_eq!(refused("https://127.0.0.1:7077"), AddressError::Scheme("https".into()));
        for text in
            ["", "127.0.0.1", "127.0.0.1:0", "http://", "a b:1", "127.0.0.1:7077/path", "127.0.0.1:99999"]
        {
            assert!(matches!(refused(text), AddressError::Malformed(_)), "{text}: {:?}", refused(text));
        }
    }
}

//! Addresses of coordinators as people write them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// Most addresses of one coordinator and its standbys.
const ADDRESSES_MAX: usize = 16;

/// Why an address is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// Not an address at all.
    #[error("\"{0}\" is no address; write https://HOST:PORT, or http://127.0.0.1:7077 on this machine")]
    Malformed(String),
    /// Another scheme.
    #[error("the scheme \"{0}\" is not supported; write https://HOST:PORT")]
    Scheme(String),
    /// Plain text beyond this machine.
    #[error(
        "\"{0}\" is not this machine, and nothing is said in plain text beyond it; write https://{0}:PORT \
         with the token that `sweep token create` printed"
    )]
    NotLoopback(String),
    /// Plain and secure addresses together.
    #[error("either all addresses begin with https:// or none does")]
    Mixed,
    /// More than a list may hold.
    #[error("at most {ADDRESSES_MAX} addresses may be given")]
    TooMany,
}

/// Where one coordinator listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an IP address, IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether TLS is spoken.
    pub is_secure: bool,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed(text.chars().take(200).collect());
        let text = text.trim();
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = full.parse().map_err(|_| malformed())?;
        let is_secure = match uri.scheme_str().ok_or_else(malformed)? {
            "http" => false,
            "https" => true,
            other => return Err(AddressError::Scheme(other.to_owned())),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(malformed)?;
        let port = uri.port_u16().filter(|port| *port != 0).ok_or_else(malformed)?;
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if uri.path() != "/" || uri.query().is_some() || has_user {
            return Err(malformed());
        }
        // An authority may have brackets anywhere; a host has them only around an IPv6 address.
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) if address.parse::<Ipv6Addr>().is_ok() => address.to_owned(),
            None if !host.contains(['[', ']', ':']) => host.to_owned(),
            _ => return Err(malformed()),
        };
        let address = Self { host, port, is_secure };
        if !address.is_secure && !address.is_loopback() {
            return Err(AddressError::NotLoopback(address.host));
        }
        Ok(address)
    }
}

impl Address {
    /// Whether it is this machine, which hears what is said in plain text.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "https" } else { "http" };
        if self.host.contains(':') {
            write!(formatter, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

/// A coordinator and its standbys, in the order in which they are tried; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses(Vec<Address>);

impl Addresses {
    /// Every address.
    pub fn all(&self) -> &[Address] {
        &self.0
    }

    /// Whether TLS is spoken.
    pub fn is_secure(&self) -> bool {
        self.0.iter().all(|address| address.is_secure)
    }
}

impl FromStr for Addresses {
    type Err = AddressError;

    /// Reads one address, or several with commas between them.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let all: Vec<Address> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
        if all.len() > ADDRESSES_MAX {
            return Err(AddressError::TooMany);
        }
        if all.iter().any(|address| address.is_secure) && !all.iter().all(|address| address.is_secure) {
            return Err(AddressError::Mixed);
        }
        Ok(Self(all))
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, address) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(formatter, "{comma}{address}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> AddressError {
        text.parse::<Addresses>().expect_err("refused")
    }

    #[test]
    fn addresses_are_written_as_they_are_read() {
        for (text, written) in [
            ("http://127.0.0.1:7077", "http://127.0.0.1:7077"),
            ("127.0.0.1:7077", "http://127.0.0.1:7077"),
            ("localhost:1", "http://localhost:1"),
            (" http://[::1]:7077/ ", "http://[::1]:7077"),
            ("http://127.9.9.9:7/", "http://127.9.9.9:7"),
            ("https://example.org:7077", "https://example.org:7077"),
            ("https://10.0.0.1:1,https://[fe80::1]:2", "https://10.0.0.1:1,https://[fe80::1]:2"),
        ] {
            let addresses: Addresses = text.parse().expect(text);
            assert_eq!(addresses.to_string(), written);
        }
    }

    #[test]
    fn plain_text_stays_on_this_machine() {
        assert_eq!(refused("http://10.0.0.5:7077"), AddressError::NotLoopback("10.0.0.5".into()));
        assert_eq!(refused("10.0.0.5:7077"), AddressError::NotLoopback("10.0.0.5".into()));
        assert_eq!(
            refused("localhost.example.org:7077"),
            AddressError::NotLoopback("localhost.example.org".into())
        );
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        assert_eq!(refused("ftp://127.0.0.1:7077"), AddressError::Scheme("ftp".into()));
        assert_eq!(refused("https://a:1,http://127.0.0.1:2"), AddressError::Mixed);
        assert_eq!(refused(&["https://a:1"; 17].join(",")), AddressError::TooMany);
        for text in [
            "",
            "127.0.0.1",
            "127.0.0.1:0",
            "http://",
            "a b:1",
            "127.0.0.1:7077/path",
            "127.0.0.1:99999",
            "https://me:secret@there:1",
            "https://a:1,",
            "https://a.[fe80::1]:2",
            "https://[a]:2",
        ] {
            assert!(matches!(refused(text), AddressError::Malformed(_)), "{text}: {:?}", refused(text));
        }
    }
}

//! Raw connections to a coordinator, from any loopback address, over TLS without a credential.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use socket2::{Domain, Socket, Type};

/// How long an answer is waited for when a connection is read; most answers are there already.
const READ_WAIT: Duration = Duration::from_millis(200);

/// How long a write may block: an attacker does not wait for a server that reads nothing more.
const WRITE_WAIT: Duration = Duration::from_secs(5);

/// A TCP connection from a loopback address of choice.
///
/// # Errors
/// Where it is refused.
pub fn tcp(source: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::V4(SocketAddrV4::new(source, 0)).into())?;
    socket.connect(&to.into())?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ_WAIT))?;
    stream.set_write_timeout(Some(WRITE_WAIT))?;
    Ok(stream)
}

/// A TLS connection over which nothing was said yet.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A TLS connection from a loopback address of choice, its handshake done.
///
/// # Errors
/// Where the handshake fails.
pub fn tls(source: Ipv4Addr, to: SocketAddr) -> Result<Tls> {
    shown(source, to, None)
}

/// As [`tls`], with a certificate of the client and its key.
///
/// # Errors
/// Where the handshake fails. TLS 1.3 tells of a refused certificate only when something is read.
pub fn shown(source: Ipv4Addr, to: SocketAddr, identity: Option<Shown>) -> Result<Tls> {
    let mut stream = StreamOwned::new(connection(identity)?, tcp(source, to)?);
    stream.sock.set_read_timeout(Some(WRITE_WAIT))?;
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    stream.sock.set_read_timeout(Some(READ_WAIT))?;
    Ok(stream)
}

/// A certificate and its key.
pub type Shown = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// A client that takes any server for the right one.
///
/// # Errors
/// Where the key is of no use.
pub fn connection(identity: Option<Shown>) -> Result<ClientConnection> {
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous));
    let mut config = match identity {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => config.with_client_auth_cert(vec![certificate], key)?,
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from("localhost").context("a name")?;
    Ok(ClientConnection::new(Arc::new(config), name)?)
}

/// Everything that has come, and whether the other side has ended the connection.
pub fn heard(stream: &mut impl Read) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let mut part = [0; 16_384];
    loop {
        match stream.read(&mut part) {
            Ok(0) => return (bytes, true),
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return (bytes, false);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return (bytes, true),
        }
    }
}

/// Writes and flushes; whether the other side took it.
pub fn say(stream: &mut impl Write, bytes: &[u8]) -> bool {
    stream.write_all(bytes).and_then(|()| stream.flush()).is_ok()
}

/// Believes every server: an attacker does not ask whom he attacks.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

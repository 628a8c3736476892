//! Connects to the first coordinator that answers, over TLS where the address says so.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use sweep_proto::Digest;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tower::Service;

use crate::COORDINATOR_NAME;
use crate::address::{Address, Addresses};
use crate::pin::PinnedAuthority;
use crate::scheme::{PlainText, told_of_plain_text};

/// How long one address may take to answer before the next one is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A silent connection is probed this often, and given up after this long without an answer: routers
/// forget idle connections, and machines vanish. Together well below a lease's 24 s without a renewal, so that a
/// worker is back over a new connection before it has to stop.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(8);

/// As [`KEEP_ALIVE_TIMEOUT`], for a connection that carries artifacts: on a slow line a probe waits behind what was sent
/// before it.
const CARRIER_TIMEOUT: Duration = Duration::from_mins(2);

/// What a connection is made of.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The certificate that a client shows. It may be replaced while connections live: the next one shows the new one.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    current: Arc<RwLock<Option<Arc<CertifiedKey>>>>,
    provider: Arc<CryptoProvider>,
}

impl Default for ClientIdentity {
    fn default() -> Self {
        Self { current: Arc::default(), provider: Arc::new(rustls::crypto::ring::default_provider()) }
    }
}

impl ClientIdentity {
    /// Shows this certificate from now on.
    ///
    /// # Errors
    /// [`rustls::Error`] where the key cannot be used.
    pub fn replace(
        &self,
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), rustls::Error> {
        let key = self.provider.key_provider.load_private_key(key)?;
        let certified = CertifiedKey::new(vec![certificate], key);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(certified));
        Ok(())
    }
}

impl ResolvesClientCert for ClientIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn has_certs(&self) -> bool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Whom a client trusts, and what it shows.
#[derive(Clone, Debug)]
pub struct Trust {
    /// SHA-256 of the key of the coordinator's authority.
    pub pin: Digest,
    /// What the client shows; nothing where it is empty.
    pub identity: ClientIdentity,
}

/// A connector over a list of addresses, tried in turn.
#[derive(Clone)]
pub struct Dial {
    addresses: Arc<Addresses>,
    tls: Option<TlsConnector>,
    /// Where the next connection begins.
    first: Arc<AtomicUsize>,
    /// Whether it goes where the last connection went, and leaves the turn as it is.
    is_beside: bool,
}

impl Dial {
    /// A connector; `trust` is needed for secure addresses and left unused by plain ones.
    pub fn new(addresses: Addresses, trust: Option<&Trust>) -> Self {
        let tls = trust.filter(|_| addresses.is_secure()).map(tls_connector);
        Self { addresses: Arc::new(addresses), tls, first: Arc::new(AtomicUsize::new(0)), is_beside: false }
    }

    /// A connector of further connections: they go where the last one of this connector went.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { is_beside: true, ..self.clone() }
    }

    async fn connect(self) -> io::Result<Box<dyn Stream>> {
        let all = self.addresses.all();
        let first = self.first.load(Ordering::Relaxed).saturating_sub(usize::from(self.is_beside));
        let mut failed = None;
        for offset in 0..all.len() {
            let position = (first + offset) % all.len();
            match self.connect_to(&all[position]).await {
                Ok(stream) if self.is_beside => return Ok(stream),
                Ok(stream) => {
                    // A connection that ends makes room for the next address: a standby answers, but does not serve.
                    self.first.store(position + 1, Ordering::Relaxed);
                    return Ok(stream);
                }
                Err(error) => {
                    tracing::debug!(address = %all[position], %error, "a coordinator does not answer");
                    failed = Some(error);
                }
            }
        }
        Err(failed.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no address was given")))
    }

    async fn connect_to(&self, address: &Address) -> io::Result<Box<dyn Stream>> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
        let timed_out = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
        let connecting = TcpStream::connect((address.host.as_str(), address.port));
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .unwrap_or_else(|_| Err(timed_out()))
            .map_err(named)?;
        // Heartbeats must not wait for more to come.
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return if address.is_secure {
                Err(named(io::Error::new(io::ErrorKind::InvalidInput, "TLS needs the pin of a token")))
            } else {
                Ok(Box::new(PlainText::new(stream, address.clone())))
            };
        };
        let name = ServerName::try_from(COORDINATOR_NAME)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.connect(name, stream));
        let secured = handshake.await.unwrap_or_else(|_| Err(timed_out()));
        Ok(Box::new(secured.map_err(|error| named(told_of_plain_text(error, address)))?))
    }
}

fn tls_connector(trust: &Trust) -> TlsConnector {
    let provider = Arc::clone(&trust.identity.provider);
    let verifier = Arc::new(PinnedAuthority::new(trust.pin, Arc::clone(&provider)));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap_or_else(|_| unreachable!("ring speaks TLS 1.3"))
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(trust.identity.clone()));
    config.alpn_protocols = vec![b"h2".to_vec()];
    // A resumed session would go on under the certificate of the first one.
    config.resumption = rustls::client::Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

impl Service<Uri> for Dial {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let dial = self.clone();
        Box::pin(async move { dial.connect().await.map(TokioIo::new) })
    }
}

fn endpoint(timeout: Duration) -> Endpoint {
    // The connector knows where to go; this only names the other side.
    Endpoint::from_static("http://coordinator.lstm-sweep.internal")
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(timeout)
        .keep_alive_while_idle(true)
}

/// A channel that connects when it is first used, and again whenever the connection broke. It is dialled with
/// [`Dial`], or with anything else that gives a connection.
pub fn channel<D, S>(dial: D) -> Channel
where
    D: Service<Uri, Response = TokioIo<S>, Error = io::Error, Future: Send> + Send + 'static,
    S: Stream + 'static,
{
    endpoint(KEEP_ALIVE_TIMEOUT).connect_with_connector_lazy(dial)
}

/// As [`channel`], for artifacts: patient with a slow line.
pub fn carrier(dial: Dial) -> Channel {
    endpoint(CARRIER_TIMEOUT).connect_with_connector_lazy(dial)
}

/// A channel that is connected.
///
/// # Errors
/// Why no address answers: [`crate::root_cause`] is what to show.
pub async fn connect(dial: Dial) -> Result<Channel, tonic::transport::Error> {
    endpoint(KEEP_ALIVE_TIMEOUT).connect_with_connector(dial).await
}

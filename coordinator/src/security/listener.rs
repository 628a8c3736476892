//! Takes connections: bounded in number, with deadlines, over TLS where it is on, cut when their certificate is revoked.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use super::authority::worker_of;
use super::caller::Peer;
use crate::driver::{Driver, Standing};

/// Most connections at one time: each holds a file descriptor and some kilobytes.
const CONNECTIONS_MAX: usize = 16_384;

/// Most connections from one address at one time: a laboratory behind one router fits in.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 4_096;

/// Most TLS handshakes at one time.
const HANDSHAKES_MAX: usize = 256;

/// How long a handshake may take, and then how long the first byte may.
const GREETING_WAIT: Duration = Duration::from_secs(10);

/// How long a connection to a coordinator that stands by lives: long enough for a probe's answer, short
/// because whoever has other addresses then tries the next.
const STANDBY_WAIT: Duration = Duration::from_secs(2);

/// Pause after the system refuses a connection, out of file descriptors for example.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// A connection that any service can be spoken over.
pub(crate) struct Connection {
    stream: Pin<Box<dyn Stream>>,
    peer: Peer,
    /// Says why when the connection has to end.
    cut: Pin<Box<dyn Future<Output = &'static str> + Send>>,
    /// Until the first byte has come.
    greeting: Option<Pin<Box<Sleep>>>,
    _seat: Option<Seat>,
}

trait Stream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

impl Connection {
    fn new(
        stream: impl Stream + 'static,
        peer: Peer,
        cut: impl Future<Output = &'static str> + Send + 'static,
        seat: Option<Seat>,
    ) -> Self {
        Self {
            stream: Box::pin(stream),
            peer,
            cut: Box::pin(cut),
            greeting: Some(Box::pin(tokio::time::sleep(GREETING_WAIT))),
            _seat: seat,
        }
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Option<io::Error> {
        if let Poll::Ready(reason) = self.cut.as_mut().poll(context) {
            return Some(io::Error::new(io::ErrorKind::ConnectionAborted, reason));
        }
        let greeting = self.greeting.as_mut()?;
        let is_late = greeting.as_mut().poll(context).is_ready();
        is_late.then(|| io::Error::new(io::ErrorKind::TimedOut, "nothing was said"))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.stream.as_mut().poll_read(context, buffer);
        if read.is_ready() && buffer.filled().len() > before {
            self.greeting = None;
        }
        match self.poll_end(context) {
            Some(error) => Poll::Ready(Err(error)),
            None => read,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(context)
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

/// Places for connections.
#[derive(Clone, Default)]
struct Seats(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One taken place, free again when dropped.
struct Seat {
    seats: Seats,
    address: IpAddr,
    _total: OwnedSemaphorePermit,
}

impl Seats {
    fn take(&self, address: IpAddr, total: OwnedSemaphorePermit) -> Option<Seat> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count == CONNECTIONS_PER_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Seat { seats: self.clone(), address, _total: total })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// The connections that a socket takes, over TLS where it is configured.
pub(crate) fn connections(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    driver: Driver,
    shutdown: CancellationToken,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, stream) = mpsc::channel(16);
    let reception = Reception { tls: tls.map(TlsAcceptor::from), driver, ready, seats: Seats::default() };
    tokio::spawn(async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = reception.accept(listener) => {}
        }
    });
    ReceiverStream::new(stream)
}

#[derive(Clone)]
struct Reception {
    tls: Option<TlsAcceptor>,
    driver: Driver,
    ready: mpsc::Sender<io::Result<Connection>>,
    seats: Seats,
}

impl Reception {
    async fn accept(self, listener: TcpListener) {
        let total = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        loop {
            // Neither semaphore is ever closed.
            let Ok(place) = Arc::clone(&total).acquire_owned().await else { return };
            let Ok(handshake) = Arc::clone(&handshakes).acquire_owned().await else { return };
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(REFUSED_PAUSE).await;
                    continue;
                }
            };
            let Some(seat) = self.seats.take(address.ip(), place) else {
                tracing::warn!(%address, "too many connections from one address");
                continue;
            };
            let reception = self.clone();
            tokio::spawn(async move {
                let greeted =
                    tokio::time::timeout(GREETING_WAIT, reception.greet(stream, address, seat)).await;
                drop(handshake);
                match greeted {
                    // The server may have stopped.
                    Ok(Ok(connection)) => _ = reception.ready.send(Ok(connection)).await,
                    Ok(Err(error)) => tracing::debug!(%address, %error, "a handshake failed"),
                    Err(_) => tracing::debug!(%address, "a handshake took too long"),
                }
            });
        }
    }

    /// Ends some time after this coordinator has begun to stand by.
    fn stood_by(&self) -> impl Future<Output = &'static str> + Send + 'static {
        let mut standing = self.driver.notices().of_standing();
        async move {
            if standing.wait_for(|standing| *standing == Standing::Standby).await.is_err() {
                // The driver's end is the server's, which closes its connections in its own order.
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(STANDBY_WAIT).await;
            "this coordinator stands by"
        }
    }

    async fn greet(&self, stream: TcpStream, address: SocketAddr, seat: Seat) -> io::Result<Connection> {
        // Small messages go out at once: heartbeats must not wait for more to come.
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            let peer = Peer { address, is_secure: false, certificate: None };
            return Ok(Connection::new(stream, peer, self.stood_by(), Some(seat)));
        };
        let stream = tls.accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|sent| sent.first());
        let certificate = match shown {
            None => None,
            Some(shown) => Some(worker_of(shown).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, "the certificate names no worker")
            })?),
        };
        let revoked = match certificate {
            Some((id, _)) => self.driver.notices().connection_of(id),
            None => CancellationToken::new(),
        };
        let stood_by = self.stood_by();
        let cut = async move {
            tokio::select! {
                () = revoked.cancelled() => "the certificate was revoked",
                reason = stood_by => reason,
            }
        };
        let peer = Peer { address, is_secure: true, certificate };
        Ok(Connection::new(stream, peer, cut, Some(seat)))
    }
}

//! Takes connections: bounded in number, with deadlines, over TLS where it is on, cut when they have to end.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use coordinator_core::{CertificateId, Engine};
use sweep_proto::Timestamp;
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
use super::neighbour::{self, Neighbour};
use super::strangers::{Stranger, Strangers};
use crate::descriptors;
use crate::driver::{Availability, Driver};

/// Most connections at one time: each holds a file descriptor and some kilobytes.
pub(crate) const CONNECTIONS_MAX: usize = 16_384;

/// Most connections from one address at one time: a laboratory behind one router fits in.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 4_096;

/// How long a handshake may take.
const GREETING_WAIT: Duration = Duration::from_secs(10);

/// How long the other side may take nothing of what is sent to it: a network that drops everything for so long
/// has lost the connection anyway.
const STALL_WAIT: Duration = Duration::from_mins(1);

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
    /// Since the other side has taken nothing.
    stall: Option<Pin<Box<Sleep>>>,
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
        Self { stream: Box::pin(stream), peer, cut: Box::pin(cut), stall: None, _seat: seat }
    }

    /// Reading may wait for writing, so both look whether the connection has to end.
    fn poll_cut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(reason) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason)),
            Poll::Pending => Ok(()),
        }
    }

    /// Ends a wait for the other side to take something that has gone on for too long.
    fn bounded<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stall = None;
            return progress;
        }
        self.poll_cut(context)?;
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL_WAIT)));
        stall.as_mut().poll(context).map(|()| {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the other side takes nothing of what is sent to it"))
        })
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_cut(context)?;
        self.stream.as_mut().poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = self.stream.as_mut().poll_write(context, bytes);
        self.bounded(context, progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = self.stream.as_mut().poll_flush(context);
        self.bounded(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = self.stream.as_mut().poll_shutdown(context);
        self.bounded(context, progress)
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

/// Places for connections.
#[derive(Clone)]
struct Seats {
    taken: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    per_address_max: usize,
}

/// One taken place, free again when dropped.
struct Seat {
    seats: Seats,
    address: IpAddr,
    _total: OwnedSemaphorePermit,
}

impl Seats {
    fn new(connections_max: usize) -> Self {
        // Where there are few places, no address may have them all.
        let per_address_max = CONNECTIONS_PER_ADDRESS_MAX.min(connections_max.div_ceil(2));
        Self { taken: Arc::default(), per_address_max }
    }

    fn take(&self, address: IpAddr, total: OwnedSemaphorePermit) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count == self.per_address_max {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Seat { seats: self.clone(), address, _total: total })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// How a coordinator is entered.
#[derive(Clone)]
pub(crate) enum Entrance {
    /// Over TLS, by whoever has a credential.
    Tls(TlsAcceptor),
    /// In plain text on loopback, by the coordinator's own user; by every user of the machine where it is open to them.
    Loopback {
        /// See above.
        is_open: bool,
    },
}

/// The connections that a socket takes.
pub(crate) fn connections(
    listener: TcpListener,
    entrance: Entrance,
    driver: Driver,
    shutdown: CancellationToken,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, stream) = mpsc::channel(16);
    let connections_max = CONNECTIONS_MAX.min(descriptors::for_connections());
    let reception = Reception {
        entrance,
        driver,
        ready,
        seats: Seats::new(connections_max),
        strangers: Strangers::new(connections_max),
    };
    tokio::spawn(async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = reception.accept(listener, connections_max) => {}
        }
    });
    ReceiverStream::new(stream)
}

/// A connection in plain text that somebody else has taken.
pub(crate) fn plain(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    address: SocketAddr,
    driver: &Driver,
    strangers: &Strangers,
) -> Connection {
    in_plain_text(stream, (address, Neighbour::Welcome), driver, strangers.enter(address.ip()), None)
}

fn in_plain_text(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    (address, neighbour): (SocketAddr, Neighbour),
    driver: &Driver,
    stranger: Arc<Stranger>,
    seat: Option<Seat>,
) -> Connection {
    let (stood_by, outstayed) = (stood_by(driver), Arc::clone(&stranger));
    let cut = async move {
        tokio::select! {
            reason = stood_by => reason,
            reason = outstayed.outstayed() => reason,
        }
    };
    let peer = Peer { address, is_secure: false, neighbour, certificate: None, stranger };
    Connection::new(stream, peer, cut, seat)
}

/// Ends some time after this coordinator has begun to stand by.
fn stood_by(driver: &Driver) -> impl Future<Output = &'static str> + Send + use<> {
    let mut availability = driver.notices().of_availability();
    async move {
        if availability.wait_for(|availability| *availability == Availability::Standby).await.is_err() {
            // The driver's end is the server's, which closes its connections in its own order.
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(STANDBY_WAIT).await;
        "this coordinator stands by"
    }
}

/// Ends when a certificate does, by this coordinator's clock. Whoever has renewed it comes back with the new one.
async fn expired(driver: Driver, certificate: Option<CertificateId>) {
    let Some(certificate) = certificate else { return std::future::pending().await };
    let look = move |engine: &Engine, now: Timestamp| {
        let record = engine.tables().certificates.get(&certificate)?;
        Some(Duration::from_millis(record.expires_at.since_ms(now)))
    };
    match driver.read(look).await {
        Ok(Some(left)) => tokio::time::sleep(left).await,
        // The gate refuses what comes on a connection of which nothing is known.
        Ok(None) | Err(_) => std::future::pending().await,
    }
}

#[derive(Clone)]
struct Reception {
    entrance: Entrance,
    driver: Driver,
    ready: mpsc::Sender<io::Result<Connection>>,
    seats: Seats,
    strangers: Strangers,
}

impl Reception {
    async fn accept(self, listener: TcpListener, connections_max: usize) {
        let total = Arc::new(Semaphore::new(connections_max));
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&total).acquire_owned().await else { return };
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
            let stranger = self.strangers.enter(address.ip());
            tokio::spawn(self.clone().receive(stream, address, seat, stranger));
        }
    }

    /// One connection until it is handed to the server.
    async fn receive(self, stream: TcpStream, address: SocketAddr, seat: Seat, stranger: Arc<Stranger>) {
        let greeting =
            tokio::time::timeout(GREETING_WAIT, self.greet(stream, address, seat, Arc::clone(&stranger)));
        let greeted = tokio::select! {
            greeted = greeting => greeted,
            reason = stranger.outstayed() => {
                return tracing::debug!(%address, reason, "a handshake was cut off");
            }
        };
        match greeted {
            // The server may have stopped.
            Ok(Ok(connection)) => _ = self.ready.send(Ok(connection)).await,
            Ok(Err(error)) => tracing::debug!(%address, %error, "a handshake failed"),
            Err(_) => tracing::debug!(%address, "a handshake took too long"),
        }
    }

    async fn greet(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        seat: Seat,
        stranger: Arc<Stranger>,
    ) -> io::Result<Connection> {
        // Small messages go out at once: heartbeats must not wait for more to come.
        stream.set_nodelay(true)?;
        let tls = match &self.entrance {
            Entrance::Tls(tls) => tls,
            Entrance::Loopback { is_open } => {
                let neighbour = if *is_open { Neighbour::Welcome } else { neighbour::of(&stream).await };
                let from = (address, neighbour);
                return Ok(in_plain_text(stream, from, &self.driver, stranger, Some(seat)));
            }
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
        if certificate.is_some() && !revoked.is_cancelled() {
            // Our authority has signed it, and it is in its time.
            stranger.known();
        }
        let (stood_by, outstayed) = (stood_by(&self.driver), Arc::clone(&stranger));
        let expired = expired(self.driver.clone(), certificate.map(|(id, _)| id));
        let cut = async move {
            tokio::select! {
                () = revoked.cancelled() => "the certificate was revoked",
                () = expired => "the certificate has expired",
                reason = stood_by => reason,
                reason = outstayed.outstayed() => reason,
            }
        };
        let peer = Peer { address, is_secure: true, neighbour: Neighbour::Unknown, certificate, stranger };
        Ok(Connection::new(stream, peer, cut, Some(seat)))
    }
}

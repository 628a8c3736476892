//! A small TCP proxy between a worker and its coordinator that delays, throttles, falls silent, cuts and resets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Bytes that are passed on in one piece.
const PIECE_BYTES: usize = 4_096;

/// What the proxy does to what passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Each piece waits so long, and up to as much again.
    Delay(Duration),
    /// So many bytes per second pass, in each direction of each connection.
    Throttle(u32),
    /// Everything is taken and nothing passed on. A connection that has met it stays open and silent for ever.
    Swallow,
    /// Each connection ends after so many bytes, and up to as many again, in the middle of whatever is said.
    CutAfter(u32),
    /// Open connections are reset, and new ones as soon as anything is said.
    Reset,
}

/// What the proxy has done so far.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections taken.
    pub connections: AtomicU64,
    /// Bytes passed on.
    pub passed: AtomicU64,
    /// Pieces that had to wait.
    pub delayed: AtomicU64,
    /// Bytes swallowed.
    pub swallowed: AtomicU64,
    /// Connections cut.
    pub cut: AtomicU64,
    /// Connections reset.
    pub reset: AtomicU64,
}

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    counts: Arc<Counts>,
    /// Held for its threads.
    _runtime: Runtime,
}

impl FaultProxy {
    /// A faultless proxy before a server. The same seed gives the same waits and cuts, connection by connection.
    ///
    /// # Errors
    /// Where no port is to be had.
    pub fn start(server: &str, seed: u64) -> Result<Self> {
        let server: SocketAddr = server.parse()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let (fault, faults) = watch::channel(Fault::None);
        let counts = Arc::new(Counts::default());
        let link = Link { faults, counts: Arc::clone(&counts), server };
        runtime.spawn(async move {
            let mut chance = Chance(seed);
            while let Ok((client, _)) = listener.accept().await {
                link.counts.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(link.clone().connect(client, chance.split()));
            }
        });
        Ok(Self { address, fault, counts, _runtime: runtime })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Does this from now on, also to open connections.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// What it has done so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// Numbers by chance (SplitMix64; Steele, Lea & Flood 2014).
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    fn split(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From `least` on, and less than twice that.
    fn up_to_twice(&mut self, least: u64) -> u64 {
        least + self.next() % least.max(1)
    }
}

/// Why a connection ends.
enum End {
    /// One side said so, or broke off.
    Closed,
    /// The proxy cut it.
    Cut,
    /// The proxy resets it.
    Reset,
}

#[derive(Clone)]
struct Link {
    faults: watch::Receiver<Fault>,
    counts: Arc<Counts>,
    server: SocketAddr,
}

/// What both directions of a connection share.
#[derive(Default)]
struct Passed {
    bytes: AtomicU64,
    is_silent: AtomicBool,
}

impl Link {
    async fn connect(self, client: TcpStream, mut chance: Chance) {
        let Ok(server) = TcpStream::connect(self.server).await else { return };
        // Small messages pass at once; a socket that refuses is about to end.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let passed = Passed::default();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let mut up = Pump {
            link: self.clone(),
            passed: &passed,
            chance: chance.split(),
            from: from_client,
            to: to_server,
        };
        let mut down = Pump { link: self.clone(), passed: &passed, chance, from: from_server, to: to_client };
        let end = tokio::select! {
            end = up.run() => end,
            end = down.run() => end,
        };
        match end {
            End::Closed => {}
            End::Cut => _ = self.counts.cut.fetch_add(1, Ordering::Relaxed),
            End::Reset => {
                self.counts.reset.fetch_add(1, Ordering::Relaxed);
                // A close with something unsent, or with this option, is a reset.
                let _ = (up.to.as_ref().set_zero_linger(), down.to.as_ref().set_zero_linger());
            }
        }
    }
}

async fn until_reset(faults: &mut watch::Receiver<Fault>) {
    if faults.wait_for(|fault| *fault == Fault::Reset).await.is_err() {
        // The proxy is gone, and its connections with it.
        std::future::pending::<()>().await;
    }
}

/// One direction of a connection.
struct Pump<'a> {
    link: Link,
    passed: &'a Passed,
    chance: Chance,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
}

impl Pump<'_> {
    async fn run(&mut self) -> End {
        let mut piece = [0; PIECE_BYTES];
        let mut faults = self.link.faults.clone();
        loop {
            tokio::select! {
                read = self.from.read(&mut piece) => match read {
                    Ok(0) | Err(_) => return End::Closed,
                    Ok(count) => if let Some(end) = self.pass(&piece[..count]).await { return end },
                },
                () = until_reset(&mut faults) => return End::Reset,
            }
        }
    }

    /// Treats a piece as the fault wants it; says so where the connection ends with it.
    async fn pass(&mut self, mut piece: &[u8]) -> Option<End> {
        let counts = &self.link.counts;
        let fault = *self.link.faults.borrow();
        let mut is_cut = false;
        match fault {
            Fault::None => {}
            Fault::Delay(least) => {
                counts.delayed.fetch_add(1, Ordering::Relaxed);
                let wait_us = self.chance.up_to_twice(least.as_micros() as u64);
                tokio::time::sleep(Duration::from_micros(wait_us)).await;
            }
            Fault::Throttle(bytes_per_second) => {
                counts.delayed.fetch_add(1, Ordering::Relaxed);
                let wait = piece.len() as f64 / f64::from(bytes_per_second);
                tokio::time::sleep(Duration::from_secs_f64(wait)).await;
            }
            Fault::Swallow => self.passed.is_silent.store(true, Ordering::Relaxed),
            Fault::CutAfter(bytes) => {
                let room = self.chance.up_to_twice(u64::from(bytes));
                let room = room.saturating_sub(self.passed.bytes.load(Ordering::Relaxed));
                is_cut = piece.len() as u64 > room;
                piece = &piece[..piece.len().min(room as usize)];
            }
            Fault::Reset => return Some(End::Reset),
        }
        if self.passed.is_silent.load(Ordering::Relaxed) {
            counts.swallowed.fetch_add(piece.len() as u64, Ordering::Relaxed);
            return None;
        }
        if self.to.write_all(piece).await.is_err() {
            return Some(End::Closed);
        }
        self.passed.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
        counts.passed.fetch_add(piece.len() as u64, Ordering::Relaxed);
        is_cut.then_some(End::Cut)
    }
}

//! What the screen hears: the sweep, the workers, the keyboard and the clock, each from a task of its own.

use std::time::Duration;

use crossterm::event::{Event, EventStream};
use ratatui::layout::Size;
use sweep_proto::wire::WorkersRequest;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;

use super::keys;
use super::state::Happened;
use crate::cli::client::Client;
use crate::cli::exit::Failure;
use crate::cli::follow::{self, Follower, is_passing};
use coordinator::json::Worker;

/// How often the clocks on the screen move.
const TICK: Duration = Duration::from_secs(1);
/// How often the workers are asked for.
const WORKERS_INTERVAL: Duration = Duration::from_secs(1);
/// How long an answer about them may take before it is asked for anew.
const WORKERS_TIMEOUT: Duration = Duration::from_secs(5);
/// What waits to be drawn: a few of each, then they wait.
const WAITING_MAX: usize = 16;

type Sender = mpsc::Sender<Result<Happened, Failure>>;

/// Everything that is heard, in the order in which it comes.
#[derive(Debug)]
pub(super) struct Sources {
    heard: mpsc::Receiver<Result<Happened, Failure>>,
    /// They end when this is dropped.
    _tasks: JoinSet<()>,
}

impl Sources {
    /// Begins to listen.
    pub(super) fn start(client: &Client, sweep: u64) -> Self {
        let (sender, heard) = mpsc::channel(WAITING_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(follow(Follower::new(client.clone(), sweep), sender.clone()));
        tasks.spawn(ask_for_workers(client.clone(), sender.clone()));
        tasks.spawn(listen_to_keys(sender.clone()));
        tasks.spawn(tick(sender));
        Self { heard, _tasks: tasks }
    }

    /// What happens next. Cancel-safe.
    ///
    /// # Errors
    /// Where the sweep cannot be followed any more.
    pub(super) async fn next(&mut self) -> Result<Happened, Failure> {
        // The clock's task ends with this value only, so there is always something to come.
        self.heard.recv().await.unwrap_or(Ok(Happened::Tick))
    }
}

async fn follow(mut follower: Follower, sender: Sender) {
    loop {
        let event = follower.next().await.map(|event| match event {
            follow::Event::Status(sweep) => Happened::Status(sweep),
            follow::Event::Lost(reason) => Happened::Lost(reason),
        });
        let failed = event.is_err();
        if sender.send(event).await.is_err() || failed {
            return;
        }
    }
}

/// A coordinator that is away tells nothing; the follower says so.
async fn ask_for_workers(mut client: Client, sender: Sender) {
    loop {
        match tokio::time::timeout(WORKERS_TIMEOUT, client.workers(WorkersRequest {})).await {
            Ok(Ok(reply)) => {
                let workers = reply.into_inner().workers.into_iter().map(Worker::from).collect();
                if sender.send(Ok(Happened::Workers(workers))).await.is_err() {
                    return;
                }
            }
            Ok(Err(status)) if !is_passing(&status) => {
                // Nobody hears it: then nobody asks for workers either.
                let _unheard = sender.send(Ok(Happened::NoWorkers(status.message().to_owned()))).await;
                return;
            }
            Ok(Err(_)) | Err(_) => {}
        }
        tokio::time::sleep(WORKERS_INTERVAL).await;
    }
}

/// A terminal that has no more keys to tell may still be looked at.
async fn listen_to_keys(sender: Sender) {
    let mut events = EventStream::new();
    while let Some(Ok(event)) = events.next().await {
        let happened = match event {
            Event::Key(key) => keys::meaning(key).map(Happened::Key),
            Event::Resize(columns, lines) => Some(Happened::Resized(Size::new(columns, lines))),
            _ => None,
        };
        if let Some(happened) = happened
            && sender.send(Ok(happened)).await.is_err()
        {
            return;
        }
    }
}

async fn tick(sender: Sender) {
    loop {
        tokio::time::sleep(TICK).await;
        if sender.send(Ok(Happened::Tick)).await.is_err() {
            return;
        }
    }
}

//! Turns at what fills a core: preparing data, making reports and exporting wait in queues of their own, so that none of
//! them waits for another kind, and nobody takes all places of one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::status;
use crate::security::caller::Caller;

/// Places of each queue: what is done at the same time. Each fills a core.
const PLACES: usize = 2;

/// Requests of one caller that wait or are served in one queue: a page and a few scripts of a person.
const OF_ONE_MAX: usize = 8;

/// What fills a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Sweep files are read, and the points of their grids looked at.
    Reading,
    /// Datasets are read and encoded.
    Preparation,
    /// A report, or a part of one, is made.
    Report,
    /// Comparisons, exports and models are packed, records are hashed.
    Export,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Reading => "sweep files",
            Self::Preparation => "launches and extensions",
            Self::Report => "reports",
            Self::Export => "exports",
        }
    }
}

/// The queues of all kinds of work.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    reading: Queue,
    preparation: Queue,
    report: Queue,
    export: Queue,
}

#[derive(Debug)]
struct Queue {
    places: Arc<Semaphore>,
    callers: Arc<Mutex<BTreeMap<String, OfOne>>>,
}

/// What one caller has in a queue.
#[derive(Debug)]
struct OfOne {
    requests: usize,
    /// One place at a time: the others are for others.
    place: Arc<Semaphore>,
}

/// A turn: its place is free again when this is dropped. It goes to where the work is done, and not to whoever may go away.
#[derive(Debug)]
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
    _own: Option<OwnedSemaphorePermit>,
    _request: Request,
}

/// A request that counts for its caller.
#[derive(Debug)]
struct Request {
    caller: String,
    callers: Arc<Mutex<BTreeMap<String, OfOne>>>,
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = callers.get_mut(&self.caller) {
            own.requests -= 1;
            if own.requests == 0 {
                callers.remove(&self.caller);
            }
        }
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), callers: Arc::default() }
    }
}

impl Queues {
    /// Waits for a turn. Whoever goes away gives up their place in the queue.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` for a caller with too many requests of this kind already.
    pub(crate) async fn turn(&self, work: Work, caller: Caller) -> Result<Turn, Status> {
        let queue = match work {
            Work::Reading => &self.reading,
            Work::Preparation => &self.preparation,
            Work::Report => &self.report,
            Work::Export => &self.export,
        };
        let (request, own) = queue.enter(work, caller)?;
        // Programs of this machine are not told apart, so they share all places.
        let own = match caller {
            Caller::Local => None,
            _ => Some(own.acquire_owned().await.map_err(status::internal)?),
        };
        let place = Arc::clone(&queue.places).acquire_owned().await.map_err(status::internal)?;
        Ok(Turn { _place: place, _own: own, _request: request })
    }
}

impl Queue {
    fn enter(&self, work: Work, caller: Caller) -> Result<(Request, Arc<Semaphore>), Status> {
        let name = caller.to_string();
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || OfOne { requests: 0, place: Arc::new(Semaphore::new(1)) };
        let own = callers.entry(name.clone()).or_insert_with(new);
        if own.requests >= OF_ONE_MAX && caller != Caller::Local {
            return Err(Status::resource_exhausted(format!(
                "{OF_ONE_MAX} {} of {name} are waiting or being made already; ask again when one of them has ended",
                work.name()
            )));
        }
        own.requests += 1;
        let place = Arc::clone(&own.place);
        Ok((Request { caller: name, callers: Arc::clone(&self.callers) }, place))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sweep_proto::{Role, TokenId};

    use super::*;

    fn caller(number: u8) -> Caller {
        let id: TokenId = format!("{number:016x}").parse().expect("an id");
        Caller::Token { id, role: Role::Viewer }
    }

    /// A turn that is there at once.
    async fn now(queues: &Queues, work: Work, caller: Caller) -> Option<Turn> {
        tokio::time::timeout(Duration::from_secs(1), queues.turn(work, caller)).await.ok()?.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn reports_wait_neither_for_launches_nor_for_exports() {
        let queues = Queues::default();
        let mut held = Vec::new();
        for number in 0..PLACES as u8 {
            held.push(now(&queues, Work::Preparation, caller(number)).await.expect("a place"));
        }
        assert!(now(&queues, Work::Preparation, caller(9)).await.is_none(), "all places are taken");
        assert!(now(&queues, Work::Report, caller(9)).await.is_some());
        assert!(now(&queues, Work::Export, caller(9)).await.is_some());
        held.pop();
        assert!(now(&queues, Work::Preparation, caller(9)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_all_places_of_a_queue() {
        let queues = Queues::default();
        let first = now(&queues, Work::Report, caller(1)).await.expect("a place");
        assert!(now(&queues, Work::Report, caller(1)).await.is_none(), "a second one waits for the first");
        assert!(now(&queues, Work::Report, caller(2)).await.is_some(), "others do not");
        drop(first);
        assert!(now(&queues, Work::Report, caller(1)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_requests_of_one_caller_are_refused_and_those_who_leave_count_no_more() {
        let queues = Arc::new(Queues::default());
        let waiting: Vec<_> = (0..OF_ONE_MAX)
            .map(|_| {
                let queues = Arc::clone(&queues);
                tokio::spawn(async move {
                    let turn = queues.turn(Work::Report, caller(1)).await;
                    std::future::pending::<()>().await;
                    drop(turn);
                })
            })
            .collect();
        // The clock stands still: by then each of them has come to where it waits.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let refused = queues.turn(Work::Report, caller(1)).await.expect_err("refused");
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        assert!(refused.message().contains("8 reports"), "{refused:?}");
        assert!(now(&queues, Work::Report, caller(2)).await.is_some());
        for task in waiting {
            task.abort();
            _ = task.await;
        }
        assert!(now(&queues, Work::Report, caller(1)).await.is_some());
    }
}

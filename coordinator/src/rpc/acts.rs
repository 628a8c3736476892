//! What people change, from a terminal as from a page: found by name, done, and written to the audit log with it.

use coordinator_core::limits::SLICE_TRIALS;
use coordinator_core::{Command, Engine, Reply, Retried};
use sweep_proto::{SweepId, WorkerId};
use tonic::Status;

use super::{Act, Shared, lists, status};

/// A change of a sweep, by the name that the audit log has for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SweepAct {
    pub(crate) name: &'static str,
    command: fn(SweepId) -> Command,
}

/// Hands nothing out any more, and takes back what runs.
pub(crate) const PAUSE: SweepAct = SweepAct { name: "pause", command: Command::Pause };

/// Ends a pause.
pub(crate) const RESUME: SweepAct = SweepAct { name: "resume", command: Command::Resume };

/// Ends the sweep.
pub(crate) const CANCEL: SweepAct = SweepAct { name: "cancel", command: Command::Cancel };

/// What a deletion has removed.
#[derive(Clone, Debug)]
pub(crate) struct Deleted {
    pub(crate) sweep: SweepId,
    /// What it was called.
    pub(crate) name: String,
    /// Trials that it had.
    pub(crate) trials: u64,
    /// Those of them that stay, because later sweeps rest on them.
    pub(crate) kept: u64,
}

/// Trials that are tried again, and those that are left.
fn count_of(reply: &Reply) -> (u64, u64) {
    match reply {
        Reply::Retried { count, left } => (*count, *left),
        _ => (0, 0),
    }
}

impl Shared {
    /// Changes a sweep that is named, and returns which one it is.
    pub(crate) async fn control(
        &self,
        act: &Act,
        name: String,
        control: SweepAct,
    ) -> Result<SweepId, Status> {
        let sweep = lists::resolve(self, name).await?;
        self.act(act, control.name, format!("sweep {sweep}"), (control.command)(sweep)).await?;
        Ok(sweep)
    }

    /// Removes an ended sweep that is named. Its rows go a few at a time from then on; nobody sees them any more.
    pub(crate) async fn delete(&self, act: &Act, name: String) -> Result<Deleted, Status> {
        let sweep = lists::resolve(self, name).await?;
        let look = move |engine: &Engine, _| {
            let name = engine.sweep(sweep)?.spec.name.clone();
            let (trials, kept) = (engine.ledger(sweep).planned, engine.origins_in(sweep));
            Some(Deleted { sweep, name, trials, kept })
        };
        let deleted = self.driver.read(look).await.map_err(status::of_driver)?;
        let deleted = deleted.ok_or_else(|| Status::not_found("there is no such sweep"))?;
        let subject = format!("sweep {sweep}, \"{}\"", deleted.name);
        self.act(act, "delete", subject, Command::Delete(sweep)).await?;
        Ok(deleted)
    }

    /// Tries trials of a sweep again; which sweep it is, and how many trials.
    pub(crate) async fn retry(
        &self,
        act: &Act,
        name: String,
        which: Retried,
    ) -> Result<(SweepId, u64), Status> {
        let sweep = lists::resolve(self, name).await?;
        let which_words = match &which {
            Retried::Every { diverged: false, .. } => "failed trials".to_owned(),
            Retried::Every { failed: false, .. } => "diverged trials".to_owned(),
            Retried::Every { .. } => "failed and diverged trials".to_owned(),
            Retried::Trials(trials) => format!("{} trials by number", trials.len()),
        };
        let subject = format!("sweep {sweep}, {which_words}");
        let (caller, quota) = act.caller.claim(self.quota);
        let command = |which| Command::Retry { sweep, which, caller: caller.clone(), quota: Box::new(quota) };
        let mut tried = 0;
        match which {
            Retried::Trials(trials) => {
                // Named ones are taken a bounded number at a time here; each command refuses what cannot be.
                for some in trials.chunks(SLICE_TRIALS) {
                    let command = command(Retried::Trials(some.to_vec()));
                    tried += count_of(&self.act(act, "retry", subject.clone(), command).await?).0;
                }
            }
            every @ Retried::Every { .. } => loop {
                // Each slice is an act of its own: a token that is revoked in between acts no more.
                let reply = self.act(act, "retry", subject.clone(), command(every.clone())).await?;
                let (count, left) = count_of(&reply);
                tried += count;
                if left == 0 {
                    break;
                }
            },
        }
        Ok((sweep, tried))
    }

    /// Takes back what a worker has, gives it nothing new, and lets it end.
    pub(crate) async fn drain(&self, act: &Act, name: String) -> Result<WorkerId, Status> {
        let worker = lists::resolve_worker(self, name).await?;
        self.act(act, "drain", worker.to_string(), Command::Drain(worker)).await?;
        Ok(worker)
    }
}

//! What people change, from a terminal as from a page: found by name, written to the audit log, then done.

use coordinator_core::Command;
use sweep_proto::{SweepId, WorkerId};
use tonic::Status;

use super::{Act, Shared, lists, status};

/// A change of a sweep, by the name that the audit log has for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control {
    pub(crate) name: &'static str,
    command: fn(SweepId) -> Command,
}

/// Hands nothing out any more, and takes back what runs.
pub(crate) const PAUSE: Control = Control { name: "pause", command: Command::Pause };

/// Ends a pause.
pub(crate) const RESUME: Control = Control { name: "resume", command: Command::Resume };

/// Ends the sweep.
pub(crate) const CANCEL: Control = Control { name: "cancel", command: Command::Cancel };

impl Shared {
    /// Changes a sweep that is named, and returns which one it is.
    pub(crate) async fn control(&self, act: &Act, name: String, control: Control) -> Result<SweepId, Status> {
        let sweep = lists::resolve(self, name).await?;
        self.record(act, control.name, format!("sweep {sweep}")).await?;
        self.driver.command((control.command)(sweep)).await.map_err(status::of_driver)?;
        Ok(sweep)
    }

    /// Takes back what a worker has, gives it nothing new, and lets it end.
    pub(crate) async fn drain(&self, act: &Act, name: String) -> Result<WorkerId, Status> {
        let worker = lists::resolve_worker(self, name).await?;
        self.record(act, "drain", worker.to_string()).await?;
        self.driver.command(Command::Drain(worker)).await.map_err(status::of_driver)?;
        Ok(worker)
    }
}

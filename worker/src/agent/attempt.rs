//! One attempt: bring what it needs, run it in a slot, report, complete.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sweep_proto::convert::ConvertError;
use sweep_proto::wire;
use sweep_proto::{
    ArtifactRef, AttemptId, AttemptOutcome, CheckpointRef, FailureKind, LeaseToken, TrialResult, TrialSpec,
    WorkKind,
};
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::Code;
use tracing::Instrument as _;
use worker_trainer::Halt;

use super::backoff::{Backoff, is_transient};
use super::fetch::FetchError;
use super::register::unary;
use super::upload::{UploadError, upload};
use super::{Control, Shared, locked};
use crate::reason::describe;
use crate::slot::protocol::{FromSlot, SlotEnd, Start};
use crate::slot::{SlotCommand, SlotHandle};

/// How long a slot may take from "stop" to its end: a batch of the largest model, with room.
pub const STOP_GRACE: Duration = Duration::from_secs(20);

/// How long a slot rests whose disk refused: space is freed by people or by other trials that end, and
/// another machine may take the trial meanwhile.
const DISK_PAUSE: Duration = Duration::from_secs(30);

/// Work that ends sooner and without success makes its slot pause.
const SOON: Duration = Duration::from_secs(5);

/// A grant whose fields were checked.
struct Work {
    attempt: AttemptId,
    kind: WorkKind,
    spec: TrialSpec,
    dataset: ArtifactRef,
    checkpoint: Option<CheckpointRef>,
    model: Option<ArtifactRef>,
}

impl TryFrom<wire::Grant> for Work {
    type Error = ConvertError;
    fn try_from(grant: wire::Grant) -> Result<Self, ConvertError> {
        let spec: TrialSpec = grant.spec.ok_or(ConvertError::Missing("spec"))?.try_into()?;
        let dataset: ArtifactRef = grant.dataset.ok_or(ConvertError::Missing("dataset"))?.try_into()?;
        if dataset.digest != spec.dataset {
            let problem = "it is not the dataset of the trial".to_owned();
            return Err(ConvertError::Invalid { field: "dataset", problem });
        }
        Ok(Self {
            attempt: AttemptId { trial: spec.id, number: grant.attempt },
            kind: if grant.evaluate { WorkKind::Evaluate } else { WorkKind::Train },
            spec,
            dataset,
            checkpoint: grant.checkpoint.map(TryInto::try_into).transpose()?,
            model: grant.model.map(TryInto::try_into).transpose()?,
        })
    }
}

/// Takes the leases of a group and works on them in one slot, one after the other.
pub(super) fn start_group(shared: &Arc<Shared>, group: wire::GrantGroup, asked_at: Instant) {
    let mut held = Vec::new();
    for grant in group.grants {
        let token = LeaseToken(grant.token);
        if let Some(control) = shared.hold(token, Duration::from_millis(grant.lease_ttl_ms), asked_at) {
            held.push((token, Work::try_from(grant), control));
        } else {
            tracing::debug!(%token, "work came that is held already");
        }
    }
    if held.is_empty() {
        return;
    }
    shared.busy.fetch_add(1, Ordering::Relaxed);
    let owned = Arc::clone(shared);
    shared.attempts.spawn(async move {
        let mut pause_until = None;
        for (token, work, control) in held {
            let began_at = Instant::now();
            let mut attempt = Attempt { shared: &owned, token, control, checkpoint: None };
            let ended = match work {
                Ok(work) => {
                    let span = tracing::info_span!("attempt", attempt = %work.attempt, %token);
                    attempt.run(work).instrument(span).await
                }
                Err(error) => {
                    let message = format!("this worker does not understand the work: {}", describe(&error));
                    attempt.complete(AttemptOutcome::Failed { kind: FailureKind::Rejected, message }).await;
                    Ended::InVain
                }
            };
            owned.forget(token);
            pause_until = pause_until.max(pause_after(&owned, ended, began_at));
        }
        if let Some(until) = pause_until {
            // The slot counts as busy meanwhile, so it asks for nothing.
            _ = tokio::time::timeout_at(until, owned.drain.cancelled()).await;
        }
        owned.busy.fetch_sub(1, Ordering::Relaxed);
        owned.changed.notify_one();
    });
}

/// What came of a piece of work, for its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// The coordinator took its result.
    Well,
    /// It was handed back as asked.
    HandedBack,
    /// It failed, was taken away, or was refused.
    InVain,
    /// This machine's disk refuses.
    DiskFailed,
}

/// Until when a slot pauses after its work.
fn pause_after(shared: &Shared, ended: Ended, began_at: Instant) -> Option<Instant> {
    let now = Instant::now();
    match ended {
        Ended::Well => {
            locked(&shared.fruitless).reset();
            None
        }
        Ended::InVain if now - began_at < SOON => {
            let until = locked(&shared.fruitless).pause(now);
            tracing::debug!(pause_ms = (until - now).as_millis() as u64, "the slot pauses");
            Some(until)
        }
        Ended::HandedBack | Ended::InVain => None,
        Ended::DiskFailed => Some(now + DISK_PAUSE),
    }
}

/// Why there is no outcome of the slot.
enum Interrupted {
    /// Hand back.
    Released,
    /// Say nothing.
    Dropped,
    /// This machine's disk refuses: hand back, and take nothing for a while.
    DiskFailed(String),
    /// It failed.
    Failed(FailureKind, String),
}

struct Attempt<'a> {
    shared: &'a Shared,
    token: LeaseToken,
    control: watch::Receiver<Control>,
    /// The newest checkpoint that the coordinator stores.
    checkpoint: Option<CheckpointRef>,
}

/// What was brought to this machine for an attempt.
struct Inputs {
    dataset: PathBuf,
    checkpoint: Option<PathBuf>,
    model: Option<PathBuf>,
}

impl Attempt<'_> {
    /// Works on a lease to its end.
    async fn run(&mut self, work: Work) -> Ended {
        tracing::info!(kind = ?work.kind, seed = work.spec.seed, "work begins");
        self.checkpoint = work.checkpoint;
        let mut ended = Ended::Well;
        let outcome = match self.outcome(work).await {
            Ok(AttemptOutcome::Failed { kind, message }) | Err(Interrupted::Failed(kind, message)) => {
                ended = Ended::InVain;
                AttemptOutcome::Failed { kind, message }
            }
            Ok(outcome) => outcome,
            Err(Interrupted::Released) => {
                ended = Ended::HandedBack;
                AttemptOutcome::Released { checkpoint: self.checkpoint }
            }
            Err(Interrupted::DiskFailed(message)) => {
                tracing::error!(
                    message,
                    wait_ms = DISK_PAUSE.as_millis() as u64,
                    "this machine's disk refuses; free some space. The trial is handed back"
                );
                ended = Ended::DiskFailed;
                AttemptOutcome::Released { checkpoint: self.checkpoint }
            }
            Err(Interrupted::Dropped) => {
                tracing::info!("the work is dropped");
                return Ended::InVain;
            }
        };
        let is_taken = self.complete(outcome).await;
        if ended == Ended::Well && !is_taken { Ended::InVain } else { ended }
    }

    async fn outcome(&mut self, work: Work) -> Result<AttemptOutcome, Interrupted> {
        let directory = tempfile::tempdir_in(&self.shared.settings.work_directory)
            .map_err(|error| Interrupted::DiskFailed(format!("no scratch directory: {error}")))?;
        let inputs = self.inputs(&work, directory.path()).await?;
        let start = Start {
            work: work.kind,
            spec: work.spec,
            dataset: inputs.dataset,
            checkpoint: inputs.checkpoint,
            model: inputs.model,
            directory: directory.path().to_owned(),
            device: self.shared.settings.device.clone(),
        };
        let slot = self.shared.runner.start(start).map_err(|error| {
            Interrupted::Failed(FailureKind::Crashed, format!("the slot process does not start: {error}"))
        })?;
        self.drive(slot).await
    }

    async fn inputs(&mut self, work: &Work, directory: &Path) -> Result<Inputs, Interrupted> {
        let fetcher = self.shared.fetcher.clone();
        let cache = self.shared.settings.cache_directory.clone();
        let fetching = async {
            let dataset = fetcher.fetch(work.dataset, &cache).await?;
            let checkpoint = match work.checkpoint {
                Some(checkpoint) => Some(fetcher.fetch(checkpoint.artifact, directory).await?),
                None => None,
            };
            let model = match work.model {
                Some(model) => Some(fetcher.fetch(model, directory).await?),
                None => None,
            };
            Ok(Inputs { dataset, checkpoint, model })
        };
        let fetched: Result<Inputs, FetchError> = self.unless(Control::Release, fetching).await?;
        fetched.map_err(|error| match error {
            FetchError::File { .. } => Interrupted::DiskFailed(describe(&error)),
            _ => Interrupted::Failed(FailureKind::Data, describe(&error)),
        })
    }

    /// Follows a running slot to its end. The slot is gone when this returns.
    async fn drive(&mut self, mut slot: SlotHandle) -> Result<AttemptOutcome, Interrupted> {
        match self.follow(&mut slot).await {
            Ok(SlotEnd::Trained {
                best_epoch,
                epochs,
                early_stopped,
                score,
                accuracy,
                parameters,
                model,
            }) => {
                let model = self.store(&model).await?;
                let result =
                    TrialResult { best_epoch, epochs, early_stopped, score, accuracy, parameters, model };
                Ok(AttemptOutcome::Trained(result))
            }
            Ok(SlotEnd::Evaluated(metric)) => Ok(AttemptOutcome::Evaluated(metric)),
            Ok(SlotEnd::Diverged { epoch, message }) => Ok(AttemptOutcome::Diverged { epoch, message }),
            Ok(SlotEnd::DiskFailed { message }) => Err(Interrupted::DiskFailed(message)),
            Ok(SlotEnd::Failed { kind, message }) => Ok(AttemptOutcome::Failed { kind, message }),
            Ok(SlotEnd::Stopped { underway }) => {
                if let Some(halt) = underway {
                    self.hand_over(halt).await?;
                }
                Err(Interrupted::Released)
            }
            Err(interrupted) => {
                slot.kill().await;
                Err(interrupted)
            }
        }
    }

    /// Stores what is done of an epoch. Where that does not succeed in time the trial goes back without it.
    async fn hand_over(&mut self, Halt { epoch, batches, path }: Halt) -> Result<(), Interrupted> {
        match tokio::time::timeout(STOP_GRACE, self.store(&path)).await {
            Ok(Ok(artifact)) => {
                tracing::info!(epoch, batches, "stopped in mid-epoch; nothing is lost");
                self.checkpoint = Some(CheckpointRef { epoch, batches, artifact });
                Ok(())
            }
            Ok(Err(interrupted @ (Interrupted::Released | Interrupted::Dropped))) => Err(interrupted),
            Ok(Err(Interrupted::DiskFailed(problem) | Interrupted::Failed(_, problem))) => {
                tracing::warn!(epoch, batches, problem, "what was done of the epoch is lost");
                Ok(())
            }
            Err(_) => {
                tracing::warn!(
                    epoch,
                    batches,
                    "what was done of the epoch could not be stored in time and is lost"
                );
                Ok(())
            }
        }
    }

    async fn follow(&mut self, slot: &mut SlotHandle) -> Result<SlotEnd, Interrupted> {
        let mut stop_by = None;
        let stall_timeout = self.shared.settings.stall_timeout;
        let mut stalls_at = Instant::now() + stall_timeout;
        loop {
            let control = *self.control.borrow_and_update();
            match control {
                Control::Run => {}
                Control::Release if stop_by.is_none() => {
                    stop_by = Some(Instant::now() + STOP_GRACE);
                    // A slot that is gone tells so through its events.
                    let _ = slot.commands.try_send(SlotCommand::Stop);
                }
                Control::Release => {}
                Control::Fence => return Err(Interrupted::Released),
                Control::Drop => return Err(Interrupted::Dropped),
            }
            tokio::select! {
                event = slot.events.recv() => match event {
                    Some(FromSlot::Ended(end)) => return Ok(end),
                    Some(event) => {
                        self.take(event, slot).await?;
                        stalls_at = Instant::now() + stall_timeout;
                    }
                    None => {
                        let message = "the slot vanished without a word".to_owned();
                        return Err(Interrupted::Failed(FailureKind::Crashed, message));
                    }
                },
                // The sender lives until this attempt is forgotten.
                _ = self.control.changed() => {}
                () = tokio::time::sleep_until(stalls_at) => {
                    let message = format!(
                        "no batch came to its end for {} s: the slot hangs and was killed; a trial that needs longer for one \
                         needs a longer --stall-timeout",
                        stall_timeout.as_secs()
                    );
                    return Err(Interrupted::Failed(FailureKind::Stalled, message));
                }
                () = super::sleep_until(stop_by) => {
                    tracing::warn!("the slot did not stop in time and is killed");
                    return Err(Interrupted::Released);
                }
            }
        }
    }

    async fn take(&mut self, event: FromSlot, slot: &SlotHandle) -> Result<(), Interrupted> {
        match event {
            FromSlot::Steps { points } => {
                let (shared, token) = (self.shared, self.token);
                self.unless(Control::Fence, shared.reporter.push_steps(token, points)).await?;
            }
            FromSlot::Epoch { metric, checkpoint } => {
                let epoch = metric.epoch;
                let artifact = self.store(&checkpoint).await?;
                let checkpoint = CheckpointRef::after(epoch, artifact);
                tracing::info!(
                    epoch,
                    train_loss = metric.train_loss,
                    validation_loss = metric.validation_loss,
                    validation_accuracy = metric.validation_accuracy,
                    "an epoch ended"
                );
                self.shared.reporter.push_epoch(self.token, metric, checkpoint);
                self.checkpoint = Some(checkpoint);
                // A slot that is gone tells so through its events.
                let _ = slot.commands.send(SlotCommand::EpochTaken { epoch }).await;
            }
            FromSlot::Alive | FromSlot::Ended(_) => {}
        }
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Uploads a file. Goes on through a release, because what is handed back needs it.
    async fn store(&mut self, path: &Path) -> Result<ArtifactRef, Interrupted> {
        let (clients, jitter) = (&self.shared.clients, self.shared.jitter());
        let stored = self.unless(Control::Fence, upload(clients, path, jitter)).await?;
        stored.map_err(|error| match error {
            UploadError::File { .. } => Interrupted::DiskFailed(describe(&error)),
            _ => Interrupted::Failed(FailureKind::Data, describe(&error)),
        })
    }

    /// Waits for something unless the attempt is told `limit` or harder.
    async fn unless<T>(&mut self, limit: Control, future: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            value = future => Ok(value),
            told = self.control.wait_for(|control| *control >= limit) => match told.as_deref() {
                Ok(Control::Drop) | Err(_) => Err(Interrupted::Dropped),
                Ok(_) => Err(Interrupted::Released),
            },
        }
    }

    /// Tells how the attempt ended until the coordinator has answered. Its reports go first, so that
    /// a completed trial has its whole curve. Tells whether the coordinator took it.
    async fn complete(&mut self, outcome: AttemptOutcome) -> bool {
        let shared = self.shared;
        if self.unless(Control::Drop, shared.reporter.acknowledged(self.token)).await.is_err() {
            return false;
        }
        let mut name = outcome_name(&outcome);
        match &outcome {
            AttemptOutcome::Failed { kind, message } => {
                tracing::warn!(kind = kind.name(), reason = message, "the work failed");
            }
            AttemptOutcome::Diverged { epoch, message } => {
                tracing::warn!(epoch, reason = message, "it diverged");
            }
            _ => tracing::info!(outcome = name, "the work is done"),
        }
        let log = shared.settings.logs.all(self.token);
        let mut request = wire::CompleteRequest { token: self.token.0, outcome: Some(outcome.into()), log };
        let mut backoff = Backoff::new(shared.jitter());
        loop {
            let call = unary(async { shared.client.clone().complete(request.clone()).await });
            // Not dropped half-way: whether it arrived decides what the log says.
            match call.await {
                Ok(_) => {
                    tracing::info!(outcome = name, "work ended");
                    return true;
                }
                Err(status) if is_transient(&status) => {
                    tracing::debug!(%status, "the end of the work could not be told yet");
                }
                Err(status) if status.code() == Code::FailedPrecondition => {
                    tracing::info!(%status, outcome = name, "the lease is lost and the work dropped");
                    return false;
                }
                Err(status) if status.code() == Code::InvalidArgument && name != "failed" => {
                    // Better told as a failure than left to run out and be tried again for ever.
                    let message =
                        format!("the coordinator refuses the outcome \"{name}\": {}", status.message());
                    let failed = AttemptOutcome::Failed { kind: FailureKind::Crashed, message };
                    name = outcome_name(&failed);
                    request.outcome = Some(failed.into());
                    continue;
                }
                Err(status) => {
                    tracing::error!(%status, outcome = name, "the coordinator refuses the end of the work");
                    return false;
                }
            }
            let wait = backoff.next_wait();
            if self.unless(Control::Drop, tokio::time::sleep(wait)).await.is_err() {
                return false;
            }
        }
    }
}

fn outcome_name(outcome: &AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Trained(_) => "trained",
        AttemptOutcome::Evaluated(_) => "evaluated",
        AttemptOutcome::Diverged { .. } => "diverged",
        AttemptOutcome::Failed { .. } => "failed",
        AttemptOutcome::Released { .. } => "released",
    }
}

//! One attempt, a member of a group: bring what it needs, follow it in the group's slot, report, complete.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sweep_proto::convert::ConvertError;
use sweep_proto::{ArtifactRef, AttemptOutcome, CheckpointRef, FailureKind, LeaseToken, TrialResult};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument as _;
use worker_trainer::Halt;

use super::fetch::FetchError;
use super::seat::{Order, Seat, Seated};
use super::upload::{UploadError, upload};
use super::work::Work;
use super::{Instruction, Shared};
use crate::reason::describe;
use crate::slot::protocol::{MemberEvent, MemberStart, SlotCommand, SlotEnd};

/// How long a slot may take from "stop" to its end: a batch of the largest model, with room.
pub const STOP_GRACE: Duration = Duration::from_secs(20);

/// How long a slot rests whose disk refused: space is freed by people or by other trials that end, and
/// another machine may take the trial meanwhile.
pub(super) const DISK_PAUSE: Duration = Duration::from_secs(30);

/// Works on a lease to its end.
pub(super) async fn run(
    shared: &Shared,
    token: LeaseToken,
    instruction: watch::Receiver<Instruction>,
    work: Result<Work, ConvertError>,
    seat: Seat,
) -> Ended {
    let mut attempt = Attempt { shared, token, instruction, checkpoint: None };
    match work {
        Ok(work) => {
            let span = tracing::info_span!("attempt", attempt = %work.attempt, %token);
            attempt.run(work, seat).instrument(span).await
        }
        Err(error) => {
            // The others of its group do not wait for it.
            drop(seat);
            let message = format!("this worker does not understand the work: {}", describe(&error));
            attempt.complete(AttemptOutcome::Failed { kind: FailureKind::Rejected, message }).await;
            Ended::InVain
        }
    }
}

/// What came of a piece of work, for its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The coordinator took its result.
    Well,
    /// It was handed back as asked.
    HandedBack,
    /// It failed, was taken away, or was refused.
    InVain,
    /// This machine's disk refuses.
    DiskFailed,
}

/// Why there is no outcome of the slot.
pub(super) enum Interrupted {
    /// Hand back.
    Released,
    /// Say nothing.
    Dropped,
    /// This machine's disk refuses: hand back, and take nothing for a while.
    DiskFailed(String),
    /// It failed.
    Failed(FailureKind, String),
}

pub(super) struct Attempt<'a> {
    pub(super) shared: &'a Shared,
    pub(super) token: LeaseToken,
    instruction: watch::Receiver<Instruction>,
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
    async fn run(&mut self, work: Work, seat: Seat) -> Ended {
        tracing::info!(kind = ?work.kind, seed = work.spec.seed, "work begins");
        let given = work.checkpoint;
        self.checkpoint = given;
        let mut ended = Ended::Well;
        let outcome = match self.outcome(work, seat).await {
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
                return self.taken_away(given);
            }
        };
        let is_taken = self.complete(outcome).await;
        if ended == Ended::Well && !is_taken { self.taken_away(given) } else { ended }
    }

    /// A trial that is pruned or paused is taken away with an epoch that counts: no reason for its slot to pause.
    fn taken_away(&self, given: Option<CheckpointRef>) -> Ended {
        if self.checkpoint == given { Ended::InVain } else { Ended::HandedBack }
    }

    async fn outcome(&mut self, work: Work, seat: Seat) -> Result<AttemptOutcome, Interrupted> {
        let scratch = tempfile::tempdir_in(&self.shared.settings.work_directory)
            .map_err(|error| Interrupted::DiskFailed(format!("no scratch directory: {error}")))?;
        let Inputs { dataset, checkpoint, model } = self.inputs(&work, scratch.path()).await?;
        let start = MemberStart {
            member: seat.member,
            spec: work.spec,
            checkpoint,
            until_epoch: work.until_epoch,
            model,
            directory: scratch.path().to_owned(),
        };
        let seated = seat.join(work.kind, dataset, start).await;
        self.drive(seated).await
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
        let fetched: Result<Inputs, FetchError> = self.unless(Instruction::Release, fetching).await?;
        fetched.map_err(|error| match error {
            FetchError::File { .. } => Interrupted::DiskFailed(describe(&error)),
            _ => Interrupted::Failed(FailureKind::Data, describe(&error)),
        })
    }

    /// Follows a member of a slot to its end. The slot trains it no longer when this returns.
    async fn drive(&mut self, mut slot: Seated) -> Result<AttemptOutcome, Interrupted> {
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
            Ok(SlotEnd::Reached { epoch }) => Ok(AttemptOutcome::Reached { epoch }),
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
                slot.leave().await;
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

    async fn follow(&mut self, slot: &mut Seated) -> Result<SlotEnd, Interrupted> {
        let mut stop_by = None;
        loop {
            let instruction = *self.instruction.borrow_and_update();
            match instruction {
                Instruction::Run => {}
                Instruction::Release if stop_by.is_none() => {
                    stop_by = Some(Instant::now() + STOP_GRACE);
                    slot.order(Order::Tell(SlotCommand::Stop)).await;
                }
                Instruction::Release => {}
                Instruction::Fence => return Err(Interrupted::Released),
                Instruction::Drop => return Err(Interrupted::Dropped),
            }
            tokio::select! {
                event = slot.next() => match event {
                    MemberEvent::Ended(end) => return Ok(end),
                    event => {
                        self.take(event, slot).await?;
                        slot.order(Order::Dealt).await;
                    }
                },
                // The sender lives until this attempt is forgotten.
                _ = self.instruction.changed() => {}
                () = super::sleep_until(stop_by) => {
                    tracing::warn!("the slot did not stop in time and is killed");
                    return Err(Interrupted::Released);
                }
            }
        }
    }

    async fn take(&mut self, event: MemberEvent, slot: &Seated) -> Result<(), Interrupted> {
        match event {
            MemberEvent::Steps { points } => {
                let (shared, token) = (self.shared, self.token);
                self.unless(Instruction::Fence, shared.reporter.push_steps(token, points)).await?;
            }
            MemberEvent::Epoch { metric, checkpoint } => {
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
                slot.order(Order::Tell(SlotCommand::EpochTaken { epoch })).await;
            }
            MemberEvent::Ended(_) => {}
        }
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Uploads a file. Goes on through a release, because what is handed back needs it.
    async fn store(&mut self, path: &Path) -> Result<ArtifactRef, Interrupted> {
        let (clients, jitter) = (&self.shared.clients, self.shared.jitter());
        let stored = self.unless(Instruction::Fence, upload(clients, path, jitter)).await?;
        stored.map_err(|error| match error {
            UploadError::File { .. } => Interrupted::DiskFailed(describe(&error)),
            _ => Interrupted::Failed(FailureKind::Data, describe(&error)),
        })
    }

    /// Waits for something unless the attempt is told `limit` or harder.
    pub(super) async fn unless<T>(
        &mut self,
        limit: Instruction,
        future: impl Future<Output = T>,
    ) -> Result<T, Interrupted> {
        tokio::select! {
            value = future => Ok(value),
            told = self.instruction.wait_for(|instruction| *instruction >= limit) => match told.as_deref() {
                Ok(Instruction::Drop) | Err(_) => Err(Interrupted::Dropped),
                Ok(_) => Err(Interrupted::Released),
            },
        }
    }
}

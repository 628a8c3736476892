//! Launches the sweeps of a rerun, follows them to their ends, and cancels them where it cannot.

use std::collections::BTreeSet;

use sweep_proto::SweepState;
use sweep_proto::wire::{GetRequest, LaunchRequest, ReportRequest};
use tonic::Code;

use super::plan::Plan;
use super::records::{self, Records, Trial};
use crate::cli::client::Client;
use crate::cli::exit::Failure;
use crate::cli::follow::{Event, Follower};
use crate::cli::interrupt::Interrupt;
use crate::cli::output::{self, plain};
use crate::cli::render::progress::View;
use crate::cli::{launch, report};
use coordinator::json::Sweep;

/// A sweep that has trained the trials of a plan.
#[derive(Debug)]
pub(super) struct Trained {
    /// Its number.
    pub(super) sweep: u64,
    /// Its trials, with their epochs.
    pub(super) trials: Vec<Trial>,
}

/// A rerun under way.
pub(super) struct Conductor {
    client: Client,
    interrupt: Interrupt,
    view: View,
    /// Sweeps that were launched and have not ended, as far as this program has heard.
    open: BTreeSet<u64>,
}

impl Conductor {
    /// Begins to listen for Ctrl-C.
    ///
    /// # Errors
    /// Where the system does not let a program listen.
    pub(super) fn new(client: Client) -> Result<Self, Failure> {
        Ok(Self { client, interrupt: Interrupt::listen()?, view: View::new(false), open: BTreeSet::new() })
    }

    /// Trains every plan, in the order of the plans. Whatever was launched is cancelled where this fails.
    ///
    /// # Errors
    /// Where the coordinator refuses, the data is not that of the report, or the user stops.
    pub(super) async fn train(mut self, plans: &[Plan], reported: &Records) -> Result<Vec<Trained>, Failure> {
        let trained = self.launch_and_follow(plans, reported).await;
        self.view.clear();
        if trained.is_err() {
            self.cancel_all().await;
        }
        trained
    }

    async fn launch_and_follow(
        &mut self,
        plans: &[Plan],
        reported: &Records,
    ) -> Result<Vec<Trained>, Failure> {
        let mut sweeps = Vec::with_capacity(plans.len());
        // All at once, so that every slot has work.
        for plan in plans {
            let sweep = self.launch(plan).await?;
            self.check_keys(sweep, plan, reported).await?;
            sweeps.push(sweep);
        }
        let mut trained = Vec::with_capacity(plans.len());
        for (sweep, plan) in sweeps.into_iter().zip(plans) {
            self.follow(sweep, plan).await?;
            let (_folder, trials) = self.fetch(sweep, true).await?;
            trained.push(Trained { sweep, trials });
        }
        Ok(trained)
    }

    async fn launch(&mut self, plan: &Plan) -> Result<u64, Failure> {
        let request = LaunchRequest {
            file_name: plan.name.clone(),
            text: plan.toml.clone(),
            // The paths of a report's sweep file are absolute.
            directory: "/".to_owned(),
            forbid_reuse: true,
            attach: false,
            priority: None,
        };
        let launching = launch::launch(&mut self.client, request, &mut self.view);
        tokio::pin!(launching);
        let (launched, stops) = tokio::select! {
            launched = &mut launching => (launched, false),
            () = self.interrupt.requested() => {
                // A launch that nobody waits for may become a sweep all the same, which could then not be cancelled.
                output::note("stopping once the launch is through; press Ctrl-C again to stop at once");
                (launching.await, true)
            }
        };
        let sweep = launched.map_err(|failure| explain(failure, &plan.name))?;
        self.open.insert(sweep.id);
        if stops {
            return Err(stopped());
        }
        output::note(&format!(
            "launched sweep {} ({}) to train {} again; {}",
            sweep.id,
            plan.name,
            if plan.replicates == 1 { "1 trial".to_owned() } else { format!("{} trials", plan.replicates) },
            awaited(&sweep)
        ));
        Ok(sweep.id)
    }

    /// Whether the data is that of the report: told before hours of training and not after them.
    async fn check_keys(&mut self, sweep: u64, plan: &Plan, reported: &Records) -> Result<(), Failure> {
        let (_folder, trials) = self.fetch(sweep, false).await?;
        // Of one configuration: the replicate and the data say which trial it is.
        let known: BTreeSet<_> =
            trials.iter().map(|trial| (trial.replicate, trial.dataset.as_str())).collect();
        let mut wanted = plan.trials.iter().map(|at| &reported.trials[*at]);
        match wanted.find(|trial| !known.contains(&(trial.replicate, trial.dataset.as_str()))) {
            None => Ok(()),
            Some(trial) => Err(Failure::failed(format!(
                "trial {} of the report cannot be trained again: the data that the coordinator reads today, or its numerics, \
                 give other keys (its own is {})",
                trial.number,
                plain(&trial.key)
            ))
            .hint("put the data back as it was, and compare the builds that report.json names")),
        }
    }

    async fn follow(&mut self, sweep: u64, plan: &Plan) -> Result<(), Failure> {
        let mut follower = Follower::new(self.client.clone(), sweep);
        loop {
            let event = tokio::select! {
                event = follower.next() => event?,
                () = self.interrupt.requested() => return Err(stopped()),
            };
            let status = match event {
                Event::Lost(reason) => {
                    self.view.lost(&reason);
                    continue;
                }
                Event::Status(status) => status,
            };
            self.view.update(&status);
            if status.has_ended() {
                self.open.remove(&sweep);
                let cancelled = format!("somebody cancelled sweep {sweep} ({}) before its end", plan.name);
                return if status.state == SweepState::Cancelled {
                    Err(Failure::failed(cancelled))
                } else {
                    Ok(())
                };
            }
        }
    }

    /// The trials of a sweep as its report tells them, with their epochs where asked.
    async fn fetch(&mut self, sweep: u64, epochs: bool) -> Result<(tempfile::TempDir, Vec<Trial>), Failure> {
        let folder = tempfile::tempdir()
            .map_err(|error| Failure::failed(format!("cannot make a folder for a report: {error}")))?;
        let request = ReportRequest { sweep: sweep.to_string(), ..ReportRequest::default() };
        tokio::select! {
            fetched = report::fetch(&mut self.client, request, folder.path()) => fetched?,
            () = self.interrupt.requested() => return Err(stopped()),
        };
        let mut trials = records::read(folder.path())?.trials;
        if epochs {
            records::read_epochs(folder.path(), &mut trials.iter_mut().collect::<Vec<_>>())?;
        }
        Ok((folder, trials))
    }

    async fn cancel_all(&mut self) {
        for sweep in std::mem::take(&mut self.open) {
            match self.client.cancel(GetRequest { sweep: sweep.to_string() }).await {
                Ok(_) => output::note(&format!("cancelled sweep {sweep}")),
                // It has ended meanwhile.
                Err(status) if status.code() == Code::FailedPrecondition => {}
                Err(status) => output::note(&format!(
                    "sweep {sweep} could not be cancelled ({}): `sweep cancel {sweep}` tries again",
                    plain(status.message())
                )),
            }
        }
    }
}

/// What a launched sweep waits for.
fn awaited(sweep: &Sweep) -> String {
    match (sweep.workers, sweep.slots) {
        (0, _) => {
            "waiting for a worker to join: none is connected, and `sweep-worker join` on any machine adds one"
                .to_owned()
        }
        (workers, slots) => format!("waiting for a free slot (workers: {workers}, slots: {slots})"),
    }
}

fn stopped() -> Failure {
    Failure::interrupted("stopped: nothing is verified by training")
        .hint("the same command with the same --seed trains the same trials")
}

/// A refusal by the gate, and data that is gone, have their reason in this command.
fn explain(failure: Failure, name: &str) -> Failure {
    let hint = failure.hint.clone().unwrap_or_else(|| {
        "--rerun launches sweeps, which takes a token of the role submitter, and the data of the report where it was"
            .to_owned()
    });
    Failure { message: format!("{name} cannot be launched: {}", failure.message.trim_end()), ..failure }
        .hint(hint)
}

//! The operator: launches, pauses, resumes, extends, cancels, deletes and drains, and asks again while nobody answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use sweep_proto::wire::sweep_service_client::SweepServiceClient;
use sweep_proto::wire::{self, launch_event};
use tonic::{Code, Status};

use crate::hosts::channel;
use crate::oracle::Oracle;
use crate::plan::{Act, Extension, OPERATOR, Plan};
use crate::wire::{Tap, Wire};

/// How long a call may take before the operator asks again.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two tries of a call.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How long an act other than a launch is tried for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The operator.
pub struct Operator {
    client: SweepServiceClient<Wire>,
    oracle: Oracle,
    /// The folder of the rows that sweeps are launched on.
    directory: PathBuf,
    /// The sweeps launched, by their numbers in the plan.
    launched: BTreeMap<usize, u64>,
}

impl Operator {
    /// An operator who has done nothing yet.
    pub fn new(plan: &Plan, oracle: Oracle, directory: PathBuf) -> Self {
        let tap = Tap::new(oracle.clone(), OPERATOR, None, plan.repeats_permille, !plan.seed);
        let client = SweepServiceClient::new(Wire::new(channel(), tap));
        Self { client, oracle, directory, launched: BTreeMap::new() }
    }

    /// Does everything that is planned, then resumes what is paused until nothing is.
    ///
    /// # Errors
    /// Where an act is refused for a reason that it cannot have.
    pub async fn run(mut self, plan: Plan) -> turmoil::Result {
        let started = tokio::time::Instant::now();
        for (at, act) in &plan.acts {
            tokio::time::sleep_until(started + *at).await;
            self.act(&plan, act).await?;
        }
        tokio::time::sleep_until(started + plan.healed_at).await;
        self.launch_missing(&plan).await?;
        self.oracle.event("the operator has done everything");
        Ok(())
    }

    async fn act(&mut self, plan: &Plan, act: &Act) -> turmoil::Result {
        match act {
            Act::Launch(number) => self.launch(plan, *number, false).await?,
            Act::LaunchTwice(number) => self.launch(plan, *number, true).await?,
            Act::Pause(number, time) => {
                let Some(sweep) = self.launched.get(number).copied() else { return Ok(()) };
                if self.control("pause", sweep).await {
                    self.oracle.corner("paused");
                }
                tokio::time::sleep(*time).await;
                while !self.control("resume", sweep).await {
                    // Nobody answered: a sweep must not stay paused because of that.
                    if self.is_known_ended(sweep) {
                        break;
                    }
                }
            }
            Act::Cancel(number) => {
                let Some(sweep) = self.launched.get(number).copied() else { return Ok(()) };
                self.control("cancel", sweep).await;
            }
            Act::Delete(number) => {
                let Some(sweep) = self.launched.get(number).copied() else { return Ok(()) };
                self.control("delete", sweep).await;
            }
            Act::Extend(number, extension) => self.extend(plan, *number, *extension).await,
            Act::Drain(worker) => {
                let request = wire::DrainRequest { worker: plan.workers[*worker].host.clone() };
                if self.insist("drain", async |client| client.drain(request.clone()).await.map(drop)).await {
                    self.oracle.corner("drained by the operator");
                }
            }
        }
        Ok(())
    }

    async fn launch_missing(&mut self, plan: &Plan) -> turmoil::Result {
        for number in 0..plan.sweeps.len() {
            if !self.launched.contains_key(&number) {
                self.launch(plan, number, false).await?;
            }
        }
        Ok(())
    }

    /// Launches a sweep, or attaches to the one that runs; asks until it is answered.
    async fn launch(&mut self, plan: &Plan, number: usize, twice: bool) -> turmoil::Result {
        let request = wire::LaunchRequest {
            file_name: format!("sweep-{number}.toml"),
            text: plan.sweeps[number].text.clone(),
            directory: self.directory.to_string_lossy().into_owned(),
            forbid_reuse: false,
            attach: true,
            priority: None,
        };
        loop {
            let launching = async {
                let one = launch_once(self.client.clone(), request.clone());
                if !twice {
                    return one.await;
                }
                self.oracle.corner("launched twice at the same time");
                let (one, other) = tokio::join!(one, launch_once(self.client.clone(), request.clone()));
                one.or(other)
            };
            match tokio::time::timeout(CALL_TIMEOUT, launching).await {
                Ok(Ok(sweep)) => {
                    self.oracle.event(&format!("sweep {number} of the plan is sweep {sweep}"));
                    self.launched.insert(number, sweep);
                    return Ok(());
                }
                Ok(Err(status)) if is_answer(&status) => {
                    return Err(format!("a launch was refused: {status}").into());
                }
                Ok(Err(_)) | Err(_) => tokio::time::sleep(TRY_AGAIN).await,
            }
        }
    }

    /// Whether the coordinator has answered that it was done, or that it cannot be done in the sweep's state.
    async fn control(&mut self, what: &'static str, sweep: u64) -> bool {
        let request = wire::GetRequest { sweep: sweep.to_string() };
        self.insist(what, async |client| {
            let request = request.clone();
            match what {
                "pause" => client.pause(request).await.map(drop),
                "resume" => client.resume(request).await.map(drop),
                "delete" => client.delete(request).await.map(drop),
                _ => client.cancel(request).await.map(drop),
            }
        })
        .await
    }

    async fn extend(&mut self, plan: &Plan, number: usize, extension: Extension) {
        let Some(sweep) = self.launched.get(&number).copied() else { return };
        let (grid, replicates) = match extension {
            Extension::Level => ("units = [64]".to_owned(), 0),
            Extension::Replicate => (String::new(), plan.sweeps[number].replicates as u32 + 1),
        };
        let request = wire::ExtendRequest {
            sweep: sweep.to_string(),
            grid,
            replicates,
            ..wire::ExtendRequest::default()
        };
        if self.insist("extend", async |client| client.extend(request.clone()).await.map(drop)).await {
            self.oracle.corner("extended");
        }
    }

    /// Asks until there is an answer, for some time; tells whether there was one.
    async fn insist(
        &mut self,
        what: &str,
        call: impl AsyncFn(&mut SweepServiceClient<Wire>) -> Result<(), Status>,
    ) -> bool {
        let until = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < until {
            match tokio::time::timeout(CALL_TIMEOUT, call(&mut self.client)).await {
                Ok(Ok(())) => {
                    self.oracle.event(&format!("{what}: done"));
                    return true;
                }
                Ok(Err(status)) if is_answer(&status) => {
                    self.oracle.event(&format!("{what}: {:?}", status.code()));
                    return true;
                }
                Ok(Err(_)) | Err(_) => tokio::time::sleep(TRY_AGAIN).await,
            }
        }
        false
    }

    fn is_known_ended(&self, sweep: u64) -> bool {
        let tables = self.oracle.tables();
        tables.sweeps.get(&sweep_proto::SweepId(sweep)).is_none_or(|sweep| sweep.state.is_ended())
    }
}

/// Whether a coordinator has decided so; everything else may be tried again.
fn is_answer(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::FailedPrecondition
            | Code::InvalidArgument
            | Code::NotFound
            | Code::PermissionDenied
            | Code::AlreadyExists
    )
}

async fn launch_once(
    mut client: SweepServiceClient<Wire>,
    request: wire::LaunchRequest,
) -> Result<u64, Status> {
    let mut events = client.launch(request).await?.into_inner();
    while let Some(event) = events.message().await? {
        if let Some(launch_event::Kind::Launched(status)) = event.kind {
            return Ok(status.id);
        }
    }
    Err(Status::unavailable("the stream ended before the sweep was launched"))
}

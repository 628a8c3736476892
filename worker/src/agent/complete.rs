//! How an attempt ended, told to the coordinator.

use sweep_proto::wire;
use sweep_proto::{AttemptOutcome, FailureKind};
use tonic::Code;

use super::Instruction;
use super::attempt::Attempt;
use super::backoff::{Backoff, is_transient};
use super::register::unary;

impl Attempt<'_> {
    /// Tells how the attempt ended until the coordinator has answered. Its reports go first, so that
    /// a completed trial has its whole curve. Tells whether the coordinator took it.
    pub(super) async fn complete(&mut self, outcome: AttemptOutcome) -> bool {
        let shared = self.shared;
        if self.unless(Instruction::Drop, shared.reporter.acknowledged(self.token)).await.is_err() {
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
            if self.unless(Instruction::Drop, tokio::time::sleep(wait)).await.is_err() {
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
        AttemptOutcome::Reached { .. } => "reached",
        AttemptOutcome::Released { .. } => "released",
    }
}

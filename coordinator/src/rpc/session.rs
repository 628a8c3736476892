//! One worker's session: work, heartbeats and metrics, answered in the order in which they come.
//!
//! A session holds no state worth keeping: when it breaks, the leases live on until their term ends,
//! and the worker opens another one.

use std::sync::Arc;
use std::time::Duration;

use coordinator_core::command::LeaseStanding;
use coordinator_core::limits::{HEARTBEAT_TOKENS_MAX, LEASE_TTL_MS, REQUEST_ID_CHARACTERS_MAX};
use coordinator_core::{Command, Granted, InstanceId, Rejection, Reply};
use sweep_proto::protocol::STEP_METRICS_MAX;
use sweep_proto::wire::coordinator_message::Kind as Answer;
use sweep_proto::wire::worker_message::Kind as Message;
use sweep_proto::{CheckpointRef, EpochMetric, LeaseToken, StepMetric, WorkKind, WorkerId, wire};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use tracing::Instrument;

use super::blobs::Reported;
use super::worker_service::{check_process, instance, is_replaced, worker_id};
use super::{READER_WAIT, Shared, blobs, logs, presence, status};
use crate::driver::DriverError;
use crate::security::caller::Caller;

/// Answers that wait for a slow worker before the session stops reading from it.
const OUTGOING_MAX: usize = 64;

/// Longest silence of a worker: its leases have run out long before.
const SILENCE_MAX: Duration = Duration::from_millis(4 * LEASE_TTL_MS);

/// Longest wait for the first message.
const HELLO_WAIT: Duration = Duration::from_secs(10);

type Outgoing = mpsc::Sender<Result<wire::CoordinatorMessage, Status>>;

/// Opens a session and gives the stream of its answers.
pub(super) fn open(
    shared: Shared,
    caller: Caller,
    mut messages: Streaming<wire::WorkerMessage>,
) -> ReceiverStream<Result<wire::CoordinatorMessage, Status>> {
    let (outgoing, stream) = mpsc::channel(OUTGOING_MAX);
    tokio::spawn(async move {
        let ended = async {
            let (worker, instance) = hello(&shared, caller, &mut messages).await?;
            let span = tracing::info_span!("session", %worker);
            let (presence, driver) = (Arc::clone(&shared.presence), shared.driver.clone());
            presence.enter(worker);
            let ended = Session { shared, caller, worker, instance, outgoing: outgoing.clone() }
                .run(messages)
                .instrument(span)
                .await;
            presence::left(&presence, &driver, worker).await;
            ended
        };
        if let Err(error) = ended.await {
            // The worker may have gone.
            _ = outgoing.send_timeout(Err(error), READER_WAIT).await;
        }
    });
    ReceiverStream::new(stream)
}

/// The first message names a registered worker.
async fn hello(
    shared: &Shared,
    caller: Caller,
    messages: &mut Streaming<wire::WorkerMessage>,
) -> Result<(WorkerId, Option<InstanceId>), Status> {
    let first = tokio::time::timeout(HELLO_WAIT, messages.message())
        .await
        .map_err(|_| Status::deadline_exceeded("no hello came"))??;
    let Some(Message::Hello(hello)) = first.and_then(|message| message.kind) else {
        return Err(status::invalid("the first message of a session must be a hello"));
    };
    let worker = worker_id(&hello.worker_id)?;
    caller.speaks_for(worker)?;
    let heartbeat = Command::Heartbeat { worker, tokens: Vec::new() };
    shared.driver.command(heartbeat).await.map_err(status::of_driver)?;
    Ok((worker, instance(&hello.instance)?))
}

/// Ends when another process has taken the place of this one.
async fn until_replaced(current: &mut watch::Receiver<Option<InstanceId>>, own: Option<InstanceId>) {
    if current.wait_for(|current| is_replaced(*current, own)).await.is_err() {
        // The driver's end is the session's, which hears of it elsewhere.
        std::future::pending::<()>().await;
    }
}

struct Session {
    shared: Shared,
    caller: Caller,
    worker: WorkerId,
    instance: Option<InstanceId>,
    outgoing: Outgoing,
}

impl Session {
    async fn run(self, mut messages: Streaming<wire::WorkerMessage>) -> Result<(), Status> {
        tracing::debug!("session opened");
        let mut work = self.shared.driver.notices().of_work();
        let mut steering = self.shared.driver.notices().of_steering();
        let mut process = self.shared.driver.notices().of_process(self.worker);
        // Looked at after the subscription, so that no replacement falls between the two.
        check_process(&self.shared, self.worker, self.instance).await?;
        loop {
            let answer = tokio::select! {
                // Whoever was replaced gets no more work.
                biased;
                () = self.shared.shutdown.cancelled() => return Err(status::stopping()),
                () = until_replaced(&mut process, self.instance) => {
                    tracing::warn!("another process has joined as this worker");
                    return Err(status::replaced(self.worker));
                }
                // The sender lives as long as the driver's handle here.
                Ok(()) = work.changed() => Answer::WorkAvailable(wire::WorkAvailable {}),
                Ok(()) = steering.changed() => Answer::BeatNow(wire::BeatNow {}),
                message = tokio::time::timeout(SILENCE_MAX, messages.message()) => {
                    let message = message.map_err(|_| Status::deadline_exceeded("the worker was silent"))?;
                    // A broken connection is no news: the worker comes back or its leases run out.
                    let Ok(Some(message)) = message else { break };
                    let kind = message.kind.ok_or_else(|| status::invalid("a message without content"))?;
                    self.answer(kind).await?
                }
            };
            let message = wire::CoordinatorMessage { kind: Some(answer) };
            if self.outgoing.send_timeout(Ok(message), READER_WAIT).await.is_err() {
                break;
            }
        }
        tracing::debug!("session ended");
        Ok(())
    }

    async fn answer(&self, message: Message) -> Result<Answer, Status> {
        match message {
            Message::Hello(_) => Err(status::invalid("a second hello")),
            Message::Heartbeat(heartbeat) => self.heartbeat(heartbeat).await,
            Message::AskWork(ask) => self.ask_work(ask).await,
            Message::Epoch(report) => self.epoch(report).await,
            Message::Steps(report) => self.steps(report).await,
        }
    }

    async fn heartbeat(&self, heartbeat: wire::Heartbeat) -> Result<Answer, Status> {
        if heartbeat.tokens.len() > HEARTBEAT_TOKENS_MAX {
            return Err(status::invalid(format!(
                "a heartbeat names more than {HEARTBEAT_TOKENS_MAX} leases"
            )));
        }
        let tokens = heartbeat.tokens.into_iter().map(LeaseToken).collect();
        let command = Command::Heartbeat { worker: self.worker, tokens };
        match self.shared.driver.command(command).await.map_err(status::of_driver)? {
            Reply::Heartbeat { leases, drain } => {
                // After the leases: a log must not delay what keeps them.
                logs::take(&self.shared, Some(self.worker), heartbeat.logs).await?;
                let leases =
                    leases.into_iter().map(|(token, standing)| lease_status(token, standing)).collect();
                Ok(Answer::Heartbeat(wire::HeartbeatReply { leases, drain }))
            }
            other => Err(status::internal(format!("a heartbeat was answered with {other:?}"))),
        }
    }

    async fn ask_work(&self, ask: wire::AskWork) -> Result<Answer, Status> {
        if ask.request_id.is_empty() || ask.request_id.len() > REQUEST_ID_CHARACTERS_MAX {
            let problem = format!("a request id has 1 to {REQUEST_ID_CHARACTERS_MAX} characters");
            return Err(status::invalid(problem));
        }
        let request_id = ask.request_id;
        let command = Command::AskWork {
            worker: self.worker,
            request_id: request_id.clone(),
            slots: ask.slots,
            // Versions before 1.2 do not say.
            group: ask.group.max(1),
        };
        match self.shared.driver.command(command).await.map_err(status::of_driver)? {
            Reply::Grants(groups) => {
                let group = |grants: Vec<Granted>| wire::GrantGroup {
                    grants: grants.into_iter().map(grant).collect(),
                };
                let groups = groups.into_iter().map(group).collect();
                Ok(Answer::Grants(wire::Grants { request_id, groups }))
            }
            other => Err(status::internal(format!("a request for work was answered with {other:?}"))),
        }
    }

    async fn epoch(&self, report: wire::EpochReport) -> Result<Answer, Status> {
        let token = LeaseToken(report.token);
        let metric = report.metric.ok_or_else(|| status::invalid("the report lacks its metric"))?;
        let metric: EpochMetric = metric.try_into().map_err(status::of_conversion)?;
        let checkpoint =
            report.checkpoint.ok_or_else(|| status::invalid("the report lacks its checkpoint"))?;
        let checkpoint: CheckpointRef = checkpoint.try_into().map_err(status::of_conversion)?;
        let (shared, artifact) = (&self.shared, checkpoint.artifact);
        let reported = blobs::check_reported(shared, self.caller, token, artifact, "checkpoint").await?;
        let pins = match reported {
            Reported::Fit(pins) => pins,
            // The worker drops the work, and the trial goes on from what is kept.
            Reported::Unfit(why) => return Ok(refused(token, why.message().to_owned())),
        };
        let epoch = metric.epoch;
        let command = self.caller.under_lease(Command::ReportEpoch { token, metric, checkpoint });
        let answer = self.shared.driver.command(command).await;
        drop(pins);
        match answer {
            Ok(reply) => {
                self.shared.uploads.reported(self.worker, token, checkpoint.artifact.digest);
                if let Reply::AttemptEnded(reason) = reply {
                    tracing::debug!(%token, reason, "told the worker to drop its work");
                    return Ok(lease_lost(token, reason));
                }
                Ok(Answer::Epoch(wire::EpochAck { token: token.0, epoch }))
            }
            Err(error) => drop_work(token, error),
        }
    }

    async fn steps(&self, report: wire::StepReport) -> Result<Answer, Status> {
        let token = LeaseToken(report.token);
        if report.points.len() > STEP_METRICS_MAX {
            return Err(status::invalid(format!("more than {STEP_METRICS_MAX} step metrics in one message")));
        }
        let points = report.points.into_iter().map(TryInto::try_into);
        let points: Vec<StepMetric> = points.collect::<Result<_, _>>().map_err(status::of_conversion)?;
        match self.shared.driver.append_steps(self.worker, token, points).await {
            Ok(next_sequence) => Ok(Answer::Steps(wire::StepAck { token: token.0, next_sequence })),
            Err(error) => drop_work(token, error),
        }
    }
}

/// A report that is refused ends the work under its lease, not the session.
fn drop_work(token: LeaseToken, error: DriverError) -> Result<Answer, Status> {
    match error {
        DriverError::Rejected(Rejection::LeaseLost { reason, .. }) => {
            // Why the attempt ended was logged when it did: each report that was still underway adds nothing.
            tracing::debug!(%token, reason, "told the worker to drop its work");
            Ok(lease_lost(token, reason))
        }
        DriverError::Rejected(rejection @ (Rejection::EpochOutOfOrder { .. } | Rejection::Invalid(_))) => {
            Ok(refused(token, rejection.to_string()))
        }
        other => Err(status::of_driver(other)),
    }
}

/// A report that a sound worker would not send.
fn refused(token: LeaseToken, reason: String) -> Answer {
    tracing::warn!(%token, reason, "refused a report and told the worker to drop its work");
    lease_lost(token, reason)
}

fn lease_lost(token: LeaseToken, reason: String) -> Answer {
    Answer::LeaseLost(wire::LeaseLost { token: token.0, reason })
}

fn lease_status(token: LeaseToken, standing: LeaseStanding) -> wire::LeaseStatus {
    let (directive, reason) = match standing {
        LeaseStanding::Continue => (wire::Directive::Continue, String::new()),
        LeaseStanding::Release(reason) => (wire::Directive::Release, reason),
        LeaseStanding::Drop(reason) => (wire::Directive::Drop, reason),
    };
    wire::LeaseStatus { token: token.0, directive: directive.into(), reason }
}

fn grant(granted: Granted) -> wire::Grant {
    wire::Grant {
        token: granted.token.0,
        attempt: granted.attempt,
        evaluate: granted.work == WorkKind::Evaluate,
        spec: Some(granted.spec.into()),
        dataset: Some(granted.dataset.into()),
        checkpoint: granted.checkpoint.map(Into::into),
        model: granted.model.map(Into::into),
        lease_ttl_ms: LEASE_TTL_MS,
        until_epoch: granted.until_epoch,
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().map_err(|_| io::ErrorKind::Other)?.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged where a report is refused.
    fn logged(rejection: Rejection) -> String {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let answer = drop_work(LeaseToken(7), DriverError::Rejected(rejection)).expect("an answer");
            assert!(matches!(answer, Answer::LeaseLost(wire::LeaseLost { token: 7, .. })));
        });
        String::from_utf8(log.0.lock().expect("a log").clone()).expect("text")
    }

    #[test]
    fn reports_under_a_token_that_has_ended_are_no_warning() {
        let lost =
            logged(Rejection::LeaseLost { token: LeaseToken(7), reason: "the trial was pruned".to_owned() });
        assert!(lost.contains("DEBUG") && !lost.contains("WARN"), "{lost}");
        let wrong = logged(Rejection::Invalid("a loss below zero".to_owned()));
        assert!(wrong.contains("WARN") && wrong.contains("below zero"), "{wrong}");
    }
}

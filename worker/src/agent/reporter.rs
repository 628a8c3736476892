//! Holds every report until it is acknowledged, and says what to send next.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sweep_proto::protocol::STEP_METRICS_MAX;
use sweep_proto::wire::{self, worker_message};
use sweep_proto::{CheckpointRef, EpochMetric, LeaseToken, StepMetric};
use tokio::sync::Notify;

/// Step metrics of one attempt that may await their acknowledgement: a few megabytes. A slot waits
/// beyond it, so no sequence ever gets a gap.
pub(super) const POINTS_WAITING_MAX: usize = 20_000;

/// Step metrics of one attempt that may be on their way: a heartbeat or an epoch never waits behind more. Where the
/// coordinator is slow to acknowledge, so are those who send.
const POINTS_UNDERWAY_MAX: usize = 4 * STEP_METRICS_MAX;

/// What one attempt has to tell.
#[derive(Clone, Debug, Default)]
struct Queue {
    epochs: VecDeque<(EpochMetric, CheckpointRef)>,
    /// How many of `epochs`, from the front, this session has sent.
    epochs_sent: usize,
    steps: VecDeque<StepMetric>,
    steps_sent: usize,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.epochs.is_empty() && self.steps.is_empty()
    }

    fn may_send_steps(&self) -> bool {
        self.steps_sent < self.steps.len().min(POINTS_UNDERWAY_MAX)
    }

    fn has_unsent(&self) -> bool {
        self.epochs_sent < self.epochs.len() || self.may_send_steps()
    }

    fn next(&mut self, token: LeaseToken) -> Option<worker_message::Kind> {
        if self.may_send_steps() {
            let points: Vec<wire::StepMetric> = self
                .steps
                .iter()
                .skip(self.steps_sent)
                .take(STEP_METRICS_MAX)
                .cloned()
                .map(Into::into)
                .collect();
            self.steps_sent += points.len();
            return Some(worker_message::Kind::Steps(wire::StepReport { token: token.0, points }));
        }
        let (metric, checkpoint) = self.epochs.get(self.epochs_sent)?.clone();
        self.epochs_sent += 1;
        Some(worker_message::Kind::Epoch(wire::EpochReport {
            token: token.0,
            metric: Some(metric.into()),
            checkpoint: Some(checkpoint.into()),
        }))
    }

    fn epoch_acknowledged(&mut self, epoch: u32) {
        while self.epochs.front().is_some_and(|(metric, _)| metric.epoch <= epoch) {
            self.epochs.pop_front();
            self.epochs_sent = self.epochs_sent.saturating_sub(1);
        }
    }

    fn steps_acknowledged(&mut self, next_sequence: u64) {
        // The coordinator holds less than it has acknowledged before: its disk has lost it. Nothing closes that gap, and a
        // trial is worth more than the rest of its curve.
        if self.steps.front().is_some_and(|point| point.sequence > next_sequence) {
            self.steps.clear();
            self.steps_sent = 0;
        }
        while self.steps.front().is_some_and(|point| point.sequence < next_sequence) {
            self.steps.pop_front();
            self.steps_sent = self.steps_sent.saturating_sub(1);
        }
    }
}

/// The reports of every attempt of this worker.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    queues: Mutex<BTreeMap<LeaseToken, Queue>>,
    /// Something was acknowledged or forgotten.
    progressed: Notify,
}

impl Reporter {
    fn queues(&self) -> MutexGuard<'_, BTreeMap<LeaseToken, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes step metrics, once there is room for them.
    pub(super) async fn push_steps(&self, token: LeaseToken, points: Vec<StepMetric>) {
        self.when(token, |queue| queue.steps.len() + points.len() <= POINTS_WAITING_MAX.max(points.len()))
            .await;
        self.queues().entry(token).or_default().steps.extend(points);
    }

    /// Takes an epoch whose checkpoint is stored.
    pub(super) fn push_epoch(&self, token: LeaseToken, metric: EpochMetric, checkpoint: CheckpointRef) {
        self.queues().entry(token).or_default().epochs.push_back((metric, checkpoint));
    }

    /// A new session begins: what was not acknowledged is sent again.
    pub(super) fn restart(&self) {
        for queue in self.queues().values_mut() {
            queue.epochs_sent = 0;
            queue.steps_sent = 0;
        }
    }

    /// Whether [`Reporter::next_report`] would give something.
    pub(super) fn has_unsent(&self) -> bool {
        self.queues().values().any(Queue::has_unsent)
    }

    /// The next report to send, marked as sent.
    pub(super) fn next_report(&self) -> Option<worker_message::Kind> {
        self.queues().iter_mut().find_map(|(token, queue)| queue.next(*token))
    }

    /// The coordinator holds every epoch up to this one durably.
    pub(super) fn epoch_acknowledged(&self, token: LeaseToken, epoch: u32) {
        if let Some(queue) = self.queues().get_mut(&token) {
            queue.epoch_acknowledged(epoch);
        }
        self.progressed.notify_waiters();
    }

    /// The coordinator holds every step metric below this sequence durably.
    pub(super) fn steps_acknowledged(&self, token: LeaseToken, next_sequence: u64) {
        if let Some(queue) = self.queues().get_mut(&token) {
            queue.steps_acknowledged(next_sequence);
        }
        self.progressed.notify_waiters();
    }

    /// The attempt is over: nothing of it is sent any more.
    pub(super) fn forget(&self, token: LeaseToken) {
        self.queues().remove(&token);
        self.progressed.notify_waiters();
    }

    /// Waits until everything of this attempt is acknowledged.
    pub(super) async fn acknowledged(&self, token: LeaseToken) {
        self.when(token, Queue::is_empty).await;
    }

    async fn when(&self, token: LeaseToken, condition: impl Fn(&Queue) -> bool) {
        loop {
            let progressed = self.progressed.notified();
            tokio::pin!(progressed);
            // Registered before the check, so that no acknowledgement falls between the two.
            progressed.as_mut().enable();
            if self.queues().get(&token).is_none_or(&condition) {
                return;
            }
            progressed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use sweep_proto::{ArtifactRef, Digest};

    use super::*;

    const TOKEN: LeaseToken = LeaseToken(5);

    fn point(sequence: u64) -> StepMetric {
        StepMetric { sequence, epoch: 1, step: sequence, loss: 0.5, examples_per_second: 1.0 }
    }

    fn push_epoch(reporter: &Reporter, epoch: u32) {
        let metric = EpochMetric {
            epoch,
            train_loss: 0.5,
            train_accuracy: 0.5,
            validation_loss: 0.5,
            validation_accuracy: 0.5,
            validation_macro_f1: 0.5,
            seconds: 1.0,
            examples_per_second: 1.0,
            peak_memory_bytes: 1,
            energy_joules: None,
        };
        let artifact = ArtifactRef { digest: Digest::of(&epoch.to_le_bytes()), bytes: 4 };
        reporter.push_epoch(TOKEN, metric, CheckpointRef::after(epoch, artifact));
    }

    /// Sequences of step metrics and epochs of everything that would be sent now.
    fn sent(reporter: &Reporter) -> (Vec<u64>, Vec<u32>) {
        let (mut steps, mut epochs) = (Vec::new(), Vec::new());
        while let Some(report) = reporter.next_report() {
            match report {
                worker_message::Kind::Steps(report) => {
                    assert!(report.points.len() <= STEP_METRICS_MAX);
                    steps.extend(report.points.iter().map(|point| point.sequence));
                }
                worker_message::Kind::Epoch(report) => {
                    epochs.extend(report.metric.map(|metric| metric.epoch));
                }
                other => panic!("{other:?}"),
            }
        }
        (steps, epochs)
    }

    #[tokio::test]
    async fn steps_that_a_coordinator_has_lost_again_hold_no_trial_up() {
        let reporter = Reporter::default();
        reporter.push_steps(TOKEN, (0..10).map(point).collect()).await;
        assert_eq!(sent(&reporter).0.len(), 10);
        reporter.steps_acknowledged(TOKEN, 6);
        reporter.restart();
        assert_eq!(sent(&reporter).0, vec![6, 7, 8, 9]);
        reporter.steps_acknowledged(TOKEN, 4);
        reporter.acknowledged(TOKEN).await;
    }

    #[tokio::test]
    async fn after_a_break_exactly_what_was_not_acknowledged_is_sent_again() {
        let reporter = Reporter::default();
        reporter.push_steps(TOKEN, (0..2_500).map(point).collect()).await;
        push_epoch(&reporter, 1);
        push_epoch(&reporter, 2);
        assert_eq!(sent(&reporter), ((0..2_500).collect(), vec![1, 2]));
        assert!(!reporter.has_unsent());
        reporter.steps_acknowledged(TOKEN, 1_000);
        reporter.epoch_acknowledged(TOKEN, 1);
        assert_eq!(sent(&reporter), (vec![], vec![]));
        reporter.restart();
        assert_eq!(sent(&reporter), ((1_000..2_500).collect(), vec![2]));
    }

    #[tokio::test]
    async fn an_acknowledgement_between_sending_and_a_new_report_skips_nothing() {
        let reporter = Reporter::default();
        reporter.push_steps(TOKEN, (0..10).map(point).collect()).await;
        assert_eq!(sent(&reporter).0, (0..10).collect::<Vec<_>>());
        reporter.steps_acknowledged(TOKEN, 4);
        reporter.push_steps(TOKEN, (10..12).map(point).collect()).await;
        assert_eq!(sent(&reporter).0, [10, 11]);
        reporter.steps_acknowledged(TOKEN, 4);
        reporter.steps_acknowledged(TOKEN, 12);
        reporter.acknowledged(TOKEN).await;
    }

    #[tokio::test]
    async fn few_step_metrics_are_on_their_way_and_epochs_overtake_the_rest() {
        let reporter = Reporter::default();
        reporter.push_steps(TOKEN, (0..10_000).map(point).collect()).await;
        push_epoch(&reporter, 1);
        let underway = POINTS_UNDERWAY_MAX as u64;
        assert_eq!(sent(&reporter), ((0..underway).collect(), vec![1]));
        assert!(!reporter.has_unsent());
        reporter.steps_acknowledged(TOKEN, 500);
        assert!(reporter.has_unsent());
        assert_eq!(sent(&reporter).0.last(), Some(&(underway + 999)));
        reporter.restart();
        assert_eq!(sent(&reporter).0.first(), Some(&500));
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_slot_wait_and_an_acknowledgement_lets_it_go_on() {
        let reporter = Reporter::default();
        reporter.push_steps(TOKEN, (0..POINTS_WAITING_MAX as u64).map(point).collect()).await;
        let more = reporter.push_steps(TOKEN, vec![point(POINTS_WAITING_MAX as u64)]);
        tokio::pin!(more);
        tokio::select! {
            biased;
            () = &mut more => panic!("there was no room"),
            () = std::future::ready(()) => {}
        }
        reporter.steps_acknowledged(TOKEN, 1);
        more.await;
    }

    #[tokio::test]
    async fn a_forgotten_attempt_waits_for_nothing() {
        let reporter = Reporter::default();
        push_epoch(&reporter, 1);
        reporter.forget(TOKEN);
        reporter.acknowledged(TOKEN).await;
        reporter.epoch_acknowledged(TOKEN, 1);
        assert!(!reporter.has_unsent());
    }
}

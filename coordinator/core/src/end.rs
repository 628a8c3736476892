//! Where a trial has come to its end: its last epoch, or the one in which patience runs out.

use sweep_proto::EpochMetric;

use crate::record::TrialRecord;
use crate::tables::Tables;

impl Tables {
    /// Whether a trial comes to its end with this epoch.
    pub(crate) fn is_over(&self, trial: &TrialRecord, metric: &EpochMetric) -> bool {
        let configuration = &trial.spec.configuration;
        let before = self.epochs_of(trial.spec.id).map(|epoch| &epoch.metric);
        let (mut lowest, mut best_epoch) = (f64::INFINITY, 0);
        for one in before.chain([metric]) {
            if one.validation_loss < lowest {
                (lowest, best_epoch) = (one.validation_loss, one.epoch);
            }
        }
        let patience = configuration.patience();
        let waited = u64::from(metric.epoch.saturating_sub(best_epoch));
        u64::from(metric.epoch) >= configuration.epochs() || (patience > 0 && waited >= patience)
    }

    /// The epoch with which a trial has come to its end, whether or not its worker has said so; `None` where it may train on.
    pub(crate) fn end_epoch(&self, trial: &TrialRecord) -> Option<u32> {
        let id = trial.spec.id;
        let last = self.epochs.get(&(id, self.epochs_recorded(id)))?;
        self.is_over(trial, &last.metric).then_some(last.metric.epoch)
    }
}

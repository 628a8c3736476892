//! The options by which an operator changes how much users may launch.

use clap::Args;
use coordinator::{Quota, Totals};
use sweep_proto::SweepSpec;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits of all users together (a user other than the operator has half)")]
pub(crate) struct QuotaArguments {
    /// Most trials that are kept, those that have ended included.
    #[arg(long = "max-trials", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    trials: Option<u64>,
    /// Most trials that have not ended.
    #[arg(long = "max-open-trials", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    open_trials: Option<u64>,
    /// Most bytes of datasets, checkpoints and models, looked at before each launch.
    #[arg(long = "max-artifact-bytes", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    artifact_bytes: Option<u64>,
    /// Most bytes of memory for trials and their epochs. By default half of this machine's.
    #[arg(long = "max-memory-bytes", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    memory_bytes: Option<u64>,
    /// Highest priority that a user other than the operator may give a sweep. By default 100, the highest there is.
    #[arg(long = "max-priority", value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(SweepSpec::PRIORITY_MAX)))]
    priority: Option<u32>,
}

impl QuotaArguments {
    /// The totals that an operator wants, over those by default.
    pub(crate) fn over(&self, default: Quota) -> Quota {
        let all = default.all;
        let quota = Quota::of(Totals {
            stored_trials: self.trials.unwrap_or(all.stored_trials),
            open_trials: self.open_trials.unwrap_or(all.open_trials),
            artifact_bytes: self.artifact_bytes.unwrap_or(all.artifact_bytes),
            memory_bytes: self.memory_bytes.unwrap_or(all.memory_bytes),
            ..all
        });
        Quota { priority: self.priority.unwrap_or(default.priority), ..quota }
    }
}

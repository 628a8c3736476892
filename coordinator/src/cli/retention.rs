//! The options by which an operator says for how long what is kept.

use clap::Args;
use coordinator::Keep;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// Longest time in days: a hundred years.
const DAYS_MAX: u64 = 36_500;

/// How long something is kept, in milliseconds; `None`: for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeepFor(pub(crate) Option<u64>);

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Retention times (a number of days, or `for-ever`)")]
pub(crate) struct RetentionArguments {
    /// Keep certificates and tokens this long after they expired or were revoked, and workers that left without having worked.
    /// By default 30 days.
    #[arg(long = "keep-unused-days", value_name = "DAYS", value_parser = days)]
    pub(crate) unused: Option<KeepFor>,
    /// Keep step metrics, which draw the curves within epochs, this long after their sweep has ended. By default 90 days.
    #[arg(long = "keep-steps-days", value_name = "DAYS", value_parser = days)]
    pub(crate) steps: Option<KeepFor>,
    /// Keep models, and checkpoints of shelved trials, this long after their sweep has ended; models of its best configuration
    /// are kept as long as the sweep. Without the others a sweep cannot be extended or retried. By default for-ever.
    #[arg(long = "keep-models-days", value_name = "DAYS", value_parser = days)]
    pub(crate) models: Option<KeepFor>,
}

impl RetentionArguments {
    /// What an operator wants, over what is so by default.
    pub(crate) fn over(&self, default: Keep) -> Keep {
        let told = |wanted: Option<KeepFor>, kept| wanted.map_or(kept, |wanted| wanted.0);
        Keep {
            unused_ms: told(self.unused, default.unused_ms),
            steps_ms: told(self.steps, default.steps_ms),
            models_ms: told(self.models, default.models_ms),
        }
    }
}

fn days(text: &str) -> Result<KeepFor, String> {
    if text == "for-ever" {
        return Ok(KeepFor(None));
    }
    let days: Option<u64> = text.parse().ok().filter(|days| *days <= DAYS_MAX);
    let days =
        days.ok_or_else(|| format!("it must be a number of days from 0 to {DAYS_MAX}, or `for-ever`"))?;
    Ok(KeepFor(Some(days * DAY_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_a_number_or_for_ever() {
        assert_eq!(days("for-ever"), Ok(KeepFor(None)));
        assert_eq!(days("2"), Ok(KeepFor(Some(172_800_000))));
        for wrong in ["", "-1", "1.5", "36501", "never", "30 days"] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
    }
}

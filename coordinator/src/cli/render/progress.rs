//! Live progress: bars on a terminal, now and then a plain line elsewhere.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};
use sweep_proto::wire::Progress;

use super::super::output::{self, plain};
use super::status::{best_loss, duration, number, percent};
use crate::telemetry;
use coordinator::json::{Running, Sweep};

/// Most running trials that get a line of their own: a screen has no more room.
const LINES_MAX: usize = 12;
/// Shortest time between two plain lines, unless the sweep ends.
const PLAIN_INTERVAL: Duration = Duration::from_secs(3);
/// How often a bar moves by itself, so that its clock runs.
const TICK: Duration = Duration::from_millis(200);

/// What stands on standard error while a sweep goes on.
#[derive(Debug)]
pub(crate) struct View {
    bars: bool,
    overall: Option<ProgressBar>,
    preparing: Preparing,
    trials: BTreeMap<String, ProgressBar>,
    plain: Plain,
}

#[derive(Debug, Default)]
struct Preparing {
    stage: String,
    bar: Option<ProgressBar>,
}

/// What the last plain line said.
#[derive(Debug, Default)]
struct Plain {
    written_at: Option<Instant>,
    text: String,
}

impl View {
    /// Bars where standard error is a terminal that can draw them, else lines.
    pub(crate) fn new() -> Self {
        Self {
            bars: Term::stderr().features().is_attended() && !output::is_dumb(),
            overall: None,
            preparing: Preparing::default(),
            trials: BTreeMap::new(),
            plain: Plain::default(),
        }
    }

    /// Shows how far the data is prepared.
    pub(crate) fn preparing(&mut self, progress: &Progress) {
        let preparing = &mut self.preparing;
        if preparing.stage != progress.stage {
            preparing.stage.clone_from(&progress.stage);
            if let Some(bar) = preparing.bar.take() {
                bar.finish_and_clear();
            }
            if self.bars {
                let bar = telemetry::bars().add(ProgressBar::new(progress.total));
                bar.set_style(style(preparing_template(progress)));
                bar.set_prefix(plain(&progress.stage));
                bar.enable_steady_tick(TICK);
                preparing.bar = Some(bar);
            } else {
                output::note(&format!("data: {}", plain(&progress.stage)));
            }
        }
        if let Some(bar) = &preparing.bar {
            bar.set_length(progress.total.max(progress.done));
            bar.set_position(progress.done);
        }
    }

    /// The data is there.
    pub(crate) fn prepared(&mut self) {
        if let Some(bar) = self.preparing.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Shows the sweep as it stands now.
    pub(crate) fn update(&mut self, sweep: &Sweep) {
        if self.bars {
            self.update_overall(sweep);
            self.update_trials(sweep);
        } else {
            self.update_plain(sweep);
        }
    }

    /// Says that the connection broke; only once until the next update.
    pub(crate) fn lost(&mut self, reason: &str) {
        let text = format!("connection lost ({}), trying again", plain(reason));
        if self.plain.text != text {
            output::note(&text);
            self.plain = Plain { written_at: None, text };
        }
    }

    /// Takes everything off the terminal again.
    pub(crate) fn clear(&mut self) {
        self.prepared();
        self.trials.values().chain(&self.overall).for_each(ProgressBar::finish_and_clear);
    }

    fn update_overall(&mut self, sweep: &Sweep) {
        let bar = self.overall.get_or_insert_with(|| {
            let bar = telemetry::bars().add(ProgressBar::new(sweep.epochs_planned));
            bar.set_style(style("{prefix} {bar:24.cyan/blue} {msg}"));
            bar
        });
        // Epochs move the bar, because trials end rarely and all at once; the words count trials.
        bar.set_prefix(plain(&sweep.name));
        bar.set_length(sweep.epochs_planned.max(1));
        bar.set_position(sweep.epochs_done.min(sweep.epochs_planned));
        bar.set_message(summary(sweep));
    }

    fn update_trials(&mut self, sweep: &Sweep) {
        let shown: BTreeMap<String, &Running> =
            sweep.running.iter().take(LINES_MAX).map(|trial| (trial.trial.clone(), trial)).collect();
        self.trials.retain(|trial, bar| {
            let stays = shown.contains_key(trial);
            if !stays {
                bar.finish_and_clear();
                telemetry::bars().remove(bar);
            }
            stays
        });
        for (key, trial) in shown {
            let bar = self.trials.entry(key).or_insert_with(|| {
                let bar = telemetry::bars().add(ProgressBar::new(u64::from(trial.epochs)));
                bar.set_style(style("  {bar:12.green/black} {msg}"));
                bar
            });
            bar.set_position(u64::from(trial.epoch));
            bar.set_message(trial_line(trial));
        }
    }

    /// A line when a trial has ended, and every few seconds while epochs pass; never the same twice.
    fn update_plain(&mut self, sweep: &Sweep) {
        let due = self.plain.written_at.is_none_or(|at| at.elapsed() >= PLAIN_INTERVAL);
        let text = summary(sweep);
        if (due || sweep.has_ended()) && text != self.plain.text {
            output::note(&text);
            self.plain = Plain { written_at: Some(Instant::now()), text };
        }
    }
}

fn preparing_template(progress: &Progress) -> &'static str {
    match (progress.total, progress.in_bytes) {
        (0, true) => "{prefix} {spinner} {bytes}",
        (0, false) => "{prefix} {spinner} {pos}",
        (_, true) => "{prefix} {bar:24.cyan/blue} {bytes} of {total_bytes}, {eta} left",
        (_, false) => "{prefix} {bar:24.cyan/blue} {pos} of {len}",
    }
}

/// The templates are constants, so a bad one shows in every test; the default bar is no worse.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `12/64 trials, 40/640 epochs, 3 running, best loss 0.4312, 3 min 20 s left`.
fn summary(sweep: &Sweep) -> String {
    let ledger = &sweep.ledger;
    let mut parts = vec![
        format!("{}/{} trials", ledger.ended(), ledger.planned),
        format!("{}/{} epochs", sweep.epochs_done, sweep.epochs_planned),
    ];
    match sweep.state.as_str() {
        "open" if sweep.workers == 0 => parts.push("waiting for workers".to_owned()),
        "open" => parts.push(format!("{} running", sweep.running.len())),
        "evaluating" => parts.push("measuring the chosen configuration on the test split".to_owned()),
        other => parts.push(plain(other)),
    }
    for (count, what) in [(ledger.diverged, "diverged"), (ledger.failed, "failed")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if !sweep.best.is_empty() {
        parts.push(format!("best loss {}", best_loss(sweep)));
    }
    if let Some(seconds) = sweep.eta_seconds.filter(|_| !sweep.has_ended()) {
        parts.push(format!("{} left", duration(seconds)));
    }
    parts.join(", ")
}

fn trial_line(trial: &Running) -> String {
    let label = plain(&trial.label);
    if trial.evaluating {
        return format!("test split  {label}");
    }
    let figures = match trial.validation_loss {
        None => "first epoch".to_owned(),
        loss => format!("loss {} accuracy {}", number(loss), percent(trial.validation_accuracy)),
    };
    format!("{}/{} {figures}  {label}", trial.epoch, trial.epochs)
}

#[cfg(test)]
mod tests {
    use sweep_proto::wire;

    use super::*;

    #[test]
    fn every_template_is_valid() {
        for total in [0, 9] {
            for in_bytes in [true, false] {
                let progress = Progress { total, in_bytes, ..Progress::default() };
                assert!(ProgressStyle::with_template(preparing_template(&progress)).is_ok());
            }
        }
    }

    #[test]
    fn the_summary_says_why_nothing_moves() {
        let status = wire::SweepStatus {
            state: "open".into(),
            ledger: Some(wire::Ledger { planned: 8, pending: 8, ..Default::default() }),
            epochs_planned: 40,
            ..Default::default()
        };
        assert_eq!(summary(&Sweep::from(status)), "0/8 trials, 0/40 epochs, waiting for workers");
    }

    #[test]
    fn the_summary_tells_diverged_from_failed() {
        let of = |diverged, failed| {
            let ledger = wire::Ledger { planned: 8, diverged, failed, ..Default::default() };
            summary(&Sweep::from(wire::SweepStatus { ledger: Some(ledger), ..Default::default() }))
        };
        assert!(of(2, 1).contains(", 2 diverged, 1 failed"), "{}", of(2, 1));
        assert!(of(1, 0).contains(", 1 diverged") && !of(1, 0).contains("failed"), "{}", of(1, 0));
        assert!(!of(0, 0).contains("diverged") && !of(0, 0).contains("failed"), "{}", of(0, 0));
    }
}

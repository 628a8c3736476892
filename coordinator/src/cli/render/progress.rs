//! Live progress: bars on a terminal, now and then a plain line elsewhere.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};
use sweep_proto::wire::Progress;
use sweep_proto::{SweepState, TrialState};

use super::super::output::{self, plain};
use super::status::{self, best_value, brief_time_left, lowest_trial, moment, number, percent};
use super::wrap::{fitted, wrapped};
use crate::telemetry;
use coordinator::json::{Running, Searching, Sweep};

/// Most running trials that get a line of their own: a screen has no more room.
const LINES_MAX: usize = 12;
/// Shortest time between two plain lines, unless the sweep ends.
const PLAIN_INTERVAL: Duration = Duration::from_secs(3);
/// Shortest time between two lines about trials that are handed back.
const TROUBLE_PAUSE: Duration = Duration::from_secs(20);
/// How often a bar moves by itself, so that its clock runs.
const TICK: Duration = Duration::from_millis(200);
/// Columns of the bar of the whole sweep and of the bars of its trials, each with what stands before and behind it.
const OVERALL_BAR: (&str, usize) = ("{bar:24.cyan/blue} {prefix}\n  {msg}", 25);
const TRIAL_BAR: (&str, usize) = ("  {bar:12.green/black} {msg}", 15);
/// Steps of the bar of the whole sweep.
const BAR_STEPS: u64 = 1_000;
/// Columns of a sweep's name beside its bar.
const NAME_COLUMNS_MAX: usize = 24;

/// What stands on standard error while a sweep goes on.
#[derive(Debug)]
pub(crate) struct View {
    bars: bool,
    overall: Option<ProgressBar>,
    preparing: Preparing,
    trials: BTreeMap<String, ProgressBar>,
    plain: Plain,
    /// What was last told of hand-backs, and when.
    trouble: Option<(Instant, String)>,
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
    state: String,
    held: Option<String>,
}

impl View {
    /// Bars where standard error is a terminal that can draw them and they are not refused, else lines.
    pub(crate) fn new(plain: bool) -> Self {
        Self {
            bars: !plain && Term::stderr().features().is_attended() && !output::is_dumb(),
            overall: None,
            preparing: Preparing::default(),
            trials: BTreeMap::new(),
            plain: Plain::default(),
            trouble: None,
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

    /// Shows the sweep as it stands now, and what it lies at where trials are handed back.
    pub(crate) fn update(&mut self, sweep: &Sweep) {
        self.tell_trouble(sweep);
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
            self.plain = Plain { text, ..Plain::default() };
        }
    }

    /// Takes everything off the terminal again.
    pub(crate) fn clear(&mut self) {
        self.prepared();
        self.trials.values().chain(&self.overall).for_each(ProgressBar::finish_and_clear);
    }

    /// Tells the newest hand-back or lost lease in a line of its own: each once, and not many one after another.
    fn tell_trouble(&mut self, sweep: &Sweep) {
        let Some(newest) = sweep.handed_back.first() else { return };
        let text = plain(&newest.told());
        let is_told =
            self.trouble.as_ref().is_some_and(|(at, told)| *told == text || at.elapsed() < TROUBLE_PAUSE);
        if !is_told {
            output::note(&text);
            self.trouble = Some((Instant::now(), text));
        }
    }

    fn update_overall(&mut self, sweep: &Sweep) {
        let bar = self.overall.get_or_insert_with(|| {
            let bar = telemetry::bars().add(ProgressBar::new(BAR_STEPS));
            bar.set_style(style(OVERALL_BAR.0));
            bar
        });
        // Epochs move the bar, because trials end rarely and all at once; the words count trials.
        bar.set_position((sweep.share_done() * BAR_STEPS as f64) as u64);
        let columns = columns();
        bar.set_prefix(fitted(&beside_bar(sweep), columns.saturating_sub(OVERALL_BAR.1)));
        bar.set_message(fitted(&below_bar(sweep), columns.saturating_sub(2)));
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
                bar.set_style(style(TRIAL_BAR.0));
                bar
            });
            bar.set_position(u64::from(trial.epoch));
            bar.set_message(fitted(&[trial_line(trial)], columns().saturating_sub(TRIAL_BAR.1)));
        }
    }

    /// A line when the sweep has come to another state, and every few seconds while epochs pass; never the same twice.
    fn update_plain(&mut self, sweep: &Sweep) {
        let (state, held) = (sweep.state.words().to_owned(), sweep.held.clone());
        // Nothing may follow for long: the last line must not tell what was before.
        let is_news = (&state, &held) != (&self.plain.state, &self.plain.held);
        let due = self.plain.written_at.is_none_or(|at| at.elapsed() >= PLAIN_INTERVAL);
        let text = summary(sweep);
        if (due || is_news || sweep.has_ended()) && text != self.plain.text {
            output::note(&match Term::stderr().size_checked() {
                Some((_, columns)) => wrapped(&text, usize::from(columns), 2),
                None => text.clone(),
            });
            self.plain = Plain { written_at: Some(Instant::now()), text, state, held };
        }
    }
}

/// Columns of the terminal, one less so that no line is full: some terminals begin a new one then.
fn columns() -> usize {
    usize::from(Term::stderr().size().1).saturating_sub(1)
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

/// `paper-imdb`, `12/64 trials`, `3 min 20 s left`: what a bar has beside it, the most important parts first.
fn beside_bar(sweep: &Sweep) -> Vec<String> {
    let name = console::truncate_str(&plain(&sweep.name), NAME_COLUMNS_MAX, "…").into_owned();
    [Some(name), Some(trials(sweep)), time_left(sweep)].into_iter().flatten().collect()
}

/// What stands in the line below a bar, alike.
fn below_bar(sweep: &Sweep) -> Vec<String> {
    let mut parts = vec![activity(sweep)];
    parts.extend(searching(sweep));
    parts.extend(trouble(sweep));
    parts.extend(best_so_far(sweep));
    parts.push(epochs(sweep));
    parts.extend(status::time_left(sweep, 0.0).map(|left| format!("time left {left}")));
    parts
}

/// `12/64 trials, 40/640 epochs, 3 running, best loss 0.4312 (2 of 3 replicates), 3 min 20 s left`.
fn summary(sweep: &Sweep) -> String {
    let mut parts = vec![trials(sweep), epochs(sweep)];
    parts.push(activity(sweep));
    parts.extend(searching(sweep));
    parts.extend(trouble(sweep));
    parts.extend(best_so_far(sweep));
    parts.extend(status::time_left(sweep, 0.0).map(|left| format!("{left} left")));
    parts.join(", ")
}

/// `12/64 trials`; `12 of up to 60 trials` where their number depends on how many epochs they leave, and `12 trials` where nobody knows it.
fn trials(sweep: &Sweep) -> String {
    let ended = sweep.ledger.ended();
    match sweep.trials_planned() {
        Some(planned) if planned.starts_with(|first: char| first.is_ascii_digit()) => {
            format!("{ended}/{planned} trials")
        }
        Some(planned) => format!("{ended} of {planned} trials"),
        None => format!("{ended} trial{}", if ended == 1 { "" } else { "s" }),
    }
}

fn epochs(sweep: &Sweep) -> String {
    match sweep.epochs_planned {
        Some(planned) => format!("{}/{planned} epochs", sweep.epochs_done),
        None => format!("{} epochs", sweep.epochs_done),
    }
}

fn activity(sweep: &Sweep) -> String {
    match sweep.state.known() {
        Some(state) if state.is_running() && sweep.is_unattended() => {
            format!("waiting: {}", plain(&sweep.idleness(moment).unwrap_or_default()))
        }
        Some(SweepState::Open) => {
            match (sweep.running.iter().filter(|trial| trial.is_away).count(), sweep.running.len()) {
                (0, running) => format!("{running} running"),
                (away, all) => format!("{} running, {away} with workers that are not connected", all - away),
            }
        }
        Some(SweepState::Evaluating) => "measuring the chosen configuration on the test split".to_owned(),
        _ => match &sweep.held {
            Some(reason) => format!("held by the coordinator: {}", plain(reason)),
            None => plain(sweep.state.words()),
        },
    }
}

/// What is spent of hours and money, what the pruner has done, and what waits for it: `8 pruned`, `5 wait at rungs`.
fn searching(sweep: &Sweep) -> impl Iterator<Item = String> {
    let pruned = sweep.ledger.counts().filter(|count| count.state == TrialState::Pruned);
    let pruned = pruned.map(|count| format!("{} {}", count.trials, count.words));
    let metered = sweep.search.iter().flat_map(Searching::metered);
    metered.chain(pruned).chain(sweep.search.as_ref().and_then(Searching::waiting))
}

fn trouble(sweep: &Sweep) -> impl Iterator<Item = String> {
    let ledger = &sweep.ledger;
    let of = [TrialState::Diverged, TrialState::Failed, TrialState::Cancelled];
    let counted = of.into_iter().map(|state| (ledger.of(state), state.words()));
    counted.filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}"))
}

/// The best configuration so far, and the best single trial where it has another value.
fn best_so_far(sweep: &Sweep) -> impl Iterator<Item = String> {
    let best =
        (!sweep.best.is_empty()).then(|| format!("best {} {}", sweep.objective.words(), best_value(sweep)));
    best.into_iter().chain(lowest_trial(sweep))
}

fn time_left(sweep: &Sweep) -> Option<String> {
    Some(brief_time_left(sweep, 0.0)? + " left")
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
    fn no_line_is_wider_than_the_terminal_or_cut_inside_a_word() {
        let sweep = crate::cli::screen::examples::sweep(Vec::new());
        let whole = summary(&sweep);
        for columns in [40, 60, 80, 100, 200] {
            for (parts, room) in
                [(beside_bar(&sweep), columns - OVERALL_BAR.1), (below_bar(&sweep), columns - 2)]
            {
                let line = fitted(&parts, room);
                assert!(console::measure_text_width(&line) <= room, "{line:?} in {room}");
                // Whole parts, or the first one cut.
                assert!(parts.join(", ").starts_with(&line) || line.ends_with('…'), "{line:?}");
            }
            let lines = wrapped(&whole, columns, 2);
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&lines), words(&whole), "a word is broken at {columns} columns");
            assert!(lines.lines().all(|line| console::measure_text_width(line) <= columns), "{lines}");
        }
        assert!(
            fitted(&below_bar(&sweep), 78).contains("best loss 0.3122 (3 replicates)"),
            "{:?}",
            below_bar(&sweep)
        );
    }

    #[test]
    fn the_summary_tells_what_is_pruned_and_what_waits_at_rungs() {
        let mut sweep = crate::cli::screen::examples::sweep(Vec::new());
        sweep.ledger = sweep.ledger.with(TrialState::Pruned, 8);
        sweep.search = Some(Searching {
            sampler: "random".to_owned(),
            pruner: "asha".to_owned(),
            trials_made: 20,
            trials_max: Some(64),
            at_rungs: 5,
            ..Searching::default()
        });
        assert!(summary(&sweep).contains("8 pruned, 5 wait at rungs"), "{}", summary(&sweep));
        assert!(below_bar(&sweep).contains(&"5 wait at rungs".to_owned()));
    }

    #[test]
    fn every_template_is_valid() {
        assert!([OVERALL_BAR, TRIAL_BAR].iter().all(|(bar, _)| ProgressStyle::with_template(bar).is_ok()));
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
            outlook: "no_worker".into(),
            eta_seconds: Some(9.0),
            ..Default::default()
        };
        let waiting = Sweep::from(status);
        assert_eq!(summary(&waiting), "0/8 trials, 0/40 epochs, waiting: no worker is connected");
        let stopped = summary(&waiting.stopped());
        assert!(stopped.ends_with("waiting: nobody works on it: `sweep run FILE` goes on, or `sweep serve` where it was launched on one"), "{stopped}");
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

//! A sweep's state as text, and the pieces that other tables share.

use super::super::output::plain;
use super::data;
use super::table::{self, Align};
use super::wrap::for_terminal;
use coordinator::json::{Best, Rows, Running, Shown, Sweep};
use coordinator_report::sections::format::{count, fixed};
use sweep_proto::{Objective, TestFigure, TrialState};

pub(crate) use coordinator_report::sections::format::duration;

/// Everything that is known of a sweep.
pub(crate) fn sweep(sweep: &Sweep) -> String {
    let mut lines = vec![
        format!("sweep {} ({}): {}", sweep.id, plain(&sweep.name), plain(&sweep.standing())),
        format!("trials    {}", ledger_line(sweep)),
        format!("epochs    {}", sweep.epochs_told_as(|count| count.to_string())),
    ];
    let spent = sweep.search.as_ref().zip(sweep.search_spent());
    lines.extend(
        spent.map(|(search, spent)| format!("search    {}: {}", plain(&search.who()), plain(&spent))),
    );
    lines.extend(sweep.owned_by().map(|owner| format!("owner     {}", plain(&owner))));
    lines.extend(sweep.told_objectives().map(|told| format!("objective {told}")));
    if sweep.priority > 0 {
        lines.push(format!("priority  {}", sweep.priority));
    }
    if let Some(reason) = &sweep.held {
        lines.push(format!("held      {}", plain(reason)));
    }
    if sweep.has_ended() {
        lines.push(format!("took      {}", took(sweep)));
    } else if let Some(idleness) = sweep.idleness(moment) {
        lines.push(format!("waiting   {}", plain(&idleness)));
    } else {
        let eta = time_left(sweep, 0.0).unwrap_or_else(|| "unknown".to_owned());
        lines.push(format!("workers   {} with {} slots", sweep.workers, sweep.slots));
        lines.push(format!("time left {eta}"));
    }
    lines.extend(troubles(sweep));
    // What preparing the data found says it, too.
    let rows = sweep.rows.filter(|_| sweep.data.is_none());
    lines.extend(rows.map(|rows| format!("data      {}", rows_line(rows))));
    if let Some(chosen) = &sweep.chosen {
        lines.push(format!("chosen    {}", plain(chosen)));
    }
    if let Some(test) = &sweep.test {
        let accuracy = percent(test.of(TestFigure::Accuracy));
        let others = TestFigure::ALL.into_iter().filter(|figure| *figure != TestFigure::Accuracy);
        let others = others.filter_map(|figure| Some((figure, test.of(figure)?)));
        let others = others.map(|(figure, value)| format!(", {} {}", figure.words(), number(Some(value))));
        lines.push(format!(
            "on the test split{}{}: accuracy {accuracy}{}",
            sweep.rows.map_or_else(String::new, |rows| format!(" ({})", counted_rows(rows.test))),
            sweep.test_so_far().map(|so_far| format!(" so far ({so_far})")).unwrap_or_default(),
            others.collect::<String>()
        ));
    }
    lines.extend(sweep.matters_most.iter().map(|verdict| format!("matters most: {}", plain(verdict))));
    if let Some(found) = &sweep.data {
        lines.extend(data::lines(found));
    }
    lines.extend(warnings(sweep));
    let mut text = for_terminal(&lines, 10);
    if !sweep.running.is_empty() {
        let head =
            if sweep.is_unattended() { "under a lease, their workers not connected" } else { "running" };
        text.extend(["\n\n", head, "\n"]);
        text.push_str(&running(sweep));
    }
    if !sweep.best.is_empty() {
        let so_far = if sweep.has_finished() { "" } else { " so far" };
        text.extend(["\n\nbest configurations", so_far]);
        if sweep.objective != Objective::default() {
            text.extend([" by ", sweep.objective.words()]);
        }
        text.push('\n');
        text.push_str(&best(sweep));
    }
    text
}

/// `40 min 2 s`: how long trials ran, and from launch to end where that is much longer.
pub(crate) fn took(sweep: &Sweep) -> String {
    let ran = duration(sweep.running_seconds);
    match sweep.longer_calendar_seconds() {
        Some(calendar) => format!("{ran}, {} from launch to end", duration(calendar)),
        None => ran,
    }
}

/// `1 h 2 min (50 min 10 s to 1 h 14 min)`, of which `since` seconds have passed; `None` where it cannot be told.
pub(crate) fn time_left(sweep: &Sweep, since: f64) -> Option<String> {
    let left = |seconds: f64| duration((seconds - since).max(0.0));
    let seconds = brief_time_left(sweep, since)?;
    let interval = sweep.eta_low_seconds.zip(sweep.eta_high_seconds);
    let interval = interval.map(|(low, high)| format!(" ({} to {})", left(low), left(high)));
    Some(seconds + &interval.unwrap_or_default())
}

/// As [`time_left`], without the interval: `1 h 2 min`.
pub(crate) fn brief_time_left(sweep: &Sweep, since: f64) -> Option<String> {
    Some(duration((sweep.eta_seconds? - since).max(0.0)))
}

/// `8,000 training, 27 validation and 1,000 test rows`: how many rows stand behind the numbers.
pub(crate) fn rows_line(rows: Rows) -> String {
    let [train, validation, test] = [rows.train, rows.validation, rows.test].map(count);
    format!("{train} training, {validation} validation and {test} test rows")
}

fn counted_rows(rows: u64) -> String {
    format!("{} row{}", count(rows), if rows == 1 { "" } else { "s" })
}

/// Most hand-backs in one text.
const HAND_BACKS_SHOWN: usize = 3;

/// The newest hand-backs and lost leases, a line each.
pub(crate) fn troubles(sweep: &Sweep) -> impl Iterator<Item = String> {
    let told = sweep.handed_back.iter().take(HAND_BACKS_SHOWN);
    let told = told.map(|one| format!("trouble   {}", plain(&one.told())));
    let more = sweep.handed_back.len().saturating_sub(HAND_BACKS_SHOWN);
    told.chain((more > 0).then(|| format!("trouble   {more} more trials were handed back or lost")))
}

/// What must be known beside the answer, a line each.
pub(crate) fn warnings(sweep: &Sweep) -> impl Iterator<Item = String> {
    sweep.warnings.iter().map(|one| warning(&one.text))
}

/// A line that warns.
pub(crate) fn warning(text: &str) -> String {
    format!("{}   {}", console::style("warning").yellow(), plain(text))
}

/// `12 of 64 ended: 11 completed (3 reused), 1 failed; 2 running, 50 waiting`.
pub(crate) fn ledger_line(sweep: &Sweep) -> String {
    let ledger = &sweep.ledger;
    let completed = TrialState::Completed;
    let reused = if ledger.reused > 0 { format!(" ({} reused)", ledger.reused) } else { String::new() };
    let mut ended = vec![format!("{} {}{reused}", ledger.of(completed), completed.words())];
    let mut others = Vec::new();
    for count in ledger.counts().filter(|count| count.state != completed) {
        let ran_to_an_end = count.state.known().is_some_and(TrialState::ran_to_an_end);
        let list = if ran_to_an_end { &mut ended } else { &mut others };
        list.push(format!("{} {}", count.trials, plain(count.words)));
    }
    let line = format!("{} ended: {}", sweep.trials_ended_as(|count| count.to_string()), ended.join(", "));
    if others.is_empty() { line } else { format!("{line}; {}", others.join(", ")) }
}

fn running(sweep: &Sweep) -> String {
    let columns = [
        ("TRIAL", Align::Left),
        ("EPOCH", Align::Right),
        ("LOSS", Align::Right),
        ("ACCURACY", Align::Right),
        ("WORKER", Align::Left),
        ("CONFIGURATION", Align::Left),
    ];
    let rows = sweep.running.iter().map(|trial| {
        let epoch =
            if trial.evaluating { "test".to_owned() } else { format!("{}/{}", trial.epoch, trial.epochs) };
        let [loss, accuracy] = [number(trial.validation_loss), percent(trial.validation_accuracy)];
        vec![trial.trial.clone(), epoch, loss, accuracy, worker_of(trial), plain(&trial.label)]
    });
    table::table(&columns, rows)
}

/// The worker of a trial, and whether it is not connected.
pub(crate) fn worker_of(trial: &Running) -> String {
    let away = if trial.is_away { " (not connected)" } else { "" };
    format!("{}{away}", plain(&trial.worker))
}

/// The best configurations, best first, and the best single trial where it has another value.
pub(crate) fn best(sweep: &Sweep) -> String {
    let own = sweep.objective.words().to_uppercase();
    let mut columns = vec![("RANK", Align::Right)];
    columns.extend(sweep.shown_figures().map(|figure| {
        let title = match figure {
            Shown::Objective => own.as_str(),
            Shown::Loss => "VALIDATION LOSS",
            Shown::Accuracy => "ACCURACY",
        };
        (title, Align::Right)
    }));
    columns.extend([("REPLICATES", Align::Right), ("CONFIGURATION", Align::Left)]);
    let rows = sweep.best.iter().enumerate().map(|(position, one)| {
        let figure = |figure| match figure {
            Shown::Objective => sweep.told_value(one.objective),
            Shown::Loss => number(one.validation_loss),
            Shown::Accuracy => percent(one.validation_accuracy),
        };
        let mut row = vec![(position + 1).to_string()];
        row.extend(sweep.shown_figures().map(figure));
        row.extend([one.completed.to_string(), plain(&one.label)]);
        row
    });
    let mut text = table::table(&columns, rows);
    if let Some(lowest) = sweep.lowest_beside_best() {
        let (best, value) = (sweep.objective.best_is(), sweep.told_value(lowest.objective));
        let line =
            format!("\n{best} single trial: {value}, {} ({})", plain(&lowest.label), plain(&lowest.trial));
        text.push_str(&line);
    }
    text
}

/// The mean by which the best configuration so far is the best, and the replicates behind it: `0.4790 (2 of 3 replicates)`.
pub(crate) fn best_value(sweep: &Sweep) -> String {
    let told = |best: &Best| format!("{} ({})", sweep.told_value(best.objective), sweep.replicates_of(best));
    sweep.best.first().map_or_else(|| "-".to_owned(), told)
}

/// `lowest trial 0.4546`, where that is another value than the best configuration's.
pub(crate) fn lowest_trial(sweep: &Sweep) -> Option<String> {
    let told = |value| format!("{} trial {}", sweep.objective.best_is(), sweep.told_value(value));
    sweep.lowest_beside_best().map(|lowest| told(lowest.objective))
}

/// A loss or score, with four decimals.
pub(crate) fn number(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| fixed(number, 4))
}

/// A fraction as a percentage, with one decimal.
pub(crate) fn percent(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| "-".to_owned(), |fraction| format!("{} %", fixed(fraction * 100.0, 1)))
}

/// A moment in the machine's time zone, to the minute.
pub(crate) fn moment(unix_ms: u64) -> String {
    i64::try_from(unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).map_or_else(
        || "-".to_owned(),
        |moment| {
            moment.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use coordinator::json::Ledger;

    use super::*;

    #[test]
    fn a_searched_sweep_names_its_sampler_its_pruner_and_its_budget() {
        let search = sweep_proto::wire::SearchStatus {
            sampler: "sobol".to_owned(),
            pruner: "median".to_owned(),
            trials_made: 7,
            trials_max: Some(20),
            ..Default::default()
        };
        let status = sweep_proto::wire::SweepStatus { search: Some(search), ..Default::default() };
        let told = sweep(&Sweep::from(status));
        assert!(told.contains("search    sobol, pruner median: 7 of 20 trials made"), "{told}");
    }

    #[test]
    fn a_sweep_that_is_ranked_by_another_metric_says_so() {
        let status = |objective: &str| {
            let best = sweep_proto::wire::ConfigurationStatus {
                label: "units=8".to_owned(),
                completed: 3,
                score: 0.52,
                accuracy: 0.75,
                objective: (objective != "validation_loss").then_some(0.74),
            };
            let lowest =
                sweep_proto::wire::LowestTrial { score: 0.5, objective: Some(0.8), ..Default::default() };
            Sweep::from(sweep_proto::wire::SweepStatus {
                objective: objective.to_owned(),
                best: vec![best],
                replicates: 3,
                lowest: Some(lowest),
                ..Default::default()
            })
        };
        let by_loss = sweep(&status("validation_loss"));
        assert!(
            !by_loss.contains("objective") && by_loss.contains("best configurations so far\n"),
            "{by_loss}"
        );
        assert_eq!(best_value(&status("validation_loss")), "0.5200 (3 replicates)");
        let by_f1 = status("validation_macro_f1");
        let told = sweep(&by_f1);
        assert!(told.contains("objective maximize: validation_macro_f1"), "{told}");
        assert!(told.contains("best configurations so far by macro F1\n"), "{told}");
        assert!(told.contains("MACRO F1  VALIDATION LOSS  ACCURACY"), "{told}");
        assert!(told.contains("highest single trial: 80.0 %"), "{told}");
        assert_eq!(best_value(&by_f1), "74.0 % (3 replicates)");
        assert_eq!(lowest_trial(&by_f1).as_deref(), Some("highest trial 80.0 %"));
        let by_accuracy = sweep(&status("validation_accuracy"));
        // What they are ranked by stands first.
        assert!(by_accuracy.contains("by accuracy\nRANK  ACCURACY  VALIDATION LOSS"), "{by_accuracy}");
        assert!(by_accuracy.contains("   1    75.0 %           0.5200"), "{by_accuracy}");
    }

    #[test]
    fn a_test_score_of_some_replicates_is_not_told_as_the_last() {
        let status = |state: &str, counts: u64| sweep_proto::wire::SweepStatus {
            state: state.to_owned(),
            replicates: 3,
            rows: Some(sweep_proto::wire::SplitRows { test: 10, ..Default::default() }),
            test: Some(sweep_proto::wire::TestMetric {
                accuracy: 0.8,
                confusion: vec![sweep_proto::wire::ConfusionRow { counts: vec![counts] }],
                ..Default::default()
            }),
            ..Default::default()
        };
        let told = |state, counts| sweep(&Sweep::from(status(state, counts)));
        let so_far = told("evaluating", 20);
        assert!(so_far.contains("on the test split (10 rows) so far (2 of 3 replicates): "), "{so_far}");
        assert!(told("finished", 30).contains("on the test split (10 rows): accuracy 80.0 %"));
    }

    #[test]
    fn the_ledger_names_only_what_there_is() {
        let ledger_line = |ledger: &Ledger| {
            super::ledger_line(&Sweep {
                ledger: ledger.clone(),
                ..Sweep::from(sweep_proto::wire::SweepStatus::default())
            })
        };
        let mut ledger = Ledger::new(64)
            .with(TrialState::Completed, 11)
            .with(TrialState::Failed, 1)
            .with(TrialState::Leased, 2)
            .with(TrialState::Pending, 50);
        ledger.reused = 3;
        assert_eq!(
            ledger_line(&ledger),
            "12 of 64 ended: 11 completed (3 reused), 1 failed; 2 running, 50 waiting"
        );
        let cancelled = Ledger::new(192).with(TrialState::Completed, 40).with(TrialState::Cancelled, 152);
        assert_eq!(ledger_line(&cancelled), "40 of 192 ended: 40 completed; 152 cancelled");
        let done = Ledger::new(8).with(TrialState::Completed, 8);
        assert_eq!(ledger_line(&done), "8 of 8 ended: 8 completed");
    }
}

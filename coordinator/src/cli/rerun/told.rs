//! A rerun in words: a line for each trial, and every number that differs.

use std::collections::BTreeSet;

use super::compare::{Compared, Difference, Verdict};
use super::records::TrainedOn;
use super::{BEST_LOSS_DIFFERENCE_MAX, Rerun};
use crate::cli::output::plain;
use crate::cli::render::table::{self, Align};

/// Differences shown of one trial; `--json` has all.
const ROWS_MAX: usize = 12;

/// The rerun as lines.
pub(crate) fn told(rerun: &Rerun) -> String {
    let drawn = rerun.trials.iter().filter(|one| one.drawn).count();
    let with_them = match rerun.trials.len() - drawn {
        0 => String::new(),
        more => format!(", and {more} that their sweeps train before them"),
    };
    let sweeps: Vec<String> = rerun.sweeps.iter().map(ToString::to_string).collect();
    let head = format!(
        "rerun      {drawn} of {} completed trials, drawn with --seed {}{with_them}; trained again in {} {}",
        rerun.candidates,
        rerun.seed,
        if sweeps.len() == 1 { "sweep" } else { "sweeps" },
        sweeps.join(", "),
    );
    let verdicts = rerun.trials.iter().map(|one| format!("           {}: {}", one.trial, verdict(one)));
    let differing = rerun.trials.iter().filter(|one| !one.differences.is_empty());
    let tables = differing.map(|one| format!("\n{}", differences(one)));
    std::iter::once(head).chain(verdicts).chain(tables).collect::<Vec<_>>().join("\n")
}

fn verdict(one: &Compared) -> String {
    let percent = |share: f64| format!("{:.3} %", share * 100.0);
    let loss = one
        .best_loss_difference
        .map_or_else(|| "cannot be compared".to_owned(), |by| format!("differs by {}", percent(by)));
    let bound = percent(BEST_LOSS_DIFFERENCE_MAX);
    match one.verdict {
        Verdict::Same => "the same to the bit".to_owned(),
        Verdict::Within => {
            format!(
                "within the bound, where device or build differ or are unknown: the best validation loss {loss}, up to {bound}"
            )
        }
        Verdict::Differs if one.same_place => {
            "OTHER NUMBERS on the same device model and build, where the bits must be equal".to_owned()
        }
        Verdict::Differs => {
            format!(
                "OTHER NUMBERS, where device or build differ or are unknown: the best validation loss {loss}, beyond {bound}"
            )
        }
        Verdict::NoResult => {
            format!(
                "NO RESULT, where the report has one: {}",
                plain(one.ended.as_deref().unwrap_or("unknown"))
            )
        }
    }
}

fn differences(one: &Compared) -> String {
    let columns = [
        ("EPOCH", Align::Right),
        ("METRIC", Align::Left),
        ("REPORTED", Align::Right),
        ("NOW", Align::Right),
        ("DIFFERENCE", Align::Right),
    ];
    // The result comes last in the list, and first to a reader.
    let (result, epochs): (Vec<&Difference>, Vec<&Difference>) =
        one.differences.iter().partition(|difference| difference.epoch.is_none());
    let shown = result.into_iter().chain(epochs).take(ROWS_MAX);
    let rows = shown.map(|difference| {
        let epoch = difference.epoch.map_or_else(|| "result".to_owned(), |epoch| epoch.to_string());
        let by = difference.change.map_or_else(|| "-".to_owned(), |by| format!("{by:+.3e}"));
        vec![epoch, difference.metric.to_owned(), number(difference.reported), number(difference.now), by]
    });
    let more = match one.differences.len().saturating_sub(ROWS_MAX) {
        0 => String::new(),
        more => format!("\n… and {more} more: --json has all"),
    };
    format!(
        "trial {} (now {})\nreported by {}\nrerun by    {}\n{}{more}",
        one.trial,
        one.rerun,
        places(&one.reported_by),
        places(&one.rerun_by),
        table::table(&columns, rows)
    )
}

/// Every digit, because a single bit may be what differs.
fn number(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:?}"))
}

fn places(places: &BTreeSet<TrainedOn>) -> String {
    match places.iter().map(|place| plain(&place.to_string())).collect::<Vec<_>>() {
        none if none.is_empty() => "nobody that the report names".to_owned(),
        some => some.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(trial: &str, verdict: Verdict, differences: Vec<Difference>) -> Compared {
        let place = TrainedOn { devices: "cpu (EPYC)".into(), build: "1.0.0".into() };
        Compared {
            trial: trial.into(),
            rerun: "9/0".into(),
            key: "k".into(),
            drawn: trial != "3/0",
            verdict,
            ended: (verdict == Verdict::NoResult).then(|| "failed: \u{1b}[31m".into()),
            same_place: true,
            best_loss_difference: Some(0.25),
            differences,
            reported_by: BTreeSet::from([place]),
            rerun_by: BTreeSet::new(),
        }
    }

    #[test]
    fn a_forged_number_stands_beside_the_true_one() {
        let forged = |epoch| Difference {
            epoch,
            metric: "validation_loss",
            reported: Some(0.3),
            now: Some(0.1 + 0.2),
            change: Some(0.1 + 0.2 - 0.3),
        };
        let many = std::iter::once(None).chain((1..=13).map(Some)).map(forged);
        let rerun = Rerun {
            seed: 7,
            asked: 3,
            candidates: 8,
            sweeps: vec![9],
            best_loss_difference_max: BEST_LOSS_DIFFERENCE_MAX,
            holds: false,
            trials: vec![
                compared("3/0", Verdict::Same, Vec::new()),
                compared("3/1", Verdict::Differs, many.collect()),
                compared("3/2", Verdict::NoResult, Vec::new()),
            ],
        };
        insta::assert_snapshot!(told(&rerun));
        let failure = rerun.verdict().expect_err("it does not hold");
        assert!(failure.message.contains("2 of 3") && failure.message.ends_with("3/1, 3/2"), "{failure}");
    }
}

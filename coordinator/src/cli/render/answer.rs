//! The answer of a finished sweep, read from its `report.json`.

use serde::Deserialize;

use super::super::output::plain;
use super::front::{Front, front};
use super::status::{best, ledger_line, number, percent, rows_line, warning, warnings};
use super::wrap::for_terminal;
use coordinator::json::Sweep;
use coordinator_report::Language;
use coordinator_report::sections::format::{chance, fixed};
use coordinator_report::sections::warnings::unequal_noise;
use sweep_proto::TrialState;

/// The part of `report.json` that is shown at the end of `sweep run`. What a later version leaves out
/// is shown as `-`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    /// Of a sweep that is ranked by another metric than the validation loss.
    objective: Option<RankedBy>,
    answer: Answer,
    main_effects: MainEffects,
    /// Of a sweep with several objectives.
    front: Option<Front>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct RankedBy {
    metric: String,
    direction: String,
    score: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct MainEffects {
    factors: Vec<Factor>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Factor {
    hyperparameter: String,
    test: Option<FactorTest>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct FactorTest {
    equal_noise_p: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Answer {
    conclusion: Option<String>,
    label: String,
    #[serde(alias = "score")]
    validation_loss: Option<Summary>,
    probability_best: Option<f64>,
    validation_accuracy: Option<Summary>,
    test_accuracy: Option<f64>,
    test_loss: Option<f64>,
    gap: Option<Gap>,
    strongest_hyperparameter: Option<Strongest>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Summary {
    mean: Option<f64>,
    standard_deviation: Option<f64>,
    replicates: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Gap {
    worst: String,
    #[serde(alias = "score_percent")]
    loss_percent: Option<f64>,
    accuracy_points: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Strongest {
    verdict: String,
    reason: String,
}

impl Report {
    /// Reads the bytes of `report.json`; what is not JSON of that form is an empty report.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_else(|error| {
            tracing::warn!(%error, "report.json does not have the form that this program knows");
            Self::default()
        })
    }
}

/// The answer as text: the chosen configuration, the gap, the ledger, the best configurations.
pub(crate) fn answer(sweep: &Sweep, report: &Report) -> String {
    let answer = &report.answer;
    let label = if answer.label.is_empty() { sweep.chosen.as_deref().unwrap_or("-") } else { &answer.label };
    let conclusion = answer.conclusion.iter().map(|one| format!("{}\n\n", for_terminal(&[plain(one)], 0)));
    let score = summary(answer.validation_loss.as_ref(), |one| number(Some(one)));
    let mut lines = vec![format!("chosen configuration  {}", plain(label))];
    match &report.objective {
        None => lines.push(format!("validation loss       {score}")),
        Some(RankedBy { metric, direction, score: formula }) => lines.extend([
            format!("objective             {}: {}", plain(direction), plain(metric)),
            format!("score                 {score}  ({})", plain(formula)),
        ]),
    }
    lines.extend([
        format!(
            "validation accuracy   {}",
            summary(answer.validation_accuracy.as_ref(), |one| percent(Some(one)))
        ),
        format!(
            "test accuracy         {}  (loss {})",
            percent(answer.test_accuracy),
            number(answer.test_loss)
        ),
    ]);
    if answer.probability_best.is_some() {
        lines.push(format!("it is the best with   {} probability", chance(answer.probability_best)));
    }
    if let Some(gap) = &answer.gap {
        let loss =
            gap.loss_percent.map_or_else(|| "-".to_owned(), |percent| format!("{} %", fixed(percent, 1)));
        let by = if report.objective.is_some() { "score" } else { "loss" };
        let points = gap.accuracy_points.map_or_else(|| "-".to_owned(), |points| fixed(points, 1));
        let pruned =
            if sweep.ledger.of(TrialState::Pruned) > 0 { "; pruned trials are not counted" } else { "" };
        lines.push(format!("gap best to worst     {loss} in {by}, {points} points in accuracy{pruned}"));
        lines.push(format!("worst configuration   {}", plain(&gap.worst)));
    }
    if let Some(strongest) = &answer.strongest_hyperparameter {
        lines.push(format!(
            "matters most          {} ({})",
            plain(&strongest.verdict),
            plain(&strongest.reason)
        ));
    }
    let tests = report.main_effects.factors.iter();
    let tests =
        tests.map(|one| (one.hyperparameter.as_str(), one.test.as_ref().and_then(|test| test.equal_noise_p)));
    // The status of an ended sweep says it, too, but for one of very many trials.
    let is_told = sweep.warnings.iter().any(|one| one.kind == "unequal_noise");
    lines.extend(unequal_noise(tests, Language::English).filter(|_| !is_told).map(|text| warning(&text)));
    lines.extend(sweep.rows.map(|rows| format!("data                  {}", rows_line(rows))));
    lines.push(format!("trials                {}", ledger_line(sweep)));
    // Why it ended where it did, and what lets it go on.
    let spent = sweep.search.as_ref().filter(|search| search.spent.is_some());
    let spent = spent.and_then(|_| sweep.search_spent());
    lines.extend(spent.map(|spent| format!("search                {}", plain(&spent))));
    lines.extend(warnings(sweep));
    let front = report.front.iter().map(|one| format!("\n\n{}", front(one)));
    let (conclusion, front): (String, String) = (conclusion.collect(), front.collect());
    format!("{conclusion}{}\n\n{}{front}", for_terminal(&lines, 22), best(sweep))
}

fn summary(summary: Option<&Summary>, show: impl Fn(f64) -> String) -> String {
    let Some((summary, mean)) = summary.and_then(|one| Some((one, one.mean?))) else {
        return "-".to_owned();
    };
    match summary.standard_deviation {
        Some(spread) => format!("{} ± {} over {} replicates", show(mean), show(spread), summary.replicates),
        None => format!("{} (one replicate: no spread)", show(mean)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_another_form_leaves_gaps_and_no_error() {
        let sweep = Sweep::from(sweep_proto::wire::SweepStatus::default());
        for bytes in [&b"not json"[..], b"{}", br#"{"answer": {"gap": {}}}"#, br#"{"answer": {"label": 3}}"#]
        {
            let text = answer(&sweep, &Report::parse(bytes));
            assert!(text.contains("test accuracy         -"), "{text}");
        }
    }

    #[test]
    fn levels_that_differ_in_noise_are_told_beside_the_verdict() {
        let told = |p: f64| {
            let report = Report::parse(
                format!(
                    r#"{{"main_effects": {{"factors": [{{"hyperparameter": "units", "test": {{"equal_noise_p": {p}}}}}]}},
                    "answer": {{"strongest_hyperparameter": {{"verdict": "units", "reason": "it is"}}}}}}"#
                )
                .as_bytes(),
            );
            let text = answer(&Sweep::from(sweep_proto::wire::SweepStatus::default()), &report);
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert!(told(1e-6).contains("not the same at every level of units"), "{}", told(1e-6));
        assert!(!told(0.5).contains("not the same at every level"), "{}", told(0.5));
    }

    #[test]
    fn means_come_with_their_spread() {
        let report = Report::parse(
            br#"{"answer": {"label": "units=64", "test_accuracy": 0.7251,
                "validation_loss": {"mean": 0.5412, "standard_deviation": 0.0121, "replicates": 2},
                "gap": {"worst": "units=32", "loss_percent": 4.25, "accuracy_points": 1.5}}}"#,
        );
        let text = answer(&Sweep::from(sweep_proto::wire::SweepStatus::default()), &report);
        assert!(text.contains("validation loss       0.5412 ± 0.0121 over 2 replicates"), "{text}");
        assert!(text.contains("test accuracy         72.5 %"), "{text}");
        assert!(text.contains("4.2 % in loss, 1.5 points in accuracy"), "{text}");
    }

    #[test]
    fn a_sweep_with_another_objective_tells_its_scores_as_scores() {
        let report = Report::parse(
            br#"{"objective": {"metric": "validation_accuracy", "direction": "maximize", "score": "1 - validation_accuracy"},
                "answer": {"label": "units=64", "score": {"mean": 0.2, "standard_deviation": null, "replicates": 1},
                "gap": {"worst": "units=32", "score_percent": 4.25, "accuracy_points": 1.5}}}"#,
        );
        let text = answer(&Sweep::from(sweep_proto::wire::SweepStatus::default()), &report);
        assert!(text.contains("objective             maximize: validation_accuracy"), "{text}");
        assert!(
            text.contains("score                 0.2000") && text.contains("(1 - validation_accuracy)"),
            "{text}"
        );
        assert!(
            !text.contains("loss  ") && text.contains("4.2 % in score, 1.5 points in accuracy"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_certain_is_not_said_to_be() {
        let sweep = Sweep::from(sweep_proto::wire::SweepStatus::default());
        for (probability, told) in [("0.99996", "> 99.9 %"), ("0.8961", "89.6 %"), ("1.0", "100.0 %")] {
            let json = format!(r#"{{"answer": {{"probability_best": {probability}}}}}"#);
            let text = answer(&sweep, &Report::parse(json.as_bytes()));
            assert!(text.contains(&format!("it is the best with   {told} probability")), "{text}");
        }
    }
}

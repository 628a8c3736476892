//! All trials at a glance, in one character each: what the page paints as squares.

use serde::Serialize;
use sweep_proto::metric::figure::Better;
use sweep_proto::{Objective, TrialState};

use super::picture::Cell;

/// Digits of the scale, from the lowest score, which is the best one, to the highest.
const SCALE: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Map {
    /// A letter for the state of each trial, in order.
    states: String,
    /// A digit of [`SCALE`] for each trial's place among the scores, `.` without one.
    ranks: String,
    /// The lowest score.
    lowest: Option<f64>,
    /// The highest.
    highest: Option<f64>,
    /// The objective in words.
    objective: &'static str,
    /// Whether a score is one less the objective.
    is_complement: bool,
}

/// A state of trials, as the page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Legend {
    /// Its letter in the map.
    letter: char,
    /// The class of its squares and the name of its colour in the style sheet.
    name: &'static str,
    /// What people call it.
    words: &'static str,
}

/// Every state of trials.
pub(super) fn legend() -> Vec<Legend> {
    let of = |state: TrialState| Legend { letter: state.letter(), name: state.name(), words: state.words() };
    TrialState::ALL.map(of).to_vec()
}

/// The map of the trials of a sweep with this objective.
pub(super) fn of(trials: &[Cell], objective: Objective) -> Map {
    let mut scores: Vec<f64> = trials.iter().filter_map(|cell| cell.score).collect();
    scores.sort_by(f64::total_cmp);
    let rank = |score: f64| {
        let below = scores.partition_point(|other| *other < score);
        let last = scores.len().saturating_sub(1).max(1);
        char::from(SCALE[(below * (SCALE.len() - 1) / last).min(SCALE.len() - 1)])
    };
    Map {
        states: trials.iter().map(|cell| cell.state.letter()).collect(),
        ranks: trials.iter().map(|cell| cell.score.map_or('.', rank)).collect(),
        lowest: scores.first().copied(),
        highest: scores.last().copied(),
        objective: objective.words(),
        is_complement: objective.figure().row().better == Better::Higher,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trial_is_a_letter_and_a_place_among_the_losses() {
        let cell = |state, score| Cell { state, score };
        let of = |cells: &[Cell]| super::of(cells, Objective::default());
        let map = of(&[
            cell(TrialState::Completed, Some(0.5)),
            cell(TrialState::Leased, None),
            cell(TrialState::Completed, Some(0.1)),
            cell(TrialState::Completed, Some(0.3)),
            cell(TrialState::Failed, None),
        ]);
        assert_eq!((map.states.as_str(), map.ranks.as_str()), ("crccf", "z.0U."));
        assert_eq!((map.lowest, map.highest), (Some(0.1), Some(0.5)));
        let lone = of(&[cell(TrialState::Completed, Some(0.5))]);
        assert_eq!(lone.ranks, "0");
        assert_eq!(of(&[]).lowest, None);
    }

    #[test]
    fn the_style_sheet_has_a_colour_for_each_state() {
        let style =
            [include_str!("../../assets/dashboard.css"), include_str!("../../report/assets/report.css")]
                .concat();
        for state in legend() {
            let name = state.name;
            assert!(style.contains(&format!(".{name} {{ background: var(--{name}); }}")), "{name}");
            assert!(style.contains(&format!("--{name}: ")), "{name}");
        }
    }
}

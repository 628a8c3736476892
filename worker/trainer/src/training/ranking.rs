//! How well a model's probabilities tell each class from the others: the area under the ROC curve.
//!
//! Hanley and McNeil, "The Meaning and Use of the Area under a Receiver Operating Characteristic (ROC) Curve", Radiology 143,
//! 1982: it is the chance that an example of the class has a higher probability of it than one of the others, ties counting half.

/// Most probabilities that are kept, 32 MiB of them: a split with more has no area.
const KEPT_MAX: usize = 1 << 22;

/// The probabilities of a split's examples.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranking {
    classes: usize,
    labels: Vec<u32>,
    /// Of each example those of all classes; of two classes that of class 1, from which the other one follows.
    probabilities: Vec<f64>,
}

impl Ranking {
    /// An empty ranking for a split of `rows`; `None` above [`KEPT_MAX`] probabilities.
    pub(crate) fn of_rows(rows: usize, classes: usize) -> Option<Self> {
        let kept = rows.checked_mul(columns(classes)).filter(|kept| *kept <= KEPT_MAX)?;
        let (labels, probabilities) = (Vec::with_capacity(rows), Vec::with_capacity(kept));
        Some(Self { classes, labels, probabilities })
    }

    /// Takes an example in: the probabilities of all classes.
    pub(crate) fn add(&mut self, probabilities: &[f64], label: u32) {
        self.labels.push(label);
        let from = usize::from(self.classes == 2);
        self.probabilities.extend(&probabilities[from..]);
    }

    /// The unweighted mean over classes of each one's area against the others; of two classes the area of class 1. A class
    /// without examples, or without others, has none; `None` where no class has any, and where a probability is not finite.
    pub(crate) fn area(&self) -> Option<f64> {
        if !self.probabilities.iter().all(|one| one.is_finite()) {
            return None;
        }
        let classes = if self.classes == 2 { 1..2 } else { 0..self.classes };
        let areas: Vec<f64> = classes.filter_map(|class| self.area_of(class)).collect();
        (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
    }

    /// By the sum of the ranks of the class's examples, where examples with one probability share the mean of their ranks.
    fn area_of(&self, class: usize) -> Option<f64> {
        let columns = columns(self.classes);
        let column = if self.classes == 2 { 0 } else { class };
        let probability = |row: usize| self.probabilities[row * columns + column];
        let mut rows: Vec<usize> = (0..self.labels.len()).collect();
        rows.sort_unstable_by(|left, right| probability(*left).total_cmp(&probability(*right)));
        let (mut rank_sum, mut members, mut before) = (0.0, 0_u64, 0_u64);
        for tied in rows.chunk_by(|left, right| probability(*left) == probability(*right)) {
            let of_class = tied.iter().filter(|row| self.labels[**row] as usize == class).count() as u64;
            let mean_rank = before as f64 + f64::midpoint(tied.len() as f64, 1.0);
            rank_sum += of_class as f64 * mean_rank;
            members += of_class;
            before += tied.len() as u64;
        }
        let others = before - members;
        if members == 0 || others == 0 {
            return None;
        }
        let (members, others) = (members as f64, others as f64);
        let wins = rank_sum - members * (members + 1.0) / 2.0;
        Some(wins / (members * others))
    }
}

/// Probabilities that are kept of each example.
fn columns(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        labels: Vec<u32>,
        probabilities: Vec<Vec<f64>>,
        auc: Option<f64>,
    }

    fn ranking(labels: &[u32], probabilities: &[Vec<f64>]) -> Ranking {
        let mut ranking = Ranking::of_rows(labels.len(), probabilities[0].len()).expect("few rows");
        for (probabilities, label) in probabilities.iter().zip(labels) {
            ranking.add(probabilities, *label);
        }
        ranking
    }

    #[test]
    fn areas_are_those_of_scikit_learn() {
        let text = include_str!("../../../../proto/tests/all/golden/figures.json");
        let cases: Vec<Case> = serde_json::from_str(text).expect("JSON");
        assert!(cases.len() >= 10);
        for case in cases {
            let found = ranking(&case.labels, &case.probabilities).area();
            match (found, case.auc) {
                (Some(found), Some(expected)) => {
                    assert!((found - expected).abs() < 1e-12, "{}: {found}, not {expected}", case.name);
                }
                (found, expected) => assert_eq!(found, expected, "{}", case.name),
            }
        }
    }

    #[test]
    fn what_cannot_be_ranked_has_no_area() {
        assert_eq!(ranking(&[0, 1], &[vec![0.5, 0.5], vec![f64::NAN, f64::NAN]]).area(), None);
        assert_eq!(Ranking::of_rows(0, 2).expect("few rows").area(), None);
        assert!(Ranking::of_rows(KEPT_MAX, 2).is_some() && Ranking::of_rows(KEPT_MAX, 3).is_none());
        assert!(Ranking::of_rows(usize::MAX, 3).is_none());
    }
}

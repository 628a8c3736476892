//! Where the values of a hyperparameter stand on its axis, from 0 to 1.

use sweep_proto::{Axis, Condition, Configuration, Domain, Hyperparameter, Value};

use crate::auto::candidates::{ABSENT, AxisKind};

/// How the values of a hyperparameter are laid out on its axis.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    hyperparameter: Hyperparameter,
    /// Where it is varied.
    when: Vec<Condition>,
    /// Numbers from the least to the greatest, or categories in their order.
    ends: Option<[f64; 2]>,
    is_logarithmic: bool,
    categories: Vec<Value>,
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Real(number) => Some(*number),
        _ => None,
    }
}

impl Scale {
    pub(crate) fn of(axis: &Axis) -> Self {
        let values: Vec<Value> = match &axis.domain {
            Domain::Levels(levels) => levels.clone(),
            Domain::Range(range) => range.bounds().to_vec(),
        };
        let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
        let is_logarithmic = match &axis.domain {
            Domain::Range(range) => range.is_log(),
            Domain::Levels(_) => numbers.as_deref().is_some_and(are_even_in_logarithms),
        };
        let ends = numbers.map(|numbers| {
            let scaled = numbers.iter().map(|one| if is_logarithmic { libm::log(*one) } else { *one });
            scaled.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], one| [low.min(one), high.max(one)])
        });
        let categories = if ends.is_some() { Vec::new() } else { values };
        let (hyperparameter, when) = (axis.hyperparameter, axis.when.clone());
        Self { hyperparameter, when, ends, is_logarithmic, categories }
    }

    fn place_of(&self, value: &Value) -> f64 {
        let Some(([low, high], number)) = self.ends.zip(number(value)) else {
            let at = self.categories.iter().position(|one| one == value).unwrap_or(0);
            return at as f64 / self.categories.len().max(1) as f64;
        };
        let scaled = if self.is_logarithmic { libm::log(number) } else { number };
        let place = if high > low { (scaled - low) / (high - low) } else { 0.5 };
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The place of a configuration's value, from 0 to 1, or [`ABSENT`] where its hyperparameter is not varied: whatever the value is then,
    /// it says nothing about those that the axis has.
    pub(crate) fn place(&self, configuration: &Configuration) -> f64 {
        let is_active = self.when.iter().all(|condition| condition.holds(configuration));
        if is_active { self.place_of(&configuration.get(self.hyperparameter)) } else { ABSENT }
    }

    pub(crate) fn kind(&self) -> AxisKind {
        AxisKind { is_categorical: self.ends.is_none() }
    }
}

/// Whether steps between levels are more alike as factors than as differences.
fn are_even_in_logarithms(numbers: &[f64]) -> bool {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    if sorted.len() < 3 || sorted[0] <= 0.0 {
        return false;
    }
    let unevenness = |values: &[f64]| {
        let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = steps.iter().sum::<f64>() / steps.len() as f64;
        let squared = |deviation: f64| deviation * deviation;
        steps.iter().map(|step| squared(step / mean - 1.0)).sum::<f64>()
    };
    let logarithms: Vec<f64> = sorted.iter().map(|one| libm::log(*one)).collect();
    unevenness(&logarithms) < unevenness(&sorted)
}

#[cfg(test)]
mod tests {
    use sweep_proto::Range;

    use super::*;

    fn places(axis: &Axis) -> Vec<f64> {
        let scale = Scale::of(axis);
        assert!(!scale.kind().is_categorical);
        axis.levels().iter().map(|level| scale.place_of(level)).collect()
    }

    #[test]
    fn levels_stand_by_their_logarithms_where_their_steps_are_factors() {
        let levels = |levels: &[u64]| {
            let values = levels.iter().copied().map(Value::Integer).collect();
            places(&Axis::of_levels(Hyperparameter::Units, values))
        };
        let doubled = levels(&[16, 32, 64, 128]);
        assert!(
            doubled
                .iter()
                .zip([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0])
                .all(|(one, other)| (one - other).abs() < 1e-12)
        );
        assert_eq!(levels(&[10, 20, 30]), [0.0, 0.5, 1.0]);
        assert_eq!(levels(&[64, 16]), [1.0, 0.0], "in any order");
        assert_eq!(levels(&[5]), [0.5], "a single one is in the middle");
    }

    /// A dropout between layers is varied where there are two.
    #[test]
    fn what_is_not_varied_has_no_place() {
        let range = Range::new(Hyperparameter::Dropout, [0.0, 0.5].map(Value::Real), false, None).unwrap();
        let condition = Condition { hyperparameter: Hyperparameter::Layers, values: vec![Value::Integer(2)] };
        let axis = Axis { when: vec![condition], ..Axis::of_range(Hyperparameter::Dropout, range) };
        let of = |layers, dropout| {
            let one = Configuration::default().with(Hyperparameter::Layers, Value::Integer(layers)).unwrap();
            one.with(Hyperparameter::Dropout, Value::Real(dropout)).unwrap()
        };
        let scale = Scale::of(&axis);
        assert_eq!([of(1, 0.0), of(2, 0.0), of(2, 0.5)].map(|one| scale.place(&one)), [ABSENT, 0.0, 1.0]);
    }

    #[test]
    fn a_long_range_is_not_counted_out_and_words_have_no_order() {
        let range =
            Range::new(Hyperparameter::LearningRate, [1e-4, 1e-2].map(Value::Real), true, None).unwrap();
        let scale = Scale::of(&Axis::of_range(Hyperparameter::LearningRate, range));
        assert!((scale.place_of(&Value::Real(1e-3)) - 0.5).abs() < 1e-12);
        let words = ["lstm", "gru"].map(|word| Value::Word(word.to_owned()));
        let axis = Axis::of_levels(Hyperparameter::ALL[0], words.to_vec());
        let scale = Scale::of(&axis);
        assert!(scale.kind().is_categorical);
        assert_ne!(scale.place_of(&words[0]), scale.place_of(&words[1]));
    }
}

//! The trials of a sweep whose ranges are cut into bins, so that whatever compares levels compares these.

use std::collections::BTreeSet;

use sweep_proto::{Axis, Domain, Range, SweepSpec, Value};

use crate::table::Table;

/// Bins of a range: enough to see a bend, few enough that each holds some trials of an ordinary search.
const BINS: u32 = 6;

/// Digits behind the first with which every number is told from every other.
const DIGITS_MAX: usize = 17;

/// The bins of a range, of equal width on its scale. Each is named by its middle.
#[derive(Clone, Debug)]
pub struct Bins {
    middles: Vec<Value>,
    low: f64,
    width: f64,
    is_log: bool,
}

impl Bins {
    /// Those of a range; as many as it has values where these are few.
    pub fn of(range: &Range) -> Self {
        let is_log = range.is_log();
        let [low, high] = range.bounds().map(|bound| scaled(number(&bound), is_log));
        let count = range.count().map_or(BINS, |count| count.min(u64::from(BINS)) as u32);
        // Steps and whole numbers stand in the middle of their bins, the first and the last ones, too.
        let margin = match range.count() {
            Some(values) if values <= u64::from(BINS) => (high - low) / (values.max(2) - 1) as f64 / 2.0,
            _ => 0.0,
        };
        let (low, high) = (low - margin, high + margin);
        let width = (high - low) / f64::from(count);
        let middle = |bin: u32| unscaled(low + (f64::from(bin) + 0.5) * width, is_log);
        let exact: Vec<f64> = (0..count).map(middle).collect();
        let middles = match range {
            Range::Integer(_) => exact.iter().map(|one| Value::Integer(one.round() as u64)).collect(),
            Range::Real(_) => short(&exact).into_iter().map(Value::Real).collect(),
        };
        Self { middles, low, width, is_log }
    }

    /// The middles of all bins, ascending, each once: between two whole numbers lie bins that none falls into.
    pub fn middles(&self) -> Vec<Value> {
        let mut middles = self.middles.clone();
        middles.dedup();
        middles
    }

    /// The middle of the bin in which a value lies.
    pub fn middle_of(&self, value: &Value) -> Value {
        let at = (scaled(number(value), self.is_log) - self.low) / self.width;
        let last = self.middles.len().saturating_sub(1);
        self.middles.get((at.max(0.0) as usize).min(last)).cloned().unwrap_or_else(|| value.clone())
    }
}

/// The rows and the sweep with levels in place of ranges: the bins in which a completed trial lies. `None` where nothing has a range.
pub fn binned(table: &Table, spec: &SweepSpec) -> Option<(Table, SweepSpec)> {
    if spec.axes.iter().all(|axis| axis.range().is_none()) {
        return None;
    }
    let (mut table, mut spec) = (table.clone(), spec.clone());
    for axis in &mut spec.axes {
        let Some(bins) = axis.range().map(Bins::of) else { continue };
        cut(&mut table, axis, &bins);
    }
    Some((table, spec))
}

fn cut(table: &mut Table, axis: &mut Axis, bins: &Bins) {
    let hyperparameter = axis.hyperparameter;
    for configuration in &mut table.configurations {
        // A middle is a value of the hyperparameter: it lies between two.
        let middle = bins.middle_of(&configuration.get(hyperparameter));
        let set = configuration.set(hyperparameter, middle);
        debug_assert_eq!(set, Ok(()));
    }
    let filled: BTreeSet<Value> = table
        .completed()
        .map(|(trial, _)| table.configurations[trial.configuration].get(hyperparameter))
        .collect();
    axis.domain = Domain::Levels(filled.into_iter().collect());
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Integer(number) => *number as f64,
        Value::Real(number) => *number,
        Value::Flag(_) | Value::Word(_) => f64::NAN,
    }
}

fn scaled(number: f64, is_log: bool) -> f64 {
    if is_log { number.ln() } else { number }
}

fn unscaled(number: f64, is_log: bool) -> f64 {
    if is_log { number.exp() } else { number }
}

/// Ascending numbers with three digits, or with as many as tell them apart.
fn short(numbers: &[f64]) -> Vec<f64> {
    let rounded = |digits: usize| -> Vec<f64> {
        numbers.iter().map(|number| format!("{number:.digits$e}").parse().unwrap_or(*number)).collect()
    };
    let is_told_apart = |rounded: &Vec<f64>| rounded.windows(2).all(|pair| pair[0] < pair[1]);
    (2..DIGITS_MAX).map(rounded).find(is_told_apart).unwrap_or_else(|| numbers.to_vec())
}

#[cfg(test)]
mod tests {
    use sweep_proto::Hyperparameter;

    use super::*;

    #[test]
    fn bins_of_a_narrow_range_have_names_of_their_own() {
        let of = |hyperparameter, bounds, log| {
            Bins::of(&Range::new(hyperparameter, bounds, log, None).expect("a range"))
        };
        let narrow = of(Hyperparameter::LearningRate, [Value::Real(1e-3), Value::Real(1.001e-3)], false);
        assert_eq!(narrow.middles().len(), BINS as usize, "{narrow:?}");
        let [low, high] = [1.000_1e-3, 1.000_9e-3].map(|one| narrow.middle_of(&Value::Real(one)));
        assert!(low < high, "{low} and {high} are one level");
        let wide = of(Hyperparameter::LearningRate, [Value::Real(1e-3), Value::Real(1e-1)], true);
        assert_eq!(wide.middles()[0].to_string(), "0.00147");
        // Between 1 and 2 lies a bin for which there is no number.
        let whole = of(Hyperparameter::Layers, [Value::Integer(1), Value::Integer(8)], true);
        let names = whole.middles();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    }

    fn range(hyperparameter: Hyperparameter, bounds: [Value; 2], log: bool, step: Option<Value>) -> Range {
        Range::new(hyperparameter, bounds, log, step).unwrap()
    }

    #[test]
    fn every_value_lies_in_a_bin_whose_middle_is_near() {
        let rates = [Value::Real(1e-4), Value::Real(1e-1)];
        let bins = Bins::of(&range(Hyperparameter::LearningRate, rates.clone(), true, None));
        assert_eq!(bins.middles().len(), 6);
        assert!(bins.middles().is_sorted());
        assert_eq!(bins.middle_of(&rates[0]), bins.middles()[0]);
        assert_eq!(bins.middle_of(&rates[1]), bins.middles()[5]);
        for middle in &bins.middles() {
            assert_eq!(bins.middle_of(middle), *middle);
        }
    }

    #[test]
    fn few_values_have_a_bin_each() {
        let bounds = [Value::Integer(1), Value::Integer(4)];
        let bins = Bins::of(&range(Hyperparameter::Layers, bounds, false, None));
        assert_eq!(bins.middles(), [1, 2, 3, 4].map(Value::Integer));
        for layers in [1, 2, 3, 4].map(Value::Integer) {
            assert_eq!(bins.middle_of(&layers), layers);
        }
        let dropout = [Value::Real(0.0), Value::Real(0.4)];
        let bins = Bins::of(&range(Hyperparameter::Dropout, dropout, false, Some(Value::Real(0.2))));
        let middles: Vec<f64> = bins.middles().iter().map(number).collect();
        assert!(
            middles.iter().zip([0.0, 0.2, 0.4]).all(|(found, expected)| (found - expected).abs() < 1e-9),
            "{middles:?}"
        );
    }
}

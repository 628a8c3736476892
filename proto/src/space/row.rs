//! How an axis is written down: one of levels as it always was, a range and conditions as fields beside.

use serde::{Deserialize, Serialize};

use super::{Axis, Condition, Domain, Range, RangeError};
use crate::configuration::Value;
use crate::hyperparameter::Hyperparameter;

#[derive(Serialize, Deserialize)]
pub(super) struct AxisRow {
    hyperparameter: Hyperparameter,
    #[serde(default)]
    levels: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<RangeRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    when: Vec<Condition>,
}

#[derive(Serialize, Deserialize)]
struct RangeRow {
    min: Value,
    max: Value,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    log: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<Value>,
}

impl From<Axis> for AxisRow {
    fn from(axis: Axis) -> Self {
        let Axis { hyperparameter, domain, when } = axis;
        let (levels, range) = match domain {
            Domain::Levels(levels) => (levels, None),
            Domain::Range(range) => {
                let [min, max] = range.bounds();
                (Vec::new(), Some(RangeRow { min, max, log: range.is_log(), step: range.step() }))
            }
        };
        Self { hyperparameter, levels, range, when }
    }
}

impl TryFrom<AxisRow> for Axis {
    type Error = RangeError;

    fn try_from(row: AxisRow) -> Result<Self, RangeError> {
        let AxisRow { hyperparameter, levels, range, when } = row;
        let domain = match range {
            None => Domain::Levels(levels),
            Some(RangeRow { min, max, log, step }) => {
                Domain::Range(Range::new(hyperparameter, [min, max], log, step)?)
            }
        };
        Ok(Self { hyperparameter, domain, when })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_of_levels_is_written_as_it_always_was() {
        let text = r#"{"hyperparameter":"units","levels":[8,16]}"#;
        let axis: Axis = serde_json::from_str(text).expect("a row");
        assert_eq!(axis, Axis::of_levels(Hyperparameter::Units, [8, 16].map(Value::Integer).into()));
        assert_eq!(serde_json::to_string(&axis).expect("a row"), text);
    }

    #[test]
    fn a_range_and_its_conditions_survive_their_row() {
        let bounds = [Value::Real(0.1), Value::Real(0.5)];
        let range =
            Range::new(Hyperparameter::Dropout, bounds, false, Some(Value::Real(0.1))).expect("a range");
        let condition = Condition { hyperparameter: Hyperparameter::Layers, values: vec![Value::Integer(2)] };
        let axis = Axis { when: vec![condition], ..Axis::of_range(Hyperparameter::Dropout, range) };
        let text = serde_json::to_string(&axis).expect("a row");
        assert_eq!(serde_json::from_str::<Axis>(&text).expect("a row"), axis);
        // A database may write 1.0 as 1.
        let whole = r#"{"hyperparameter":"dropout","levels":[],"range":{"min":0,"max":0.5,"step":0.1}}"#;
        let axis: Axis = serde_json::from_str(whole).expect("a row");
        assert!(axis.contains(&Value::Real(0.0)) && axis.contains(&Value::Real(0.3)));
        let wrong = r#"{"hyperparameter":"units","levels":[],"range":{"min":0,"max":5}}"#;
        assert!(serde_json::from_str::<Axis>(wrong).is_err(), "a row is checked, too");
    }
}

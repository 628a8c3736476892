//! Between which numbers the sides of a constraint lie over a whole space: whether any configuration can fulfil it.

use super::{Comparison, Constraint, Expression, Sign};
use crate::configuration::Configuration;
use crate::hyperparameter::Hyperparameter;
use crate::space::{Axis, numbers_of};

/// The least and the greatest number of a side; not numbers where a bound is beyond all numbers.
type Sides = [f64; 2];

impl Constraint {
    /// Why no configuration of a space can fulfil it, whatever the others demand: each side lies between bounds that follow from
    /// those of its hyperparameters. `None`: some may.
    pub fn impossibility(&self, axes: &[Axis], fixed: &Configuration) -> Option<String> {
        let of = |one: Hyperparameter| numbers_of(axes, fixed, one);
        let (left, right) = (self.left.bounds(&of), self.right.bounds(&of));
        let can_hold = match self.comparison {
            // Bounds that are not numbers exclude nothing.
            _ if left.iter().chain(&right).any(|bound| !bound.is_finite()) => true,
            Comparison::Less => left[0] < right[1],
            Comparison::LessOrEqual => left[0] <= right[1],
            Comparison::Greater => left[1] > right[0],
            Comparison::GreaterOrEqual => left[1] >= right[0],
            Comparison::Equal => left[0] <= right[1] && right[0] <= left[1],
        };
        if can_hold {
            return None;
        }
        let told = [(&self.left, left), (&self.right, right)].into_iter().filter_map(|(side, bounds)| {
            let is_number = matches!(side, Expression::Number(_));
            (!is_number).then(|| described(side, bounds))
        });
        Some(told.collect::<Vec<_>>().join(", and "))
    }
}

fn described(side: &Expression, [least, greatest]: Sides) -> String {
    if least.total_cmp(&greatest).is_eq() {
        format!("{side} is always {least}")
    } else {
        format!("{side} is at least {least} and at most {greatest}")
    }
}

impl Expression {
    /// Its least and its greatest value, each hyperparameter by itself: never too narrow.
    fn bounds(&self, of: &dyn Fn(Hyperparameter) -> Sides) -> Sides {
        match self {
            Self::Number(number) => [*number; 2],
            Self::Hyperparameter(one) => of(*one),
            Self::Pair(sides, sign) => {
                let ([a, b], [c, d]) = (sides.0.bounds(of), sides.1.bounds(of));
                match sign {
                    Sign::Plus => [a + c, b + d],
                    Sign::Minus => [a - d, b - c],
                    Sign::Times => {
                        let products = [a * c, a * d, b * c, b * d];
                        [
                            products.into_iter().fold(f64::INFINITY, f64::min),
                            products.into_iter().fold(f64::NEG_INFINITY, f64::max),
                        ]
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::configuration::Value;
    use crate::space::Range;

    fn impossibility(text: &str) -> Option<String> {
        let units = Axis::of_levels(Hyperparameter::Units, vec![Value::Integer(8), Value::Integer(64)]);
        let dropout = Range::new(Hyperparameter::Dropout, [Value::Real(0.0), Value::Real(0.5)], false, None)
            .expect("a range");
        let axes = [units, Axis::of_range(Hyperparameter::Dropout, dropout)];
        text.parse::<Constraint>().expect("a constraint").impossibility(&axes, &Configuration::default())
    }

    #[test]
    fn what_nothing_fulfils_is_told_with_the_bounds_of_its_sides() {
        let told = |text: &str| impossibility(text).expect("impossible");
        assert_eq!(told("units * layers <= 4"), "units * layers is at least 8 and at most 64");
        assert_eq!(told("2 * layers > 2"), "2 * layers is always 2");
        assert_eq!(
            told("dropout >= units - 7"),
            "dropout is at least 0 and at most 0.5, and units - 7 is at least 1 and at most 57"
        );
        for possible in [
            "units < 9",
            "units == 30",
            "units * dropout >= 32",
            "dropout - 1 <= units - 65",
            "units > 1e300 * (1e300 - 1e299)",
        ] {
            assert_eq!(impossibility(possible), None, "{possible}");
        }
    }

    proptest! {
        /// Bounds exclude nothing that a configuration fulfils.
        #[test]
        fn what_some_configuration_fulfils_is_never_called_impossible(
            levels in proptest::collection::btree_set(1_u64..20, 1..4), layers in 1_u64..4, by in 0_u32..9, bound in 0_u32..200,
            sign in proptest::sample::select(vec!["<", "<=", ">", ">=", "=="]),
        ) {
            let levels: Vec<Value> = levels.into_iter().map(Value::Integer).collect();
            let mut fixed = Configuration::default();
            fixed.set(Hyperparameter::Layers, Value::Integer(layers)).expect("a number of layers");
            let text = format!("units * (units - {by}) - layers * units {sign} {bound} - layers");
            let constraint: Constraint = text.parse().expect("a constraint");
            let axes = [Axis::of_levels(Hyperparameter::Units, levels.clone())];
            let holds = |level: &Value| {
                fixed.clone().with(Hyperparameter::Units, level.clone()).is_ok_and(|one| constraint.holds(&one))
            };
            if levels.iter().any(holds) {
                prop_assert_eq!(constraint.impossibility(&axes, &fixed), None);
            }
        }
    }
}

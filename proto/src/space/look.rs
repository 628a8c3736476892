//! Looks at the places of a space one by one: which of them its conditions and constraints allow.
//!
//! A place is written in mixed radix over the values of the axes, the last one fastest. Where an axis is inactive its digit is 0,
//! so that equal configurations are one place.

use super::constraint::number_of;
use super::{Axis, Condition, Constraint, with_values};
use crate::configuration::{Configuration, Value};
use crate::hyperparameter::Hyperparameter;

/// The number of each hyperparameter, as constraints compute with it.
type Numbers = [f64; Hyperparameter::ALL.len()];

/// A look at one place, from which it goes on to others. It makes no configuration of a place that is forbidden.
#[derive(Debug)]
pub struct Look<'a> {
    axes: &'a [Axis],
    constraints: &'a [Constraint],
    fixed: &'a Configuration,
    sizes: Vec<u64>,
    /// The place: of each axis the number of its value.
    digits: Vec<u64>,
    /// Of each axis: for each condition the axis that it names, and the numbers of the values with which it holds, ascending.
    conditions: Vec<Vec<(usize, Vec<u64>)>>,
    /// Of each axis the levels, as constraints compute with them; of a range nothing.
    levels: Vec<Vec<f64>>,
    fixed_numbers: Numbers,
    /// Those of the place that was last found allowed or forbidden.
    numbers: Numbers,
}

impl<'a> Look<'a> {
    /// A look at the first place; `None` where an axis is continuous.
    pub fn new(axes: &'a [Axis], constraints: &'a [Constraint], fixed: &'a Configuration) -> Option<Self> {
        let of_condition = |condition: &Condition| {
            let at = axes.iter().position(|one| one.hyperparameter == condition.hyperparameter)?;
            let mut digits: Vec<u64> =
                condition.values.iter().filter_map(|value| axes[at].number(value)).collect();
            digits.sort_unstable();
            Some((at, digits))
        };
        let mut fixed_numbers = [0.0; Hyperparameter::ALL.len()];
        for (hyperparameter, value) in fixed.iter() {
            fixed_numbers[hyperparameter as usize] = number_of(&value);
        }
        Some(Self {
            axes,
            constraints,
            fixed,
            sizes: axes.iter().map(Axis::size).collect::<Option<_>>()?,
            digits: vec![0; axes.len()],
            conditions: axes.iter().map(|axis| axis.when.iter().filter_map(of_condition).collect()).collect(),
            levels: axes.iter().map(|axis| axis.levels().iter().map(number_of).collect()).collect(),
            fixed_numbers,
            numbers: fixed_numbers,
        })
    }

    /// Goes to a place; tells whether there is such a place.
    fn go_to(&mut self, place: u64) -> bool {
        let mut rest = place;
        for (digit, size) in self.digits.iter_mut().zip(&self.sizes).rev() {
            let Some(remainder) = rest.checked_rem(*size) else { return false };
            *digit = remainder;
            rest /= size;
        }
        rest == 0
    }

    /// Goes to the next place; from the last one to the first.
    pub(super) fn advance(&mut self) {
        for (digit, size) in self.digits.iter_mut().zip(&self.sizes).rev() {
            *digit += 1;
            if *digit < *size {
                return;
            }
            *digit = 0;
        }
    }

    /// Whether a configuration stands here, and no other place stands for it.
    pub(super) fn is_allowed(&mut self) -> bool {
        self.numbers = self.fixed_numbers;
        for (at, axis) in self.axes.iter().enumerate() {
            if self.is_active(at) {
                self.numbers[axis.hyperparameter as usize] = self.number_at(at);
            } else if self.digits[at] != 0 {
                return false;
            }
        }
        let numbers = &self.numbers;
        self.constraints.iter().all(|constraint| constraint.holds_for(&|one| numbers[one as usize]))
    }

    /// The configuration at a place; `None` where it is forbidden, past the end, or where another place stands for the same one
    /// because an axis is inactive.
    pub fn allowed_at(&mut self, place: u64) -> Option<Configuration> {
        if self.go_to(place) && self.is_allowed() { self.configuration() } else { None }
    }

    /// The configuration that stands here.
    fn configuration(&self) -> Option<Configuration> {
        let values = self.axes.iter().zip(&self.digits).map(|(axis, digit)| axis.nth(*digit));
        with_values(self.axes, self.fixed, &values.collect::<Option<Vec<Value>>>()?)
    }

    /// The epochs of an allowed place.
    pub(super) fn epochs(&self) -> u64 {
        self.numbers[Hyperparameter::Epochs as usize] as u64
    }

    fn is_active(&self, axis: usize) -> bool {
        self.conditions[axis].iter().all(|(named, holds)| holds.binary_search(&self.digits[*named]).is_ok())
    }

    fn number_at(&self, axis: usize) -> f64 {
        let digit = self.digits[axis];
        match self.levels[axis].get(digit as usize) {
            Some(number) => *number,
            None => self.axes[axis].nth(digit).as_ref().map_or(f64::NAN, number_of),
        }
    }
}

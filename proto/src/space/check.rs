//! What must hold between the axes and constraints of a space, beyond each by itself.

use super::{Axis, Constraint};
use crate::configuration::Value;
use crate::hyperparameter::Hyperparameter;

/// The part of a space that a problem is about, by its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An axis.
    Axis(usize),
    /// A constraint.
    Constraint(usize),
}

/// One thing wrong with a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceProblem {
    /// What it is about.
    pub part: Part,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// Everything wrong with conditions and constraints, in the order of the axes.
pub fn problems(axes: &[Axis], constraints: &[Constraint]) -> Vec<SpaceProblem> {
    problems_beside(axes, constraints, &[])
}

/// The same of a space with hyperparameters whose values could not be read: nothing is said of what depends on these.
pub fn problems_beside(
    axes: &[Axis],
    constraints: &[Constraint],
    unread: &[Hyperparameter],
) -> Vec<SpaceProblem> {
    let conditions = axes.iter().enumerate().flat_map(|(at, axis)| {
        of_conditions(axes, axis, unread).into_iter().map(move |(message, help)| SpaceProblem {
            part: Part::Axis(at),
            message,
            help,
        })
    });
    let is_swept =
        |one: &Hyperparameter| unread.contains(one) || axes.iter().any(|axis| axis.hyperparameter == *one);
    let idle = constraints.iter().enumerate().filter(|(_, one)| !one.hyperparameters().iter().any(is_swept));
    let idle = idle.map(|(at, constraint)| SpaceProblem {
        part: Part::Constraint(at),
        message: format!("nothing is swept that the constraint {constraint} names"),
        help: "remove it, or sweep one of its hyperparameters".to_owned(),
    });
    conditions.chain(idle).collect()
}

fn of_conditions(axes: &[Axis], axis: &Axis, unread: &[Hyperparameter]) -> Vec<(String, String)> {
    let hyperparameter = axis.hyperparameter;
    let mut found = Vec::new();
    if !axis.when.is_empty() && Hyperparameter::of_data().any(|one| one == hyperparameter) {
        let message = format!(
            "{hyperparameter} cannot have a condition, because each value needs a dataset of its own"
        );
        found.push((message, "remove when".to_owned()));
    }
    for condition in &axis.when {
        let of = condition.hyperparameter;
        let named = axes.iter().find(|one| one.hyperparameter == of);
        let problem = match named {
            _ if of == hyperparameter => Some((
                format!("a condition of {hyperparameter} names {hyperparameter} itself"),
                "name another hyperparameter",
            )),
            _ if unread.contains(&of) => None,
            None => Some((
                format!("a condition of {hyperparameter} names {of}, which is not swept"),
                "sweep it, or remove the condition",
            )),
            Some(named) if !named.when.is_empty() => Some((
                format!("a condition of {hyperparameter} names {of}, which has a condition itself"),
                "give both the same conditions, on hyperparameters that have none",
            )),
            Some(named) => never(named, &condition.values).map(|values| {
                let message =
                    format!("a condition of {hyperparameter} names {of} = {values}, which {of} never is");
                (message, "name values that it may take")
            }),
        };
        found.extend(problem.map(|(message, help)| (message, help.to_owned())));
    }
    found
}

/// Those of some values that an axis never has, as a message lists them.
fn never(axis: &Axis, values: &[Value]) -> Option<String> {
    let never: Vec<String> = values.iter().filter(|value| !axis.contains(value)).map(Value::quoted).collect();
    (!never.is_empty()).then(|| never.join(", "))
}

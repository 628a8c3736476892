//! Finds a local minimum of a smooth function of few variables by the method of Broyden, Fletcher, Goldfarb and Shanno (BFGS).
//!
//! The functions here have a dozen variables on one scale, so the whole matrix is kept: it is smaller than the history that the
//! method's variant for many variables (L-BFGS) keeps.

/// A value that is lower by this part of what the slope promises is low enough (Armijo's rule).
const ENOUGH: f64 = 1e-4;

/// Halvings of a step before the search ends where it is: beyond them steps are lost in rounding.
const HALVINGS_MAX: usize = 30;

/// The value of a function at a point, and its gradient.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) value: f64,
    pub(crate) gradient: Vec<f64>,
}

fn product(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(one, other)| one * other).sum()
}

/// Goes downhill from a start until no part of the gradient is above `flat`, at most `steps_max` steps. Where the function has no value (`None`)
/// nobody goes.
pub(crate) fn minimise(
    start: &[f64],
    flat: f64,
    steps_max: usize,
    mut function: impl FnMut(&[f64]) -> Option<Value>,
) -> Vec<f64> {
    let size = start.len();
    let mut point = start.to_vec();
    let Some(mut here) = function(&point) else { return point };
    let unit = |row: usize| (0..size).map(|column| f64::from(u8::from(row == column))).collect();
    // The inverse of the curvature as far as it is known.
    let mut inverse: Vec<Vec<f64>> = (0..size).map(unit).collect();
    for step_number in 0..steps_max {
        let steepest = here.gradient.iter().map(|one| one.abs()).fold(0.0, f64::max);
        if steepest <= flat {
            break;
        }
        let mut direction: Vec<f64> = inverse.iter().map(|row| -product(row, &here.gradient)).collect();
        // The first step knows nothing of the curvature: it is at most one unit long.
        if step_number == 0 {
            let length = product(&direction, &direction).sqrt().max(1.0);
            direction.iter_mut().for_each(|one| *one /= length);
        }
        let slope = product(&direction, &here.gradient);
        let mut length = 1.0;
        let mut found = None;
        for _ in 0..HALVINGS_MAX {
            let there: Vec<f64> =
                point.iter().zip(&direction).map(|(one, along)| one + length * along).collect();
            let next = function(&there);
            match next.filter(|next| next.value <= here.value + ENOUGH * length * slope) {
                Some(next) => {
                    found = Some((there, next));
                    break;
                }
                None => length *= 0.5,
            }
        }
        let Some((there, next)) = found else { break };
        let moved: Vec<f64> = there.iter().zip(&point).map(|(one, other)| one - other).collect();
        let turned: Vec<f64> =
            next.gradient.iter().zip(&here.gradient).map(|(one, other)| one - other).collect();
        learn(&mut inverse, &moved, &turned, step_number == 0);
        (point, here) = (there, next);
    }
    point
}

/// Takes over the curvature that a step has shown.
fn learn(inverse: &mut [Vec<f64>], moved: &[f64], turned: &[f64], is_first: bool) {
    let curvature = product(moved, turned);
    if curvature <= 1e-12 * product(turned, turned).max(f64::MIN_POSITIVE) {
        return;
    }
    if is_first {
        let scale = curvature / product(turned, turned);
        inverse.iter_mut().flatten().for_each(|one| *one *= scale);
    }
    let bent: Vec<f64> = inverse.iter().map(|row| product(row, turned)).collect();
    let factor = (1.0 + product(turned, &bent) / curvature) / curvature;
    for (row, values) in inverse.iter_mut().enumerate() {
        for (column, value) in values.iter_mut().enumerate() {
            *value += factor * moved[row] * moved[column]
                - (bent[row] * moved[column] + moved[row] * bent[column]) / curvature;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_of_rosenbrock_is_walked_to_its_end() {
        let function = |at: &[f64]| {
            let (x, y) = (at[0], at[1]);
            let value = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
            let gradient = vec![-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)];
            Some(Value { value, gradient })
        };
        let found = minimise(&[-1.2, 1.0], 1e-8, 200, function);
        assert!((found[0] - 1.0).abs() < 1e-6 && (found[1] - 1.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn a_quadratic_function_takes_about_as_many_steps_as_it_has_variables() {
        let scales = [1.0, 3.0, 10.0, 0.3, 2.0];
        let mut values = 0;
        let function = |at: &[f64]| {
            values += 1;
            let gradient: Vec<f64> = at.iter().zip(scales).map(|(one, scale)| scale * (one - 1.0)).collect();
            let value = at.iter().zip(scales).map(|(one, scale)| 0.5 * scale * (one - 1.0).powi(2)).sum();
            Some(Value { value, gradient })
        };
        let found = minimise(&[0.0; 5], 1e-9, 100, function);
        assert!(found.iter().all(|one| (one - 1.0).abs() < 1e-8), "{found:?}");
        assert!(values < 40, "{values}");
    }

    #[test]
    fn it_stays_where_the_function_has_values() {
        // −ln x + x, which has none below 0, from a start whose first step leads there.
        let function = |at: &[f64]| {
            let x = at[0];
            (x > 0.0).then(|| Value { value: x - x.ln(), gradient: vec![1.0 - 1.0 / x] })
        };
        let found = minimise(&[20.0], 1e-9, 100, function);
        assert!((found[0] - 1.0).abs() < 1e-6, "{found:?}");
        assert_eq!(minimise(&[-1.0], 1e-9, 100, function), [-1.0], "nothing is known at the start");
    }
}

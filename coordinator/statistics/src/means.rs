//! Means and sums of squares of lists and tables, and what of them is rounding.

use std::collections::BTreeMap;

/// The mean; `None` of nothing, or where the sum leaves the finite numbers.
pub fn mean(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for number in numbers {
        sum += number;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count)).filter(|mean| mean.is_finite())
}

/// The largest difference that rounding alone leaves between equal means of numbers of that size.
pub fn rounding(numbers: impl IntoIterator<Item = f64>) -> f64 {
    /// Units in the last place: far above what sums over a sweep lose, far below any measurement.
    const UNITS: f64 = 1_024.0;
    UNITS * f64::EPSILON * numbers.into_iter().fold(0.0_f64, |largest, number| largest.max(number.abs()))
}

/// The mean over all rows, column by column.
pub fn column_means(rows: &[Vec<f64>]) -> Vec<f64> {
    let columns = rows.first().map_or(0, Vec::len);
    (0..columns).map(|at| mean(rows.iter().map(|row| row[at])).unwrap_or(f64::INFINITY)).collect()
}

/// The sum of squares between groups: over the groups, size times squared distance of the group's mean
/// from the grand mean. `groups[i]` names the group of `numbers[i]`. Infinite beyond finite numbers.
pub fn between_groups(numbers: &[f64], groups: &[usize]) -> f64 {
    let Some(grand) = mean(numbers.iter().copied()) else { return f64::INFINITY };
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (number, group) in numbers.iter().zip(groups) {
        let sum = sums.entry(*group).or_insert((0.0, 0.0));
        *sum = (sum.0 + number, sum.1 + 1.0);
    }
    sums.values().map(|(sum, count)| count * (sum / count - grand).powi(2)).sum()
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these small numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_squares_between_groups_is_the_one_by_hand() {
        // Means 2 and 6, grand mean 4: 2 * 4 + 2 * 4.
        assert_eq!(between_groups(&[1.0, 3.0, 5.0, 7.0], &[0, 0, 1, 1]), 16.0);
    }
}

//! Symmetric matrices: factorisation, triangular solutions and products, each sum in a fixed order.
//!
//! A search has to take the same decisions on every machine. Libraries choose their kernels by the CPU, so their last bits differ;
//! here every element is one chain of multiplications and additions, however wide the vectors are in which it is computed.

/// Rows of equal length, one after another.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Matrix {
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { columns, values: vec![0.0; rows * columns] }
    }

    pub(crate) fn rows(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.values[row * self.columns..(row + 1) * self.columns]
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.columns + column]
    }

    /// One more row.
    pub(crate) fn push(&mut self, row: &[f64]) {
        self.values.extend_from_slice(row);
    }

    /// The rows above `row`, and that row.
    fn split(&mut self, row: usize) -> (&[f64], &mut [f64]) {
        let (above, from) = self.values.split_at_mut(row * self.columns);
        (above, &mut from[..self.columns])
    }

    /// Copies the upper triangle of a square matrix to the lower one.
    fn mirror(&mut self) {
        /// Rows and columns that fit the fastest cache together.
        const BLOCK: usize = 16;
        let size = self.columns;
        for top in (0..size).step_by(BLOCK) {
            for left in (top..size).step_by(BLOCK) {
                for row in top..(top + BLOCK).min(size) {
                    for column in left.max(row + 1)..(left + BLOCK).min(size) {
                        self.values[column * size + row] = self.values[row * size + column];
                    }
                }
            }
        }
    }
}

/// `target -= Σ coefficient × row`, where rows count from their column `from`.
pub(crate) fn subtract(target: &mut [f64], coefficients: &[f64], rows: &Matrix, from: usize) {
    subtract_rows(target, coefficients, &rows.values, rows.columns, from);
}

/// The same of rows of `stride` numbers.
fn subtract_rows(target: &mut [f64], coefficients: &[f64], rows: &[f64], stride: usize, from: usize) {
    let length = target.len();
    let row = |number: usize| &rows[number * stride + from..][..length];
    let mut number = 0;
    // Four rows at a time: the target is read and written once for all of them.
    while let Some([a, b, c, d]) = coefficients.get(number..number + 4) {
        let [first, second, third, fourth] = [row(number), row(number + 1), row(number + 2), row(number + 3)];
        let sources = first.iter().zip(second).zip(third.iter().zip(fourth));
        for (value, ((first, second), (third, fourth))) in target.iter_mut().zip(sources) {
            *value -= (a * first + b * second) + (c * third + d * fourth);
        }
        number += 4;
    }
    for (number, coefficient) in coefficients.iter().enumerate().skip(number) {
        target.iter_mut().zip(row(number)).for_each(|(value, source)| *value -= coefficient * source);
    }
}

/// The upper triangular `U` of `Uᵀ U = matrix`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cholesky {
    upper: Matrix,
    /// The same, transposed: row `i` holds what row `i` of a solution takes from those before it.
    lower: Matrix,
}

impl Cholesky {
    /// Factorises a symmetric matrix, of which only the upper triangle is read. `None` where it is not positive definite.
    pub(crate) fn of(mut matrix: Matrix) -> Option<Self> {
        let size = matrix.columns;
        let mut lower = Matrix::zeros(size, size);
        for row in 0..size {
            let (above, current) = matrix.split(row);
            let taken = &mut lower.row_mut(row)[..row];
            for (before, coefficient) in taken.iter_mut().enumerate() {
                *coefficient = above[before * size + row];
            }
            subtract_rows(&mut current[row..], taken, above, size, row);
            let pivot = current[row];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return None;
            }
            let root = pivot.sqrt();
            current[row..].iter_mut().for_each(|value| *value /= root);
            current[row] = root;
            current[..row].fill(0.0);
            lower.row_mut(row)[row] = root;
        }
        Some(Self { upper: matrix, lower })
    }

    pub(crate) fn size(&self) -> usize {
        self.upper.columns
    }

    /// `ln det` of the matrix.
    pub(crate) fn log_determinant(&self) -> f64 {
        (0..self.size()).map(|row| 2.0 * libm::log(self.upper.at(row, row))).sum()
    }

    /// Solves `Uᵀ X = right`, in place.
    pub(crate) fn forward(&self, right: &mut Matrix) {
        let columns = right.columns;
        for row in 0..self.size() {
            let taken = self.lower.row(row);
            let (above, current) = right.split(row);
            subtract_rows(current, &taken[..row], above, columns, 0);
            current.iter_mut().for_each(|value| *value /= taken[row]);
        }
    }

    /// Solves `Uᵀ x = right`, in place.
    pub(crate) fn forward_one(&self, right: &mut [f64]) {
        for row in 0..self.size() {
            let taken = self.lower.row(row);
            let sum: f64 = taken.iter().zip(right.iter()).take(row).map(|(one, value)| one * value).sum();
            right[row] = (right[row] - sum) / taken[row];
        }
    }

    /// Solves `U x = right`, in place.
    pub(crate) fn backward_one(&self, right: &mut [f64]) {
        for row in (0..self.size()).rev() {
            let taken = self.upper.row(row);
            let rest = taken.iter().zip(right.iter()).skip(row + 1);
            let sum: f64 = rest.map(|(one, value)| one * value).sum();
            right[row] = (right[row] - sum) / taken[row];
        }
    }

    /// The inverse of the matrix.
    pub(crate) fn inverse(&self) -> Matrix {
        let size = self.size();
        // Row after row of the inverse of Uᵀ, which is lower triangular.
        let mut roots = Matrix::zeros(size, size);
        for row in 0..size {
            let taken = self.lower.row(row);
            let (above, current) = roots.split(row);
            current[row] = 1.0;
            subtract_rows(&mut current[..row], &taken[..row], above, size, 0);
            current[..=row].iter_mut().for_each(|value| *value /= taken[row]);
        }
        let mut inverse = Matrix::zeros(size, size);
        let mut coefficients = Vec::with_capacity(size);
        for row in 0..size {
            // Rows of the roots above `row` are zero from there on.
            coefficients.clear();
            coefficients.extend((row..size).map(|other| -roots.at(other, row)));
            let below = &roots.values[row * size..];
            subtract_rows(&mut inverse.row_mut(row)[row..], &coefficients, below, size, row);
        }
        inverse.mirror();
        inverse
    }

    /// The lower triangle: its product with independent standard normal numbers has this covariance.
    pub(crate) fn lower(&self) -> &Matrix {
        &self.lower
    }
}

/// `matrix -= rootsᵀ roots` for a symmetric matrix.
pub(crate) fn subtract_gram(matrix: &mut Matrix, roots: &Matrix) {
    let size = matrix.columns;
    let mut coefficients = vec![0.0; roots.rows()];
    for row in 0..size {
        for (number, coefficient) in coefficients.iter_mut().enumerate() {
            *coefficient = roots.at(number, row);
        }
        subtract(&mut matrix.row_mut(row)[row..], &coefficients, roots, row);
    }
    matrix.mirror();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn product(left: &Matrix, right: &Matrix) -> Matrix {
        let mut product = Matrix::zeros(left.rows(), right.columns);
        for row in 0..left.rows() {
            for column in 0..right.columns {
                product.row_mut(row)[column] =
                    (0..right.rows()).map(|one| left.at(row, one) * right.at(one, column)).sum();
            }
        }
        product
    }

    /// `A Aᵀ + 0.1` of a square matrix A of these numbers.
    fn positive(numbers: &[f64], size: usize) -> Matrix {
        let mut matrix = Matrix::zeros(size, size);
        for row in 0..size {
            for column in 0..size {
                let sum: f64 =
                    (0..size).map(|one| numbers[row * size + one] * numbers[column * size + one]).sum();
                matrix.row_mut(row)[column] = sum + if row == column { 0.1 } else { 0.0 };
            }
        }
        matrix
    }

    fn is_near(left: f64, right: f64) -> bool {
        (left - right).abs() <= 1e-8 * (1.0 + left.abs().max(right.abs()))
    }

    proptest! {
        #[test]
        fn solutions_solve(size in 1_usize..24, numbers in prop::collection::vec(-1.0..1.0_f64, 24 * 24), right in prop::collection::vec(-1.0..1.0_f64, 24)) {
            let matrix = positive(&numbers, size);
            let factor = Cholesky::of(matrix.clone()).unwrap();
            let mut solution = right[..size].to_vec();
            factor.forward_one(&mut solution);
            factor.backward_one(&mut solution);
            for (row, right) in right.iter().enumerate().take(size) {
                let sum: f64 = matrix.row(row).iter().zip(&solution).map(|(one, value)| one * value).sum();
                prop_assert!(is_near(sum, *right), "{} for {}", sum, right);
            }
            let whole = product(&matrix, &factor.inverse());
            for row in 0..size {
                for column in 0..size {
                    prop_assert!((whole.at(row, column) - f64::from(u8::from(row == column))).abs() < 1e-6);
                }
            }
            let square = product(factor.lower(), &{
                let mut upper = Matrix::zeros(size, size);
                (0..size).for_each(|row| (0..size).for_each(|column| upper.row_mut(row)[column] = factor.lower().at(column, row)));
                upper
            });
            for row in 0..size {
                for column in 0..size {
                    prop_assert!(is_near(square.at(row, column), matrix.at(row, column)));
                }
            }
        }

        /// What conditioning does: the Schur complement, computed in two ways.
        #[test]
        fn a_gram_matrix_of_forward_solutions_is_a_quadratic_form(size in 1_usize..12, more in 1_usize..9, numbers in prop::collection::vec(-1.0..1.0_f64, 24 * 24)) {
            let factor = Cholesky::of(positive(&numbers, size)).unwrap();
            let mut right = Matrix::zeros(size, more);
            (0..size).for_each(|row| right.row_mut(row).copy_from_slice(&numbers[row * more..][..more]));
            let mut roots = right.clone();
            factor.forward(&mut roots);
            let mut schur = Matrix::zeros(more, more);
            subtract_gram(&mut schur, &roots);
            let inverse_right = product(&factor.inverse(), &right);
            for row in 0..more {
                for column in 0..more {
                    let sum: f64 = (0..size).map(|one| right.at(one, row) * inverse_right.at(one, column)).sum();
                    prop_assert!(is_near(-sum, schur.at(row, column)), "{} and {}", sum, schur.at(row, column));
                }
            }
        }
    }

    #[test]
    fn a_determinant_is_the_product_of_pivots_and_no_other_matrix_has_a_root() {
        let mut matrix = Matrix::zeros(2, 2);
        matrix.row_mut(0).copy_from_slice(&[4.0, 2.0]);
        matrix.row_mut(1).copy_from_slice(&[2.0, 3.0]);
        let factor = Cholesky::of(matrix.clone()).unwrap();
        assert!(is_near(factor.log_determinant(), 8.0_f64.ln()));
        matrix.row_mut(1)[1] = 1.0;
        assert!(Cholesky::of(matrix.clone()).is_none(), "singular");
        matrix.row_mut(1)[1] = f64::NAN;
        assert!(Cholesky::of(matrix).is_none(), "not a number");
    }
}

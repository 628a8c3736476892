//! Checked matrix products over slices. Each runs on one thread, and where one is cut in two for two threads, the cut
//! does not depend on threads: bits never depend on the machine's cores.

use std::ops::Range;

use gemm::Parallelism;

use super::threads::in_two;

/// A matrix in a slice: element `(row, column)` stands at `row * row_stride + column * column_stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same numbers, rows as columns.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Some of its columns.
    fn with_columns(self, columns: Range<usize>) -> Self {
        Self {
            data: &self.data[(columns.start * self.column_stride).min(self.data.len())..],
            columns: columns.len(),
            ..self
        }
    }

    fn fits(&self) -> bool {
        self.rows == 0
            || self.columns == 0
            || (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride < self.data.len()
    }
}

/// `out = left · right`, or `out += left · right` where `accumulate`; `out` is row-major.
///
/// # Panics
/// If a slice is too short for its shape or the inner sizes differ: a mistake in a kernel.
pub(crate) fn multiply(out: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, accumulate: bool) {
    let (rows, columns, inner) = (left.rows, right.columns, left.columns);
    assert!(left.fits() && right.fits() && inner == right.rows, "shapes of a matrix product");
    assert!(out.len() == rows * columns, "shape of a matrix product's result");
    if rows == 0 || columns == 0 {
        return;
    }
    if inner == 0 {
        if !accumulate {
            out.fill(0.0);
        }
        return;
    }
    #[allow(unsafe_code, reason = "the gemm crate takes pointers; this is its one call")]
    // SAFETY: all three shapes were checked against their slices above, and `out` is borrowed mutably, so
    // it overlaps neither operand. Strides fit `isize` because slices do.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            columns as isize,
            accumulate,
            left.data.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.data.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            if accumulate { 1.0 } else { 0.0 },
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// `out = left · right` (or added), in two parts of rows that two threads can share. The parts do not depend on
/// threads, so neither do the bits.
pub(crate) fn multiply_by_rows(out: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, accumulate: bool) {
    let half = left.rows / 2;
    let (above, below) = out.split_at_mut(half * right.columns);
    let part = |rows: Range<usize>| left.transposed().with_columns(rows).transposed();
    in_two(
        || multiply(above, part(0..half), right, accumulate),
        || multiply(below, part(half..left.rows), right, accumulate),
    );
}

/// `out = Σ left · right` over pairs, in two parts of columns, cut before one of them, that two threads can share.
pub(crate) fn sum_of_products(out: &mut [f32], pairs: &[(Matrix<'_>, Matrix<'_>)], cut: usize) {
    let Some(((left, right), _)) = pairs.split_first() else { return };
    let (rows, columns) = (left.rows, right.columns);
    let part = |range: Range<usize>| {
        let mut part = vec![0.0; rows * range.len()];
        for (place, (left, right)) in pairs.iter().enumerate() {
            multiply(&mut part, *left, right.with_columns(range.clone()), place > 0);
        }
        part
    };
    let (first, second) = in_two(|| part(0..cut), || part(cut..columns));
    for (row, out) in out.chunks_exact_mut(columns).enumerate() {
        let (left, right) = out.split_at_mut(cut);
        left.copy_from_slice(&first[row * cut..(row + 1) * cut]);
        right.copy_from_slice(&second[row * (columns - cut)..(row + 1) * (columns - cut)]);
    }
}

/// Adds the sum over rows of a row-major matrix to `out`, which has one number for each column.
pub(crate) fn add_column_sums(out: &mut [f32], data: &[f32]) {
    /// Sums of so many rows are added up first, which keeps rounding errors small in long batches.
    const BLOCK_ROWS: usize = 64;
    let columns = out.len();
    let mut partial = vec![0.0_f32; columns];
    for block in data.chunks(BLOCK_ROWS * columns) {
        partial.fill(0.0);
        for row in block.chunks_exact(columns) {
            partial.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        out.iter_mut().zip(&partial).for_each(|(sum, value)| *sum += value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_all_layouts_are_right() {
        let left = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let right = [1.0, 0.0, 2.0, 1.0, 0.0, 3.0];
        let mut out = [10.0_f32; 4];
        multiply(&mut out, Matrix::new(&left, 2, 3), Matrix::new(&right, 3, 2), false);
        assert_eq!(out, [5.0, 11.0, 14.0, 23.0]);
        multiply(&mut out, Matrix::new(&left, 3, 2).transposed(), Matrix::new(&right, 3, 2), true);
        assert_eq!(out, [5.0 + 7.0, 11.0 + 18.0, 14.0 + 10.0, 23.0 + 22.0]);
        let mut sums = [1.0_f32, 1.0];
        add_column_sums(&mut sums, &left);
        assert_eq!(sums, [10.0, 13.0]);
    }

    #[test]
    fn parts_make_up_the_whole() {
        let left: Vec<f32> = (0..15).map(|one| one as f32).collect();
        let right: Vec<f32> = (0..12).map(|one| (one * one) as f32).collect();
        let (left, right) = (Matrix::new(&left, 5, 3), Matrix::new(&right, 3, 4));
        let (mut whole, mut parts, mut sums) = (vec![1.0; 20], vec![1.0; 20], vec![1.0; 20]);
        multiply(&mut whole, left, right, true);
        multiply_by_rows(&mut parts, left, right, true);
        assert_eq!(whole, parts);
        for cut in [0, 1, 4] {
            sum_of_products(&mut sums, &[(left, right), (left, right)], cut);
            assert!(whole.iter().zip(&sums).all(|(whole, sum)| (whole - 1.0) * 2.0 == *sum));
        }
    }

    #[test]
    #[should_panic(expected = "shapes of a matrix product")]
    fn a_short_slice_is_refused() {
        multiply(&mut [0.0; 4], Matrix::new(&[0.0; 5], 2, 3), Matrix::new(&[0.0; 6], 3, 2), false);
    }
}

//! The fast CPU form of a linear layer: bias and product in one pass, gradients without transposed copies.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::gemm::{Matrix, add_column_sums, multiply};
use super::slices::{packed_slice, with_slices};

/// `x Wᵀ + b`.
pub(super) struct Linear;

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((rows, inputs), (outputs, _)) = (x_layout.shape().dims2()?, weights_layout.shape().dims2()?);
        let mut out = packed_slice(bias, bias_layout)?.repeat(rows);
        let x = Matrix::new(packed_slice(x, x_layout)?, rows, inputs);
        let weights = Matrix::new(packed_slice(weights, weights_layout)?, outputs, inputs);
        multiply(&mut out, x, weights.transposed(), true);
        Ok((CpuStorage::F32(out), Shape::from((rows, outputs))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weights: &Tensor,
        bias: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let ((rows, inputs), (outputs, _)) = (x.dims2()?, weights.dims2()?);
        let mut grad_x = vec![0.0; rows * inputs];
        let mut grad_weights = vec![0.0; outputs * inputs];
        let mut grad_bias = vec![0.0; outputs];
        with_slices([x, weights, grad], |[x, weights, grad]| {
            let (x, weights) = (Matrix::new(x, rows, inputs), Matrix::new(weights, outputs, inputs));
            multiply(&mut grad_x, Matrix::new(grad, rows, outputs), weights, false);
            multiply(&mut grad_weights, Matrix::new(grad, rows, outputs).transposed(), x, false);
            add_column_sums(&mut grad_bias, grad);
        })?;
        Ok((
            Some(Tensor::from_vec(grad_x, x.shape(), x.device())?),
            Some(Tensor::from_vec(grad_weights, weights.shape(), x.device())?),
            Some(Tensor::from_vec(grad_bias, bias.shape(), x.device())?),
        ))
    }
}

//! How the states of all steps become one vector for each row.

use candle_core::{DType, Result, Tensor};

use crate::kernels::PackedLayout;

/// The pooling over a row's valid steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The state after the last step; of the reverse direction, the state after its last step, which is
    /// the row's first.
    Last,
    /// The mean of all states.
    Mean,
    /// The maximum of each unit over all states.
    Max,
}

impl Pooling {
    /// The pooling of a configuration's word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "last" => Some(Self::Last),
            "mean" => Some(Self::Mean),
            "max" => Some(Self::Max),
            _ => None,
        }
    }
}

/// One direction's states `[positions, units]` to `[rows, units]`, to be differentiated.
pub(super) fn of_graph(
    pooling: Pooling,
    states: &Tensor,
    layout: &PackedLayout,
    reverse: bool,
) -> Result<Tensor> {
    match pooling {
        Pooling::Last if reverse => states.narrow(0, 0, layout.rows()),
        Pooling::Last => {
            let last =
                layout.lengths().iter().enumerate().map(|(row, length)| layout.position(length - 1, row));
            states.index_select(&indices(last, states)?, 0)
        }
        Pooling::Mean => mean(states, layout),
        Pooling::Max => maximum(states, layout),
    }
}

fn indices(positions: impl Iterator<Item = usize>, like: &Tensor) -> Result<Tensor> {
    let positions: Vec<u32> = positions.map(|position| position as u32).collect();
    let count = positions.len();
    Tensor::from_vec(positions, count, like.device())
}

fn mean(states: &Tensor, layout: &PackedLayout) -> Result<Tensor> {
    let (_, units) = states.dims2()?;
    let rows = (0..layout.steps()).flat_map(|step| 0..layout.step(step).len());
    let sums = Tensor::zeros((layout.rows(), units), DType::F32, states.device())?;
    let sums = sums.index_add(&indices(rows, states)?, states, 0)?;
    let shares: Vec<f32> = layout.lengths().iter().map(|length| 1.0 / *length as f32).collect();
    sums.broadcast_mul(&Tensor::from_vec(shares, (layout.rows(), 1), states.device())?)
}

/// Picks each maximum by its position, so that its gradient flows to one state only (as in PyTorch), the
/// first where several are equal.
fn maximum(states: &Tensor, layout: &PackedLayout) -> Result<Tensor> {
    let (positions, units) = states.dims2()?;
    let values = states.detach().flatten_all()?.to_vec1::<f32>()?;
    let mut best: Vec<usize> = (0..layout.rows() * units).collect();
    for step in 1..layout.steps() {
        let block = layout.step(step);
        for (chosen, candidate) in best.iter_mut().zip(block.start * units..block.end * units) {
            // NaN wins, so that it is not hidden.
            let (value, high) = (values[candidate], values[*chosen]);
            if value > high || value.is_nan() {
                *chosen = candidate;
            }
        }
    }
    let flat = states.reshape(positions * units)?;
    flat.index_select(&indices(best.into_iter(), states)?, 0)?.reshape((layout.rows(), units))
}

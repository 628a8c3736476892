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
/// first where several are equal. The positions are found where the states lie.
fn maximum(states: &Tensor, layout: &PackedLayout) -> Result<Tensor> {
    let ((positions, units), rows) = (states.dims2()?, layout.rows());
    let values = states.detach();
    let starts = indices((0..positions).map(|position| position * units), states)?.reshape((positions, 1))?;
    let places = starts.broadcast_add(&indices(0..units, states)?.reshape((1, units))?)?;
    let (mut high, mut chosen) = (values.narrow(0, 0, rows)?, places.narrow(0, 0, rows)?);
    for step in 1..layout.steps() {
        let block = layout.step(step);
        let of_step = |all: &Tensor| all.narrow(0, block.start, block.len());
        let (value, place) = (of_step(&values)?, of_step(&places)?);
        let before = high.narrow(0, 0, block.len())?;
        // NaN wins, so that it is not hidden.
        let wins = (value.gt(&before)? + value.ne(&value)?)?;
        let chosen_before = chosen.narrow(0, 0, block.len())?;
        high = with_rest(wins.where_cond(&value, &before)?, &high)?;
        chosen = with_rest(wins.where_cond(&place, &chosen_before)?, &chosen)?;
    }
    let flat = states.reshape(positions * units)?;
    flat.index_select(&chosen.flatten_all()?, 0)?.reshape((rows, units))
}

/// New values of the first rows, and what stood in the others.
fn with_rest(first: Tensor, before: &Tensor) -> Result<Tensor> {
    let (known, rows) = (first.dim(0)?, before.dim(0)?);
    if known == rows { Ok(first) } else { Tensor::cat(&[first, before.narrow(0, known, rows - known)?], 0) }
}

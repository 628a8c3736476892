//! Where parameters start.
//!
//! Embeddings are uniform in ±0.05 and biases zero but for the LSTM's forget gate, which starts open (1),
//! as in Keras; input and output weights are uniform in ±sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010,
//! fan out being the units of one gate), recurrent weights uniform in ±1/sqrt(units) as in PyTorch.
//! Each value depends on seed, parameter, gate, row within the gate, column and bound only: a wider model
//! starts with the same numbers, up to their scale, where it overlaps a narrower one.

use crate::kernels::Cell;
use crate::model::shape::ParameterShape;
use sweep_proto::random::Stream;

/// How the values of one parameter start: uniform in `±bound`, with one gate's rows raised by `raise`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Initial {
    bound: f32,
    /// Rows of one gate; 0 where the parameter has no gates.
    gate_rows: usize,
    /// The gate that is raised, and by how much.
    raise: Option<(usize, f32)>,
}

impl Initial {
    /// For embeddings.
    pub(crate) const EMBEDDING: Self = Self { bound: 0.05, gate_rows: 0, raise: None };
    /// For biases.
    pub(crate) const ZERO: Self = Self { bound: 0.0, gate_rows: 0, raise: None };

    /// For the weights of a recurrent layer's inputs.
    pub(crate) fn input(_cell: Cell, inputs: usize, units: usize) -> Self {
        Self { bound: glorot(inputs, units), gate_rows: units, raise: None }
    }

    /// For recurrent weights.
    pub(crate) fn recurrent(units: usize) -> Self {
        Self { bound: 1.0 / (units as f32).sqrt(), gate_rows: units, raise: None }
    }

    /// For the bias of a recurrent layer's inputs.
    pub(crate) fn bias(cell: Cell, units: usize) -> Self {
        let raise = (cell == Cell::Lstm).then_some((1, 1.0));
        Self { bound: 0.0, gate_rows: units, raise }
    }

    /// For the weights of the output layer.
    pub(crate) fn output(inputs: usize, outputs: usize) -> Self {
        Self { bound: glorot(inputs, outputs), gate_rows: 0, raise: None }
    }

    /// The first values of a parameter, row-major.
    pub(crate) fn values(&self, seed: u64, parameter: &ParameterShape) -> Vec<f32> {
        let rows = parameter.dimensions.first().copied().unwrap_or(0);
        let columns = parameter.dimensions.get(1).copied().unwrap_or(1);
        let gate_rows = if self.gate_rows == 0 { rows } else { self.gate_rows };
        let mut values = vec![0.0; rows * columns];
        if self.bound > 0.0 {
            for (gate, block) in values.chunks_mut(gate_rows * columns).enumerate() {
                let mut stream = Stream::new(seed, &format!("initial/{}/{gate}", parameter.name), 0);
                for (row, line) in block.chunks_exact_mut(columns).enumerate() {
                    stream.restart(row as u64);
                    line.iter_mut().for_each(|value| *value = (2.0 * stream.unit() - 1.0) * self.bound);
                }
            }
        }
        if let Some((gate, raise)) = self.raise {
            let start = gate * gate_rows * columns;
            values[start..start + gate_rows * columns].iter_mut().for_each(|value| *value += raise);
        }
        values
    }
}

fn glorot(inputs: usize, outputs: usize) -> f32 {
    (6.0 / (inputs + outputs) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(rows: usize, columns: usize, initial: Initial) -> Vec<f32> {
        let shape =
            ParameterShape { name: "rnn.weight_hh_l0".into(), dimensions: vec![rows, columns], initial };
        initial.values(9, &shape)
    }

    #[test]
    fn a_wider_matrix_starts_like_a_narrower_one() {
        let initial = |gate_rows| Initial { bound: 0.5, gate_rows, raise: None };
        let (small, large) = (values(6, 2, initial(3)), values(10, 4, initial(5)));
        for gate in 0..2 {
            for row in 0..3 {
                for column in 0..2 {
                    assert_eq!(small[(gate * 3 + row) * 2 + column], large[(gate * 5 + row) * 4 + column]);
                }
            }
        }
        assert!(small.iter().all(|value| value.abs() <= 0.5));
    }

    #[test]
    fn the_forget_gate_starts_open() {
        let initial = Initial::bias(Cell::Lstm, 2);
        let shape = ParameterShape { name: "rnn.bias_ih_l0".into(), dimensions: vec![8], initial };
        assert_eq!(initial.values(1, &shape), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}

//! The recurrent cells.

/// A recurrent cell. Adding one is a variant here, its reference form and its fused arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// `h' = tanh(W x + b + U h + c)`.
    SimpleRnn,
    /// Long short-term memory with PyTorch's gate order: input, forget, cell, output.
    Lstm,
    /// Gated recurrent unit with PyTorch's gate order (reset, update, new) and its placement of the
    /// recurrent bias inside the reset product.
    Gru,
}

impl Cell {
    /// The cell of a configuration's word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "simple_rnn" => Some(Self::SimpleRnn),
            "lstm" => Some(Self::Lstm),
            "gru" => Some(Self::Gru),
            _ => None,
        }
    }

    /// Blocks of gate rows in a weight matrix.
    pub(crate) fn gates(self) -> usize {
        match self {
            Self::SimpleRnn => 1,
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }
}

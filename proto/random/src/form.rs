//! The three forms in which numbers are drawn: which generator, and how a number below a bound is made of 64 bits.

use std::fmt::Debug;

use rand_chacha::rand_core::Rng;
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};

/// A way to draw numbers. All of them are fixed for ever; they differ because results of each were kept before they met here.
pub trait Form {
    /// What the bits come from.
    type Generator: Rng + Clone + Debug;

    /// A number in `0..bound`, which is at least 1.
    fn below(generator: &mut Self::Generator, bound: u64) -> u64;
}

/// ChaCha8, its key from a seed and a purpose, its streams counted: training, and whatever is new.
#[derive(Clone, Copy, Debug)]
pub struct Counted;

impl Form for Counted {
    type Generator = ChaCha8Rng;

    /// The upper half of a product: the bias is below `bound / 2^64`.
    fn below(generator: &mut ChaCha8Rng, bound: u64) -> u64 {
        let wide = u128::from(generator.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }
}

/// ChaCha8, its key from a number alone: the analyses of a report, whose figures are signed.
#[derive(Clone, Copy, Debug)]
pub struct Analysed;

impl Form for Analysed {
    type Generator = ChaCha8Rng;

    /// A remainder: its bias is below `bound / 2^64`, for a million trials below 2⁻⁴⁴.
    fn below(generator: &mut ChaCha8Rng, bound: u64) -> u64 {
        generator.next_u64() % bound
    }
}

/// ChaCha20, its key from a seed and a purpose: which rows go to which split, and so the digest of a dataset.
#[derive(Clone, Copy, Debug)]
pub struct Split;

impl Form for Split {
    type Generator = ChaCha20Rng;

    /// Every number equally likely: draws from the uneven rest are thrown away.
    fn below(generator: &mut ChaCha20Rng, bound: u64) -> u64 {
        let rest = u64::MAX - u64::MAX % bound;
        loop {
            let draw = generator.next_u64();
            if draw < rest {
                return draw % bound;
            }
        }
    }
}

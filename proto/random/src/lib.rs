//! Numbers that depend only on what they are for: seed, purpose, stream and position.
//!
//! ChaCha is a counter-based generator: the number at a position is computed without those before it.
//! No number depends on how many others were drawn, so a resumed trial draws the same numbers, and matrices of
//! different sizes agree where they overlap.
//!
//! What was drawn once has to be drawn again by every later version: splits, initial weights and the figures of reports
//! follow from these numbers. The three parts of the project that drew numbers before this crate did so in three ways, so there are three
//! [forms](Form). Whatever is new takes [`Counted`], by [`Stream::new`].

mod form;

use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_chacha::{ChaCha8Rng, ChaCha20Rng};
use sha2::{Digest, Sha256};

pub use form::{Analysed, Counted, Form, Split};

/// A family of numbers: one stream of one purpose of one seed, read from its start.
#[derive(Clone, Debug)]
pub struct Stream<F: Form = Counted>(F::Generator);

impl Stream {
    /// The numbers of `purpose`, in the given stream of it: for example an optimiser's step, a matrix's row, the number of a proposal.
    pub fn new(seed: u64, purpose: &str, stream: u64) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(seed.to_le_bytes());
        hasher.update(purpose.as_bytes());
        let mut generator = ChaCha8Rng::from_seed(hasher.finalize().into());
        generator.set_stream(stream);
        Self(generator)
    }

    /// The same purpose, in another stream, from its start.
    pub fn restart(&mut self, stream: u64) {
        self.0.set_stream(stream);
        self.0.set_word_pos(0);
    }

    /// The next number, uniform in `[0, 1)` with 24 bits; takes one position.
    pub fn unit(&mut self) -> f32 {
        // 24 bits are what an f32 in [0.5, 1) can hold: no rounding up to 1.
        (self.0.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }
}

impl Stream<Analysed> {
    /// The numbers of an analysis, the same ones for every report.
    pub fn of_analysis(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }
}

impl Stream<Split> {
    /// The numbers by which rows of a dataset are drawn, for one purpose: a split, or a smaller share of one.
    pub fn of_split(seed: u64, purpose: &str) -> Self {
        Self(ChaCha20Rng::from_seed(Sha256::digest(format!("dataset/{purpose}/{seed}")).into()))
    }
}

impl<F: Form> Stream<F> {
    /// The next number, uniform in `0..bound`, which is at least 1; takes two positions, or more in the form [`Split`].
    pub fn below(&mut self, bound: u64) -> u64 {
        F::below(&mut self.0, bound)
    }

    /// The next place in a list of so many items, of which there is at least one.
    pub fn place(&mut self, items: usize) -> usize {
        self.below(items as u64) as usize
    }

    /// The next number, uniform in `(0, 1)` with 53 bits, never an end; takes two positions.
    pub fn inside(&mut self) -> f64 {
        // The middle of one of 2⁵³ equal parts.
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Shuffles in place (Fisher and Yates, in Durstenfeld's form).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.place(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seed: u64, purpose: &str, stream: u64) -> Vec<f32> {
        let mut source = Stream::new(seed, purpose, stream);
        (0..40).map(|_| source.unit()).collect()
    }

    #[test]
    fn numbers_depend_on_seed_purpose_and_stream_only() {
        assert_eq!(numbers(1, "a", 2), numbers(1, "a", 2));
        assert_ne!(numbers(1, "a", 2), numbers(2, "a", 2));
        assert_ne!(numbers(1, "a", 2), numbers(1, "b", 2));
        assert_ne!(numbers(1, "a", 2), numbers(1, "a", 3));
        let mut moved = Stream::new(1, "a", 9);
        moved.unit();
        moved.restart(2);
        assert_eq!((0..40).map(|_| moved.unit()).collect::<Vec<_>>(), numbers(1, "a", 2));
    }

    #[test]
    fn the_numbers_never_change_between_versions() {
        // Recorded once: a change here changes every result and needs a new numerics version.
        let first: Vec<u32> = numbers(7, "weights", 0).iter().take(3).map(|one| one.to_bits()).collect();
        assert_eq!(first, RECORDED);
    }

    const RECORDED: [u32; 3] = [1_059_110_186, 1_064_261_147, 1_054_945_528];

    #[test]
    fn a_shuffle_keeps_all_items_and_the_mean_is_a_half() {
        let mut order: Vec<u32> = (0..1000).collect();
        Stream::new(3, "order", 1).shuffle(&mut order);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
        let mut source = Stream::new(3, "mean", 0);
        let mean = (0..10_000).map(|_| f64::from(source.unit())).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        let mean = (0..10_000).map(|_| source.inside()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }

    #[test]
    fn a_seed_and_a_purpose_fix_the_order_of_a_split() {
        let order = |seed, purpose| {
            let mut items: Vec<u32> = (0..100).collect();
            Stream::of_split(seed, purpose).shuffle(&mut items);
            items
        };
        assert_eq!(order(1, "test"), order(1, "test"));
        assert_ne!(order(1, "test"), order(2, "test"));
        assert_ne!(order(1, "test"), order(1, "validation"));
        let mut sorted = order(1, "test");
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    /// What each form drew on the day on which the three came into one crate, from the code that they had before.
    #[test]
    fn every_form_draws_what_it_always_drew() {
        let mut counted = Stream::new(3, "order", 1);
        let mut analysed = Stream::of_analysis(0);
        let mut split = Stream::of_split(1, "test");
        let drawn = |draw: &mut dyn FnMut() -> u64| -> Vec<u64> { (0..5).map(|_| draw()).collect() };
        assert_eq!(drawn(&mut || counted.below(1000)), COUNTED);
        assert_eq!(drawn(&mut || analysed.below(1000)), ANALYSED);
        assert_eq!(drawn(&mut || split.below(1000)), SPLIT);
    }

    const COUNTED: [u64; 5] = [116, 263, 956, 466, 609];
    const ANALYSED: [u64; 5] = [652, 623, 878, 556, 681];
    const SPLIT: [u64; 5] = [82, 436, 292, 709, 367];

    /// 99.9 % of the chi-squared distribution with six degrees of freedom.
    const CHI_SQUARED_MAX: f64 = 22.46;

    fn assert_equally_likely<F: Form>(mut random: Stream<F>) {
        let mut times = [0_u32; 7];
        (0..70_000).for_each(|_| times[random.place(7)] += 1);
        let chi_squared: f64 =
            times.iter().map(|count| (f64::from(*count) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi_squared < CHI_SQUARED_MAX, "{times:?}");
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn numbers_below_are_equally_likely_in_every_form() {
        assert_equally_likely(Stream::new(1, "below", 0));
        assert_equally_likely(Stream::of_analysis(1));
        assert_equally_likely(Stream::of_split(1, "below"));
    }
}

//! The targets, one file for each family.

pub(crate) mod certificates;
pub(crate) mod datasets;
pub(crate) mod encoded_dataset;
pub(crate) mod names;
pub(crate) mod planted;
pub(crate) mod slot_frames;
pub(crate) mod store;
pub(crate) mod sweep_file;
pub(crate) mod training;
pub(crate) mod wire;

use crate::registry::Seed;

/// Examples with short names.
fn seeds<B: Into<Vec<u8>>>(examples: impl IntoIterator<Item = (&'static str, B)>) -> Vec<Seed> {
    examples.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.into())).collect()
}

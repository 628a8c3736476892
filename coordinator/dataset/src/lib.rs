//! Datasets: readers, tokenisation, vocabulary, splits, and the encoded form that workers train on.
//!
//! A source (a known dataset, a table, a folder per class) is read and split once as a [`Corpus`], and
//! encoded once for each distinct choice of the data hyperparameters. The result is a file named after
//! its digest: the same source and settings give the same bytes. The vocabulary and every statistic
//! come from the training split alone.

mod account;
mod auto;
mod bpe;
mod cache;
mod corpus;
mod download;
mod encode;
mod error;
mod file_rows;
mod inspect;
mod labels;
mod limits;
mod markup;
mod named;
mod pieces;
mod progress;
mod rows;
mod source;
mod spelled;
mod split;
mod summary;
mod test_texts;
mod tokenizer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sweep_proto::encoded::EncodedHeader;
use sweep_proto::{DataSpec, Digest, Hyperparameter, Value};

pub use cache::{Spare, encoded_path, spare_files};
pub use corpus::Corpus;
pub use error::DatasetError;
pub use inspect::{ClassRows, InspectOptions, Inspection, Sample, inspect, inspect_with};
pub use named::Named;
pub use progress::{NoProgress, Progress};
pub use source::Reach;
pub use spelled::Speller;
pub use summary::{Lengths, Summary};
pub use test_texts::{forget_test_texts, test_texts};

/// A dataset that is ready to be served: an encoded file in the cache.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The digest of the file's bytes.
    pub digest: Digest,
    /// The file, `<cache>/<digest>.sweepds`.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its header: classes, vocabulary, tokenizer, sizes.
    pub header: EncodedHeader,
    /// What to tell people.
    pub summary: Summary,
}

/// Prepares one variant of a dataset, or finds it in the cache. See [`prepare_all`].
///
/// # Errors
/// As [`Corpus::read`] and [`Corpus::encode`].
pub fn prepare(
    data: &DataSpec,
    variant: &BTreeMap<Hyperparameter, Value>,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Prepared, DatasetError> {
    Prepare::start(data, &Reach::everywhere(), cache, progress)?.one(variant)
}

/// Prepares several variants of a dataset, in their order, from files within `reach`. The source is read at most once, and not at
/// all where every variant is in the cache and the source's files have kept path, size and time of change.
///
/// # Errors
/// As [`Corpus::read`] and [`Corpus::encode`].
pub fn prepare_all(
    data: &DataSpec,
    reach: &Reach,
    variants: &[BTreeMap<Hyperparameter, Value>],
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Vec<Prepared>, DatasetError> {
    let mut prepare = Prepare::start(data, reach, cache, progress)?;
    variants.iter().map(|variant| prepare.one(variant)).collect()
}

/// A preparation under way: the source is read when the first variant is not in the cache.
struct Prepare<'a> {
    data: &'a DataSpec,
    cache: &'a Path,
    progress: &'a dyn Progress,
    located: source::Located,
    stamp: Digest,
    corpus: Option<Corpus>,
}

impl<'a> Prepare<'a> {
    fn start(
        data: &'a DataSpec,
        reach: &Reach,
        cache: &'a Path,
        progress: &'a dyn Progress,
    ) -> Result<Self, DatasetError> {
        split::check_settings(data)?;
        let located = source::locate(&data.source, &data.reading, reach, cache, progress)?;
        let stamp = located.stamp()?;
        progress.found(located.bytes());
        Ok(Self { data, cache, progress, located, stamp, corpus: None })
    }

    fn one(&mut self, variant: &BTreeMap<Hyperparameter, Value>) -> Result<Prepared, DatasetError> {
        encode::Variant::new(variant)?;
        if self.corpus.is_none() {
            let fingerprint = cache::fingerprint(self.stamp, self.data, variant);
            if let Some(prepared) = cache::find(self.cache, fingerprint) {
                return Ok(prepared);
            }
        }
        let corpus = match self.corpus.take() {
            Some(corpus) => corpus,
            None => Corpus::read_located(self.data, &self.located, self.stamp, self.progress)?,
        };
        self.corpus.insert(corpus).encode(variant, self.cache, self.progress)
    }
}

//! Opens a sweep's data as the sweep does: every variant is prepared, and its sizes are known.

use std::collections::BTreeMap;
use std::path::Path;

use coordinator_core::forecast::{DataSize, DataSizes};
use coordinator_dataset::{DatasetError, Prepared, Reach};
use serde::Serialize;
use sweep_proto::encoded::{EncodedView, Split};
use sweep_proto::{Configuration, Hyperparameter, SweepSpec, Value};

use super::super::data::Shown;

/// Rows of a dataset of which nothing is known: only sizes of models are told of it.
const UNOPENED: DataSize = DataSize { rows: [0; 3], tokens: [0; 3], vocabulary: 0, classes: CLASSES_ASSUMED };
/// The output layer of a binary task; more classes change the figures by less than a percent.
const CLASSES_ASSUMED: u64 = 2;

type Variant = BTreeMap<Hyperparameter, Value>;

/// The data of a sweep, prepared.
#[derive(Debug)]
pub(super) struct Opened {
    variants: Vec<(Variant, Prepared)>,
}

/// What `sweep plan` tells of the data.
#[derive(Debug, Default, Serialize)]
pub(super) struct PlannedData {
    /// Names of the classes.
    pub(super) classes: Vec<String>,
    /// Rows of train, validation and test.
    pub(super) rows: [u64; 3],
    /// Rows that cannot be used.
    pub(super) unusable_rows: u64,
    /// As the sweep encodes it; the one with most tokens where there are several ways.
    pub(super) tokenizer: String,
    /// Distinct tokens, padding and unknown included.
    pub(super) vocabulary: u32,
    /// Tokens of a text that is not cut, in the mean.
    pub(super) mean_length: f64,
    /// Share of texts that are cut.
    pub(super) truncated_share: f64,
    /// Share of unknown tokens.
    pub(super) unknown_share: f64,
}

/// Prepares every variant of a sweep's data, in the cache of a data folder.
pub(super) fn open(spec: &SweepSpec, data_directory: &Path) -> Result<Opened, DatasetError> {
    let variants = spec.data_variants();
    let shown = Shown::new();
    let cache = data_directory.join("datasets");
    let prepared =
        coordinator_dataset::prepare_all(&spec.data, &Reach::everywhere(), &variants, &cache, &shown);
    shown.clear();
    Ok(Opened { variants: variants.into_iter().zip(prepared?).collect() })
}

impl Opened {
    /// The dataset of a configuration.
    pub(super) fn of(&self, configuration: &Configuration) -> Option<&Prepared> {
        let variant = configuration.data_variant();
        self.variants.iter().find(|(one, _)| *one == variant).map(|(_, prepared)| prepared)
    }

    /// Bytes of all encoded datasets; equal ones are kept once.
    pub(super) fn bytes(&self) -> u64 {
        let distinct: BTreeMap<_, _> = self.variants.iter().map(|(_, one)| (one.digest, one.bytes)).collect();
        distinct.values().sum()
    }

    /// What may make the results mean something else than intended.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (_, Prepared { header, summary, .. }) in &self.variants {
            for warning in summary.account.warnings(&header.classes) {
                let text = warning.to_string();
                if !warnings.contains(&text) {
                    warnings.push(text);
                }
            }
        }
        warnings
    }

    /// What people are told.
    pub(super) fn told(self) -> PlannedData {
        let largest = self.variants.into_iter().max_by_key(|(_, one)| one.header.splits[0].tokens);
        let Some((_, Prepared { header, summary, .. })) = largest else { return PlannedData::default() };
        let train = summary.account.split(Split::Train);
        PlannedData {
            classes: header.classes,
            rows: header.splits.map(|split| split.rows),
            unusable_rows: summary.account.bad_rows.count,
            tokenizer: summary.account.tokenizer.clone(),
            vocabulary: header.vocabulary,
            mean_length: summary.lengths.mean,
            truncated_share: train.truncated_share(),
            unknown_share: train.unknown_share(),
        }
    }
}

/// Sizes of each variant's dataset: read from it, or assumed where the data was not opened.
#[derive(Debug)]
pub(super) struct Sizes {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    variant: Variant,
    size: DataSize,
    /// Tokens of the longest text.
    longest: u64,
    /// Bytes of the encoded dataset.
    bytes: u64,
    /// Tokens of the texts of training, the longest first; of many, every n-th. Empty where the data was not opened.
    lengths: Vec<u64>,
}

/// Most lengths that are kept of a dataset.
const LENGTHS_MAX: usize = 20_000;
/// Batches in a window; within a window, texts of similar length share a batch.
const WINDOW_BATCHES: f64 = 50.0;

/// Tokens of the texts that a dataset trains on, the longest first; none where it cannot be read.
fn lengths(prepared: &Prepared) -> Vec<u64> {
    let view = std::fs::read(&prepared.path).ok().and_then(|bytes| EncodedView::parse(bytes).ok());
    let Some(view) = view else { return Vec::new() };
    let all = (0..view.rows(Split::Train)).map(|row| view.length(Split::Train, row) as u64);
    let mut all: Vec<u64> = all.collect();
    all.sort_unstable_by_key(|length| std::cmp::Reverse(*length));
    let every = all.len().div_ceil(LENGTHS_MAX).max(1);
    all.into_iter().step_by(every).collect()
}

impl Sizes {
    pub(super) fn new(spec: &SweepSpec, opened: Option<&Opened>) -> Self {
        let sized = |variant: &Variant| {
            let assumed = |one, fixed| match variant.get(&one) {
                Some(Value::Integer(number)) => *number,
                _ => fixed,
            };
            let length = assumed(Hyperparameter::MaxLength, spec.fixed.max_length());
            let prepared = opened
                .and_then(|opened| opened.variants.iter().find(|(one, _)| one == variant))
                .map(|(_, prepared)| prepared);
            let Some(prepared) = prepared else {
                let vocabulary = assumed(Hyperparameter::Vocabulary, spec.fixed.vocabulary());
                let size = DataSize { vocabulary, ..UNOPENED };
                return Known {
                    variant: variant.clone(),
                    size,
                    longest: length,
                    bytes: 0,
                    lengths: Vec::new(),
                };
            };
            let Prepared { header, summary, bytes, .. } = prepared;
            let size = DataSize {
                rows: header.splits.map(|split| split.rows),
                tokens: header.splits.map(|split| split.tokens),
                vocabulary: u64::from(header.vocabulary),
                classes: header.classes.len() as u64,
            };
            let longest = length.min(summary.lengths.max.max(1));
            Known { variant: variant.clone(), size, longest, bytes: *bytes, lengths: lengths(prepared) }
        };
        Self { known: spec.data_variants().iter().map(sized).collect() }
    }

    fn find(&self, configuration: &Configuration) -> Option<&Known> {
        let fits = |variant: &Variant| variant.iter().all(|(one, value)| configuration.get(*one) == *value);
        self.known.iter().find(|known| fits(&known.variant))
    }

    /// The sizes of a configuration's dataset.
    pub(super) fn size(&self, configuration: &Configuration) -> DataSize {
        self.of(configuration).unwrap_or(UNOPENED)
    }

    /// Tokens of the longest text that a configuration trains on.
    pub(super) fn longest(&self, configuration: &Configuration) -> u64 {
        let assumed = configuration.max_length();
        self.find(configuration).map_or(assumed, |known| known.longest)
    }

    /// Tokens of the largest batch that a configuration trains on: the longest texts of a window.
    pub(super) fn batch_tokens(&self, configuration: &Configuration) -> u64 {
        let batch = configuration.batch_size().max(1);
        let known = self.find(configuration).filter(|known| !known.lengths.is_empty());
        let Some(known) = known else { return batch.saturating_mul(self.longest(configuration)) };
        let rows = known.size.rows[0].max(1) as f64;
        let share = (batch as f64 / rows).clamp(1.0 / WINDOW_BATCHES, 1.0);
        let count = ((known.lengths.len() as f64 * share).ceil() as usize).clamp(1, known.lengths.len());
        let mean = known.lengths[..count].iter().sum::<u64>() as f64 / count as f64;
        (mean * (batch as f64).min(rows)) as u64
    }

    /// Bytes of a configuration's encoded dataset; 0 where it was not opened.
    pub(super) fn bytes(&self, configuration: &Configuration) -> u64 {
        self.find(configuration).map_or(0, |known| known.bytes)
    }
}

impl DataSizes for Sizes {
    fn of(&self, configuration: &Configuration) -> Option<DataSize> {
        self.find(configuration).map(|known| known.size)
    }
}

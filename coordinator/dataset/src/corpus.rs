//! A source that was read and split once, to be encoded in any number of variants.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sweep_proto::encoded::{self, EncodedView};
use sweep_proto::{DataSpec, Digest, Hyperparameter, Value};

use crate::auto::{self, Choice};
use crate::encode::{Encoded, Variant, encode};
use crate::error::DatasetError;
use crate::pieces::Pieces;
use crate::progress::Progress;
use crate::rows::Rows;
use crate::source::{Located, Reach, locate};
use crate::split::{self, Splits};
use crate::summary::Summary;
use crate::tokenizer::TokenizerKind;
use crate::{Prepared, account, cache, test_texts};

/// A source in memory: labelled texts in three splits.
#[derive(Debug)]
pub struct Corpus {
    data: DataSpec,
    stamp: Digest,
    splits: Splits,
    summary: Summary,
    /// Texts cut by each kind of tokenizer that was asked for: variants differ mostly in size and length.
    cut: Mutex<BTreeMap<TokenizerKind, Arc<Pieces>>>,
}

impl Corpus {
    /// Reads and splits a source, downloading it into `cache` where it is known by name and has no path.
    /// Relative paths are relative to the working directory: resolve them before.
    ///
    /// # Errors
    /// [`DatasetError`]: whatever is wrong with the source, by file and line.
    pub fn read(data: &DataSpec, cache: &Path, progress: &dyn Progress) -> Result<Self, DatasetError> {
        split::check_settings(data)?;
        let located = locate(&data.source, &data.reading, &Reach::everywhere(), cache, progress)?;
        Self::read_located(data, &located, located.stamp()?, progress)
    }

    pub(crate) fn read_located(
        data: &DataSpec,
        located: &Located,
        stamp: Digest,
        progress: &dyn Progress,
    ) -> Result<Self, DatasetError> {
        Self::of(located.read(progress)?, data, stamp)
    }

    fn of(mut rows: Rows, data: &DataSpec, stamp: Digest) -> Result<Self, DatasetError> {
        rows.check_bad_share(data.bad_rows_share_max)?;
        let splits = split::split(&mut rows, data)?;
        let account = account::of(&rows, &splits);
        let summary = Summary { dataset: rows.name, classes: rows.classes, account, ..Summary::default() };
        Ok(Self { data: data.clone(), stamp, splits, summary, cut: Mutex::default() })
    }

    /// What a sweep over rows that were read would find, with the default data hyperparameters.
    pub(crate) fn preview(
        rows: Rows,
        data: &DataSpec,
        progress: &dyn Progress,
    ) -> Result<Summary, DatasetError> {
        let corpus = Self::of(rows, data, Digest::of(b"a preview"))?;
        Ok(corpus.encoded(Variant::new(&BTreeMap::new())?, progress)?.1)
    }

    /// Encodes the corpus in one variant (see [`Hyperparameter::of_data`]; what is missing has its
    /// default) and writes `<cache>/<digest>.sweepds`, unless that was done before.
    ///
    /// # Errors
    /// [`DatasetError::Setting`] for a value out of range, [`DatasetError::Io`] where the cache cannot be written.
    pub fn encode(
        &self,
        variant: &BTreeMap<Hyperparameter, Value>,
        cache: &Path,
        progress: &dyn Progress,
    ) -> Result<Prepared, DatasetError> {
        let checked = Variant::new(variant)?;
        let fingerprint = cache::fingerprint(self.stamp, &self.data, variant);
        if let Some(prepared) = cache::find(cache, fingerprint) {
            return Ok(prepared);
        }
        let (encoded, summary) = self.encoded(checked, progress)?;
        let bytes = encoded::encode(encoded.header, &encoded.splits);
        let (digest, path) = cache::store(cache, fingerprint, &bytes, &summary)?;
        test_texts::keep(cache, digest, &self.splits[2]).map_err(DatasetError::io(cache, "write into it"))?;
        let size = bytes.len() as u64;
        let view = EncodedView::parse(bytes).map_err(|error| {
            DatasetError::broken(path.display(), format!("what was encoded is broken: {error}"))
        })?;
        Ok(Prepared { digest, path, bytes: size, header: view.header().clone(), summary })
    }

    /// The encoded splits, and the summary with their tokens.
    fn encoded(&self, checked: Variant, progress: &dyn Progress) -> Result<(Encoded, Summary), DatasetError> {
        let chosen = if checked.tokenizer.is_none() {
            let words = self.pieces(TokenizerKind::Word, progress)?;
            Some(auto::choose(&words))
        } else {
            None
        };
        let kind = checked.tokenizer.or(chosen.map(|chosen| chosen.kind)).unwrap_or(TokenizerKind::Word);
        let pieces = self.pieces(kind, progress)?;
        progress.stage("encoding", None, false);
        let (name, classes) = (&self.summary.dataset, &self.summary.classes);
        let encoded = encode(name, classes, &self.splits, &pieces, kind, checked)?;
        let mut summary = self.summary.clone();
        (summary.vocabulary, summary.lengths) = (encoded.header.vocabulary, encoded.lengths);
        kind.name().clone_into(&mut summary.account.tokenizer);
        summary.account.told.extend(chosen.and_then(Choice::remark));
        account::compare_as_read(&self.splits, &pieces, &mut summary.account.splits);
        for (split, tokens) in summary.account.splits.iter_mut().zip(encoded.tokens) {
            tokens.tell(split);
        }
        Ok((encoded, summary))
    }

    /// What is known before encoding: everything but the tokens.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn pieces(&self, kind: TokenizerKind, progress: &dyn Progress) -> Result<Arc<Pieces>, DatasetError> {
        // A poisoned lock only means that another call failed; the map itself is whole.
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pieces) = cut.get(&kind) {
            return Ok(pieces.clone());
        }
        let pieces = Arc::new(Pieces::cut(kind, &self.splits, progress)?);
        cut.insert(kind, pieces.clone());
        Ok(pieces)
    }
}

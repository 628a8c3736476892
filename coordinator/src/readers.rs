//! Where other people's data is read: in a child process with bounds, so that no file can bring the coordinator down.
//!
//! The coordinator starts its own program with the hidden command [`COMMAND`] and writes one order as a line of JSON to its
//! standard input. The child answers with lines of JSON (`Said`) on its standard output: its progress, then what it
//! prepared or why it refuses. Encoded files lie in the dataset cache by their digests. The child ends when its standard
//! input does, so that it never outlives whoever asked. Like a slot it gets listed variables of the environment, and where the
//! kernel has Landlock it reaches the data, its cache and, unless the data is downloaded, no network (`sandbox`).

mod bounds;
mod child;
mod parent;
mod sandbox;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use coordinator_dataset::{DatasetError, Prepared, Reach};
use serde::{Deserialize, Serialize};
use sweep_proto::{DataAccount, DataSource, DataSpec, Digest, Hyperparameter, Value};
use thiserror::Error;

pub use child::serve;

/// The hidden command of the program that reads data.
pub const COMMAND: &str = "read-data";

/// Data hyperparameters of one encoded dataset.
pub(crate) type Variant = BTreeMap<Hyperparameter, Value>;

/// Where data is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    /// In this process, without bounds: for tests, and inside of other programs.
    #[default]
    InProcess,
    /// In child processes of this program.
    Child {
        /// The program, which knows the command [`COMMAND`].
        program: PathBuf,
        /// Memory that one may take at most, in bytes; half of this machine's where nothing is said.
        memory_bytes: Option<u64>,
    },
}

/// What is to be prepared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The data.
    pub(crate) data: DataSpec,
    /// How it is encoded.
    pub(crate) variants: Vec<Variant>,
    /// Where encoded files lie.
    pub(crate) cache: PathBuf,
    /// The folders beneath which files may be read; nothing: everywhere.
    pub(crate) folders: Option<Vec<PathBuf>>,
    /// Memory that may be taken at most, in bytes.
    pub(crate) memory_bytes_max: u64,
}

/// An encoded dataset in the cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReadDataset {
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    pub(crate) classes: Vec<String>,
    pub(crate) vocabulary: u32,
    pub(crate) rows: [u64; 3],
    pub(crate) account: DataAccount,
}

impl From<Prepared> for ReadDataset {
    fn from(prepared: Prepared) -> Self {
        let Prepared { digest, bytes, header, summary, .. } = prepared;
        let rows = header.splits.map(|split| split.rows);
        let (classes, vocabulary) = (header.classes, header.vocabulary);
        Self { digest, bytes, classes, vocabulary, rows, account: summary.account }
    }
}

/// One line of a child.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    /// A step begins.
    Stage { name: String, total: Option<u64>, in_bytes: bool },
    /// So much of the step is done.
    Advance(u64),
    /// The source was found: the memory that reading it may take, in bytes.
    Memory(u64),
    /// Everything is prepared, in the order of the variants.
    Done(Vec<ReadDataset>),
    /// The data cannot be used.
    Refused { reason: String, is_out_of_reach: bool },
}

/// Why data was not read.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    /// The data cannot be used, said by a reader in this process.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The data cannot be used, said by a child.
    #[error("{reason}")]
    Refused {
        /// What is wrong and what to do.
        reason: String,
        /// Whether a path leads out of what may be read.
        is_out_of_reach: bool,
    },
    /// It takes too much memory.
    #[error(
        "reading the data needs more than {} MiB of memory, which is the limit for files of this size; give smaller \
         files or fewer rows, or let the coordinator's operator allow more with `--data-memory MIB`",
        .0 >> 20
    )]
    Memory(u64),
    /// It takes too long.
    #[error("preparing the data took more than {} minutes and was stopped; give smaller files or fewer rows", .0.as_secs() / 60)]
    Time(std::time::Duration),
    /// The child cannot be started, or ended in an unforeseen way.
    #[error("reading the data broke off: {0}")]
    Broke(String),
}

/// Bounds the memory of this process, which reads a source of this size and does nothing else.
pub fn bound_this_process(source_bytes: u64) {
    bounds::enter(bounds::memory_bytes(source_bytes, bounds::half_of_the_machine()));
}

/// Shuts this thread, and those that it starts, in with some data and folders to write into, as a child that reads data
/// is; what the kernel does not enforce is told on standard error. The network stays open for downloads.
pub fn confine_this_thread(paths: &[&Path], is_download: bool, written: &[&Path]) {
    sweep_confinement::renounce();
    let work = sandbox::Work { paths, folders: None, is_download, written };
    if let Err(error) = sandbox::enter(&work) {
        eprintln!("this process cannot be shut in with its files: {error}");
    }
}

/// Whether a source is fetched from its home; the snippets are part of this program.
fn is_download(source: &DataSource) -> bool {
    matches!(source, DataSource::Known { path: None, name } if name != "snippets")
}

/// What may be read, as an order names it.
fn reach(folders: Option<&[PathBuf]>) -> std::io::Result<Reach> {
    folders.map_or_else(|| Ok(Reach::everywhere()), Reach::beneath)
}

impl Readers {
    /// Whether what is read ends with whoever waits for it.
    pub(crate) fn end_with_their_caller(&self) -> bool {
        matches!(self, Self::Child { .. })
    }

    /// Prepares every variant, in order.
    ///
    /// # Errors
    /// A [`ReadError`] in words for people.
    pub(crate) async fn prepare(
        &self,
        data: DataSpec,
        reach: Reach,
        variants: Vec<Variant>,
        cache: PathBuf,
        progress: impl coordinator_dataset::Progress + Send + 'static,
    ) -> Result<Vec<ReadDataset>, ReadError> {
        match self {
            Self::InProcess => {
                // Reading and encoding take long: not on a thread that serves others.
                let task =
                    move || coordinator_dataset::prepare_all(&data, &reach, &variants, &cache, &progress);
                let prepared = crate::blocking::blocking(task).await;
                let prepared = prepared.map_err(|error| ReadError::Broke(error.to_string()))??;
                Ok(prepared.into_iter().map(ReadDataset::from).collect())
            }
            Self::Child { program, memory_bytes } => {
                let memory_bytes_max = memory_bytes.unwrap_or_else(bounds::half_of_the_machine);
                let order = Order { data, variants, cache, folders: reach.folders(), memory_bytes_max };
                parent::ask(program, &order, &progress).await
            }
        }
    }
}

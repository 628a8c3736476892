//! Every bound on what a dataset may be, with its unit and its reason.

/// Bytes of one text: a novel has about one million; longer texts are wrong columns or broken quotes.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;
/// Bytes of one label: class names are words, not texts.
pub(crate) const LABEL_BYTES_MAX: usize = 256;
/// Bytes of one line of a text file: some times the longest text, since JSON escapes may grow it sixfold.
pub(crate) const LINE_BYTES_MAX: usize = 16 << 20;
/// Lines of one quoted CSV record: more means that a quote was never closed.
pub(crate) const RECORD_LINES_MAX: u64 = 2_000;
/// Columns of a table: more means that the delimiter or the file is another one.
pub(crate) const COLUMNS_MAX: usize = 10_000;
/// Bytes of all texts together: the corpus is held in memory.
pub(crate) const CORPUS_BYTES_MAX: u64 = 4 << 30;
/// Bytes of one source file, or of a compressed archive.
pub(crate) const FILE_BYTES_MAX: u64 = 8 << 30;
/// Bytes that an archive may unpack to: the official IMDB archive unpacks to about 0.5 GB.
pub(crate) const UNPACKED_BYTES_MAX: u64 = 4 << 30;
/// Files in an archive or a folder of classes: the official IMDB archive has about 100,000.
pub(crate) const FILES_MAX: u64 = 5_000_000;
/// Rows of a dataset, good and bad together: row indices stay far below 32 bits.
pub(crate) const ROWS_MAX: u64 = 100_000_000;
/// Classes: more means that the label column holds identifiers or texts.
pub(crate) const CLASSES_MAX: usize = 1_000;
/// Spellings of labels: some times the classes, for what is written in several ways.
pub(crate) const LABEL_SPELLINGS_MAX: usize = 16 * CLASSES_MAX;
/// Bytes of a JSON document that is read as a whole: its tree takes some ten times as much memory.
pub(crate) const JSON_DOCUMENT_BYTES_MAX: u64 = 256 << 20;
/// Files that one pattern, or one folder of tables, may name.
pub(crate) const SHARDS_MAX: usize = 10_000;
/// Rows that each split needs at least: less cannot train, choose or measure anything.
pub(crate) const SPLIT_ROWS_MIN: [usize; 3] = [8, 2, 2];
/// Bad rows that are kept to be shown.
pub(crate) const BAD_ROWS_SHOWN: usize = 20;
/// Bad rows that an error message lists.
pub(crate) const BAD_ROWS_LISTED: usize = 5;
/// Files of a source that are accounted for one by one; the rest of many shards is told together.
pub(crate) const FILES_TOLD_MAX: usize = 64;
/// Threads that cut texts into tokens: beyond this the memory bus is the limit.
pub(crate) const THREADS_MAX: usize = 8;
/// Characters of a test text that are kept for reports, which show fewer.
pub(crate) const TEST_TEXT_CHARACTERS: usize = 300;
/// Bytes of all test texts that are kept beside an encoded dataset: some 100,000 reviews. Of more none is kept.
pub(crate) const TEST_TEXTS_BYTES_MAX: usize = 32 << 20;

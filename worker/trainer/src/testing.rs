//! Small encoded datasets for tests.

use sweep_proto::encoded::{EncodedHeader, EncodedRows, EncodedView, SplitSize, encode};

use sweep_proto::random::Stream;

/// Tokens below this may occur.
pub(crate) const VOCABULARY: u32 = 30;

/// Rows of 1 to 12 random tokens. The label says whether token 2 or token 3 comes last among those two.
pub(crate) fn sample_rows(count: usize, seed: u64, purpose: &str) -> EncodedRows {
    let mut stream = Stream::new(seed, purpose, 0);
    let mut number = |below: u32| (stream.unit() * below as f32) as u32;
    let mut rows = EncodedRows::default();
    for _ in 0..count {
        let label = number(2);
        let mut row: Vec<u32> = (0..number(11)).map(|_| 4 + number(VOCABULARY - 4)).collect();
        row.insert(number(row.len() as u32 + 1) as usize, 2 + label);
        rows.rows.push(row);
        rows.labels.push(label);
    }
    rows
}

/// The bytes of a dataset with so many training rows.
pub(crate) fn sample_bytes(rows: usize, seed: u64) -> Vec<u8> {
    let header = EncodedHeader {
        dataset: "sample".into(),
        classes: vec!["no".into(), "yes".into()],
        vocabulary: VOCABULARY,
        max_length: 12,
        truncation_side: "right".into(),
        tokenizer: "{}".into(),
        splits: [SplitSize::default(); 3],
    };
    let splits = [
        sample_rows(rows, seed, "train"),
        sample_rows(rows / 4 + 1, seed, "validation"),
        sample_rows(rows / 4 + 1, seed, "test"),
    ];
    encode(header, &splits)
}

/// A view of such a dataset.
pub(crate) fn sample_view(rows: usize, seed: u64) -> EncodedView<Vec<u8>> {
    EncodedView::parse(sample_bytes(rows, seed)).expect("a valid dataset")
}

/// Sorted values.
pub(crate) fn sorted(mut values: Vec<u32>) -> Vec<u32> {
    values.sort_unstable();
    values
}

//! The encoded dataset: what is read lies within every bound, and can be written and read again.

use sweep_proto::encoded::{EncodedHeader, EncodedRows, EncodedView, PADDING, Split, SplitSize, encode};

use super::seeds;
use crate::registry::Seed;

/// Bytes that a worker fetched.
pub(crate) fn view(bytes: &[u8]) {
    let view = match EncodedView::parse(bytes) {
        Ok(view) => view,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let splits = Split::ALL.map(|split| rows(&view, split));
    let again = encode(view.header().clone(), &splits);
    let again = EncodedView::parse(again.as_slice()).expect("what was written is read");
    assert_eq!(again.header(), view.header());
    assert_eq!(Split::ALL.map(|split| rows(&again, split)), splits);
}

/// All rows of a split, each within its bounds.
fn rows(view: &EncodedView<&[u8]>, split: Split) -> EncodedRows {
    let header = view.header();
    let mut all = EncodedRows::default();
    for row in 0..view.rows(split) {
        let tokens: Vec<u32> = view.tokens(split, row).collect();
        assert_eq!(tokens.len(), view.length(split, row));
        assert!((1..=header.max_length as usize).contains(&tokens.len()));
        assert!(tokens.iter().all(|token| *token != PADDING && *token < header.vocabulary));
        let label = view.label(split, row);
        assert!((label as usize) < header.classes.len());
        all.rows.push(tokens);
        all.labels.push(label);
    }
    let size = header.splits[split as usize];
    assert_eq!(size.rows, all.rows.len() as u64);
    assert_eq!(size.tokens, all.rows.iter().map(|row| row.len() as u64).sum::<u64>());
    all
}

/// A small dataset of ten tokens and two classes.
pub(crate) fn sample() -> Vec<u8> {
    let header = EncodedHeader {
        dataset: "sample".into(),
        classes: vec!["no".into(), "yes".into()],
        vocabulary: 10,
        max_length: 4,
        truncation_side: "right".into(),
        tokenizer: "{}".into(),
        splits: [SplitSize::default(); 3],
    };
    let rows = |rows: &[&[u32]], labels: &[u32]| EncodedRows {
        rows: rows.iter().map(|row| row.to_vec()).collect(),
        labels: labels.to_vec(),
    };
    let train = rows(&[&[2, 3, 9], &[1], &[4, 5]], &[1, 0, 1]);
    encode(header, &[train, rows(&[&[4], &[2, 2, 2, 2]], &[0, 1]), rows(&[&[3, 1], &[8]], &[1, 0])])
}

/// A dataset, and one without rows.
pub(crate) fn examples() -> Vec<Seed> {
    let header = EncodedView::parse(sample()).expect("valid").header().clone();
    let empty = encode(header, &[EncodedRows::default(), EncodedRows::default(), EncodedRows::default()]);
    seeds([("sample.sweepds", sample()), ("empty.sweepds", empty)])
}

//! The texts of the test examples that a report calls the hardest: as they stand in the data where they were kept when it was
//! prepared, else spelled from the encoded dataset's tokens.

use std::collections::BTreeMap;

use coordinator_dataset::Speller;
use coordinator_report::{ReportInput, hardest_rows};
use sweep_proto::Digest;
use sweep_proto::encoded::{EncodedHeader, Split};
use tonic::Status;

use super::encoded_rows::{read_header, row_tokens};
use super::{Shared, status};
use crate::blocking::blocking;

/// The texts by dataset and row of the test split. A dataset that cannot be read has none: the report says the rest.
pub(super) async fn of(shared: &Shared, input: &ReportInput) -> BTreeMap<(Digest, u64), String> {
    let mut texts = BTreeMap::new();
    for (dataset, rows) in hardest_rows(input) {
        let kept = kept(shared, dataset, rows.clone()).await;
        let rows: Vec<u64> = rows.into_iter().filter(|row| !kept.contains_key(row)).collect();
        texts.extend(kept.into_iter().map(|(row, text)| ((dataset, row), text)));
        if rows.is_empty() {
            continue;
        }
        match read(shared, dataset, &rows).await {
            Ok(read) => texts.extend(rows.into_iter().zip(read).map(|(row, text)| ((dataset, row), text))),
            Err(error) => {
                tracing::warn!(%dataset, %error, "the texts of the hardest examples cannot be read");
            }
        }
    }
    texts
}

/// The texts of some rows as they stand in the data; another coordinator over the same rows may have prepared it.
async fn kept(shared: &Shared, dataset: Digest, rows: Vec<u64>) -> BTreeMap<u64, String> {
    let cache = shared.dataset_cache.clone();
    let read = blocking(move || coordinator_dataset::test_texts(&cache, dataset, &rows)).await;
    match read.map_err(std::io::Error::other).flatten() {
        Ok(texts) => texts,
        Err(error) => {
            tracing::warn!(%dataset, %error, "the texts of a test split cannot be read");
            BTreeMap::new()
        }
    }
}

async fn read(shared: &Shared, dataset: Digest, rows: &[u64]) -> Result<Vec<String>, Status> {
    let (header, rows_at) = read_header(&shared.artifacts, dataset).await?;
    let speller = Speller::new(&header.tokenizer)
        .ok_or_else(|| status::internal("the dataset's tokenizer is not one of this program"))?;
    let mut texts = Vec::with_capacity(rows.len());
    for row in rows {
        let tokens = row_tokens(&shared.artifacts, dataset, (&header, rows_at), Split::Test, *row).await?;
        texts.push(marked(speller.spell(tokens.iter().copied()), tokens.len(), &header));
    }
    Ok(texts)
}

/// The text with a mark where it was cut to the length that the model reads.
fn marked(text: String, tokens: usize, header: &EncodedHeader) -> String {
    if tokens < header.max_length as usize {
        return text;
    }
    if header.truncation_side == "left" { format!("… {text}") } else { format!("{text} …") }
}

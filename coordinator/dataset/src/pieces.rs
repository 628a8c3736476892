//! All texts cut into pieces once; every vocabulary size and length is encoded from these.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::DatasetError;
use crate::limits::THREADS_MAX;
use crate::progress::Progress;
use crate::rows::Row;
use crate::split::Splits;
use crate::tokenizer::{Cutter, TokenizerKind, refused};

/// Texts as numbers of pieces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces {
    /// The distinct pieces, in the order in which they first stand in train, validation, test.
    pub(crate) table: Vec<String>,
    /// For each split, the pieces of each row, as indices into the table.
    pub(crate) splits: [Vec<Vec<u32>>; 3],
}

/// Rows that one thread takes at a time: small enough to share evenly.
const CHUNK_ROWS: usize = 512;

#[derive(Default)]
struct Chunk {
    table: Vec<String>,
    rows: Vec<Vec<u32>>,
}

impl Pieces {
    /// Cuts every text, on several threads; their number does not change the result.
    pub(crate) fn cut(
        kind: TokenizerKind,
        splits: &Splits,
        progress: &dyn Progress,
    ) -> Result<Self, DatasetError> {
        let total: usize = splits.iter().map(Vec::len).sum();
        progress.stage("cutting texts into tokens", Some(total as u64), false);
        let rows: Vec<&Row> = splits.iter().flatten().collect();
        let chunks = cut_chunks(kind, &rows, progress)?;
        let mut pieces = Self::default();
        let mut number: HashMap<String, u32> = HashMap::new();
        let mut row = 0;
        let ends = [splits[0].len(), splits[0].len() + splits[1].len()];
        for chunk in chunks {
            // Chunks come in the order of the rows, so that first occurrences do not depend on threads.
            let global: Vec<u32> = chunk
                .table
                .into_iter()
                .map(|piece| {
                    *number.entry(piece).or_insert_with_key(|piece| {
                        pieces.table.push(piece.clone());
                        pieces.table.len() as u32 - 1
                    })
                })
                .collect();
            for mut local in chunk.rows {
                local.iter_mut().for_each(|piece| *piece = global[*piece as usize]);
                pieces.splits[ends.iter().filter(|end| row >= **end).count()].push(local);
                row += 1;
            }
        }
        Ok(pieces)
    }

    /// How often each piece of the table stands in the training split.
    pub(crate) fn train_counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.table.len()];
        self.splits[0].iter().flatten().for_each(|piece| counts[*piece as usize] += 1);
        counts
    }
}

fn cut_chunks(
    kind: TokenizerKind,
    rows: &[&Row],
    progress: &dyn Progress,
) -> Result<Vec<Chunk>, DatasetError> {
    let next = AtomicU64::new(0);
    let done = Mutex::new((0_u64, Vec::new()));
    let work = || -> Result<(), DatasetError> {
        let cutter = Cutter::new(kind)?;
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed) as usize;
            let Some(part) = rows.get(place * CHUNK_ROWS..).filter(|part| !part.is_empty()) else {
                return Ok(());
            };
            let part = &part[..part.len().min(CHUNK_ROWS)];
            let chunk = cut_chunk(&cutter, part).map_err(|error| refused(kind, &error))?;
            if let Ok(mut done) = done.lock() {
                done.0 += part.len() as u64;
                progress.advance(done.0);
                done.1.push((place, chunk));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(THREADS_MAX);
    // What one thread takes at a time needs no second one.
    let threads = threads.min(rows.len().div_ceil(CHUNK_ROWS));
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut result = work();
        for other in others {
            let ended = other.join().unwrap_or_else(|_| Err(refused(kind, &"a thread ended early")));
            result = result.and(ended);
        }
        result
    })?;
    let (_, mut chunks) = done.into_inner().map_err(|_| refused(kind, &"a thread ended early"))?;
    chunks.sort_unstable_by_key(|(place, _)| *place);
    Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
}

fn cut_chunk(cutter: &Cutter, rows: &[&Row]) -> Result<Chunk, tokenizers::Error> {
    let mut chunk = Chunk::default();
    let mut number: HashMap<String, u32> = HashMap::new();
    for row in rows {
        let mut pieces = Vec::new();
        cutter.cut(&row.text, |piece| {
            let known = number.get(piece).copied();
            pieces.push(known.unwrap_or_else(|| {
                let new = chunk.table.len() as u32;
                chunk.table.push(piece.to_owned());
                number.insert(piece.to_owned(), new);
                new
            }));
        })?;
        chunk.rows.push(pieces);
    }
    Ok(chunk)
}

//! The embedded default: 10,605 sentences of movie reviews with mean human ratings.
//!
//! Source, licence (MIT) and citation (Hutto & Gilbert, ICWSM 2014) stand in `data/snippets/README.md`.

use std::io::Read;

use flate2::read::GzDecoder;
use sweep_proto::Digest;

use crate::error::DatasetError;
use crate::limits::CORPUS_BYTES_MAX;
use crate::rows::{Part, Place, Rows};

const PACKED: &[u8] = include_bytes!("../../data/snippets/movieReviewSnippets_GroundTruth.txt.gz");
const FILE: &str = "movieReviewSnippets_GroundTruth.txt";

/// The digest of the embedded file.
pub(crate) fn digest() -> Digest {
    Digest::of(PACKED)
}

/// Reads every sentence: `id<TAB>mean rating<TAB>text`. The label is the sign of the mean; the few
/// sentences at exactly 0 have none and are left out.
pub(crate) fn read(rows: &mut Rows) -> Result<(), DatasetError> {
    let mut bytes = Vec::new();
    GzDecoder::new(PACKED)
        .take(CORPUS_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| DatasetError::broken(FILE, format!("the embedded file is damaged: {error}")))?;
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        let place = Place { file: FILE, line: number };
        let mut fields = line.splitn(3, |byte| *byte == b'\t');
        let (Some(_), Some(rating), Some(text)) = (fields.next(), fields.next(), fields.next()) else {
            if !line.trim_ascii().is_empty() {
                rows.reject(place, "the line has fewer than three columns")?;
            }
            continue;
        };
        let rating = std::str::from_utf8(rating).ok().and_then(|rating| rating.trim().parse::<f64>().ok());
        match rating {
            Some(rating) if rating > 0.0 => rows.push(place, Part::Train, b"positive", text)?,
            Some(rating) if rating < 0.0 => rows.push(place, Part::Train, b"negative", text)?,
            Some(_) => rows.leave_out("its mean rating is exactly 0, neither positive nor negative", 1),
            None => rows.reject(place, "the rating is not a number")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_sentences_are_all_there() {
        let mut rows = Rows::new("snippets");
        read(&mut rows).expect("embedded");
        rows.finish().expect("single labels");
        assert_eq!(rows.classes, ["negative", "positive"]);
        let positive = rows.train.iter().filter(|row| row.label == 1).count();
        assert_eq!((rows.train.len() - positive, positive, rows.bad.count), (5326, 5242, 0));
        assert!(rows.train.iter().any(|row| row.text.contains("clichés")), "decoded as UTF-8");
    }
}

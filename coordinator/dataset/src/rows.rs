//! Where readers put rows: good ones are kept, bad ones counted with their place.

use std::collections::HashMap;

use sweep_proto::encoded::Split;

use crate::error::{DatasetError, shortened};
use crate::limits::{
    BAD_ROWS_LISTED, BAD_ROWS_SHOWN, CLASSES_MAX, CORPUS_BYTES_MAX, LABEL_BYTES_MAX, ROWS_MAX, TEXT_BYTES_MAX,
};
use crate::summary::{BadRow, BadRows};

/// The part of the source that a row stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// To be split into train, validation and, where no part is `Test`, test.
    Train,
    /// The source's own test split.
    Test,
}

impl Part {
    /// The part that a folder of this name holds.
    pub(crate) fn from_folder(name: &str) -> Option<Self> {
        [(Part::Train, Split::Train), (Part::Test, Split::Test)]
            .into_iter()
            .find_map(|(part, split)| (split.name() == name).then_some(part))
    }
}

/// One usable row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its text, without surrounding white space, not empty.
    pub(crate) text: String,
    /// Its class, as an index into [`Rows::classes`].
    pub(crate) label: u32,
}

/// All rows of a source.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The dataset's name.
    pub(crate) name: String,
    /// Class names as first seen; [`Rows::sort_classes`] brings them in order.
    pub(crate) classes: Vec<String>,
    /// Rows of the training part.
    pub(crate) train: Vec<Row>,
    /// Rows of the source's own test part.
    pub(crate) test: Vec<Row>,
    /// Unusable rows.
    pub(crate) bad: BadRows,
    class_of: HashMap<String, u32>,
    text_bytes: u64,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The file's name.
    pub(crate) file: &'a str,
    /// The line, from 1.
    pub(crate) line: u64,
}

impl Rows {
    /// No rows yet.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes a row in, or counts it as bad. An error only where the whole source is hopeless.
    pub(crate) fn push(
        &mut self,
        place: Place<'_>,
        part: Part,
        label: &[u8],
        text: &[u8],
    ) -> Result<(), DatasetError> {
        let (text, label) = match (std::str::from_utf8(text), std::str::from_utf8(label)) {
            (Ok(text), Ok(label)) => (text.trim(), label.trim()),
            (Err(_), _) => return self.reject(place, "the text is not UTF-8"),
            (_, Err(_)) => return self.reject(place, "the label is not UTF-8"),
        };
        if label.is_empty() {
            return self.reject(place, "the label is missing");
        }
        if text.is_empty() {
            return self.reject(place, "the text is empty");
        }
        if label.len() > LABEL_BYTES_MAX {
            return self.reject(place, "the label is longer than 256 bytes");
        }
        if text.len() > TEXT_BYTES_MAX {
            return self.reject(place, "the text is longer than 1 MiB");
        }
        self.text_bytes += text.len() as u64;
        if self.text_bytes > CORPUS_BYTES_MAX {
            return Err(DatasetError::unsuitable(
                &self.name,
                "its texts have more than 4 GiB together; give a smaller file",
            ));
        }
        self.bound_rows()?;
        let label = self.class(label)?;
        let rows = if part == Part::Train { &mut self.train } else { &mut self.test };
        rows.push(Row { text: text.to_owned(), label });
        Ok(())
    }

    /// Counts a bad row.
    pub(crate) fn reject(&mut self, place: Place<'_>, reason: &str) -> Result<(), DatasetError> {
        self.bad.count += 1;
        *self.bad.reasons.entry(reason.to_owned()).or_default() += 1;
        if self.bad.first.len() < BAD_ROWS_SHOWN {
            self.bad.first.push(BadRow {
                file: shortened(place.file, 200),
                line: place.line,
                reason: reason.to_owned(),
            });
        }
        self.bound_rows()
    }

    fn bound_rows(&self) -> Result<(), DatasetError> {
        if self.total() <= ROWS_MAX {
            return Ok(());
        }
        Err(DatasetError::unsuitable(&self.name, "it has more than 100 million rows; give a smaller file"))
    }

    fn class(&mut self, label: &str) -> Result<u32, DatasetError> {
        if let Some(class) = self.class_of.get(label) {
            return Ok(*class);
        }
        if self.classes.len() == CLASSES_MAX {
            return Err(DatasetError::unsuitable(
                &self.name,
                format!(
                    "more than {CLASSES_MAX} different labels (such as \"{}\"); is this the right label column?",
                    shortened(label, 40)
                ),
            ));
        }
        let class = self.classes.len() as u32;
        self.classes.push(label.to_owned());
        self.class_of.insert(label.to_owned(), class);
        Ok(class)
    }

    /// Rows, good and bad.
    pub(crate) fn total(&self) -> u64 {
        self.bad.count + self.train.len() as u64 + self.test.len() as u64
    }

    /// Refuses the source where too many of its rows are bad.
    pub(crate) fn check_bad_share(&self, allowed: f64) -> Result<(), DatasetError> {
        let (bad, total) = (self.bad.count, self.total());
        if bad == 0 || bad as f64 <= allowed * total as f64 {
            return Ok(());
        }
        let listed = self.bad.first.iter().take(BAD_ROWS_LISTED).map(|row| format!("    {row}\n")).collect();
        Err(DatasetError::TooManyBadRows {
            name: self.name.clone(),
            bad,
            total,
            share: 100.0 * bad as f64 / total as f64,
            allowed: 100.0 * allowed,
            listed,
        })
    }

    /// Brings the classes in order: as numbers where all are numbers, else by name.
    pub(crate) fn sort_classes(&mut self) {
        let number = |name: &String| name.parse::<f64>().ok().filter(|number| number.is_finite());
        let numeric = self.classes.iter().all(|name| number(name).is_some());
        let mut order: Vec<u32> = (0..self.classes.len() as u32).collect();
        order.sort_by(|left, right| {
            let (left, right) = (&self.classes[*left as usize], &self.classes[*right as usize]);
            let by_number = number(left).unwrap_or(0.0).total_cmp(&number(right).unwrap_or(0.0));
            if numeric { by_number.then_with(|| left.cmp(right)) } else { left.cmp(right) }
        });
        let mut rank = vec![0_u32; order.len()];
        for (place, class) in order.iter().enumerate() {
            rank[*class as usize] = place as u32;
        }
        for row in self.train.iter_mut().chain(&mut self.test) {
            row.label = rank[row.label as usize];
        }
        self.classes = order.iter().map(|class| self.classes[*class as usize].clone()).collect();
        self.class_of = self.classes.iter().cloned().zip(0..).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(labels: &[&str]) -> Rows {
        let mut rows = Rows::new("sample");
        for (label, line) in labels.iter().zip(1..) {
            let place = Place { file: "sample", line };
            rows.push(place, Part::Train, label.as_bytes(), b"text").expect("few rows");
        }
        rows.sort_classes();
        rows
    }

    #[test]
    fn numeric_labels_are_sorted_as_numbers_and_others_by_name() {
        assert_eq!(rows(&["10", "9", "-1"]).classes, ["-1", "9", "10"]);
        assert_eq!(rows(&["10", "9", "b", "a"]).classes, ["10", "9", "a", "b"]);
        let labels: Vec<_> = rows(&["10", "9", "10"]).train.iter().map(|row| row.label).collect();
        assert_eq!(labels, [1, 0, 1]);
    }

    #[test]
    fn unusable_rows_are_counted_with_their_place() {
        let mut rows = Rows::new("sample");
        let place = |line| Place { file: "a.csv", line };
        for (line, (label, text)) in (2..).zip([(" ", "x"), ("1", "  "), ("1", "\u{feff}x"), ("1", "ok")]) {
            rows.push(place(line), Part::Train, label.as_bytes(), text.as_bytes()).expect("few rows");
        }
        rows.push(place(6), Part::Train, b"1", b"caf\xe9").expect("few rows");
        assert_eq!((rows.bad.count, rows.train.len()), (3, 2));
        assert_eq!(rows.bad.first[2].to_string(), "a.csv:6: the text is not UTF-8");
        assert!(rows.check_bad_share(0.6).is_ok());
        let message = rows.check_bad_share(0.5).expect_err("3 of 5").to_string();
        assert!(
            message.contains("3 of 5 rows") && message.contains("a.csv:2: the label is missing"),
            "{message}"
        );
    }

    #[test]
    fn too_many_classes_ask_for_the_column() {
        let mut rows = Rows::new("sample");
        let failed = (0..=CLASSES_MAX).find_map(|id| {
            rows.push(Place { file: "a", line: 1 }, Part::Train, id.to_string().as_bytes(), b"x").err()
        });
        assert!(failed.expect("refused").to_string().contains("is this the right label column?"));
    }
}

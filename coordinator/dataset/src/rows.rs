//! Where readers put rows: good ones are kept, bad ones counted with their place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sweep_proto::data_account::{BadRow, BadRows, FileAccount};
use sweep_proto::encoded::Split;
use sweep_proto::{HtmlBreaks, Reading};

use crate::error::{DatasetError, shortened};
use crate::file_rows::{FileRows, NOT_ENCODED, NOT_UTF8, TextOrigin, reasons};
use crate::labels::{Labels, Meaning};
use crate::limits::{
    BAD_ROWS_SHOWN, CLASSES_MAX, CORPUS_BYTES_MAX, FILES_TOLD_MAX, ROWS_MAX, TEXT_BYTES_MAX,
};
use crate::markup::without_breaks;

/// Notes kept of one file.
const NOTES_MAX: usize = 10;

/// The part of the source that a row stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// To be split into train, and into what the source has no part of its own for.
    Train,
    /// The source's own validation split.
    Validation,
    /// The source's own test split.
    Test,
}

impl Part {
    /// The names that the folders and files of each part have.
    const NAMES: [(&str, Part); 8] = [
        ("train", Part::Train),
        ("training", Part::Train),
        ("validation", Part::Validation),
        ("valid", Part::Validation),
        ("val", Part::Validation),
        ("dev", Part::Validation),
        ("test", Part::Test),
        ("testing", Part::Test),
    ];

    /// The part that a folder of this name holds.
    pub(crate) fn from_folder(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::NAMES.into_iter().find_map(|(known, part)| (known == name).then_some(part))
    }

    /// The part that a file of this name holds: its name begins with that of the part.
    pub(crate) fn from_file(name: &str) -> Option<Self> {
        Self::from_folder(name.split(|one: char| !one.is_ascii_alphabetic()).next().unwrap_or_default())
    }

    /// The split that its rows go to.
    pub(crate) fn split(self) -> Split {
        match self {
            Part::Train => Split::Train,
            Part::Validation => Split::Validation,
            Part::Test => Split::Test,
        }
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
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    /// The dataset's name.
    pub(crate) name: String,
    /// Class names; [`Rows::finish`] settles and orders them.
    pub(crate) classes: Vec<String>,
    /// Rows of the training part.
    pub(crate) train: Vec<Row>,
    /// Rows of the source's own validation part.
    pub(crate) validation: Vec<Row>,
    /// Rows of the source's own test part.
    pub(crate) test: Vec<Row>,
    /// Unusable rows.
    pub(crate) bad: BadRows,
    /// Usable rows that no split gets, by reason.
    pub(crate) left_out: BTreeMap<String, u64>,
    /// What may make the results mean something else than intended.
    pub(crate) warnings: Vec<String>,
    /// Labels that only unusable rows have.
    lost: Vec<String>,
    files: Vec<FileRows>,
    labels: Labels,
    /// Where each class, by its name, first stands in the source's own validation and test parts.
    first_places: BTreeMap<String, String>,
    /// The same by number, while rows come.
    places: BTreeMap<u32, String>,
    html_breaks: bool,
    /// How the present file became text.
    text: TextOrigin,
    texts_with_nul: u64,
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
    /// No rows yet, to be read as they stand.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// No rows yet, to be read as the settings say; `html_breaks` is what the dataset's own reader does.
    pub(crate) fn reading(name: &str, reading: &Reading, html_breaks: HtmlBreaks) -> Self {
        let breaks = reading.html_breaks.unwrap_or(html_breaks);
        let labels = Labels::new(reading);
        Self { labels, html_breaks: breaks == HtmlBreaks::Space, ..Self::new(name) }
    }

    /// Says how the text of the present file came about: its encoding, whether it was converted from that, and the
    /// encoding that lines which are not UTF-8 are likely in.
    pub(crate) fn set_encoding(
        &mut self,
        encoding: &'static str,
        is_converted: bool,
        likely: Option<&'static str>,
    ) {
        if is_converted {
            self.note(format!("converted from {encoding}"));
        }
        let converted_from = is_converted.then_some(encoding);
        self.text = TextOrigin { converted_from, likely, is_always_utf8: false };
    }

    /// Says that the present file's format has text in UTF-8 alone.
    pub(crate) fn set_always_utf8(&mut self) {
        self.text = TextOrigin { is_always_utf8: true, ..TextOrigin::default() };
    }

    /// Tells what may make the results mean something else than intended, once.
    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if self.warnings.len() < NOTES_MAX && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Begins a file or folder, or another part of it: the rows that follow are counted for it.
    pub(crate) fn enter(&mut self, part: Part, file: &str) {
        let name =
            if self.files.len() < FILES_TOLD_MAX { shortened(file, 200) } else { "further files".into() };
        let split = part.split().name();
        let is_it = |one: &FileRows| one.account.file == name && one.account.split == split;
        // The last one is the present one.
        let entered = match self.files.iter().position(is_it) {
            Some(place) => self.files.remove(place),
            None => FileRows::of(name, split),
        };
        self.files.push(entered);
    }

    /// Tells something of the present file.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let file = self.present(None);
        let note = note.into();
        if file.account.notes.len() < NOTES_MAX && !file.account.notes.contains(&note) {
            file.account.notes.push(note);
        }
    }

    /// Counts rows that are usable and that no split gets.
    pub(crate) fn leave_out(&mut self, reason: &str, rows: u64) {
        if rows > 0 {
            *self.left_out.entry(reason.to_owned()).or_default() += rows;
        }
    }

    /// The present file, or its part of this kind.
    fn present(&mut self, part: Option<Part>) -> &mut FileRows {
        let split = part.map(|part| part.split().name());
        let is_present = |last: &FileRows| split.is_none_or(|split| last.account.split == split);
        if !self.files.last().is_some_and(is_present) {
            let name = self.files.last().map_or_else(|| self.name.clone(), |last| last.account.file.clone());
            self.enter(part.unwrap_or(Part::Train), &name);
        }
        let last = self.files.len() - 1;
        &mut self.files[last]
    }

    /// What was read, file by file.
    pub(crate) fn files(&self) -> Vec<FileAccount> {
        self.files.iter().map(|file| file.account.clone()).collect()
    }

    /// Whether the source has a part of its own for a split, be it empty.
    pub(crate) fn has_part(&self, part: Part) -> bool {
        self.files.iter().any(|file| file.account.split == part.split().name())
    }

    /// Takes a row in, or counts it as bad. An error only where the whole source is hopeless.
    pub(crate) fn push(
        &mut self,
        place: Place<'_>,
        part: Part,
        label: &[u8],
        text: &[u8],
    ) -> Result<(), DatasetError> {
        self.present(Some(part));
        let Ok(label) = std::str::from_utf8(label) else {
            return self.reject(place, "the label is not UTF-8");
        };
        let label = label.trim();
        let class = match self.labels.meaning(&self.name, label)? {
            Meaning::Class(class) => class,
            Meaning::Missing(reason) => return self.reject(place, &reason),
            Meaning::Unusable(reason) => return self.reject(place, reason),
            Meaning::Dropped => {
                self.leave_out(&format!("its label \"{}\" is dropped", shortened(label, 60)), 1);
                return Ok(());
            }
        };
        let Ok(text) = std::str::from_utf8(text) else {
            return self.reject_of(place, label, NOT_UTF8);
        };
        if let Some(encoding) = self.text.converted_from
            && (text.contains(char::REPLACEMENT_CHARACTER) || label.contains(char::REPLACEMENT_CHARACTER))
        {
            return self.reject_of(place, label, &format!("{NOT_ENCODED}{encoding}"));
        }
        let text = self.tidied(text);
        let text = text.trim();
        if text.is_empty() {
            return self.reject_of(place, label, "the text is empty");
        }
        if matches!(text, "NaN" | "nan") {
            return self.reject_of(place, label, "the text is missing (\"NaN\")");
        }
        if text.len() > TEXT_BYTES_MAX {
            return self.reject_of(place, label, "the text is longer than 1 MiB");
        }
        self.text_bytes += text.len() as u64;
        if self.text_bytes > CORPUS_BYTES_MAX {
            return Err(DatasetError::unsuitable(
                &self.name,
                "its texts have more than 4 GiB together; give a smaller file",
            ));
        }
        self.bound_rows()?;
        if part != Part::Train && !self.places.contains_key(&class) {
            self.places.insert(class, format!("{}:{}", shortened(place.file, 200), place.line));
        }
        let rows = match part {
            Part::Train => &mut self.train,
            Part::Validation => &mut self.validation,
            Part::Test => &mut self.test,
        };
        rows.push(Row { text: text.to_owned(), label: class });
        self.present(Some(part)).account.rows += 1;
        Ok(())
    }

    /// The text without what cannot be shown or is only markup.
    fn tidied<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        if text.contains('\0') {
            self.texts_with_nul += 1;
            text = Cow::Owned(text.replace('\0', " "));
        }
        if self.html_breaks && text.contains('<') {
            text = Cow::Owned(without_breaks(&text));
        }
        text
    }

    /// Counts a bad row whose label can be read.
    fn reject_of(&mut self, place: Place<'_>, label: &str, reason: &str) -> Result<(), DatasetError> {
        if self.bad.classes.len() < CLASSES_MAX || self.bad.classes.contains_key(label) {
            *self.bad.classes.entry(label.to_owned()).or_default() += 1;
        }
        self.reject(place, reason)
    }

    /// Counts a bad row.
    pub(crate) fn reject(&mut self, place: Place<'_>, reason: &str) -> Result<(), DatasetError> {
        let row = BadRow { file: shortened(place.file, 200), line: place.line, reason: reason.to_owned() };
        let text = self.text;
        self.present(None).reject(&row, text);
        self.bad.count += 1;
        *self.bad.reasons.entry(reason.to_owned()).or_default() += 1;
        if self.bad.first.len() < BAD_ROWS_SHOWN {
            self.bad.first.push(row);
        }
        self.bound_rows()
    }

    fn bound_rows(&self) -> Result<(), DatasetError> {
        if self.total() <= ROWS_MAX {
            return Ok(());
        }
        Err(DatasetError::unsuitable(&self.name, "it has more than 100 million rows; give a smaller file"))
    }

    /// Rows, good and bad.
    pub(crate) fn total(&self) -> u64 {
        [&self.train, &self.validation, &self.test].iter().map(|rows| rows.len() as u64).sum::<u64>()
            + self.bad.count
    }

    /// Refuses the source where too many rows of one of its files are bad: a small file must not hide in a large one.
    pub(crate) fn check_bad_share(&self, allowed: f64) -> Result<(), DatasetError> {
        let is_too_bad = |file: &&FileRows| {
            let FileAccount { rows, unusable, .. } = file.account;
            unusable as f64 > allowed * (rows + unusable) as f64
        };
        let Some(file) = self.files.iter().find(is_too_bad) else { return Ok(()) };
        let FileAccount { rows, unusable, .. } = file.account;
        let total = rows + unusable;
        Err(DatasetError::TooManyBadRows {
            name: file.account.file.clone(),
            bad: unusable,
            total,
            share: 100.0 * unusable as f64 / total as f64,
            allowed: 100.0 * allowed,
            listed: file.first.iter().map(|row| format!("    {row}\n")).collect(),
            remedy: file.remedy(),
        })
    }

    /// The file, the first of several, that the rows of a split were read from, where the source names one for it.
    pub(crate) fn own_file(&self, split: Split) -> Option<&str> {
        let of_split = self.files.iter().find(|file| file.account.split == split.name());
        of_split.map(|file| file.account.file.as_str())
    }

    /// Refuses a part that the source names and that has no usable row: nothing else may stand in for it.
    pub(crate) fn check_named_parts(&self) -> Result<(), DatasetError> {
        for (part, rows) in [(Part::Validation, &self.validation), (Part::Test, &self.test)] {
            let split = part.split().name();
            let of_part: Vec<_> = self.files.iter().filter(|file| file.account.split == split).collect();
            let Some(file) = of_part.first().filter(|_| rows.is_empty()) else { continue };
            let unusable: u64 = of_part.iter().map(|file| file.account.unusable).sum();
            let found = match unusable {
                0 => "it has no row at all".to_owned(),
                _ => format!("none of its {unusable} rows is usable: {}", reasons(&of_part)),
            };
            let reason = format!(
                "it is the {split} data, and {found}; mend it, name another file, or name none: then the {split} split \
                 is drawn from the training rows"
            );
            return Err(DatasetError::unsuitable(&file.account.file, reason));
        }
        Ok(())
    }

    /// Labels that only unusable rows have.
    pub(crate) fn lost_classes(&self) -> Vec<String> {
        self.lost.clone()
    }

    /// Where a class first stands in the source's own validation and test parts: file and row.
    pub(crate) fn first_place(&self, class: &str) -> Option<&str> {
        self.first_places.get(class).map(String::as_str)
    }

    /// Ends reading: checks the labels as a whole, names the classes and brings them in order.
    ///
    /// # Errors
    /// Several labels for one text.
    pub(crate) fn finish(&mut self) -> Result<(), DatasetError> {
        self.labels.check_single(&self.name)?;
        for remark in self.labels.remarks() {
            self.note(remark);
        }
        for warning in self.labels.unmet().into_iter().chain(self.labels.warnings()) {
            self.warn(warning);
        }
        if self.texts_with_nul > 0 {
            self.note(format!("{} texts hold NUL bytes, which are read as spaces", self.texts_with_nul));
        }
        self.classes = self.labels.names();
        let named = std::mem::take(&mut self.places).into_iter();
        self.first_places =
            named.map(|(class, place)| (self.classes[class as usize].clone(), place)).collect();
        self.drop_empty_classes();
        self.sort_classes();
        Ok(())
    }

    /// Removes the classes of which no row is usable.
    fn drop_empty_classes(&mut self) {
        let mut used = vec![false; self.classes.len()];
        let rows = || self.train.iter().chain(&self.validation).chain(&self.test);
        rows().for_each(|row| used[row.label as usize] = true);
        let number: Vec<u32> = used
            .iter()
            .scan(0, |next, used| {
                let number = *next;
                *next += u32::from(*used);
                Some(number)
            })
            .collect();
        for row in self.train.iter_mut().chain(&mut self.validation).chain(&mut self.test) {
            row.label = number[row.label as usize];
        }
        let (kept, lost): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.classes).into_iter().zip(used).partition(|(_, used)| *used);
        self.classes = kept.into_iter().map(|(class, _)| class).collect();
        self.lost = lost.into_iter().map(|(class, _)| class).collect();
    }

    /// Brings the classes in order: as numbers where all are numbers, else by name.
    fn sort_classes(&mut self) {
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
        for row in self.train.iter_mut().chain(&mut self.validation).chain(&mut self.test) {
            row.label = rank[row.label as usize];
        }
        self.classes = order.iter().map(|class| self.classes[*class as usize].clone()).collect();
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
        rows.finish().expect("single labels");
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
    fn the_limit_holds_for_each_file_by_itself() {
        let mut rows = Rows::new("sample");
        let mut push = |part, file: &str, texts: &[(&str, u64)]| {
            rows.enter(part, file);
            for (text, count) in texts {
                for line in 1..=*count {
                    rows.push(Place { file, line }, part, b"spam", text.as_bytes()).expect("few rows");
                }
            }
        };
        push(Part::Train, "train.csv", &[("good", 990), (" ", 2)]);
        push(Part::Test, "test.csv", &[("good", 7), ("", 3)]);
        assert!(rows.check_bad_share(0.3).is_ok() && rows.check_named_parts().is_ok());
        let message = rows.check_bad_share(0.29).expect_err("3 of 10").to_string();
        assert!(message.starts_with("test.csv: 3 of 10 rows are unusable (30.0 %"), "{message}");
        assert!(
            message.contains("test.csv:3: the text is empty") && !message.contains("train.csv"),
            "{message}"
        );
        let counted: Vec<_> = rows.files().iter().map(|file| (file.rows, file.unusable)).collect();
        assert_eq!((counted, rows.bad.classes["spam"]), (vec![(990, 2), (7, 3)], 5));
    }

    #[test]
    fn a_part_that_was_named_is_never_replaced() {
        let mut rows = Rows::new("sample");
        rows.push(Place { file: "a", line: 2 }, Part::Train, b"spam", b"good").expect("few rows");
        assert!(rows.check_named_parts().is_ok());
        rows.enter(Part::Test, "test.csv");
        let message = rows.check_named_parts().expect_err("no row").to_string();
        assert!(message.starts_with("test.csv: it is the test data, and it has no row at all"), "{message}");
        rows.push(Place { file: "test.csv", line: 2 }, Part::Test, b"", b"good").expect("few rows");
        rows.push(Place { file: "test.csv", line: 3 }, Part::Test, b"eggs", b"").expect("few rows");
        let message = rows.check_named_parts().expect_err("no usable row").to_string();
        assert!(
            message.contains("none of its 2 rows is usable: the label is missing (1), the text is empty (1)"),
            "{message}"
        );
        rows.finish().expect("single labels");
        assert_eq!(rows.lost_classes(), ["eggs"]);
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

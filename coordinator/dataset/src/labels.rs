//! What a label of a source means: which spellings are one class, which are missing, which are dropped or renamed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sweep_proto::Reading;
use unicode_normalization::UnicodeNormalization;

use crate::error::{DatasetError, nearest, shortened};
use crate::limits::{CLASSES_MAX, LABEL_BYTES_MAX, LABEL_SPELLINGS_MAX};

/// Spellings of "no value" that programs write; what people write as a class (`none`, `n/a`) is not among them.
const MISSING: [&str; 11] =
    ["NaN", "nan", "NAN", "-nan", "-NaN", "None", "null", "NULL", "<NA>", "#N/A", "NaT"];
/// Spellings of a class that a remark lists.
const SPELLINGS_SHOWN: usize = 5;
/// Separators by which several labels are written in one cell.
const SEPARATORS: [char; 3] = ['|', ';', ','];
/// Largest share of rows with several labels in one cell that may be an accident of names.
const SEVERAL_SHARE_MAX: f64 = 0.05;

/// What one spelling of a label means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A class, by its number.
    Class(u32),
    /// No label, and why.
    Missing(String),
    /// Its rows are left out, as the settings say.
    Dropped,
    /// It cannot be a label, and why.
    Unusable(&'static str),
}

/// The labels of a source as they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    renamed: HashMap<String, Setting>,
    dropped: HashMap<String, Setting>,
    known: HashMap<String, (Meaning, usize)>,
    classes: Vec<Class>,
    class_of: HashMap<String, u32>,
}

/// What the settings say of one label.
#[derive(Clone, Debug)]
struct Setting {
    /// The label as the settings write it.
    written: String,
    /// The name of its class; its own where it is dropped.
    class: String,
    /// Whether a row has the label.
    is_met: bool,
}

impl Setting {
    fn new(written: &str, class: &str) -> (String, Self) {
        (key(&cleaned(written)), Self { written: written.to_owned(), class: class.to_owned(), is_met: false })
    }
}

#[derive(Clone, Debug, Default)]
struct Class {
    /// How it was written.
    spellings: Vec<Spelling>,
    /// Whether its name was given by the settings.
    is_named: bool,
}

/// One way in which a class was written.
#[derive(Clone, Debug)]
struct Spelling {
    /// As it stands in the data.
    written: String,
    /// The name that it gives the class.
    name: String,
    rows: u64,
}

impl Labels {
    /// Labels that are read as the settings say.
    pub(crate) fn new(reading: &Reading) -> Self {
        let renamed = reading.labels.iter().map(|(label, class)| Setting::new(label, class));
        let dropped = reading.labels_dropped.iter().map(|label| Setting::new(label, label));
        Self { renamed: renamed.collect(), dropped: dropped.collect(), ..Self::default() }
    }

    /// What a label means; counts it.
    ///
    /// # Errors
    /// More classes, or more spellings, than a classifier can have.
    pub(crate) fn meaning(&mut self, dataset: &str, label: &str) -> Result<Meaning, DatasetError> {
        if !self.known.contains_key(label) {
            if label.len() > LABEL_BYTES_MAX {
                return Ok(Meaning::Unusable("the label is longer than 256 bytes"));
            }
            let meaning = self.found(dataset, label)?;
            self.known.insert(label.to_owned(), meaning);
        }
        let Some((meaning, spelling)) = self.known.get(label) else {
            return Ok(Meaning::Unusable("the label is missing"));
        };
        if let Meaning::Class(class) = meaning {
            self.classes[*class as usize].spellings[*spelling].rows += 1;
        }
        Ok(meaning.clone())
    }

    fn found(&mut self, dataset: &str, label: &str) -> Result<(Meaning, usize), DatasetError> {
        let clean = cleaned(label);
        let own_key = key(&clean);
        if let Some(setting) = self.dropped.get_mut(&own_key) {
            setting.is_met = true;
            return Ok((Meaning::Dropped, 0));
        }
        let renamed = self.renamed.get_mut(&own_key).map(|setting| {
            setting.is_met = true;
            setting.class.clone()
        });
        if renamed.is_none() && clean.is_empty() {
            return Ok((Meaning::Missing("the label is missing".to_owned()), 0));
        }
        if renamed.is_none() && MISSING.contains(&clean.as_str()) {
            return Ok((Meaning::Missing(format!("the label is missing (\"{clean}\")")), 0));
        }
        let is_named = renamed.is_some();
        let name = renamed.unwrap_or(clean);
        let key = key(&name);
        if self.known.len() >= LABEL_SPELLINGS_MAX
            || (self.classes.len() >= CLASSES_MAX && !self.class_of.contains_key(&key))
        {
            return Err(DatasetError::unsuitable(
                dataset,
                format!(
                    "more than {CLASSES_MAX} different labels (such as \"{}\"); is this the right label column?",
                    shortened(&name, 40)
                ),
            ));
        }
        let next = self.classes.len() as u32;
        let class = *self.class_of.entry(key).or_insert(next);
        if class == next {
            self.classes.push(Class::default());
        }
        let known = &mut self.classes[class as usize];
        known.is_named |= is_named;
        known.spellings.push(Spelling { written: label.to_owned(), name, rows: 0 });
        let spelling = known.spellings.len() - 1;
        Ok((Meaning::Class(class), spelling))
    }

    /// The name of each class: its most common spelling, the first seen of equals.
    pub(crate) fn names(&self) -> Vec<String> {
        let name =
            |class: &Class| class.most_common().map(|spelling| spelling.name.clone()).unwrap_or_default();
        self.classes.iter().map(name).collect()
    }

    /// Refuses a source in which cells hold several labels.
    ///
    /// # Errors
    /// [`DatasetError::Unsuitable`] naming an example.
    pub(crate) fn check_single(&self, dataset: &str) -> Result<(), DatasetError> {
        let rows: u64 = self.classes.iter().map(Class::rows).sum();
        let names = self.names();
        let several = |separator: Option<char>| -> (u64, Option<&String>) {
            let cells = self.classes.iter().zip(&names).filter(|(class, name)| {
                !class.is_named
                    && parts(name, separator).is_some_and(|parts| self.are_labels(&parts, separator))
            });
            cells.fold((0, None), |(rows, first), (class, name)| (rows + class.rows(), first.or(Some(name))))
        };
        let separators = std::iter::once(None).chain(SEPARATORS.map(Some));
        for separator in separators {
            if let (count, Some(example)) = several(separator)
                && count as f64 > SEVERAL_SHARE_MAX * rows as f64
            {
                return Err(several_labels(dataset, example));
            }
        }
        Ok(())
    }

    /// Whether the parts of a cell are labels of other cells, too. A list in brackets and a bar mean nothing else.
    fn are_labels(&self, parts: &[&str], separator: Option<char>) -> bool {
        if separator.is_none_or(|separator| separator == '|') {
            return true;
        }
        parts.iter().all(|part| self.class_of.contains_key(&key(&cleaned(part))))
    }

    /// Which spellings were taken as one class.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for class in self.classes.iter().filter(|class| !class.is_named) {
            let Some(most) = class.most_common() else { continue };
            let others = class.spellings.iter().filter(|spelling| spelling.written != most.written);
            let others: Vec<_> = others
                .take(SPELLINGS_SHOWN)
                .map(|one| format!("\"{}\" ({} rows)", one.written.escape_debug(), one.rows))
                .collect();
            if !others.is_empty() {
                remarks.push(format!("the class \"{}\" is also written {}", most.name, others.join(", ")));
            }
        }
        remarks
    }

    /// Which labels the settings speak of that no row has, with the label that may be meant.
    pub(crate) fn unmet(&self) -> Vec<String> {
        let own: Vec<&str> = self
            .classes
            .iter()
            .filter(|class| !class.is_named)
            .filter_map(|class| class.most_common().map(|most| most.name.as_str()))
            .collect();
        let unmet = |key: &'static str, settings: &HashMap<String, Setting>| {
            let labels = settings.values().filter(|setting| !setting.is_met);
            let labels: BTreeSet<&str> = labels.map(|setting| setting.written.as_str()).collect();
            let told = labels.into_iter().map(|label| {
                let meant = nearest(label, own.iter().copied());
                format!("`{key}` names the label \"{}\", which no row has{meant}", shortened(label, 60))
            });
            told.collect::<Vec<_>>()
        };
        [unmet("labels", &self.renamed), unmet("labels_dropped", &self.dropped)].concat()
    }

    /// Which classes look alike.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (class, name) in self.classes.iter().zip(self.names()) {
            if name.chars().any(char::is_alphabetic) {
                let folded: String =
                    name.to_lowercase().chars().filter(|one| one.is_alphanumeric()).collect();
                alike.entry(folded).or_default().push(format!("\"{name}\" ({} rows)", class.rows()));
            }
        }
        let warning = |names: Vec<String>| {
            format!(
                "the classes {} differ only in case, spaces or marks; if they are one, name it under [data.labels]",
                names.join(", ")
            )
        };
        alike.into_values().filter(|names| names.len() > 1).map(warning).collect()
    }
}

impl Class {
    fn rows(&self) -> u64 {
        self.spellings.iter().map(|spelling| spelling.rows).sum()
    }

    /// The spelling of most rows, the first seen of equals.
    fn most_common(&self) -> Option<&Spelling> {
        self.spellings.iter().rev().max_by_key(|spelling| spelling.rows)
    }
}

/// The refusal of data with several labels for one text.
pub(crate) fn several_labels(dataset: &str, example: &str) -> DatasetError {
    DatasetError::unsuitable(
        dataset,
        format!(
            "texts have several labels each (such as \"{}\"); multi-label data is not supported: give a column \
             with one label per text, or name such a label under [data.labels]",
            shortened(example, 60)
        ),
    )
}

/// The labels of a cell that holds several: a list in brackets, or parts between separators.
fn parts(cell: &str, separator: Option<char>) -> Option<Vec<&str>> {
    let (inner, separator) = match separator {
        None => (cell.strip_prefix('[')?.strip_suffix(']')?, ','),
        Some(separator) => (cell, separator),
    };
    let parts: Vec<_> = inner.split(separator).map(str::trim).collect();
    (parts.len() > 1 && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

/// A label without what nobody sees: composed, white space single and only inside, no invisible characters.
pub(crate) fn cleaned(label: &str) -> String {
    let is_plain = label.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain {
        return label.to_owned();
    }
    // Joiners form words of some scripts: they go at the ends alone.
    let visible: String = label
        .nfc()
        .filter(|one| {
            !matches!(one, '\u{AD}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2060}' | '\u{FEFF}')
        })
        .map(|one| if one == '\0' { ' ' } else { one })
        .collect();
    let words: Vec<_> = visible.split_whitespace().collect();
    words.join(" ").trim_matches(['\u{200C}', '\u{200D}']).to_owned()
}

/// What two spellings of one label share: the same number, the same truth value, else the same text.
fn key(clean: &str) -> String {
    if let Some(number) = number(clean) {
        return number;
    }
    if clean.eq_ignore_ascii_case("true") || clean.eq_ignore_ascii_case("false") {
        return clean.to_ascii_lowercase();
    }
    clean.to_owned()
}

/// A decimal number in one spelling: sign, digits and power of ten. Numbers with leading zeros are codes, not numbers.
fn number(text: &str) -> Option<String> {
    const DIGITS_MAX: usize = 40;
    let (is_negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_code = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || is_code || !are_digits(whole) || !are_digits(fraction) || text.len() > DIGITS_MAX {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let power = i64::from(exponent) - fraction.len() as i64 + (digits.len() - significant.len()) as i64;
    Some(format!("{}{significant}e{power}", if is_negative { "-" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(written: &[&str], reading: &Reading) -> (Vec<Meaning>, Vec<String>, Vec<String>) {
        let mut labels = Labels::new(reading);
        let meanings = written.iter().map(|one| labels.meaning("sample", one).expect("few")).collect();
        (meanings, labels.names(), labels.warnings())
    }

    fn names(written: &[&str]) -> Vec<String> {
        labels(written, &Reading::default()).1
    }

    #[test]
    fn the_same_number_is_one_class_and_a_code_is_a_text() {
        assert_eq!(names(&["0", "0.0", "1.0", "1", "1.00", "1.0", "-0", "1e0", "+1"]), ["0", "1.0"]);
        assert_eq!(
            names(&["10", "1e1", "100", "-1", "1", "0.10", ".1"]),
            ["10", "100", "-1", "1", "0.10", ".1"]
        );
        assert_eq!(names(&["01", "1", "007", "7"]), ["01", "1", "007", "7"], "leading zeros tell a code");
        assert_eq!(
            names(&["12345678901234567890", "12345678901234567891"]).len(),
            2,
            "compared as decimals, not rounded"
        );
    }

    #[test]
    fn what_a_person_sees_as_one_label_is_one_class() {
        let written = [
            "pos",
            "pos\u{200b}",
            "po\u{ad}s",
            "\u{feff}pos",
            "pos\u{a0}",
            "caf\u{e9}",
            "cafe\u{301}",
            "a\u{a0}b",
            "a b",
        ];
        assert_eq!(names(&written), ["pos", "caf\u{e9}", "a b"]);
        assert_eq!(
            names(&["True", "TRUE", "true", "TRUE", "False"]),
            ["TRUE", "False"],
            "the most common spelling"
        );
        assert_eq!(names(&["می\u{200c}روم", "میروم"]).len(), 2, "a joiner inside is part of the word");
    }

    #[test]
    fn near_equal_labels_stay_apart_with_a_warning() {
        let (_, names, warnings) =
            labels(&["Positive", "positive", "very-good", "very good"], &Reading::default());
        assert_eq!(names.len(), 4);
        assert_eq!(warnings.len(), 2);
        assert!(
            warnings
                .iter()
                .any(|one| one.contains("\"Positive\" (1 rows), \"positive\" (1 rows) differ only in case"))
        );
        assert!(labels(&["-1", "1"], &Reading::default()).2.is_empty());
    }

    #[test]
    fn nan_and_blank_are_missing_and_words_are_not() {
        for missing in ["NaN", "nan", "None", "", " \u{200b}", "null", "<NA>"] {
            let meaning = labels(&[missing], &Reading::default()).0.remove(0);
            assert!(matches!(meaning, Meaning::Missing(_)), "{missing:?}");
        }
        assert_eq!(names(&["none", "NONE", "n/a", "NA"]).len(), 4);
    }

    #[test]
    fn labels_are_renamed_merged_and_dropped_as_the_settings_say() {
        let reading = Reading {
            labels: [("1", "bad"), ("2.0", "bad"), ("None", "neither")]
                .map(|(a, b)| (a.into(), b.into()))
                .into(),
            labels_dropped: ["3".to_owned()].into(),
            ..Reading::default()
        };
        let (meanings, names, _) = labels(&["1", "2", "3.0", "4", "None"], &reading);
        assert_eq!(names, ["bad", "4", "neither"]);
        let class = |meaning: &Meaning| *meaning == Meaning::Class(0);
        assert!(class(&meanings[0]) && class(&meanings[1]) && meanings[2] == Meaning::Dropped);
    }

    #[test]
    fn labels_of_the_settings_that_no_row_has_are_told_with_the_one_that_is_meant() {
        let reading = Reading {
            labels: [("positve", "good"), ("negative", "bad")].map(|(a, b)| (a.into(), b.into())).into(),
            labels_dropped: ["neutal".to_owned(), "9".to_owned()].into(),
            ..Reading::default()
        };
        let mut labels = Labels::new(&reading);
        for label in ["positive", "negative", "neutral"] {
            labels.meaning("sample", label).expect("few");
        }
        assert_eq!(
            labels.unmet(),
            [
                "`labels` names the label \"positve\", which no row has, did you mean \"positive\"?",
                "`labels_dropped` names the label \"9\", which no row has",
                "`labels_dropped` names the label \"neutal\", which no row has, did you mean \"neutral\"?",
            ]
        );
    }

    #[test]
    fn several_labels_in_a_cell_are_refused_by_name() {
        let check = |written: &[&str]| {
            let mut labels = Labels::default();
            written.iter().for_each(|one| assert!(labels.meaning("sample", one).is_ok()));
            labels.check_single("sample").err().map(|error| error.to_string())
        };
        for written in [
            &["neg|long", "pos", "neg"][..],
            &["['pos', 'short']", "['neg']"],
            &["a, b", "a", "b"],
            &["a;b", "a", "b"],
        ] {
            assert!(check(written).expect("refused").contains("several labels"), "{written:?}");
        }
        assert_eq!(check(&["Health, Beauty", "Sports", "Arts; Crafts"]), None);
    }
}

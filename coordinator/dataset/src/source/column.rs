//! Finding a column: by its name, composed and without surrounding white space, or by its number from 1.

use unicode_normalization::UnicodeNormalization;

use super::SourcePath;
use crate::error::{DatasetError, listed, nearest};

/// A name as it is compared: composed (NFC), without surrounding white space and invisible marks.
pub(crate) fn composed(name: &str) -> String {
    name.trim_matches(|one: char| one.is_whitespace() || matches!(one, '\u{FEFF}' | '\u{200B}'))
        .nfc()
        .collect()
}

/// The position of a column.
///
/// # Errors
/// No such column, or two of the name.
pub(crate) fn find(
    path: &SourcePath,
    header: &[String],
    column: &str,
    key: &'static str,
) -> Result<usize, DatasetError> {
    let wanted = composed(column);
    let mut places =
        header.iter().enumerate().filter(|(_, name)| composed(name) == wanted).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(DatasetError::broken(
            format!("{}:1", path.display()),
            format!("two columns are named \"{column}\"; rename one, or give the column's number"),
        )),
        (None, _) => by_number(header, &wanted).ok_or_else(|| missing(path, header, column, key)),
    }
}

/// The place of a column by its number, where the header has that many columns.
fn by_number(header: &[String], column: &str) -> Option<usize> {
    let is_number = column.bytes().all(|byte| byte.is_ascii_digit());
    let number: usize = column.parse().ok().filter(|_| is_number)?;
    (1..=header.len()).contains(&number).then(|| number - 1)
}

/// The error for a column that is not there.
pub(crate) fn missing(path: &SourcePath, header: &[String], column: &str, key: &'static str) -> DatasetError {
    let names = || header.iter().map(String::as_str);
    DatasetError::MissingColumn {
        path: path.shown().to_owned(),
        column: column.to_owned(),
        key,
        hint: nearest(column, names()),
        known: listed(names()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_composed_name_and_by_number() {
        let path = SourcePath::anywhere("a.csv");
        let header = ["", "te\u{301}xte", " label ", "2"].map(str::to_owned);
        let at = |column: &str| find(&path, &header, column, "text").ok();
        assert_eq!(at("t\u{e9}xte"), Some(1), "composed and decomposed are one name");
        assert_eq!(at("label"), Some(2));
        assert_eq!(at("2"), Some(3), "a name goes before a number");
        assert_eq!((at("1"), at("3"), at("5"), at("0"), at("x")), (Some(0), Some(2), None, None, None));
    }
}

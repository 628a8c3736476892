//! One row as a JSON object: its text and its label by key, or by a path of keys such as `review.text`.

use serde_json::{Map, Value};

use super::column::{composed, missing};
use super::{Columns, SourcePath};
use crate::error::{DatasetError, shortened};
use crate::labels::several_labels;
use crate::rows::{Part, Place, Rows};

/// Depth to which keys inside objects are listed.
const DEPTH_MAX: usize = 4;

/// The keys of an object; those inside objects as paths.
pub(crate) fn keys(object: &Map<String, Value>) -> Vec<String> {
    let mut keys = Vec::new();
    list(object, "", 0, &mut keys);
    keys
}

fn list(object: &Map<String, Value>, before: &str, depth: usize, keys: &mut Vec<String>) {
    for (key, value) in object {
        let path = format!("{before}{key}");
        match value {
            Value::Object(inner) if depth < DEPTH_MAX && !inner.is_empty() => {
                list(inner, &format!("{path}."), depth + 1, keys);
            }
            _ => keys.push(path),
        }
    }
}

/// The value of a key, of its composed spelling, or of a path of keys and places in lists.
fn value<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(key) {
        return Some(value);
    }
    let wanted = composed(key);
    let by_spelling = || object.iter().find(|(one, _)| composed(one) == wanted).map(|(_, value)| value);
    let by_path = || {
        let (first, rest) = key.split_once('.')?;
        rest.split('.').try_fold(object.get(first)?, |value, key| match value {
            Value::Object(object) => object.get(key),
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        })
    };
    by_spelling().or_else(by_path)
}

/// Why a value cannot be a text or a label; for an object, names the key that may be meant.
fn unusual(column: &str, value: &Value, what: &str) -> String {
    let inner = match value {
        Value::Object(object) => object.iter().find(|(_, value)| value.is_string()).map(|(key, _)| key),
        _ => None,
    };
    match (value, inner) {
        (Value::Object(_), Some(key)) => {
            let path = shortened(&format!("{column}.{key}"), 80);
            format!("the {what} is an object; name a key inside it: `{what} = \"{path}\"` under [data]")
        }
        (Value::Object(_), None) => format!("the {what} is an object"),
        (Value::Array(_), _) => format!("the {what} is a list"),
        _ => format!("the {what} is not a string"),
    }
}

/// Takes objects as rows, and remembers which columns any of them had.
pub(crate) struct Objects<'a> {
    columns: &'a Columns,
    keys: Option<Vec<String>>,
    has_text: Vec<bool>,
    has_label: bool,
}

impl<'a> Objects<'a> {
    pub(crate) fn new(columns: &'a Columns) -> Self {
        Self { columns, keys: None, has_text: vec![false; columns.text.len()], has_label: false }
    }

    /// Takes one object in, or counts it as bad.
    pub(crate) fn take(
        &mut self,
        place: Place<'_>,
        part: Part,
        object: &Map<String, Value>,
        rows: &mut Rows,
    ) -> Result<(), DatasetError> {
        if self.keys.is_none() {
            self.keys = Some(keys(object));
        }
        let label = value(object, &self.columns.label);
        self.has_label |= label.is_some();
        let mut texts = Vec::new();
        let mut odd = None;
        for (column, has) in self.columns.text.iter().zip(&mut self.has_text) {
            let text = value(object, column);
            *has |= text.is_some();
            match text {
                Some(Value::String(text)) => texts.push(text.as_str()),
                None | Some(Value::Null) => {}
                Some(other) => odd = odd.or_else(|| Some(unusual(column, other, "text"))),
            }
        }
        let label = match label {
            Some(Value::Array(items)) => match items.as_slice() {
                [] => None,
                [only] => Some(only),
                _ => {
                    let example = Value::Array(items.clone()).to_string();
                    return Err(several_labels(&rows.name, &example));
                }
            },
            label => label,
        };
        let label = match label {
            Some(Value::String(label)) => label.clone(),
            Some(Value::Number(label)) => label.to_string(),
            Some(Value::Bool(label)) => label.to_string(),
            None | Some(Value::Null) => String::new(),
            Some(other @ (Value::Array(_) | Value::Object(_))) => {
                return rows.reject(place, &unusual(&self.columns.label, other, "label"));
            }
        };
        if let Some(reason) = odd {
            return rows.reject(place, &reason);
        }
        match texts.as_slice() {
            [] => rows.reject(place, "the text is missing"),
            [text] => rows.push(place, part, label.as_bytes(), text.as_bytes()),
            texts => {
                let filled: Vec<_> = texts.iter().filter(|text| !text.trim().is_empty()).copied().collect();
                rows.push(place, part, label.as_bytes(), filled.join("\n").as_bytes())
            }
        }
    }

    /// Refuses a source of which no object has the wanted columns.
    pub(crate) fn finish(self, path: &SourcePath) -> Result<(), DatasetError> {
        let Some(keys) = self.keys else { return Ok(()) };
        let absent = self.columns.text.iter().zip(&self.has_text).find(|(_, has)| !**has);
        match (absent, self.has_label) {
            (Some((column, _)), _) => Err(missing(path, &keys, column, "text")),
            (None, false) => Err(missing(path, &keys, &self.columns.label, "label")),
            (None, true) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_inside_objects_are_paths() {
        let Value::Object(object) = serde_json::json!({
            "id": 1, "review": {"text": "fine", "meta": {"stars": 5}}, "a.b": "own", "tags": [{"label": "pos"}]
        }) else {
            panic!("an object");
        };
        let mut keys = keys(&object);
        keys.sort();
        assert_eq!(keys, ["a.b", "id", "review.meta.stars", "review.text", "tags"]);
        let at = |key: &str| value(&object, key).map(ToString::to_string);
        assert_eq!(at("review.text").as_deref(), Some("\"fine\""));
        assert_eq!(at("review.meta.stars").as_deref(), Some("5"));
        assert_eq!(at("a.b").as_deref(), Some("\"own\""), "a key of its own goes before a path");
        assert_eq!(at("tags.0.label").as_deref(), Some("\"pos\""));
        assert_eq!((at("review.title"), at("tags.1.label"), at("id.x")), (None, None, None));
    }
}

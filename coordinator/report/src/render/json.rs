//! JSON files of the report: a value as it is, indented, zero without a sign.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};
use serde_json::{Serializer, Value};
use sweep_proto::Objective;

use super::ReportError;

/// The bytes of a JSON file.
///
/// # Errors
/// Where a path of the sweep file is not Unicode.
pub fn write(value: &impl Serialize) -> Result<Vec<u8>, ReportError> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Indented(PrettyFormatter::new())))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What the fields of scores are called in the files of sweeps that are not ranked by the validation loss.
const SCORES: [(&str, &str); 8] = [
    ("validation_loss", "score"),
    ("validation_loss_interval", "score_interval"),
    ("loss_percent", "score_percent"),
    ("loss_percent_interval", "score_percent_interval"),
    ("loss_absolute", "score_absolute"),
    ("loss_absolute_interval", "score_absolute_interval"),
    ("loss_quantiles", "score_quantiles"),
    ("losses", "scores"),
];

/// Fields of a report or a comparison that hold losses whatever the objective, or what users named.
const OTHERS: [&str; 4] = ["curves", "front", "set_up", "settings"];

/// As [`write()`], of an analysis by this objective: what its scores are called tells no lie.
///
/// # Errors
/// As [`write()`].
pub fn write_by(value: &impl Serialize, objective: Objective) -> Result<Vec<u8>, ReportError> {
    if objective == Objective::default() {
        return write(value);
    }
    write(&named(serde_json::to_value(value)?))
}

/// The value with the names of [`SCORES`].
fn named(value: Value) -> Value {
    let field = |(name, value): (String, Value)| {
        if OTHERS.contains(&name.as_str()) {
            return (name, value);
        }
        let other = SCORES.into_iter().find(|(loss, _)| *loss == name).map(|(_, score)| score.to_owned());
        (other.unwrap_or(name), named(value))
    };
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().map(field).collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(named).collect()),
        other => other,
    }
}

/// Indented as `serde_json` does it; `-0.0`, which is Rust's sum of nothing, is written `0.0`.
struct Indented(PrettyFormatter<'static>);

type Written = io::Result<()>;

impl Formatter for Indented {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> Written {
        self.0.write_f64(writer, value + 0.0)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> Written {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> Written {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> Written {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> Written {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> Written {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> Written {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> Written {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> Written {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> Written {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_serde_json_writes_but_for_the_sign_of_zero() {
        let value =
            serde_json::json!({ "a": [1, -0.5, [], {}], "b": { "c": null, "d": "e" }, "f": [[true]] });
        let mut expected = serde_json::to_vec_pretty(&value).expect("JSON");
        expected.push(b'\n');
        assert_eq!(write(&value).expect("JSON"), expected);
        assert_eq!(write(&[-0.0, 0.0, -1.0]).expect("JSON"), b"[\n  0.0,\n  0.0,\n  -1.0\n]\n");
    }
}

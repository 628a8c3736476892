//! JSON files of the report: a value as it is, indented, zero without a sign.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

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

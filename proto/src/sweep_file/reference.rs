//! The reference of hyperparameters and settings, as Markdown generated from their tables.

use std::fmt::Write as _;

use super::known::{Place, SETTINGS};
use crate::configuration::Value;
use crate::hyperparameter::{Hyperparameter, Section};

/// `docs/hyperparameters.md`: every hyperparameter with its range and default.
#[must_use]
pub fn hyperparameter_reference() -> String {
    let mut page = String::from(
        "# Hyperparameters\n\n\
        Generated from the table in `proto/src/hyperparameter.rs`; after a change of the table run\n\
        `UPDATE=1 cargo test --release -p sweep-proto --test all reference::`.\n\n\
        Each may have one value in its section of the [sweep file](sweep-file.md), or a list of values or a range, there or\n\
        under `[grid]`: then it is swept. What a file does not name has its default.\n",
    );
    for section in Section::ALL {
        let _ = write!(
            page,
            "\n## `[{}]`\n\n| name | values | default | what it does |\n|---|---|---|---|\n",
            section.name()
        );
        for row in Hyperparameter::ALL.iter().map(|one| one.row()).filter(|row| row.section == section) {
            let default = Value::from(row.default).quoted();
            let _ = writeln!(page, "| `{}` | {} | `{default}` | {} |", row.name, row.kind, cell(row.doc));
        }
    }
    page
}

/// The tables of `docs/sweep-file.md`: every key that is not a hyperparameter.
#[must_use]
pub fn setting_reference() -> String {
    let mut page =
        String::from("| section | name | values | default | what it does |\n|---|---|---|---|---|\n");
    for setting in SETTINGS {
        let values = setting.shape.described();
        let section = if setting.place == Place::Top { "top" } else { setting.place.name() };
        let _ = writeln!(
            page,
            "| {section} | `{}` | {values} | {} | {} |",
            setting.name,
            setting.default,
            cell(setting.doc)
        );
    }
    page
}

/// Text that does not end a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

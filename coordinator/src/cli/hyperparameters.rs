//! `sweep hyperparameters`: the reference of every hyperparameter, from the one table.

use clap::Args;
use serde::Serialize;
use sweep_proto::sweep_file::hyperparameter_reference;
use sweep_proto::{Hyperparameter, Value};

use super::Context;
use super::exit::Failure;
use super::render::table::{self, Align};

const EXAMPLES: &str = "\
Each stands with one value in its section of a sweep file, or with a list under [grid].

Examples:
  sweep hyperparameters
  sweep hyperparameters --markdown > docs/hyperparameters.md
  sweep hyperparameters --json | jq '.[].name'";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// As Markdown, for documents.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    section: &'static str,
    values: String,
    default: Value,
    doc: &'static str,
}

fn entries() -> impl Iterator<Item = Entry> {
    Hyperparameter::ALL.iter().map(|one| {
        let row = one.row();
        Entry {
            name: row.name,
            section: row.section.name(),
            values: row.kind.to_string(),
            default: row.default.into(),
            doc: row.doc,
        }
    })
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    if context.output.json {
        return context.output.json(&entries().collect::<Vec<_>>());
    }
    if arguments.markdown {
        return context.output.text(hyperparameter_reference().trim_end());
    }
    let columns = [
        ("NAME", Align::Left),
        ("SECTION", Align::Left),
        ("DEFAULT", Align::Left),
        ("VALUES", Align::Left),
        ("WHAT IT DOES", Align::Left),
    ];
    let rows = entries().map(|entry| {
        let section = format!("[{}]", entry.section);
        vec![entry.name.to_owned(), section, entry.default.quoted(), entry.values, entry.doc.to_owned()]
    });
    context.output.text(&table::table(&columns, rows))
}

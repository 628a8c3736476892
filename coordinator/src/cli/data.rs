//! `sweep data`: a look at a dataset before a sweep uses it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use clap::{Args, Subcommand};
use coordinator_dataset::{Inspection, Lengths, Progress};
use sweep_proto::wire;

use super::Context;
use super::exit::Failure;
use super::output::plain;
use super::render::progress::View;
use super::render::table::{self, Align};

const EXAMPLES: &str = "\
Counts, labels, lengths and sample tokens; rows that cannot be used are told with their lines.

Examples:
  sweep data inspect snippets
  sweep data inspect reviews.csv --text review --label sentiment
  sweep data inspect reviews/ --json          a folder with one sub-folder per class";

#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Show rows, labels, lengths and sample tokens of a dataset
    Inspect(InspectArguments),
}

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
struct InspectArguments {
    /// A file, a folder with one sub-folder per class, or a known dataset: snippets, imdb, nsmc.
    #[arg(value_name = "PATH_OR_NAME")]
    dataset: String,
    /// The column of the text, where it has no usual name.
    #[arg(long, value_name = "COLUMN")]
    text: Option<String>,
    /// The column of the label, where it has no usual name.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// The folder in which downloaded datasets are kept.
    #[arg(long, value_name = "DIR", default_value = ".sweep")]
    data_dir: PathBuf,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let What::Inspect(arguments) = arguments.what;
    let looked = tokio::task::spawn_blocking(move || inspect(&arguments)).await;
    let inspection =
        looked.map_err(|error| Failure::failed(format!("the look at the data broke off: {error}")))??;
    if context.output.json {
        return context.output.json(&inspection);
    }
    context.output.text(&text(&inspection))
}

fn inspect(arguments: &InspectArguments) -> Result<Inspection, Failure> {
    let shown = Shown { view: Mutex::new(View::new()), step: Mutex::default() };
    let cache = arguments.data_dir.join("datasets");
    let [text, label] = [arguments.text.as_deref(), arguments.label.as_deref()];
    let inspection = coordinator_dataset::inspect(&arguments.dataset, text, label, &cache, &shown);
    shown.view.lock().unwrap_or_else(PoisonError::into_inner).clear();
    inspection.map_err(|error| Failure::usage(error.to_string()))
}

/// Shows the steps of reading on the terminal.
struct Shown {
    view: Mutex<View>,
    step: Mutex<wire::Progress>,
}

impl Shown {
    fn change(&self, change: impl FnOnce(&mut wire::Progress)) {
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut step);
        self.view.lock().unwrap_or_else(PoisonError::into_inner).preparing(&step);
    }
}

impl Progress for Shown {
    fn stage(&self, name: &str, total: Option<u64>, in_bytes: bool) {
        self.change(|step| {
            *step = wire::Progress { stage: name.to_owned(), done: 0, total: total.unwrap_or(0), in_bytes };
        });
    }

    fn advance(&self, done: u64) {
        self.change(|step| step.done = done);
    }
}

fn text(inspection: &Inspection) -> String {
    let mut lines = vec![
        format!("dataset     {}", plain(&inspection.dataset)),
        format!(
            "rows        {}, {} of them in a test split of its own",
            inspection.rows, inspection.test_rows
        ),
        format!("unusable    {}", inspection.bad_rows.count),
        format!("tokenizer   {} (what `auto` takes)", plain(&inspection.tokenizer)),
    ];
    if let (Some(text), Some(label)) = (&inspection.text_column, &inspection.label_column) {
        lines.insert(1, format!("columns     text \"{}\", label \"{}\"", plain(text), plain(label)));
    }
    lines.push(format!("\n{}", classes(inspection)));
    lines.push(format!("\n{}", lengths(inspection)));
    if !inspection.bad_rows.first.is_empty() {
        lines.push("\nunusable rows, the first of them".to_owned());
        lines.extend(inspection.bad_rows.first.iter().map(|row| format!("  {}", plain(&row.to_string()))));
    }
    for sample in &inspection.samples {
        lines.push(format!("\n[{}] {}", plain(&sample.class), plain(&sample.text)));
        lines.push(format!("  tokens: {}", plain(&sample.tokens.join(" | "))));
    }
    lines.join("\n")
}

fn classes(inspection: &Inspection) -> String {
    let columns = [("CLASS", Align::Left), ("ROWS", Align::Right), ("TEST ROWS", Align::Right)];
    let rows = inspection
        .classes
        .iter()
        .map(|one| vec![plain(&one.class), one.rows.to_string(), one.test_rows.to_string()]);
    table::table(&columns, rows)
}

fn lengths(inspection: &Inspection) -> String {
    let columns = [
        ("LENGTH IN", Align::Left),
        ("SHORTEST", Align::Right),
        ("MEDIAN", Align::Right),
        ("MEAN", Align::Right),
        ("95 %", Align::Right),
        ("LONGEST", Align::Right),
    ];
    let row = |name: &str, of: &Lengths| {
        let mean = format!("{:.1}", of.mean);
        vec![
            name.to_owned(),
            of.min.to_string(),
            of.median.to_string(),
            mean,
            of.p95.to_string(),
            of.max.to_string(),
        ]
    };
    let rows = [row("words", &inspection.words), row("characters", &inspection.characters)];
    table::table(&columns, rows)
}

//! `sweep data`: a look at a dataset before a sweep uses it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use clap::{Args, Subcommand};
use coordinator::json::Data;
use coordinator_dataset::{InspectOptions, Inspection, Lengths, Progress};
use sweep_proto::sweep_file::DATASETS;
use sweep_proto::{HtmlBreaks, Reading, wire};

use super::Context;
use super::exit::Failure;
use super::output::plain;
use super::render;
use super::render::progress::View;
use super::render::table::{self, Align};

const EXAMPLES: &str = "\
Counts, labels, lengths and sample tokens; rows that cannot be used are told with their lines. \
What a sweep file says of its data under [data] is an option of the same name here: a file without \
a header row is read with --header false, and its columns are given by number. Exit code 1: a sweep \
would refuse the data.

Examples:
  sweep data inspect snippets
  sweep data inspect reviews.csv --text review --label sentiment
  sweep data inspect reviews.tsv --header false --label 1 --text 2
  sweep data inspect 'data/train-*.parquet' --test-path 'data/test-*.parquet'
  sweep data inspect reviews.csv --labels 1=bad --labels 5=good --labels-dropped 3
  sweep data inspect archive.zip/train.csv
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
    /// A file, a pattern of files, a folder, or a known dataset: snippets, imdb, nsmc.
    #[arg(value_name = "PATH_OR_NAME")]
    dataset: String,
    /// The column of the text by name, or by number from 1, where it has no usual name. Several are joined.
    #[arg(long, value_name = "COLUMN")]
    text: Vec<String>,
    /// The column of the label by name, or by number from 1, where it has no usual name.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// Whether the first row of a delimited file names its columns; without a header columns are given by number.
    #[arg(long, value_name = "true|false")]
    header: Option<bool>,
    /// The earlier name of `--header false`.
    #[arg(long, hide = true, conflicts_with = "header")]
    no_header: bool,
    /// The delimiter of a delimited file: one character, or tab. Without it it is recognised.
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// The encoding of text files, such as windows-1252 or cp949. Without it it is recognised.
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// What becomes of HTML line breaks: keep or space.
    #[arg(long, value_name = "WORD", value_parser = HtmlBreaks::WORDS)]
    html_breaks: Option<String>,
    /// Name the class of a label, such as 0=negative. May be given several times.
    #[arg(long, value_name = "LABEL=CLASS", alias = "label-name")]
    labels: Vec<String>,
    /// Leave out the rows of a label. May be given several times.
    #[arg(long, value_name = "LABEL", alias = "drop-label")]
    labels_dropped: Vec<String>,
    /// Your own validation split.
    #[arg(long, value_name = "PATH")]
    validation_path: Option<PathBuf>,
    /// Your own test split.
    #[arg(long, value_name = "PATH")]
    test_path: Option<PathBuf>,
    /// Read in this process, whose memory is bounded already.
    #[arg(long, hide = true)]
    bounded: bool,
    /// The folder in which downloaded datasets are kept.
    #[arg(long, value_name = "DIR", default_value = ".sweep")]
    data_dir: PathBuf,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    let What::Inspect(arguments) = arguments.what;
    if !arguments.bounded {
        return in_a_child();
    }
    let looked = tokio::task::spawn_blocking(move || inspect(&arguments)).await;
    let inspection =
        looked.map_err(|error| Failure::failed(format!("the look at the data broke off: {error}")))??;
    if context.output.json {
        context.output.json(&inspection)?;
    } else {
        context.output.text(&text(&inspection))?;
    }
    match &inspection.refused {
        None => Ok(()),
        Some(reason) => {
            Err(Failure::failed(format!("a sweep would refuse this data: {}", summed_up(reason))))
        }
    }
}

/// Runs this command again in a child with bounds on memory and files, so that its death can be told in words.
fn in_a_child() -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::failed(format!("reading the data cannot be started: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let mut given: Vec<_> = std::env::args_os().skip(1).collect();
    let place = given.iter().position(|one| one == "inspect").map_or(given.len(), |place| place + 1);
    given.insert(place, "--bounded".into());
    let unpacked = tempfile::tempdir().map_err(failed)?;
    let status = Command::new(program).args(given).env("TMPDIR", unpacked.path()).status().map_err(failed)?;
    drop(unpacked);
    match status.code() {
        Some(0) => Ok(()),
        #[expect(clippy::exit, reason = "the child has said what is wrong")]
        Some(code) => std::process::exit(code),
        None => Err(Failure::failed("reading the data needs more memory than files of this size may take")
            .hint("give smaller files or fewer rows")),
    }
}

fn inspect(arguments: &InspectArguments) -> Result<Inspection, Failure> {
    let shown = Shown::new();
    let cache = arguments.data_dir.join("datasets");
    let options = options(arguments)?;
    shut_in(arguments, &cache)?;
    let inspection = coordinator_dataset::inspect_with(&arguments.dataset, &options, &cache, &shown);
    shown.clear();
    inspection.map_err(|error| Failure::usage(error.for_options()))
}

/// Leaves this thread the data that is looked at, and for a known dataset the cache and the network, alone.
fn shut_in(arguments: &InspectArguments, cache: &Path) -> Result<(), Failure> {
    let is_known = DATASETS.contains(&arguments.dataset.as_str());
    // The snippets are part of this program.
    let is_download = is_known && arguments.dataset != "snippets";
    let named = [Some(Path::new(&arguments.dataset)).filter(|_| !is_known)];
    let own = [arguments.validation_path.as_deref(), arguments.test_path.as_deref()];
    let paths: Vec<&Path> = named.into_iter().chain(own).flatten().collect();
    // The parent has made a folder to unpack into, and removes it.
    let unpacked = std::env::temp_dir();
    let mut written = vec![unpacked.as_path()];
    if is_download {
        std::fs::create_dir_all(cache).map_err(|error| Failure::file("create", cache, &error))?;
        written.push(cache);
    }
    coordinator::readers::confine_this_thread(&paths, is_download, &written);
    Ok(())
}

/// What the command line says of the data.
fn options(arguments: &InspectArguments) -> Result<InspectOptions, Failure> {
    let named = |both: &String| match both.split_once('=') {
        Some((label, class)) if !class.is_empty() => Ok((label.to_owned(), class.to_owned())),
        _ => Err(Failure::usage(format!("--labels takes LABEL=CLASS, not \"{both}\""))),
    };
    let delimiter = arguments.delimiter.as_deref();
    if let Some(delimiter) = delimiter.filter(|one| *one != "tab" && one.len() != 1) {
        return Err(Failure::usage(format!(
            "--delimiter takes one ASCII character or tab, not \"{delimiter}\""
        )));
    }
    Ok(InspectOptions {
        text: arguments.text.clone(),
        label: arguments.label.clone(),
        validation_path: arguments.validation_path.clone(),
        test_path: arguments.test_path.clone(),
        reading: Reading {
            text_joined: Vec::new(),
            header: arguments.header.or(arguments.no_header.then_some(false)),
            delimiter: delimiter.map(str::to_owned),
            encoding: arguments.encoding.clone(),
            html_breaks: arguments.html_breaks.as_deref().and_then(HtmlBreaks::from_name),
            labels: arguments.labels.iter().map(named).collect::<Result<_, _>>()?,
            labels_dropped: arguments.labels_dropped.iter().cloned().collect(),
        },
    })
}

/// Shows the steps of reading on the terminal.
pub(super) struct Shown {
    view: Mutex<View>,
    step: Mutex<wire::Progress>,
}

impl Shown {
    pub(super) fn new() -> Self {
        Self { view: Mutex::new(View::new(false)), step: Mutex::default() }
    }

    /// Takes everything off the terminal again.
    pub(super) fn clear(&self) {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

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

    fn found(&self, source_bytes: u64) {
        coordinator::readers::bound_this_process(source_bytes);
    }
}

fn text(inspection: &Inspection) -> String {
    let tokenizer = if inspection.tokenizer_is_certain {
        "what `auto` takes"
    } else {
        "the rows are too few to tell what `auto` takes"
    };
    let mut lines = vec![
        format!("dataset     {}", plain(&inspection.dataset)),
        format!("rows        {}, {} in a test split of its own", inspection.rows, own_splits(inspection)),
        format!("unusable    {}", inspection.bad_rows.count),
        format!("tokenizer   {} ({tokenizer})", plain(&inspection.tokenizer)),
    ];
    if let (Some(text), Some(label)) = (&inspection.text_column, &inspection.label_column) {
        lines.insert(1, format!("columns     text \"{}\", label \"{}\"", plain(text), plain(label)));
    }
    for (reason, rows) in &inspection.left_out {
        lines.push(format!("left out    {rows} rows: {}", plain(reason)));
    }
    for file in &inspection.files {
        lines.extend(
            file.notes.iter().map(|note| format!("note        {}: {}", plain(&file.file), plain(note))),
        );
    }
    lines.extend(inspection.warnings.iter().map(|warning| format!("warning     {}", plain(warning))));
    lines.extend(sweep(inspection));
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

/// The first line of a reason; rows that it lists are shown elsewhere.
fn summed_up(reason: &str) -> String {
    reason.lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}

/// What a sweep with the defaults would find, or why it would be refused.
fn sweep(inspection: &Inspection) -> Vec<String> {
    let refused = inspection.refused.iter().map(|reason| summed_up(reason));
    let refused = refused.map(|reason| format!("a sweep     would be refused: {}", plain(&reason)));
    let found = inspection.account.iter().flat_map(|account| {
        let classes: Vec<String> = inspection.classes.iter().map(|one| one.class.clone()).collect();
        let vocabulary = inspection.vocabulary.unwrap_or_default();
        let found = Data::from(wire::DataAccount::of(account, &classes, vocabulary));
        render::data::told(&found).into_iter().map(|line| format!("a sweep     {line}"))
    });
    refused.chain(found).collect()
}

/// How many rows stand in splits of the source's own, up to the words `in a test split of its own`.
fn own_splits(inspection: &Inspection) -> String {
    match inspection.validation_rows {
        0 => format!("{} of them", inspection.test_rows),
        rows => format!("{rows} of them in a validation split and {}", inspection.test_rows),
    }
}

fn classes(inspection: &Inspection) -> String {
    let columns = [("CLASS", Align::Left), ("ROWS", Align::Right), ("OF THEM TEST", Align::Right)];
    let rows = inspection.classes.iter().map(|one| {
        let all = one.rows + one.test_rows;
        vec![plain(&one.class), all.to_string(), one.test_rows.to_string()]
    });
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

//! `sweep verify`: whether a report is as it was signed, and its records still those of the store.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use coordinator::report_signature::{self, FILE_NAME, Statement};
use serde::Serialize;
use sweep_proto::Digest;
use sweep_proto::wire::SealRequest;

use super::client::Client;
use super::exit::Failure;
use super::rerun::{self, RERUNS_MAX, Rerun};
use super::{Context, files, output};

/// Largest signature that is read, in bytes: it has a line for each of about ten files.
const SIGNATURE_BYTES_MAX: u64 = 1 << 20;

const EXAMPLES: &str = "\
Checks three things: that every file has the digest that was signed, that the signature in \
report.sig is good, and that the coordinator, asked now, has the very records that the report was \
made from and signs with the same key. With --offline no coordinator is asked; then --key must say \
whose signature to expect, since whoever changes files can sign them with another key.

With --rerun K it also trains K completed trials again, drawn at random, on the coordinator's \
workers, and compares every epoch and every result. What is launched is named \
verify-rerun-SWEEP-TRIAL, and Ctrl-C cancels it. On the same device model and build the bits must be \
equal. On others the best validation loss may differ by at most 5 %: they round in another order, \
which acts at worst like another seed. It takes a token of the role submitter. The seed of the draw \
is printed; --seed draws the same trials again.

Examples:
  sweep verify report/paper-imdb
  sweep verify report/paper-imdb --rerun 3
  sweep verify report/paper-imdb --rerun 3 --seed 7 --json
  sweep verify results/imdb/report.html --json
  sweep verify results/imdb --offline --key 3b6a27bc...";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The folder of the report, or a file in it.
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// Ask no coordinator.
    #[arg(long)]
    offline: bool,
    /// The public key that must have signed it, in hexadecimal digits.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Train that many completed trials again, drawn at random, and compare.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=RERUNS_MAX))]
    rerun: Option<u32>,
    /// From what the trials of --rerun are drawn; a random number where left out.
    #[arg(long, value_name = "N", requires = "rerun")]
    seed: Option<u64>,
}

/// What was found of a report whose files, signature and records hold.
#[derive(Debug, Serialize)]
struct Verified {
    report: String,
    sweep: u64,
    name: String,
    state: String,
    files: usize,
    records: Digest,
    key: String,
    /// Whether a coordinator was asked, and has the same records and key.
    store_checked: bool,
    /// Whether `--key` named the key.
    key_expected: bool,
    /// What came of `--rerun`; left out without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rerun: Option<Rerun>,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    if arguments.offline && arguments.rerun.is_some() {
        return Err(Failure::usage(
            "--rerun trains on the workers of a coordinator, and --offline asks none",
        )
        .hint("leave one of them out"));
    }
    if arguments.offline && arguments.key.is_none() {
        let message = "--offline asks nobody whose key is the right one, so --key KEY must say it";
        return Err(Failure::usage(message)
            .hint("without --offline, `sweep verify` asks the coordinator and prints its key"));
    }
    let folder = folder_of(&arguments.report);
    let statement = read_statement(&folder)?;
    check_named(&arguments.report, &statement)?;
    check_files(&folder, &statement)?;
    if let Some(key) = arguments.key.as_deref().filter(|key| key.trim().to_lowercase() != statement.key) {
        let message =
            format!("the report is signed with the key {}, not {}", statement.key, output::plain(key));
        return Err(Failure::failed(message));
    }
    if !arguments.offline {
        let client = match arguments.rerun {
            Some(_) => context.connect().await?,
            None => context.connect_or_start().await?,
        };
        check_store(&statement, client).await?;
    }
    let rerun = match arguments.rerun {
        Some(count) => {
            let (sweep, seed) = (statement.sweep, arguments.seed);
            let request = rerun::Request { folder: &folder, sweep, count, seed };
            Some(rerun::rerun(request, context.connect().await?).await?)
        }
        None => None,
    };
    let verified = Verified {
        report: folder.display().to_string(),
        sweep: statement.sweep,
        name: statement.name,
        state: statement.state,
        files: statement.files.len(),
        records: statement.records,
        key: statement.key,
        store_checked: !arguments.offline,
        key_expected: arguments.key.is_some(),
        rerun,
    };
    if context.output.json {
        context.output.json(&verified)?;
    } else {
        context.output.text(&told(&verified))?;
    }
    verified.rerun.as_ref().map_or(Ok(()), Rerun::verdict)
}

fn told(verified: &Verified) -> String {
    let whose = if verified.store_checked { "the coordinator's key" } else { "the key that was named" };
    let store = if verified.store_checked { "has the same records" } else { "not asked (--offline)" };
    let rerun = verified.rerun.as_ref().map(|rerun| format!("\n{}", rerun::told(rerun))).unwrap_or_default();
    format!(
        "report     {}: sweep {} ({}), {}\nfiles      {} as they were signed\nsignature  good, with {whose}\n           {}\n\
         store      {store}\n           {}{rerun}",
        verified.report,
        verified.sweep,
        output::plain(&verified.name),
        output::plain(&verified.state),
        verified.files,
        verified.key,
        verified.records,
    )
}

fn folder_of(report: &Path) -> PathBuf {
    if report.is_dir() {
        return report.to_owned();
    }
    let parent = report.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What is not there is most likely the folder of a report, unless it would stand in one.
    let is_folder = !report.exists() && !parent.join(FILE_NAME).is_file();
    if is_folder { report } else { parent }.to_owned()
}

/// Who names a file asks of that one: a good signature beside it says nothing of a file that was not signed.
fn check_named(report: &Path, statement: &Statement) -> Result<(), Failure> {
    let name = report.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if report.is_dir() || name == FILE_NAME || statement.files.contains_key(name) {
        return Ok(());
    }
    let message = format!("{} is not among the files that were signed", report.display());
    Err(Failure::failed(message).hint(format!("{FILE_NAME} beside it is of other files, which it names")))
}

/// Opens a plain file. Whoever made a report may have put anything in its place: what a pipe or a device gives has no end.
fn open(path: &Path) -> std::io::Result<File> {
    if std::fs::symlink_metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(std::io::Error::other("it is not a plain file"))
}

pub(super) fn read_statement(folder: &Path) -> Result<Statement, Failure> {
    let path = folder.join(FILE_NAME);
    let file = open(&path).map_err(|error| {
        Failure { exit: super::exit::Exit::Usage, ..Failure::file("read", &path, &error) }
            .hint("a report that `sweep report` wrote has a signature beside its files")
    })?;
    let mut bytes = Vec::new();
    let read = file.take(SIGNATURE_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|error| Failure::file("read", &path, &error))?;
    report_signature::read(&bytes).map_err(|error| {
        Failure::failed(format!("{}: {}", path.display(), output::plain(&error.to_string())))
    })
}

/// Every file is read before the first problem is told: a person wants to know all of them.
fn check_files(folder: &Path, statement: &Statement) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for (name, digest) in &statement.files {
        if !files::is_plain_name(name) {
            problems.push(format!("{name:?} is not the name of a file of a report"));
            continue;
        }
        match open(&folder.join(name)).and_then(Digest::of_reader) {
            Ok(found) if found == *digest => {}
            Ok(_) => problems.push(format!("{name} was changed after it was signed")),
            Err(error) => problems.push(format!("{name} cannot be read: {error}")),
        }
    }
    match problems.as_slice() {
        [] => Ok(()),
        problems => Err(Failure::failed(format!("the report does not hold: {}", problems.join("; ")))),
    }
}

async fn check_store(statement: &Statement, mut client: Client) -> Result<(), Failure> {
    let projection = statement.projection().map_err(|error| Failure::failed(error.to_string()))?.number();
    let request = SealRequest { sweep: statement.sweep.to_string(), projection };
    let seal = client.seal(request).await?.into_inner();
    if seal.key != statement.key {
        return Err(Failure::failed(format!(
            "the report is signed with the key {}, but this coordinator signs with {}",
            statement.key,
            output::plain(&seal.key)
        ))
        .hint("ask the coordinator that made it (--server), or check it alone with --offline --key KEY"));
    }
    // A coordinator that does not tell knows the first version only.
    if seal.projection.max(1) != projection {
        return Err(Failure::failed(format!(
            "the report's records are hashed in version {projection}, which this coordinator does not know"
        ))
        .hint("ask a coordinator of the version that signed it, or a later one"));
    }
    if seal.records != statement.records.to_string() {
        let failure = Failure::failed(format!(
            "the store has other records of sweep {} than those that the report was made from",
            statement.sweep
        ));
        let was = &statement.state;
        return Err(failure.hint(format!(
            "the sweep was {} when the report was made and is {} now: where it went on, fetch the report again",
            output::plain(was),
            output::plain(&seal.state)
        )));
    }
    Ok(())
}

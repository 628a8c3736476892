//! `sweep predict`: hands over to `sweep-worker predict`, which knows models.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use super::exit::Failure;
use super::{Context, local_worker};

const EXAMPLES: &str = "\
Without TEXT, or with - in its place, each line of standard input is classified. With --json, one \
object a line: text, label, probability, and the probability of each class by its name.

Examples:
  sweep predict --model model \"a film I will not forget\"
  sweep predict --model model --json \"great\" \"dull\"
  sweep predict --model model < reviews.txt
  cut -f 2 reviews.tsv | sweep predict --model model -";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The folder that `sweep model best` wrote.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Texts to classify.
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    if !arguments.model.is_dir() {
        return Err(Failure::usage(format!("there is no model folder {}", arguments.model.display()))
            .hint("`sweep model best ID -o DIR` fetches one"));
    }
    let program = local_worker::find_program()?;
    let mut command = Command::new(&program);
    command.arg("predict").arg("--model").arg(&arguments.model);
    if context.output.json {
        command.arg("--json");
    }
    // After `--` a text may begin with a dash.
    command.arg("--").args(&arguments.texts);
    hand_over(command).map_err(|error| Failure::file("start", &program, &error))
}

/// Replaces this process, so that streams, signals and the exit code are the other program's own.
#[cfg(unix)]
fn hand_over(mut command: Command) -> std::io::Result<()> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

#[cfg(not(unix))]
fn hand_over(mut command: Command) -> std::io::Result<()> {
    if command.status()?.success() { Ok(()) } else { Err(std::io::Error::other("it failed")) }
}

//! Reproduction: the sweep file, the commands, and each trial's seed and key.

use super::{Block, Section, TextTable};
use crate::model::{ReportModel, SetUp};
use crate::table::Table;

pub(super) fn section(model: &ReportModel, table: &Table) -> Section {
    let set_up = &model.set_up;
    let mut blocks = vec![
        Block::Text(
            "The same trial key on the same device model and build gives the same numbers to the bit; the key is the \
             hash of the configuration, the seed, the dataset's digest and the numerics version."
                .to_owned(),
        ),
        Block::Text(
            "The sweep file has every value written out, also defaults, and all levels and replicates of the sweep, \
             those added later too. Its paths are those of the machine on which the coordinator read the data."
                .to_owned(),
        ),
        Block::Preformatted { caption: "Commands".to_owned(), text: commands(set_up), collapsed: false },
        Block::Preformatted {
            caption: "Sweep file".to_owned(),
            text: set_up.sweep_file.clone(),
            collapsed: false,
        },
    ];
    if set_up.file_text != set_up.sweep_file {
        blocks.push(Block::Preformatted {
            caption: "Sweep file as it was launched".to_owned(),
            text: set_up.file_text.clone(),
            collapsed: true,
        });
    }
    let seeds =
        set_up.replicate_seeds.iter().enumerate().map(|(one, seed)| vec![one.to_string(), seed.to_string()]);
    blocks
        .push(Block::Table(TextTable::new("Seeds", &["#replicate", "#seed"]).with_rows(seeds, "trials.csv")));
    let rows = table.trials.iter().map(|trial| {
        vec![
            trial.id.to_string(),
            table.label(trial.configuration),
            trial.replicate.to_string(),
            trial.seed.to_string(),
            trial.state.name().to_owned(),
            trial.reused_from.map(|from| from.to_string()).unwrap_or_default(),
            trial.key.to_string(),
        ]
    });
    let head = ["trial", "configuration", "#replicate", "#seed", "state", "reused from", "key"];
    blocks.push(Block::Table(TextTable::new("Trials", &head).with_rows(rows, "trials.csv")));
    Section { id: "reproduction", title: "Reproduction", blocks }
}

/// Without reuse, because else nothing would be trained, and not into the folder that may hold this report.
fn commands(set_up: &SetUp) -> String {
    let id = set_up.sweep;
    let line = |command: &str, does: &str| format!("{command:<50}  # {does}");
    [
        "# train every trial anew; save the sweep file below as sweep.toml".to_owned(),
        line("sweep plan sweep.toml", "the grid, its trials and their sizes"),
        line("sweep run sweep.toml --no-reuse -o reproduction", "on this machine, from start to report"),
        line("sweep launch sweep.toml --no-reuse --watch", "or on a running coordinator with workers"),
        String::new(),
        "# fetch from the coordinator that has this sweep; where none runs, as after `sweep run`, start one in"
            .to_owned(),
        "# another terminal, on the data folder of that time (.sweep where --data-dir was not given)".to_owned(),
        "sweep serve --data-dir .sweep".to_owned(),
        line(&format!("sweep report {id} -o report"), "this report again"),
        line(&format!("sweep model best {id} -o model"), "weights, configuration and tokenizer of the answer"),
    ]
    .join("\n")
}

//! Reproduction: the sweep file, the commands, and each trial's seed and key.

use super::{Block, Section, TextTable};
use crate::model::ReportModel;
use crate::table::Table;

pub(super) fn section(model: &ReportModel, table: &Table) -> Section {
    let set_up = &model.set_up;
    let commands = format!(
        "# save the sweep file below as sweep.toml\n\
         sweep plan sweep.toml                 # the grid, its trials and their sizes\n\
         sweep run sweep.toml                  # on this machine, from start to report\n\
         sweep launch --no-reuse sweep.toml    # on a running coordinator, every trial anew\n\
         sweep report {id} -o report           # this report again\n\
         sweep model best {id} -o model        # weights, configuration and tokenizer of the answer",
        id = set_up.sweep
    );
    let mut blocks = vec![
        Block::Text(
            "The same trial key on the same device model and build gives the same numbers to the bit; the key is the \
             hash of the configuration, the seed, the dataset's digest and the numerics version."
                .to_owned(),
        ),
        Block::Preformatted { caption: "Commands".to_owned(), text: commands },
        Block::Preformatted { caption: "Sweep file".to_owned(), text: set_up.file_text.clone() },
    ];
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

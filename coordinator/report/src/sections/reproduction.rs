//! Reproduction: the sweep file, the commands, and each trial's seed and key.

use super::{Block, Section, TextTable, names};
use crate::language::{Language, heads, say};
use crate::model::{ReportModel, SetUp};
use crate::table::Table;

pub(super) fn section(model: &ReportModel, table: &Table, language: Language) -> Section {
    let set_up = &model.set_up;
    let mut blocks = vec![
        Block::Text(
            say!(
                language,
                "The same trial key on the same device model and build gives the same numbers to the bit; the key is the \
                 hash of the configuration, the seed, the dataset's digest and the numerics version."
            )
            .to_owned(),
        ),
        Block::Text(
            say!(
                language,
                "The sweep file has every value written out, also defaults, and all levels and replicates of the sweep, \
                 those added later too. Its paths are those of the machine on which the coordinator read the data."
            )
            .to_owned(),
        ),
    ];
    if set_up.space_was_extended {
        let other = say!(
            language,
            "The space of this search was extended after trials had been proposed. The sweep file searches the extended space \
             from the start, so it tries other configurations: `sweep verify REPORT --rerun N` trains N of these trials again."
        );
        blocks.push(Block::Text(other.to_owned()));
    }
    blocks.extend([
        Block::Preformatted {
            caption: say!(language, "Commands").to_owned(),
            text: commands(set_up, language),
            collapsed: false,
        },
        Block::Preformatted {
            caption: say!(language, "Sweep file").to_owned(),
            text: set_up.sweep_file.clone(),
            collapsed: false,
        },
    ]);
    if set_up.file_text != set_up.sweep_file {
        blocks.push(Block::Preformatted {
            caption: say!(language, "Sweep file as it was launched").to_owned(),
            text: set_up.file_text.clone(),
            collapsed: true,
        });
    }
    let seeds =
        set_up.replicate_seeds.iter().enumerate().map(|(one, seed)| vec![one.to_string(), seed.to_string()]);
    let table_of_seeds = TextTable::new(say!(language, "Seeds"), heads!(language, "#replicate", "#seed"));
    blocks.push(Block::Table(table_of_seeds.with_rows(seeds, "trials.csv", language)));
    let rows = table.trials.iter().map(|trial| {
        vec![
            trial.id.to_string(),
            names::configuration(&table.label(trial.configuration), language),
            trial.replicate.to_string(),
            trial.seed.to_string(),
            names::name(trial.state.name(), language).to_owned(),
            trial.reused_from.map(|from| from.to_string()).unwrap_or_default(),
            trial.key.to_string(),
        ]
    });
    let head =
        heads!(language, "trial", "configuration", "#replicate", "#seed", "state", "reused from", "key");
    let trials = TextTable::new(say!(language, "Trials"), head).with_rows(rows, "trials.csv", language);
    blocks.push(Block::Table(trials));
    Section { id: "reproduction", title: say!(language, "Reproduction"), blocks }
}

/// Without reuse, because else nothing would be trained, and not into the folder that may hold this report.
fn commands(set_up: &SetUp, language: Language) -> String {
    let id = set_up.sweep;
    let line = |command: &str, does: &str| format!("{command:<50}  # {does}");
    let comment = |text: &str| format!("# {text}");
    [
        comment(say!(language, "train every trial anew; save the sweep file below as sweep.toml")),
        line("sweep plan sweep.toml", say!(language, "what is swept, its trials and their sizes")),
        line(
            "sweep run sweep.toml --no-reuse -o reproduction",
            say!(language, "on this machine, from start to report"),
        ),
        line(
            "sweep launch sweep.toml --no-reuse --watch",
            say!(language, "or on a running coordinator with workers"),
        ),
        String::new(),
        comment(say!(
            language,
            "fetch from the coordinator that has this sweep; where none runs, as after `sweep run`, each reads"
        )),
        comment(say!(
            language,
            "the data folder of that time itself (.sweep; another one with --data-dir)"
        )),
        line(&again(id, language), say!(language, "this report again")),
        line(
            &format!("sweep model best {id} -o model"),
            say!(language, "weights, configuration and tokenizer of the answer"),
        ),
    ]
    .join("\n")
}

/// The command that fetches this report, in this language.
fn again(id: u64, language: Language) -> String {
    match language {
        Language::English => format!("sweep report {id} -o report"),
        Language::Korean => format!("sweep report {id} -o report --language {}", language.tag()),
    }
}

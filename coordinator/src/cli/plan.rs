//! `sweep plan`: what a sweep file asks for, before anything runs.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sweep_proto::{Configuration, DataSource, Hyperparameter, SweepSpec, model_size};

use super::Context;
use super::exit::Failure;
use super::output::plain;
use super::render::table::{self, Align};
use super::sweep_file::SweepFile;

const EXAMPLES: &str = "\
Memory is an estimate from above, per trial. Sizes assume a full vocabulary and, as the data is not
read, two classes.

Examples:
  sweep plan deploy/examples/paper-imdb.toml
  sweep plan my-sweep.toml --json | jq .trials";

/// Most models listed one by one; of more, the smallest and the largest.
const MODELS_MAX: usize = 24;
/// The output layer of a binary task; more classes change the figures by less than a percent.
const CLASSES_ASSUMED: u64 = 2;
/// The hyperparameters on which a model's size or a trial's memory depends.
const SIZING: [Hyperparameter; 8] = [
    Hyperparameter::Units,
    Hyperparameter::BatchSize,
    Hyperparameter::Embedding,
    Hyperparameter::Cell,
    Hyperparameter::Layers,
    Hyperparameter::Bidirectional,
    Hyperparameter::Vocabulary,
    Hyperparameter::MaxLength,
];

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The sweep file; the built-in quickstart where left out.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What `sweep plan --json` prints.
#[derive(Debug, Serialize)]
struct Plan {
    name: String,
    dataset: String,
    /// Configurations of the grid.
    configurations: u64,
    replicates: u32,
    trials: u64,
    /// Epochs of all trials together, none stopped early.
    epochs: u64,
    axes: Vec<PlannedAxis>,
    /// Ways in which the dataset is encoded.
    data_variants: u64,
    /// Models of different size; the smallest and the largest where there are many.
    models: Vec<PlannedModel>,
    /// How many models of different size there are.
    models_total: u64,
}

#[derive(Debug, Serialize)]
struct PlannedAxis {
    hyperparameter: Hyperparameter,
    levels: Vec<sweep_proto::Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct PlannedModel {
    /// Trained numbers.
    parameters: u64,
    /// Estimated bytes while training.
    memory_bytes: u64,
    /// The values that decide the size.
    label: String,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let spec = SweepFile::read_or_quickstart(arguments.file.as_deref())?.parse()?;
    let plan = plan(&spec);
    if context.output.json {
        return context.output.json(&plan);
    }
    context.output.text(&text(&plan))
}

fn plan(spec: &SweepSpec) -> Plan {
    let configurations = spec.grid_size().unwrap_or(u64::MAX);
    let trials = spec.trial_count().unwrap_or(u64::MAX);
    let (models, models_total) = models(spec);
    Plan {
        name: spec.name.clone(),
        dataset: dataset(&spec.data.source),
        configurations,
        replicates: spec.replicates,
        trials,
        epochs: epochs(spec),
        axes: spec
            .axes
            .iter()
            .map(|axis| PlannedAxis { hyperparameter: axis.hyperparameter, levels: axis.levels.clone() })
            .collect(),
        data_variants: spec.data_variants().len() as u64,
        models,
        models_total,
    }
}

/// Epochs of all trials: trials of each level of `epochs`, times the level.
fn epochs(spec: &SweepSpec) -> u64 {
    let trials = spec.trial_count().unwrap_or(u64::MAX);
    match spec.axes.iter().find(|axis| axis.hyperparameter == Hyperparameter::Epochs) {
        None => trials.saturating_mul(spec.fixed.integer(Hyperparameter::Epochs)),
        Some(axis) => {
            let levels = axis.levels.iter();
            let sum: u64 = levels
                .map(|level| if let sweep_proto::Value::Integer(number) = level { *number } else { 0 })
                .sum();
            (trials / (axis.levels.len() as u64).max(1)).saturating_mul(sum)
        }
    }
}

/// The models of different size: all of them, or the extremes of parameters and of memory; and how
/// many there are.
fn models(spec: &SweepSpec) -> (Vec<PlannedModel>, u64) {
    let mut sized = spec.clone();
    sized.axes.retain(|axis| SIZING.contains(&axis.hyperparameter));
    let total = sized.grid_size().unwrap_or(0);
    let mut swept = sized.swept();
    if swept.is_empty() {
        swept = vec![Hyperparameter::Cell, Hyperparameter::Units, Hyperparameter::Embedding];
    }
    let all = (0..total).filter_map(|position| sized.configuration(position)).map(|one| model(&one, &swept));
    if total <= MODELS_MAX as u64 {
        return (all.collect(), total);
    }
    (extremes_of(all), total)
}

/// The smallest and largest model by parameters and by memory, without repetition, smallest first.
fn extremes_of(models: impl Iterator<Item = PlannedModel>) -> Vec<PlannedModel> {
    let by_memory = |one: &PlannedModel| (one.memory_bytes, one.parameters);
    let mut kept: Vec<PlannedModel> = Vec::new();
    for model in models {
        if kept.is_empty() {
            kept = vec![model; 4];
            continue;
        }
        let better = [
            model < kept[0],
            model > kept[1],
            by_memory(&model) < by_memory(&kept[2]),
            by_memory(&model) > by_memory(&kept[3]),
        ];
        for (place, _) in kept.iter_mut().zip(better).filter(|(_, better)| *better) {
            place.clone_from(&model);
        }
    }
    kept.sort();
    kept.dedup();
    kept
}

fn model(configuration: &Configuration, swept: &[Hyperparameter]) -> PlannedModel {
    let vocabulary = configuration.integer(Hyperparameter::Vocabulary);
    PlannedModel {
        parameters: model_size::parameters(configuration, vocabulary, CLASSES_ASSUMED),
        memory_bytes: model_size::memory_bytes(configuration, vocabulary, CLASSES_ASSUMED),
        label: configuration.label(swept),
    }
}

fn dataset(source: &DataSource) -> String {
    match source {
        DataSource::Known { name, path: None } => name.clone(),
        DataSource::Known { name, path: Some(path) } => format!("{name} from {}", path.display()),
        DataSource::File { path, .. } => path.display().to_string(),
    }
}

fn text(plan: &Plan) -> String {
    let mut lines = vec![
        format!("sweep           {}", plain(&plan.name)),
        format!(
            "dataset         {}, encoded in {}",
            plain(&plan.dataset),
            counted(plan.data_variants, "way")
        ),
        format!(
            "trials          {} = {} x {}",
            plan.trials,
            counted(plan.configurations, "configuration"),
            counted(u64::from(plan.replicates), "replicate")
        ),
        format!("epochs          {} at most", plan.epochs),
    ];
    for axis in &plan.axes {
        let levels = axis.levels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        lines.push(format!("{:<15} {levels}", axis.hyperparameter.name()));
    }
    let shown = plan.models.len() as u64;
    lines.push(String::new());
    lines.push(if shown < plan.models_total {
        format!("the smallest and largest of {} model sizes", plan.models_total)
    } else {
        "model sizes".to_owned()
    });
    let columns =
        [("PARAMETERS", Align::Right), ("MEMORY PER TRIAL", Align::Right), ("CONFIGURATION", Align::Left)];
    let rows = plan.models.iter().map(|model| {
        let memory = indicatif::BinaryBytes(model.memory_bytes).to_string();
        vec![indicatif::HumanCount(model.parameters).to_string(), memory, model.label.clone()]
    });
    lines.push(table::table(&columns, rows));
    lines.join("\n")
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("{count} {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> SweepSpec {
        sweep_proto::sweep_file::parse("test.toml", text).expect("a valid file")
    }

    #[test]
    fn swept_epochs_are_counted_level_by_level() {
        let spec = spec(
            "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\nepochs = [2, 5]\nunits = [8, 16, 32]\n[train]\nreplicates = 2\n",
        );
        assert_eq!(epochs(&spec), (2 + 5) * 3 * 2);
    }

    #[test]
    fn of_a_large_grid_the_extremes_are_shown() {
        let spec = spec(
            "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\nunits = [8, 16, 32, 64]\nembedding = [8, 16, 32, 64]\nbatch_size = [32, 64]\n",
        );
        let (models, total) = models(&spec);
        assert_eq!(total, 32);
        let labels: Vec<_> = models.iter().map(|model| model.label.as_str()).collect();
        assert_eq!(labels, ["units=8 embedding=8 batch_size=32", "units=64 embedding=64 batch_size=64"]);
    }
}

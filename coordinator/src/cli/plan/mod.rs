//! `sweep plan`: what a sweep file asks for, and what it costs, before anything runs.

mod data;
mod footprint;
mod measure;
mod models;
mod overhead;
mod search;
mod searched;
mod text;
mod time;
mod workers;

use std::path::{Path, PathBuf};

use clap::Args;
use coordinator_core::forecast::bounds;
use coordinator_report::Price;
use serde::Serialize;
use sweep_proto::{Condition, DataSource, FurtherObjectives, Hyperparameter, Objective, SweepSpec, Value};
use sweep_transport::private;

use super::exit::Failure;
use super::search_choice::SearchChoice;
use super::sweep_file::SweepFile;
use super::{Context, rare_space, report, run};
use data::PlannedData;
use footprint::{Disk, Memory};
use models::PlannedModel;
use search::PlannedSearch;
use time::PlannedTime;
use workers::Connected;

const EXAMPLES: &str = "\
The data is opened as the sweep opens it, and kept prepared in the data folder. Where a \
coordinator runs in the data folder, or --server names one, the time follows from the trials that \
its connected workers have run. Else it follows from a few batches of the cheapest, the dearest \
and the most unlike configurations, and from tiny trials, trained on every slot of this machine. \
The first figure of the interval is for trials that all run out of patience at once and are \
pruned as early as can be, the second for trials that train every epoch. Of a search, configurations that its sampler \
may propose are looked at, as far as its budget allows. Memory is the peak of a slot, within a fifth; disk is an \
estimate from above.

Examples:
  sweep plan deploy/examples/paper-imdb.toml
  sweep plan my-sweep.toml --slots 4 --price-per-device-hour 0.40
  sweep plan my-sweep.toml --server https://head-node:7077   by its workers
  sweep plan my-sweep.toml --no-data          from the file alone
  sweep plan my-sweep.toml --search auto      as a search
  sweep plan my-sweep.toml --json | jq .time";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The sweep file, or - for standard input; the built-in quickstart where left out.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    search: SearchChoice,
    /// Do not open the data: sizes then assume a full vocabulary and two classes.
    #[arg(long, conflicts_with = "measure")]
    no_data: bool,
    /// Measure on this machine, whatever a coordinator knows, and also where it takes more than half a minute.
    #[arg(long)]
    measure: bool,
    /// Measure nothing and ask no coordinator: no time and no money.
    #[arg(long, conflicts_with = "measure")]
    no_measure: bool,
    /// Trials side by side; auto suits the machine.
    #[arg(long, value_name = "auto|N", default_value = "auto", value_parser = run::slots)]
    slots: String,
    /// What an hour of a device costs: the plan then tells what the sweep costs.
    #[arg(long, value_name = "MONEY", allow_negative_numbers = true, value_parser = report::parse_money)]
    price_per_device_hour: Option<f64>,
    /// The same for devices whose model name holds DEVICE; may be repeated.
    #[arg(long = "price", value_name = "DEVICE=MONEY", value_parser = report::parse_price)]
    prices: Vec<sweep_proto::wire::DevicePrice>,
}

impl Arguments {
    fn prices(&self) -> Vec<Price> {
        let named = self.prices.iter().map(|one| (one.device.clone(), one.per_device_hour));
        let all = self.price_per_device_hour.iter().map(|price| (String::new(), *price));
        named.chain(all).map(|(device, per_device_hour)| Price { device, per_device_hour }).collect()
    }
}

/// What `sweep plan --json` prints.
#[derive(Debug, Serialize)]
struct Plan {
    name: String,
    dataset: String,
    /// Configurations of the grid; of a search, at most. `null` where hours or money alone decide.
    configurations: Option<u64>,
    replicates: u32,
    /// Of a search, at most; `null` alike.
    trials: Option<u64>,
    /// Epochs of all trials together, none stopped early; `null` alike.
    epochs: Option<u64>,
    /// The metric by which configurations are ranked and chosen.
    objective: Objective,
    /// What they are weighed by beside that, on the Pareto front of the report.
    further_objectives: FurtherObjectives,
    /// How the space is searched; `null` where every configuration is trained, and to its end.
    search: Option<PlannedSearch>,
    axes: Vec<PlannedAxis>,
    /// What every configuration fulfils.
    constraints: Vec<String>,
    /// The share of random configurations that fulfil them; `null` where the configurations are counted, or nothing is demanded.
    constraints_leave: Option<f64>,
    /// Ways in which the dataset is encoded.
    data_variants: u64,
    /// What was read; `null` where the data was not opened.
    data: Option<PlannedData>,
    /// Models of different size; the smallest and the largest where there are many.
    models: Vec<PlannedModel>,
    /// How many models of different size there are.
    models_total: u64,
    memory: Memory,
    /// `null` where the data was not opened.
    disk: Option<Disk>,
    /// `null` where it was not measured.
    time: Option<PlannedTime>,
    /// What stands in the way, or is to be known.
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PlannedAxis {
    hyperparameter: Hyperparameter,
    levels: Vec<Value>,
    /// The range as it is written, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    /// The values of others with which it is varied; with others it has the fixed value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    when: Vec<Condition>,
    /// That value, where it has a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<Value>,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    if let Some(file) = &arguments.file {
        context.wanted.check_input(file)?;
    }
    let file = arguments.search.applied(SweepFile::read_or_quickstart(arguments.file.as_deref())?)?;
    let spec = file.parse()?;
    let constraints_leave = rare_space::constraints_leave(&spec);
    let is_rare = rare_space::warning(&spec, constraints_leave);
    let folder = context.wanted.data_folder.clone();
    let asked =
        if arguments.measure || arguments.no_measure { Ok(None) } else { workers::ask(context).await };
    let mut unasked = None;
    // A plan needs no coordinator.
    let connected = asked.unwrap_or_else(|failure| {
        unasked = Some(format!("the workers of the coordinator were not asked: {}", failure.message));
        None
    });
    let asks = connected.is_some();
    let task = tokio::task::spawn_blocking(move || Gathered::new(arguments, spec, &file, &folder, asks));
    let mut gathered =
        task.await.map_err(|error| Failure::failed(format!("the plan broke off: {error}")))??;
    gathered.notes.extend(unasked.into_iter().chain(is_rare));
    gathered.measure_overhead(&context.wanted.data_folder).await;
    let plan = Plan { constraints_leave, ..gathered.plan(connected) };
    if context.output.json {
        return context.output.json(&plan);
    }
    context.output.text(&text::text(&plan))
}

/// What a plan is made from.
struct Gathered {
    arguments: Arguments,
    dataset: String,
    spec: SweepSpec,
    opened: Option<data::Opened>,
    sizes: data::Sizes,
    machine: Option<measure::Machine>,
    notes: Vec<String>,
}

impl Gathered {
    /// Opens the data, and measures on this machine unless a coordinator `asks` its workers.
    fn new(
        arguments: Arguments,
        mut spec: SweepSpec,
        file: &SweepFile,
        folder: &Path,
        asks: bool,
    ) -> Result<Self, Failure> {
        let dataset = dataset(&spec.data.source);
        coordinator::resolve_paths(&mut spec.data.source, &file.directory);
        let opened = if arguments.no_data {
            None
        } else {
            private::claim(folder).map_err(|error| Failure::usage(error.to_string()))?;
            Some(data::open(&spec, folder).map_err(|error| Failure::usage(error.to_string()))?)
        };
        let sizes = data::Sizes::new(&spec, opened.as_ref());
        let mut notes = opened.as_ref().map(data::Opened::warnings).unwrap_or_default();
        let machine = if asks {
            None
        } else {
            measure::measure(&arguments, folder, &spec, opened.as_ref(), &sizes, &mut notes)?
        };
        Ok(Self { arguments, dataset, spec, opened, sizes, machine, notes })
    }

    /// Measures what trials take beside their training, where training was measured.
    async fn measure_overhead(&mut self, folder: &Path) {
        let Some(machine) = self.machine.as_mut().filter(|machine| machine.rates.is_some()) else { return };
        match overhead::measure(folder, &self.arguments.slots, machine.profile.slots).await {
            Ok(overhead) => machine.overhead = Some(overhead),
            Err(failure) => self.notes.push(format!(
                "what trials take beside their training was not measured, so the time of short ones is told too low: {}",
                failure.message
            )),
        }
    }

    fn plan(self, connected: Option<Connected>) -> Plan {
        let Self { arguments, dataset, spec, opened, sizes, machine, mut notes } = self;
        let prices = arguments.prices();
        let (time, offered) = match connected {
            Some(connected) => {
                let (time, offered) =
                    (time::time(&spec, &sizes, &connected.slots, 0.0, &prices), connected.offered());
                notes.extend(connected.notes);
                if time.as_ref().is_some_and(|time| time.is_far) {
                    notes.push("the trials that the time follows from had much shorter epochs: it is a guess; `--measure` measures this machine".to_owned());
                }
                (time, offered)
            }
            None => (
                machine.as_ref().and_then(|machine| machine.time(&spec, &sizes, &prices)),
                machine.as_ref().map(measure::Machine::offered).unwrap_or_default(),
            ),
        };
        let (models, models_total) = models::models(&spec, &sizes);
        let memory = footprint::memory(&spec, &sizes, &offered, &mut notes);
        let slots = offered.slots.unwrap_or(1);
        let bounds = bounds(&spec);
        let counted = |count: u64| (!bounds.is_open_ended).then_some(count);
        let search = PlannedSearch::of(&spec, &bounds);
        notes.extend(search::notes(&spec, &bounds));
        let is_proposed = spec.search.as_ref().is_some_and(|search| !search.is_of_grid());
        notes.extend(time.as_ref().and_then(|time| search::allowance(&spec, &bounds, time)));
        if is_proposed {
            notes.push("disk of a search is not forecast: it depends on what it proposes".to_owned());
        }
        let disk = opened.as_ref().filter(|_| !is_proposed);
        let disk = disk.map(|opened| footprint::disk(&spec, &sizes, opened, slots));
        Plan {
            name: spec.name.clone(),
            dataset,
            configurations: counted(bounds.trials.div_ceil(u64::from(spec.replicates))),
            replicates: spec.replicates,
            trials: counted(bounds.trials),
            epochs: counted(bounds.epochs),
            objective: spec.objective,
            further_objectives: spec.further_objectives,
            search,
            axes: spec
                .axes
                .iter()
                .map(|axis| PlannedAxis {
                    hyperparameter: axis.hyperparameter,
                    levels: axis.levels().to_vec(),
                    range: axis.range().map(ToString::to_string),
                    when: axis.when.clone(),
                    fixed: (!axis.when.is_empty()).then(|| spec.fixed.get(axis.hyperparameter)),
                })
                .collect(),
            constraints: spec.constraints.iter().map(ToString::to_string).collect(),
            constraints_leave: None,
            data_variants: spec.data_variants().len() as u64,
            data: opened.map(data::Opened::told),
            models,
            models_total,
            memory,
            disk,
            time,
            notes,
        }
    }
}

fn dataset(source: &DataSource) -> String {
    match source {
        DataSource::Known { name, path: None } => name.clone(),
        DataSource::Known { name, path: Some(path) } => format!("{name} from {}", path.display()),
        DataSource::File { path, .. } => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn swept_epochs_are_counted_level_by_level() {
        let text = "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\nepochs = [2, 5]\nunits = [8, 16, 32]\n[train]\nreplicates = 2\n";
        let spec = sweep_proto::sweep_file::parse("test.toml", text).expect("a valid file");
        assert_eq!(spec.grid_epochs(), Some((2 + 5) * 3 * 2));
    }
}

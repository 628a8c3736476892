//! A sweep and its data as they are hashed for signatures.
//!
//! Each record is taken apart by all its fields, so that whoever adds one decides here from which version on it is hashed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use coordinator_core::{Conclusion, DatasetRecord, EarlierChoice, GridOrder, Named, SweepRecord, SweepState};
use serde::{Serialize, Serializer};
use sweep_proto::data_account::{BadRow, BadRows, FileAccount, SplitAccount};
use sweep_proto::reading::{HtmlBreaks, Reading};
use sweep_proto::{
    ArtifactRef, Configuration, DataAccount, DataSource, DataSpec, FrontObjective, Hyperparameter,
    MeteredPart, Objective, SweepSpec, Value,
};

use super::Projection;
use super::space::{Searched, Space};

#[derive(Serialize)]
pub(super) struct Sweep<'a> {
    id: u64,
    spec: Spec<'a>,
    file_text: &'a str,
    state: &'static str,
    created_at: u64,
    ended_at: Option<u64>,
    datasets: Vec<Dataset<'a>>,
    chosen: Option<Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_from: Option<Spec<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    earlier_choices: Vec<Earlier>,
    /// Whether its search found no further trial: how many were planned follows from that.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_exhausted: bool,
    /// The part of its budget because of which no trial began any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    spent: Option<&'static str>,
    /// What its search has found, where that was steered.
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<Concluded>,
}

impl<'a> Sweep<'a> {
    pub(super) fn of(record: &'a SweepRecord, projection: Projection) -> Self {
        let SweepRecord {
            id,
            spec,
            file_text,
            state,
            created_at,
            ended_at,
            datasets,
            chosen,
            owner,
            held,
            extended_from,
            order,
            earlier_choices,
            search,
            conclusion,
            // Of a deleted sweep there is no report.
            deleted_at: _,
            // What was removed since tells nothing of what was found.
            cleared: _,
            // It follows from the spec.
            planned: _,
        } = record;
        // Sweeps of the first version have the default order.
        let order = Some(*order).filter(|_| projection >= Projection::Second);
        Self {
            id: id.0,
            spec: Spec::of(spec),
            file_text,
            state: state_name(*state),
            created_at: created_at.0,
            ended_at: ended_at.map(|at| at.0),
            datasets: datasets.iter().map(Dataset::of).collect(),
            chosen: chosen.as_ref().map(Values::of),
            owner: owner.as_deref(),
            held: held.as_deref(),
            extended_from: extended_from.as_deref().map(Spec::of),
            order: order.and_then(order_name),
            earlier_choices: earlier_choices.iter().map(Earlier::of).collect(),
            is_exhausted: search.is_some_and(|search| search.is_exhausted),
            spent: search.and_then(|search| search.spent).map(MeteredPart::name),
            conclusion: conclusion.as_deref().map(Concluded::of),
        }
    }
}

fn state_name(state: SweepState) -> &'static str {
    match state {
        SweepState::Open => "open",
        SweepState::Paused => "paused",
        SweepState::Evaluating => "evaluating",
        SweepState::Finished => "finished",
        SweepState::Cancelled => "cancelled",
    }
}

fn order_name(order: GridOrder) -> Option<&'static str> {
    match order {
        GridOrder::ByConfiguration => None,
        GridOrder::ByReplicate => Some("by_replicate"),
    }
}

#[derive(Serialize)]
struct Concluded {
    reason: &'static str,
    configuration: Option<Values>,
    probability: Option<f64>,
    margin: Option<f64>,
    tied: Vec<Values>,
}

impl Concluded {
    fn of(conclusion: &Conclusion) -> Self {
        let Conclusion { reason, named } = conclusion;
        let Named { configuration, probability, margin, tied } = named;
        Self {
            reason: reason.name(),
            configuration: configuration.as_ref().map(Values::of),
            probability: *probability,
            margin: *margin,
            tied: tied.iter().map(Values::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct Earlier {
    configuration: Values,
    at: u64,
    trials: u64,
    accuracy: f64,
}

impl Earlier {
    fn of(choice: &EarlierChoice) -> Self {
        let EarlierChoice { configuration, at, trials, accuracy } = choice;
        Self { configuration: Values::of(configuration), at: at.0, trials: *trials, accuracy: *accuracy }
    }
}

#[derive(Serialize)]
struct Spec<'a> {
    name: &'a str,
    data: Data<'a>,
    fixed: Values,
    axes: Vec<Space>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Searched>,
    replicates: u32,
    seed: u64,
    failures_max: u32,
    reuse: bool,
    /// Where it is another one than that of all sweeps of the first programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    objective: Option<&'static str>,
    /// Where there are any: sweeps of programs without them have none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    further_objectives: Vec<&'static str>,
}

impl<'a> Spec<'a> {
    fn of(spec: &'a SweepSpec) -> Self {
        // No number of a report follows from the priority.
        let SweepSpec {
            name,
            data,
            fixed,
            axes,
            replicates,
            seed,
            failures_max,
            reuse,
            priority: _,
            constraints,
            search,
            objective,
            further_objectives,
        } = spec;
        Self {
            name,
            data: Data::of(data),
            fixed: Values::of(fixed),
            axes: axes.iter().map(Space::of).collect(),
            constraints: constraints.iter().map(ToString::to_string).collect(),
            search: search.as_deref().map(Searched::of),
            replicates: *replicates,
            seed: *seed,
            failures_max: *failures_max,
            reuse: *reuse,
            objective: (*objective != Objective::default()).then(|| objective.name()),
            further_objectives: further_objectives.iter().map(FrontObjective::name).collect(),
        }
    }
}

#[derive(Serialize)]
struct Data<'a> {
    source: Source<'a>,
    validation_share: f64,
    test_share: f64,
    train_rows: Option<u64>,
    test_rows: Option<u64>,
    bad_rows_share_max: f64,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<Rows<'a>>,
}

impl<'a> Data<'a> {
    fn of(data: &'a DataSpec) -> Self {
        let DataSpec {
            source,
            validation_share,
            test_share,
            train_rows,
            test_rows,
            bad_rows_share_max,
            seed,
            reading,
        } = data;
        Self {
            source: Source::of(source),
            validation_share: *validation_share,
            test_share: *test_share,
            train_rows: *train_rows,
            test_rows: *test_rows,
            bad_rows_share_max: *bad_rows_share_max,
            seed: *seed,
            reading: (!reading.is_default()).then(|| Rows::of(reading)),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Source<'a> {
    Known {
        name: &'a str,
        path: Option<&'a Path>,
    },
    File {
        path: &'a Path,
        #[serde(skip_serializing_if = "Option::is_none")]
        validation_path: Option<&'a Path>,
        test_path: Option<&'a Path>,
        text: &'a str,
        label: &'a str,
    },
}

impl<'a> Source<'a> {
    fn of(source: &'a DataSource) -> Self {
        match source {
            DataSource::Known { name, path } => Self::Known { name, path: path.as_deref() },
            DataSource::File { path, validation_path, test_path, text, label } => Self::File {
                path,
                validation_path: validation_path.as_deref(),
                test_path: test_path.as_deref(),
                text,
                label,
            },
        }
    }
}

#[derive(Serialize)]
struct Rows<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    text_joined: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    html_breaks: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    labels_dropped: &'a BTreeSet<String>,
}

impl<'a> Rows<'a> {
    fn of(reading: &'a Reading) -> Self {
        let Reading { text_joined, header, delimiter, encoding, html_breaks, labels, labels_dropped } =
            reading;
        let html_breaks = html_breaks.map(|breaks| match breaks {
            HtmlBreaks::Keep => "keep",
            HtmlBreaks::Space => "space",
        });
        Self {
            text_joined,
            header: *header,
            delimiter: delimiter.as_deref(),
            encoding: encoding.as_deref(),
            html_breaks,
            labels,
            labels_dropped,
        }
    }
}

#[derive(Serialize)]
struct Dataset<'a> {
    variant: Values,
    artifact: Artifact,
    classes: &'a [String],
    vocabulary: u32,
    rows: [u64; 3],
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account<'a>>,
}

impl<'a> Dataset<'a> {
    fn of(record: &'a DatasetRecord) -> Self {
        let DatasetRecord { variant, artifact, classes, vocabulary, rows, account } = record;
        Self {
            variant: Values::of_variant(variant),
            artifact: Artifact::of(artifact),
            classes,
            vocabulary: *vocabulary,
            rows: *rows,
            account: account.as_ref().map(Account::of),
        }
    }
}

#[derive(Serialize)]
struct Account<'a> {
    version: u32,
    files: Vec<FileRead<'a>>,
    bad_rows: Unusable<'a>,
    left_out: &'a BTreeMap<String, u64>,
    lost_classes: &'a [String],
    splits: [Split<'a>; 3],
    tokenizer: &'a str,
    told: &'a [String],
}

impl<'a> Account<'a> {
    fn of(account: &'a DataAccount) -> Self {
        let DataAccount { version, files, bad_rows, left_out, lost_classes, splits, tokenizer, told } =
            account;
        Self {
            version: *version,
            files: files.iter().map(FileRead::of).collect(),
            bad_rows: Unusable::of(bad_rows),
            left_out,
            lost_classes,
            splits: splits.each_ref().map(Split::of),
            tokenizer,
            told,
        }
    }
}

#[derive(Serialize)]
struct FileRead<'a> {
    file: &'a str,
    split: &'a str,
    rows: u64,
    unusable: u64,
    notes: &'a [String],
}

impl<'a> FileRead<'a> {
    fn of(account: &'a FileAccount) -> Self {
        let FileAccount { file, split, rows, unusable, notes } = account;
        Self { file, split, rows: *rows, unusable: *unusable, notes }
    }
}

#[derive(Serialize)]
struct Unusable<'a> {
    count: u64,
    reasons: &'a BTreeMap<String, u64>,
    classes: &'a BTreeMap<String, u64>,
    first: Vec<Row<'a>>,
}

impl<'a> Unusable<'a> {
    fn of(rows: &'a BadRows) -> Self {
        let BadRows { count, reasons, classes, first } = rows;
        let row = |row: &'a BadRow| {
            let BadRow { file, line, reason } = row;
            Row { file, line: *line, reason }
        };
        Self { count: *count, reasons, classes, first: first.iter().map(row).collect() }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    file: &'a str,
    line: u64,
    reason: &'a str,
}

#[derive(Serialize)]
struct Split<'a> {
    rows: u64,
    class_rows: &'a [u64],
    in_training: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    word_for_word: Option<u64>,
    other_label: u64,
    truncated: u64,
    tokens: u64,
    unknown_tokens: u64,
}

impl<'a> Split<'a> {
    fn of(account: &'a SplitAccount) -> Self {
        let SplitAccount {
            rows,
            class_rows,
            in_training,
            word_for_word,
            other_label,
            truncated,
            tokens,
            unknown_tokens,
        } = account;
        Self {
            rows: *rows,
            class_rows,
            in_training: *in_training,
            word_for_word: *word_for_word,
            other_label: *other_label,
            truncated: *truncated,
            tokens: *tokens,
            unknown_tokens: *unknown_tokens,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Artifact {
    digest: String,
    bytes: u64,
}

impl Artifact {
    pub(super) fn of(artifact: &ArtifactRef) -> Self {
        let ArtifactRef { digest, bytes } = artifact;
        Self { digest: digest.to_string(), bytes: *bytes }
    }
}

/// The hyperparameters that every configuration has in all versions so far, in their order.
const ALWAYS: [&str; 18] = [
    "units",
    "batch_size",
    "embedding",
    "cell",
    "layers",
    "bidirectional",
    "pooling",
    "dropout",
    "epochs",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "gradient_clip",
    "patience",
    "tokenizer",
    "vocabulary",
    "max_length",
    "truncation_side",
];

/// Values of hyperparameters. One that is not in [`ALWAYS`] is told behind the others, and only where it is not at its default:
/// so a hyperparameter that comes later leaves the digests of the sweeps before it as they are.
pub(super) struct Values(Vec<(&'static str, Scalar)>);

impl Values {
    pub(super) fn of(configuration: &Configuration) -> Self {
        Self::sorted(configuration.iter())
    }

    fn of_variant(variant: &BTreeMap<Hyperparameter, Value>) -> Self {
        Self::sorted(variant.iter().map(|(one, value)| (*one, value.clone())))
    }

    fn sorted(values: impl Iterator<Item = (Hyperparameter, Value)>) -> Self {
        let place = |name: &str| ALWAYS.iter().position(|one| *one == name).unwrap_or(ALWAYS.len());
        let is_told = |one: Hyperparameter, value: &Value| {
            place(one.name()) < ALWAYS.len() || *value != Value::from(one.row().default)
        };
        let told = values.filter(|(one, value)| is_told(*one, value));
        let mut told: Vec<_> = told.map(|(one, value)| (one.name(), Scalar::of(value))).collect();
        told.sort_by_key(|(name, _)| (place(name), *name));
        Self(told)
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Integer(u64),
    Real(f64),
    Flag(bool),
    Word(String),
}

impl Scalar {
    pub(super) fn of(value: Value) -> Self {
        match value {
            Value::Integer(number) => Self::Integer(number),
            Value::Real(number) => Self::Real(number),
            Value::Flag(flag) => Self::Flag(flag),
            Value::Word(word) => Self::Word(word),
        }
    }
}

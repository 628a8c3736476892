//! What may stand in a sweep file and where: the settings beside the hyperparameters.

use crate::front_objective::{FrontObjective, OBJECTIVES_MAX};
use crate::hyperparameter::{Hyperparameter, Kind, Section};
use crate::objective::Objective;
use crate::reading::HtmlBreaks;
use crate::search::{
    AMOUNT_MAX, AMOUNT_MIN, BUDGET_EPOCHS_MAX, ETA_BOUNDS, MIN_EPOCHS_MAX, PrunerName, SamplerName,
};
use crate::sweep_spec::{SweepSpec, TRIALS_MAX};

/// Datasets that a sweep file may name; each has a reader in the coordinator's dataset package.
pub const DATASETS: [&str; 3] = ["snippets", "imdb", "nsmc"];

/// Most replicates of one configuration: far beyond what narrows an interval any further.
pub const REPLICATES_MAX: u32 = 1_000;
/// Most failed attempts of one trial that a sweep file may ask for.
pub const FAILURES_MAX_LIMIT: u32 = 100;
/// Most rows that a sweep file may ask for.
pub const ROWS_MAX: u64 = 1_000_000_000;

/// A place of a sweep file in which keys stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Top,
    Data,
    Model,
    Grid,
    Search,
    Train,
}

impl Place {
    pub(super) const SECTIONS: [Place; 5] =
        [Place::Data, Place::Model, Place::Grid, Place::Search, Place::Train];

    /// The section's name without brackets; empty at the top.
    pub(super) fn name(self) -> &'static str {
        match self {
            Place::Top => "",
            Place::Data => Section::Data.name(),
            Place::Model => Section::Model.name(),
            Place::Grid => "grid",
            Place::Search => "search",
            Place::Train => Section::Train.name(),
        }
    }

    /// `under [data]`, or `at the top, above the first section`.
    pub(super) fn described(self) -> String {
        match self {
            Place::Top => "at the top, above the first section".to_owned(),
            section => format!("under [{}]", section.name()),
        }
    }

    /// The keys that may stand here, in the order of the tables.
    pub(super) fn names(self) -> Vec<&'static str> {
        let settings = SETTINGS.iter().filter(|setting| setting.place == self).map(|setting| setting.name);
        let hyperparameters = Hyperparameter::ALL
            .iter()
            .filter(|one| self == Place::Grid || Place::from(one.row().section) == self)
            .map(|one| one.name());
        settings.chain(hyperparameters).collect()
    }
}

impl From<Section> for Place {
    fn from(section: Section) -> Self {
        match section {
            Section::Data => Place::Data,
            Section::Model => Place::Model,
            Section::Train => Place::Train,
        }
    }
}

/// What a setting takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A number or flag in a range.
    Value(Kind),
    /// Any short text.
    Text,
    /// A column by its name, or by its number from 1; or, where `many`, a list of columns.
    Column {
        /// Whether a list may be given.
        many: bool,
    },
    /// A list of texts.
    Texts {
        /// What such a text looks like, where not every text will do.
        example: Option<&'static str>,
    },
    /// A table from texts to texts.
    Table,
    /// A metric, or a group of a metric and its direction; or a list of these and of costs.
    Objective,
}

impl Shape {
    /// What the setting takes, in words.
    pub(super) fn described(self) -> String {
        match self {
            Shape::Value(kind) => kind.to_string(),
            Shape::Text => "text".to_owned(),
            Shape::Column { many: false } => "a column's name, or its number from 1".to_owned(),
            Shape::Column { many: true } => {
                "a column's name, or its number from 1, or a list of columns".to_owned()
            }
            Shape::Texts { .. } => "a list of texts".to_owned(),
            Shape::Table => "a table of texts".to_owned(),
            Shape::Objective => {
                let metrics: Vec<String> = Objective::all().map(|one| format!("`{one}`")).collect();
                let costs = FrontObjective::all()
                    .map(FrontObjective::name)
                    .filter(|one| FrontObjective::is_cost(one));
                let costs: Vec<String> = costs.map(|cost| format!("`{cost}`")).collect();
                format!(
                    "{}; or a list of 1 to {OBJECTIVES_MAX} objectives: first one of these, then others of these or {}",
                    metrics.join(", "),
                    costs.join(", ")
                )
            }
        }
    }
}

/// A key of a sweep file that is not a hyperparameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) shape: Shape,
    /// What holds when the file says nothing, in words.
    pub(super) default: &'static str,
    pub(super) doc: &'static str,
}

const SHARE: Kind = Kind::Real { min: 0.0, max: 0.99, above_min: true };
const SEED: Kind = Kind::Integer { min: 0, max: u64::MAX };
const AMOUNT: Kind = Kind::Real { min: AMOUNT_MIN, max: AMOUNT_MAX, above_min: false };
const ROWS: Kind = Kind::Integer { min: 1, max: ROWS_MAX };

const fn setting(
    name: &'static str,
    place: Place,
    shape: Shape,
    default: &'static str,
    doc: &'static str,
) -> Setting {
    Setting { name, place, shape, default, doc }
}

/// Every key that is not a hyperparameter, in the order of the reference.
pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "name",
        Place::Top,
        Shape::Text,
        "required",
        "The sweep's name in lists and reports. A number alone is not one: commands take numbers, too.",
    ),
    setting(
        "priority",
        Place::Top,
        Shape::Value(Kind::Integer { min: 0, max: SweepSpec::PRIORITY_MAX as u64 }),
        "0",
        "Trials of a sweep with a higher priority are handed out before those of sweeps with a lower one.",
    ),
    setting(
        "objective",
        Place::Top,
        Shape::Objective,
        "validation_loss",
        "The metric by which configurations are ranked and the best one is chosen: of a list, the first. The report shows the Pareto front of all.",
    ),
    setting("dataset", Place::Data, Shape::Text, "none", "A dataset known by name: snippets, imdb or nsmc."),
    setting(
        "path",
        Place::Data,
        Shape::Text,
        "none",
        "Your own data: a file, a pattern of files such as `data/train-*.parquet`, or a folder; together with `dataset`, a local copy of that dataset.",
    ),
    setting(
        "validation_path",
        Place::Data,
        Shape::Text,
        "none",
        "Your own validation split: a file, a pattern or a folder. Without it a validation split is drawn from the training rows.",
    ),
    setting(
        "test_path",
        Place::Data,
        Shape::Text,
        "none",
        "Your own test split: a file, a pattern or a folder. Without it a test split is drawn from `path`.",
    ),
    setting(
        "text",
        Place::Data,
        Shape::Column { many: true },
        "required for tables",
        "The column of the text. The texts of several columns are joined by line ends. A key inside a JSON object is written `review.text`.",
    ),
    setting(
        "label",
        Place::Data,
        Shape::Column { many: false },
        "required for tables",
        "The column of the label.",
    ),
    setting(
        "header",
        Place::Data,
        Shape::Value(Kind::Flag),
        "true",
        "Whether the first row of a delimited file names its columns. Without a header columns are given by number.",
    ),
    setting(
        "delimiter",
        Place::Data,
        Shape::Text,
        "recognised",
        "The delimiter of a delimited file: one character, or `tab`.",
    ),
    setting(
        "encoding",
        Place::Data,
        Shape::Text,
        "recognised",
        "The encoding of text files, such as `utf-8`, `windows-1252`, `cp949`, `shift_jis` or `gb18030`.",
    ),
    setting(
        "html_breaks",
        Place::Data,
        Shape::Value(Kind::Choice(&HtmlBreaks::WORDS)),
        "space for imdb, else keep",
        "What becomes of HTML line breaks such as `<br />`: each becomes a space, or they stay.",
    ),
    setting(
        "labels",
        Place::Data,
        Shape::Table,
        "each label is a class",
        "Labels of the data with the names of their classes. Two labels with one name become one class.",
    ),
    setting(
        "labels_dropped",
        Place::Data,
        Shape::Texts { example: None },
        "none",
        "Labels of the data whose rows are left out.",
    ),
    setting(
        "validation_share",
        Place::Data,
        Shape::Value(SHARE),
        "0.1",
        "Share of the training rows set aside to choose by.",
    ),
    setting(
        "test_share",
        Place::Data,
        Shape::Value(SHARE),
        "0.1",
        "Share of all rows set aside for the test, where the data has no test split of its own.",
    ),
    setting(
        "train_rows",
        Place::Data,
        Shape::Value(ROWS),
        "all",
        "Keep at most this many training rows (before validation is split off), drawn with `seed`.",
    ),
    setting(
        "test_rows",
        Place::Data,
        Shape::Value(ROWS),
        "all",
        "Keep at most this many test rows, drawn with `seed`.",
    ),
    setting(
        "bad_rows_share_max",
        Place::Data,
        Shape::Value(Kind::Real { min: 0.0, max: 1.0, above_min: false }),
        "0.01",
        "Share of unusable rows (no label, no text, damaged) above which the data is refused.",
    ),
    setting(
        "seed",
        Place::Data,
        Shape::Value(SEED),
        "0",
        "Seed of the splits and draws; the same for every trial of the sweep.",
    ),
    setting(
        "constraints",
        Place::Grid,
        Shape::Texts { example: Some("units * layers <= 512") },
        "none",
        "Inequalities that every configuration fulfils, at most 50, such as `units * layers <= 512`: sums and products of hyperparameters and numbers, compared with <, <=, >, >= or ==.",
    ),
    setting(
        "sampler",
        Place::Search,
        Shape::Value(Kind::Choice(SamplerName::NAMES)),
        "random where there is a range, else grid",
        "Who proposes configurations.",
    ),
    setting(
        "pruner",
        Place::Search,
        Shape::Value(Kind::Choice(PrunerName::NAMES)),
        "none",
        "Who ends trials before they have trained all their epochs.",
    ),
    setting(
        "eta",
        Place::Search,
        Shape::Value(Kind::Integer { min: ETA_BOUNDS[0], max: ETA_BOUNDS[1] }),
        "3",
        "How many trials must have come to a rung for one that the pruner asha promotes from it.",
    ),
    setting(
        "min_epochs",
        Place::Search,
        Shape::Value(Kind::Integer { min: 1, max: MIN_EPOCHS_MAX }),
        "1",
        "Epochs that every trial trains before a pruner looks at it; the first rung of asha.",
    ),
    setting(
        "trials",
        Place::Search,
        Shape::Value(Kind::Integer { min: 1, max: TRIALS_MAX }),
        "no bound",
        "The search ends after this many trials; each replicate of a configuration is one.",
    ),
    setting(
        "epochs",
        Place::Search,
        Shape::Value(Kind::Integer { min: 1, max: BUDGET_EPOCHS_MAX }),
        "no bound",
        "The most epochs that all trials train together. A trial that has not ended counts with all that it may train now; another one begins while there is room for all its epochs.",
    ),
    setting(
        "hours",
        Place::Search,
        Shape::Value(AMOUNT),
        "no bound",
        "No trial begins once attempts have held their slots for this many hours, all added up; those that run then train to their end.",
    ),
    setting(
        "money",
        Place::Search,
        Shape::Value(AMOUNT),
        "no bound",
        "The same in money: hours times `price_per_hour`, in its currency.",
    ),
    setting(
        "price_per_hour",
        Place::Search,
        Shape::Value(AMOUNT),
        "none",
        "What one slot costs for an hour; needed by `money`.",
    ),
    setting(
        "replicates",
        Place::Train,
        Shape::Value(Kind::Integer { min: 1, max: REPLICATES_MAX as u64 }),
        "1",
        "How often each configuration is trained, each time with another seed. Replicate k has the same seed in every configuration.",
    ),
    setting(
        "seed",
        Place::Train,
        Shape::Value(SEED),
        "0",
        "The seed from which the replicates' seeds are derived.",
    ),
    setting(
        "failures_max",
        Place::Train,
        Shape::Value(Kind::Integer { min: 1, max: FAILURES_MAX_LIMIT as u64 }),
        "3",
        "Attempts of one trial that may fail before the trial counts as failed.",
    ),
    setting(
        "reuse",
        Place::Train,
        Shape::Value(Kind::Flag),
        "true",
        "Whether finished trials of earlier sweeps that are the same in everything, the name of the data file included, stand in for new ones.",
    ),
];

/// The default replicates of a sweep.
pub(super) const REPLICATES: u32 = 1;

/// What a key of a place means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    Hyperparameter(Hyperparameter),
    Setting(&'static Setting),
}

/// The meaning of a key where it stands, if it has one there.
pub(super) fn known_at(place: Place, name: &str) -> Option<Known> {
    if let Some(setting) = SETTINGS.iter().find(|setting| setting.place == place && setting.name == name) {
        return Some(Known::Setting(setting));
    }
    let hyperparameter = Hyperparameter::from_name(name)?;
    let at_home = place == Place::Grid || place == hyperparameter.row().section.into();
    at_home.then_some(Known::Hyperparameter(hyperparameter))
}

/// The places where a key may stand, the section of a hyperparameter before `[grid]`.
pub(super) fn places_of(name: &str) -> Vec<Place> {
    [Place::Top, Place::Data, Place::Model, Place::Train, Place::Grid, Place::Search]
        .into_iter()
        .filter(|place| known_at(*place, name).is_some())
        .collect()
}

/// Every key of every place.
pub(crate) fn all_names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.name).chain(Hyperparameter::ALL.iter().map(|one| one.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep_spec::DataSpec;

    #[test]
    fn documented_defaults_are_those_of_the_specification() {
        let default =
            |name| SETTINGS.iter().find(|setting| setting.name == name).map(|setting| setting.default);
        assert_eq!(default("validation_share"), Some(DataSpec::VALIDATION_SHARE.to_string().as_str()));
        assert_eq!(default("test_share"), Some(DataSpec::TEST_SHARE.to_string().as_str()));
        assert_eq!(default("bad_rows_share_max"), Some(DataSpec::BAD_ROWS_SHARE_MAX.to_string().as_str()));
        assert_eq!(default("failures_max"), Some(SweepSpec::FAILURES_MAX.to_string().as_str()));
        assert_eq!(default("replicates"), Some(REPLICATES.to_string().as_str()));
    }
}

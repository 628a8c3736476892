//! From numbers to sections of text, tables and charts: what HTML and Markdown both show.
//!
//! A section is one file and one line in [`sections`]. Blocks hold plain text: escaping belongs to the formats.

mod answer;
pub mod comparison;
mod conclusion;
mod convergence;
mod cost;
mod curves;
mod data;
mod devices;
mod distribution;
mod effects;
mod failures;
mod fanova;
mod findings;
pub mod format;
mod front;
mod importance;
mod interactions;
mod ledger;
pub(crate) mod names;
mod one_factor;
mod parallel;
mod ranking;
mod reproduction;
mod search_end;
mod set_up;
mod study;
mod test_split;
mod variance;
pub mod verdict;
pub mod warnings;

use serde::Serialize;
use sweep_proto::Objective;

use crate::language::{Language, heads, say, told};
use crate::model::ReportModel;
use crate::table::Table;

/// Rows of a table in HTML and Markdown; the rest stands in the CSV, Parquet and JSON files.
pub const ROWS_MAX: usize = 200;

/// One section of the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it says, in order.
    pub blocks: Vec<Block>,
}

/// One part of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A paragraph that a reader must not miss.
    Warning(String),
    /// Headline numbers.
    Figures(Vec<Figure>),
    /// A table.
    Table(TextTable),
    /// Charts of one kind that stand together.
    Charts(Vec<Chart>),
    /// The choice of what the learning curves show.
    MetricChoice,
    /// The states of all trials at a glance.
    StateMap(StateMap),
    /// Text to copy.
    Preformatted {
        /// What it is.
        caption: String,
        /// The text.
        text: String,
        /// Whether a page shows it only when asked.
        collapsed: bool,
    },
}

/// A headline number.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is.
    pub label: &'static str,
    /// The number, with its unit.
    pub value: String,
    /// Its spread, or how it was measured.
    pub detail: String,
}

/// A table of text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextTable {
    /// What it shows.
    pub caption: String,
    /// The columns.
    pub head: Vec<Head>,
    /// The rows; each as long as `head`.
    pub rows: Vec<Vec<String>>,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Its title.
    pub title: String,
    /// Whether it holds numbers, which stand to the right.
    pub numeric: bool,
}

impl Head {
    /// Of a column of text, whose title is a name.
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), numeric: false }
    }

    /// Of a column of numbers, alike.
    pub fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), numeric: true }
    }

    /// Of a message; where it starts with `#`, of numbers.
    pub(crate) fn of(language: Language, title: &'static str) -> Self {
        match title.strip_prefix('#') {
            Some(title) => Self::number(language.text(title)),
            None => Self::text(language.text(title)),
        }
    }
}

impl TextTable {
    /// A table without rows.
    pub fn new(caption: impl Into<String>, head: Vec<Head>) -> Self {
        Self { caption: caption.into(), head, rows: Vec::new() }
    }

    /// Headline numbers as a table.
    pub fn of_figures(caption: impl Into<String>, figures: &[Figure], language: Language) -> Self {
        let mut table = Self::new(caption, heads!(language, "what", "value", "how"));
        table.rows = figures
            .iter()
            .map(|one| vec![one.label.to_owned(), one.value.clone(), one.detail.clone()])
            .collect();
        table
    }

    /// With these rows, cut to [`ROWS_MAX`]; the caption says so and names where all of them stand.
    #[must_use]
    pub fn with_rows(
        mut self,
        rows: impl ExactSizeIterator<Item = Vec<String>>,
        all_in: &str,
        language: Language,
    ) -> Self {
        let count = rows.len();
        if count > ROWS_MAX {
            self.caption = say!(
                language,
                "{caption} (first {shown} of {count}; all in {file})",
                caption = self.caption,
                shown = ROWS_MAX,
                count = count,
                file = all_in
            );
        }
        self.rows = rows.take(ROWS_MAX).collect();
        self
    }
}

/// A chart, and the same numbers as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Its element's id, unique in the report.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it shows, for those who cannot see it.
    pub description: String,
    /// What is drawn.
    pub spec: ChartSpec,
    /// The same numbers.
    pub fallback: TextTable,
}

/// What the script draws.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChartSpec {
    /// Curves with bands: mean learning curves, or what a live page follows.
    Curves {
        /// One curve per group.
        groups: Vec<CurveData>,
        /// What the curves show, where that is one thing and not a choice of the four metrics.
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<&'static str>,
        /// What the horizontal axis counts, where that is not epochs.
        #[serde(skip_serializing_if = "Option::is_none")]
        place: Option<&'static str>,
        /// Whether the names are long: they stand below the chart, each with a box that hides its curve or shows it.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        names_below: bool,
    },
    /// Scores of pairs of levels.
    Heat {
        /// Name of the rows.
        row_name: String,
        /// Name of the columns.
        column_name: String,
        /// Levels of the rows.
        rows: Vec<String>,
        /// Levels of the columns.
        columns: Vec<String>,
        /// `cells[row][column]`.
        cells: Vec<Vec<Option<f64>>>,
    },
    /// Configurations across the levels of their hyperparameters.
    Parallel {
        /// Each hyperparameter with its levels.
        axes: Vec<(String, Vec<String>)>,
        /// Each configuration: the position of its level on every axis, and its mean validation loss.
        lines: Vec<(Vec<usize>, f64)>,
    },
    /// The losses of each level, from the lowest to the highest.
    Quantiles {
        /// Shares of the trials, in percent.
        percents: Vec<u32>,
        /// Each level with its trials and its loss at every share.
        groups: Vec<(String, u32, Vec<f64>)>,
    },
    /// Accuracy against time, or what else two scales show.
    Scatter {
        /// `(seconds, accuracy in %, label, on the Pareto front)`, or the values of the scales in place of the first two.
        points: Vec<(f64, f64, String, bool)>,
        /// What the horizontal and the vertical scale show, where that is not time and accuracy.
        #[serde(skip_serializing_if = "Option::is_none")]
        scales: Option<[String; 2]>,
        /// Whether the points on the front are not joined: where it has more scales than are drawn.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_apart: bool,
    },
    /// Accuracy against the probability of the predicted class.
    Reliability {
        /// `(mean probability in %, accuracy in %, examples)`.
        points: Vec<(f64, f64, u64)>,
    },
    /// Marginal means with bars by which levels are compared.
    Levels {
        /// Name of the hyperparameter.
        name: String,
        /// `(level, mean, half of a bar, compared trials)`.
        levels: Vec<(String, Option<f64>, Option<f64>, u32)>,
        /// For each replicate that is drawn, its mean at every level.
        replicates: Vec<Vec<Option<f64>>>,
        /// What the axis of the loss shows at least: the same in all charts that stand together.
        shown: Option<(f64, f64)>,
    },
}

/// One curve; `metrics` are validation loss, training loss, validation accuracy, training accuracy, or the chart's one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurveData {
    /// The group.
    pub label: String,
    /// Its epochs, or what else the horizontal axis counts.
    pub epochs: Vec<u64>,
    /// Trials at each of them.
    pub trials: Vec<u32>,
    /// Per metric: means and standard deviations, as long as `epochs`.
    pub metrics: Vec<(Vec<f64>, Vec<Option<f64>>)>,
}

/// The states of all trials, configuration by configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct StateMap {
    /// Each configuration with the states of its replicates.
    pub groups: Vec<StateGroup>,
    /// The states that occur, by name and in words.
    pub legend: Vec<(&'static str, &'static str)>,
}

/// The states of one configuration's replicates.
#[derive(Clone, Debug, PartialEq)]
pub struct StateGroup {
    /// The configuration.
    pub label: String,
    /// The state of each replicate, and whether it was reused.
    pub states: Vec<(&'static str, bool)>,
}

/// Every section, in the order of the report.
pub fn sections(model: &ReportModel, table: &Table, language: Language) -> Vec<Section> {
    vec![
        answer::section(model, language),
        ledger::section(model, table, language),
        test_split::section(model, language),
        curves::section(model, language),
        effects::section(model, language),
        variance::section(model, language),
        importance::section(model, language),
        one_factor::section(model, language),
        interactions::section(model, language),
        distribution::section(model, language),
        parallel::section(model, language),
        ranking::section(model, language),
        front::section(model, language),
        cost::section(model, language),
        failures::section(model, language),
        set_up::section(model, language),
        reproduction::section(model, table, language),
    ]
    .into_iter()
    .filter(|section| !section.blocks.is_empty())
    .collect()
}

/// The heads of a table whose column of the validation loss holds the scores of another objective.
fn scored(mut head: Vec<Head>, objective: Objective, language: Language) -> Vec<Head> {
    let of_loss = language.text("validation loss");
    for one in head.iter_mut().filter(|one| one.title == of_loss) {
        one.title = told!(language, objective, "validation loss");
    }
    head
}

/// Rows at the top of a shortened ranking.
const TOP_ROWS: usize = 20;
/// Rows at its bottom.
const BOTTOM_ROWS: usize = 10;

/// A table in ranking order, cut to its first and its last rows; all stand in `report.json`.
fn shortened(
    table: TextTable,
    rows: impl ExactSizeIterator<Item = Vec<String>>,
    language: Language,
) -> TextTable {
    shortened_from(table, rows, "report.json", language)
}

/// As [`shortened`], of rows that all stand in another file.
fn shortened_from(
    mut table: TextTable,
    rows: impl ExactSizeIterator<Item = Vec<String>>,
    all_in: &str,
    language: Language,
) -> TextTable {
    let count = rows.len();
    let cut = count > TOP_ROWS + BOTTOM_ROWS;
    if cut {
        table.caption = say!(
            language,
            "{caption} (first {top} and last {bottom} of {count}; all in {file})",
            caption = table.caption,
            top = TOP_ROWS,
            bottom = BOTTOM_ROWS,
            count = count,
            file = all_in
        );
    }
    let kept = rows.enumerate().filter(|(at, _)| !cut || *at < TOP_ROWS || *at >= count - BOTTOM_ROWS);
    table.rows = kept.map(|(_, row)| row).collect();
    table
}

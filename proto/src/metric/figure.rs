//! The table of what is measured: name, unit, direction, range, where it comes from, documentation.
//!
//! Messages, columns of files, JSON, charts, exports, `docs/metrics.md` follow from it; columns of the database, the Python client
//! and translations are checked against it by tests. A further figure of the test split is one row here, and its computation:
//! beside its row where it follows from the stored counts, else where the trainer measures the split
//! (`worker/trainer/src/training/evaluation.rs`).

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{EpochMetric, TestMetric};

/// Largest absolute value that counts as a measurement, in any unit: far above all that training gives, and its square times the
/// trials of the largest sweep is still finite. Larger ones are refused where they come in, and left out of reports like NaN.
pub const NUMBER_MAX: f64 = 1e100;

/// Most energy of one epoch, in joules: what a device of 30 kilowatts takes in a year. More is no measurement.
pub const ENERGY_JOULES_MAX: f64 = 1e12;

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Natural units of information.
    Nats,
    /// A part of one, which people read in per cent.
    Fraction,
    /// A number without a unit.
    Coefficient,
    /// Seconds.
    Seconds,
    /// Training examples in a second.
    ExamplesPerSecond,
    /// Bytes, whole ones.
    Bytes,
    /// Joules.
    Joules,
}

impl Unit {
    /// The unit in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Fraction => "fraction",
            Self::Coefficient => "none",
            Self::Seconds => "seconds",
            Self::ExamplesPerSecond => "examples per second",
            Self::Bytes => "bytes",
            Self::Joules => "joules",
        }
    }
}

/// Which of two figures is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
}

impl Better {
    /// `lower` or `higher`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
        }
    }
}

/// What a figure can be. Whatever else comes from outside is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Any number up to [`NUMBER_MAX`] in size.
    Number,
    /// From 0 to 1.
    Share,
    /// From -1 to 1.
    Correlation,
    /// From 0 up to that.
    Amount(f64),
}

impl Range {
    /// Whether a figure can be that number.
    pub fn holds(self, number: f64) -> bool {
        match self {
            Self::Number => number.abs() <= NUMBER_MAX,
            Self::Share => (0.0..=1.0).contains(&number),
            Self::Correlation => (-1.0..=1.0).contains(&number),
            Self::Amount(most) => (0.0..=most).contains(&number),
        }
    }

    /// The range in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Number => "any number",
            Self::Share => "0 to 1",
            Self::Correlation => "-1 to 1",
            Self::Amount(_) => "0 and above",
        }
    }
}

/// What a figure of an epoch is taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The training examples, as they are trained on.
    Training,
    /// The validation split: such a figure may be the objective of a sweep.
    Validation,
    /// The run, and not the model: what the epoch took.
    Run,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The name in messages, files and columns.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// Which of two is the better one.
    pub better: Better,
    /// What it can be.
    pub range: Range,
    /// Where it comes from, in words.
    pub origin: &'static str,
    /// What it is.
    pub doc: &'static str,
}

/// How a figure of the test split is had from what is stored.
enum Source {
    /// A field of [`TestMetric`] of its own, as the first figures have.
    Field(fn(&TestMetric) -> f64),
    /// It stands under its name among [`TestMetric::more`]; absent where its trainer did not measure it.
    More,
    /// It follows from the confusion counts.
    Counts(fn(&[Vec<u64>]) -> f64),
}

impl Source {
    const fn words(&self) -> &'static str {
        match self {
            Self::Field(_) | Self::More => "measured by the trainer",
            Self::Counts(_) => "computed from the confusion counts, so earlier results have it, too",
        }
    }
}

macro_rules! test_figures {
    ($($variant:ident { $name:literal, $words:literal, $unit:ident, $better:ident, $range:expr, $source:expr, $doc:literal })*) => {
        /// A figure of a model on the test split.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum TestFigure {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl TestFigure {
            /// How many there are.
            pub const COUNT: usize = [$(Self::$variant,)*].len();

            /// Every figure, in the order of the table.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant,)*];

            /// The columns of files, in the order of the table.
            pub const COLUMNS: [&'static str; Self::COUNT] = [$(concat!("test_", $name),)*];

            /// This figure's row of the table.
            pub fn row(self) -> Row {
                let (unit, better, range, doc) = match self {
                    $(Self::$variant => (Unit::$unit, Better::$better, $range, $doc),)*
                };
                Row { name: self.name(), unit, better, range, origin: self.source().words(), doc }
            }

            /// What people call it.
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }

            /// What exports for other tools call it.
            pub fn chart(self) -> &'static str {
                match self { $(Self::$variant => concat!("test/", $name),)* }
            }

            /// The name in messages and files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn source(self) -> Source {
                match self { $(Self::$variant => $source,)* }
            }
        }
    };
}

test_figures! {
    Loss { "loss", "loss", Nats, Lower, Range::Number, Source::Field(|test| test.loss),
        "Loss on the test split, in nats." }
    Accuracy { "accuracy", "accuracy", Fraction, Higher, Range::Share, Source::Field(|test| test.accuracy),
        "Accuracy on the test split, a fraction." }
    MacroF1 { "macro_f1", "macro F1", Fraction, Higher, Range::Share, Source::Field(|test| test.macro_f1),
        "Unweighted mean over classes of the F1 on the test split." }
    Auc { "auc", "AUC", Coefficient, Higher, Range::Share, Source::More,
        "Area under the ROC curve on the test split. For two classes: the probability that an example of the second class scores higher than one of the first; ties count half. For more: the unweighted mean of the one-against-rest AUCs. Empty where the trainer did not measure it or the split is too large to rank." }
    Matthews { "matthews", "Matthews correlation", Coefficient, Higher, Range::Correlation, Source::Counts(matthews),
        "Matthews correlation of truth and prediction on the test split, of more than two classes in Gorodkin's form; 0 where truth or prediction is constant." }
}

/// Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", Computational Biology and Chemistry
/// 28, 2004: the covariance of truth and prediction, over their deviations.
fn matthews(confusion: &[Vec<u64>]) -> f64 {
    let truths: Vec<f64> = confusion.iter().map(|row| sum(row.iter())).collect();
    let predictions: Vec<f64> =
        (0..confusion.len()).map(|class| sum(confusion.iter().filter_map(|row| row.get(class)))).collect();
    let hits = sum(confusion.iter().enumerate().filter_map(|(class, row)| row.get(class)));
    let all: f64 = truths.iter().sum();
    let product =
        |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f64>();
    let covariance = hits * all - product(&truths, &predictions);
    let deviation = |counts: &[f64]| (all * all - product(counts, counts)).max(0.0).sqrt();
    let deviations = deviation(&truths) * deviation(&predictions);
    if deviations > 0.0 { (covariance / deviations).clamp(-1.0, 1.0) } else { 0.0 }
}

/// In numbers that no counts overflow.
fn sum<'a>(counts: impl Iterator<Item = &'a u64>) -> f64 {
    counts.map(|count| *count as f64).sum()
}

impl TestFigure {
    /// The figure of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.name() == name)
    }

    /// Its column in files.
    pub fn column(self) -> &'static str {
        Self::COLUMNS[self as usize]
    }

    /// Whether it stands among [`TestMetric::more`] where it was measured.
    #[cfg(feature = "wire")]
    pub(crate) fn is_among_more(self) -> bool {
        matches!(self.source(), Source::More)
    }

    /// What a model reached; `None` where its trainer did not measure it.
    pub fn of(self, test: &TestMetric) -> Option<f64> {
        match self.source() {
            Source::Field(field) => Some(field(test)),
            Source::More => test.more.get(&self).copied(),
            Source::Counts(compute) => Some(compute(&test.confusion)),
        }
    }
}

macro_rules! epoch_figures {
    ($($variant:ident { $name:literal, $chart:literal, $unit:ident, $better:ident, $range:expr, $taken:ident, $of:expr, $origin:literal, $doc:literal })*) => {
        /// A figure of an epoch.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EpochFigure {
            $(#[doc = $doc] $variant,)*
        }

        impl EpochFigure {
            /// How many there are.
            pub const COUNT: usize = [$(Self::$variant,)*].len();

            /// Every figure, in the order of the table.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant,)*];

            /// This figure's row of the table.
            pub fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        name: $name,
                        unit: Unit::$unit,
                        better: Better::$better,
                        range: $range,
                        origin: $origin,
                        doc: $doc,
                    },)*
                }
            }

            /// What exports for other tools call it: names that group well in charts.
            pub fn chart(self) -> &'static str {
                match self { $(Self::$variant => $chart,)* }
            }

            /// What it is taken on.
            pub fn taken(self) -> Taken {
                match self { $(Self::$variant => Taken::$taken,)* }
            }

            /// What an epoch came to; `None` where it is not told.
            pub fn of(self, epoch: &EpochMetric) -> Option<f64> {
                let of: fn(&EpochMetric) -> Option<f64> = match self { $(Self::$variant => $of,)* };
                of(epoch)
            }
        }
    };
}

epoch_figures! {
    TrainLoss { "train_loss", "loss/train", Nats, Lower, Range::Number, Training, |epoch| Some(epoch.train_loss), "trainer",
        "Mean loss over the training examples as they were trained on, in nats." }
    TrainAccuracy { "train_accuracy", "accuracy/train", Fraction, Higher, Range::Share, Training, |epoch| Some(epoch.train_accuracy), "trainer",
        "Share of training examples classified correctly as they were trained on." }
    ValidationLoss { "validation_loss", "loss/validation", Nats, Lower, Range::Number, Validation, |epoch| Some(epoch.validation_loss), "trainer",
        "Validation loss, in nats." }
    ValidationAccuracy { "validation_accuracy", "accuracy/validation", Fraction, Higher, Range::Share, Validation, |epoch| Some(epoch.validation_accuracy), "trainer",
        "Validation accuracy, a fraction." }
    ValidationMacroF1 { "validation_macro_f1", "macro_f1/validation", Fraction, Higher, Range::Share, Validation, |epoch| Some(epoch.validation_macro_f1), "trainer",
        "Unweighted mean over classes of the validation F1." }
    Seconds { "seconds", "cost/seconds", Seconds, Lower, Range::Amount(NUMBER_MAX), Run, |epoch| Some(epoch.seconds), "trainer",
        "Seconds of the epoch: training and validation." }
    ExamplesPerSecond { "examples_per_second", "cost/examples_per_second", ExamplesPerSecond, Higher, Range::Amount(NUMBER_MAX), Run, |epoch| Some(epoch.examples_per_second), "trainer",
        "Training examples per second." }
    PeakMemory { "peak_memory_bytes", "cost/peak_memory_bytes", Bytes, Lower, Range::Amount(u64::MAX as f64), Run, |epoch| Some(epoch.peak_memory_bytes as f64), "slot process",
        "Peak resident memory of the slot process so far, in bytes." }
    Energy { "energy_joules", "cost/energy_joules", Joules, Lower, Range::Amount(ENERGY_JOULES_MAX), Run, |epoch| epoch.energy_joules, "device, where it tells",
        "Energy of the device in the epoch, in joules; empty where the device does not tell." }
}

impl EpochFigure {
    /// The name in messages, files and columns.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The figure of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.name() == name)
    }

    /// Whether it says how well the model learns, and not what the epoch took: the same trial gives the same bits.
    pub fn is_of_the_model(self) -> bool {
        self.taken() != Taken::Run
    }
}

/// The page `docs/metrics.md`.
pub fn metric_reference() -> String {
    let mut page = String::from(
        "# Metrics\n\nGenerated from the table in `proto/src/metric/figure.rs`; after a change of the table run\n\
         `UPDATE=1 cargo test --release -p sweep-proto --test all reference::`.\n\n\
         What is not measured is empty in files and `null` in JSON.\n\n## Of an epoch\n\n\
         Columns of `epochs.csv`, `epochs.parquet` and of the database. Those whose name begins with `validation_` may be the\n\
         [objective](sweep-file.md#the-objective) of a sweep.\n\n",
    );
    table(&mut page, EpochFigure::ALL.map(|figure| (figure.name(), figure.row())));
    page.push_str(
        "\n## Of the test split\n\nColumns of `trials.csv` and `trials.parquet`, for the trials of the chosen configuration; means over its \
         replicates\nstand in `report.json` (`answer`), and without `test_` in `sweep status --json` (`test`).\n\n",
    );
    table(&mut page, TestFigure::ALL.map(|figure| (figure.column(), figure.row())));
    page
}

fn table<const COUNT: usize>(page: &mut String, rows: [(&str, Row); COUNT]) {
    page.push_str("| name | unit | better | range | from | what it is |\n|---|---|---|---|---|---|\n");
    for (name, Row { unit, better, range, origin, doc, .. }) in rows {
        let [unit, better, range] = [unit.words(), better.words(), range.words()];
        // Writing to a string cannot fail.
        _ = writeln!(page, "| `{name}` | {unit} | {better} | {range} | {origin} | {doc} |");
    }
}

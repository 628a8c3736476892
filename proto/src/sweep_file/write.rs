//! A sweep written as a sweep file that reproduces it.

use std::fmt::Write as _;
use std::path::Path;

use crate::configuration::Value;
use crate::hyperparameter::{Hyperparameter, Section};
use crate::objective::Objective;
use crate::reading::Reading;
use crate::search::{Budget, Search};
use crate::space::{Axis, Domain};
use crate::sweep_spec::{DataSource, DataSpec, SweepSpec};

impl SweepSpec {
    /// A sweep file that reads as this sweep. Every value is written out, also those that are
    /// defaults today. Paths that are not Unicode lose what is not.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let priority = match self.priority {
            0 => String::new(),
            priority => format!("priority = {priority}\n"),
        };
        let objectives: Vec<String> = self.objectives().map(|one| text(one.name())).collect();
        let objective = match objectives.as_slice() {
            [_] if self.objective == Objective::default() => String::new(),
            [one] => format!("objective = {one}\n"),
            several => format!("objective = [{}]\n", several.join(", ")),
        };
        let name = text(&self.name);
        let mut file = format!("name = {name}\n{priority}{objective}\n[data]\n{}", data(&self.data));
        file += &self.fixed_lines(Section::Data);
        file += "\n[model]\n";
        file += &self.fixed_lines(Section::Model);
        if !self.axes.is_empty() || !self.constraints.is_empty() {
            file += "\n[grid]\n";
        }
        for axis in &self.axes {
            // Writing to a string cannot fail.
            let _ = writeln!(file, "{} = {}", axis.hyperparameter, domain(axis));
        }
        if !self.constraints.is_empty() {
            let written: Vec<String> = self.constraints.iter().map(|one| text(&one.to_string())).collect();
            let _ = writeln!(file, "constraints = [{}]", written.join(", "));
        }
        file += &self.search.as_deref().map_or_else(String::new, search);
        file += "\n[train]\n";
        file += &self.fixed_lines(Section::Train);
        let Self { replicates, seed, failures_max, reuse, .. } = self;
        file + &format!(
            "replicates = {replicates}\nseed = {seed}\nfailures_max = {failures_max}\nreuse = {reuse}\n"
        )
    }

    /// The lines of a section's hyperparameters that are not swept.
    fn fixed_lines(&self, section: Section) -> String {
        // Where an axis has a condition, the fixed value is what it has else.
        let is_swept = |one: Hyperparameter| {
            self.axes.iter().any(|axis| axis.hyperparameter == one && axis.when.is_empty())
        };
        self.fixed
            .iter()
            .filter(|(one, _)| one.row().section == section && !is_swept(*one))
            .fold(String::new(), |lines, (one, fixed)| lines + &format!("{one} = {}\n", value(&fixed)))
    }
}

/// The values of an axis as they stand behind its name.
fn domain(axis: &Axis) -> String {
    let list = |values: &[Value]| format!("[{}]", values.iter().map(value).collect::<Vec<_>>().join(", "));
    let plain = match &axis.domain {
        Domain::Levels(levels) => list(levels),
        Domain::Range(range) => range.to_string(),
    };
    if axis.when.is_empty() {
        return plain;
    }
    let inner = match &axis.domain {
        Domain::Levels(_) => format!("levels = {plain}"),
        Domain::Range(_) => plain.trim_matches(['{', '}', ' ']).to_owned(),
    };
    let conditions = axis.when.iter().map(|one| format!("{} = {}", one.hyperparameter, list(&one.values)));
    format!("{{ {inner}, when = {{ {} }} }}", conditions.collect::<Vec<_>>().join(", "))
}

fn search(search: &Search) -> String {
    let Search { sampler, pruner, eta, min_epochs, budget } = search;
    let Budget { trials, epochs, hours, money, price_per_hour } = budget;
    let mut lines = format!("\n[search]\nsampler = \"{sampler}\"\npruner = \"{pruner}\"\n");
    for (name, number) in [("eta", eta), ("min_epochs", min_epochs)] {
        if let Some(number) = number {
            let _ = writeln!(lines, "{name} = {number}");
        }
    }
    if let Some(trials) = trials {
        let _ = writeln!(lines, "trials = {trials}");
    }
    if let Some(epochs) = epochs {
        let _ = writeln!(lines, "epochs = {epochs}");
    }
    for (name, amount) in [("hours", hours), ("money", money), ("price_per_hour", price_per_hour)] {
        if let Some(amount) = amount {
            let _ = writeln!(lines, "{name} = {}", value(&Value::Real(amount.get())));
        }
    }
    lines
}

fn data(data: &DataSpec) -> String {
    let mut lines = String::new();
    let mut line = |name: &str, written: &str| {
        let _ = writeln!(lines, "{name} = {written}");
    };
    match &data.source {
        DataSource::Known { name, path } => {
            line("dataset", &text(name));
            if let Some(path) = path {
                line("path", &path_text(path));
            }
        }
        DataSource::File { path, validation_path, test_path, text: text_column, label } => {
            line("path", &path_text(path));
            for (name, own) in [("validation_path", validation_path), ("test_path", test_path)] {
                if let Some(own) = own {
                    line(name, &path_text(own));
                }
            }
            let joined = &data.reading.text_joined;
            let columns: Vec<String> =
                std::iter::once(text_column).chain(joined).map(|one| text(one)).collect();
            line(
                "text",
                &if joined.is_empty() { columns.concat() } else { format!("[{}]", columns.join(", ")) },
            );
            line("label", &text(label));
        }
    }
    line("validation_share", &value(&Value::Real(data.validation_share)));
    line("test_share", &value(&Value::Real(data.test_share)));
    for (name, rows) in [("train_rows", data.train_rows), ("test_rows", data.test_rows)] {
        if let Some(rows) = rows {
            line(name, &rows.to_string());
        }
    }
    line("bad_rows_share_max", &value(&Value::Real(data.bad_rows_share_max)));
    line("seed", &data.seed.to_string());
    lines + &reading(&data.reading)
}

/// The lines of how rows are read; the joined columns stand with the column of the text.
fn reading(reading: &Reading) -> String {
    let mut lines = String::new();
    let mut line = |name: &str, written: Option<String>| {
        if let Some(written) = written {
            let _ = writeln!(lines, "{name} = {written}");
        }
    };
    line("header", reading.header.map(|header| header.to_string()));
    line("delimiter", reading.delimiter.as_deref().map(text));
    line("encoding", reading.encoding.as_deref().map(text));
    line("html_breaks", reading.html_breaks.map(|breaks| text(breaks.name())));
    let list = |labels: Vec<String>| (!labels.is_empty()).then(|| labels.join(", "));
    let dropped = list(reading.labels_dropped.iter().map(|label| text(label)).collect());
    line("labels_dropped", dropped.map(|dropped| format!("[{dropped}]")));
    let named = reading.labels.iter().map(|(label, class)| format!("{} = {}", key(label), text(class)));
    line("labels", list(named.collect()).map(|named| format!("{{ {named} }}")));
    lines
}

fn value(value: &Value) -> String {
    match value {
        Value::Word(word) => text(word),
        other => other.to_string(),
    }
}

fn path_text(path: &Path) -> String {
    text(&path.to_string_lossy())
}

/// Text as a key: in double quotes, on one line. What JSON escapes, TOML reads alike; TOML asks for one character more.
fn key(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// Text in TOML's quotes.
fn text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

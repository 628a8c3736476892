//! A sweep written as a sweep file that reproduces it.

use std::fmt::Write as _;
use std::path::Path;

use crate::configuration::Value;
use crate::hyperparameter::{Hyperparameter, Section};
use crate::sweep_spec::{DataSource, DataSpec, SweepSpec};

impl SweepSpec {
    /// A sweep file that reads as this sweep. Every value is written out, also those that are
    /// defaults today. Paths that are not Unicode lose what is not.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut file = format!("name = {}\n\n[data]\n{}", text(&self.name), data(&self.data));
        file += &self.fixed_lines(Section::Data);
        file += "\n[model]\n";
        file += &self.fixed_lines(Section::Model);
        if !self.axes.is_empty() {
            file += "\n[grid]\n";
        }
        for axis in &self.axes {
            let levels: Vec<String> = axis.levels.iter().map(value).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(file, "{} = [{}]", axis.hyperparameter, levels.join(", "));
        }
        file += "\n[train]\n";
        file += &self.fixed_lines(Section::Train);
        let Self { replicates, seed, failures_max, reuse, .. } = self;
        file + &format!(
            "replicates = {replicates}\nseed = {seed}\nfailures_max = {failures_max}\nreuse = {reuse}\n"
        )
    }

    /// The lines of a section's hyperparameters that are not swept.
    fn fixed_lines(&self, section: Section) -> String {
        let is_swept = |one: Hyperparameter| self.axes.iter().any(|axis| axis.hyperparameter == one);
        self.fixed
            .iter()
            .filter(|(one, _)| one.row().section == section && !is_swept(*one))
            .fold(String::new(), |lines, (one, fixed)| lines + &format!("{one} = {}\n", value(fixed)))
    }
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
        DataSource::File { path, test_path, text: text_column, label } => {
            line("path", &path_text(path));
            if let Some(test_path) = test_path {
                line("test_path", &path_text(test_path));
            }
            line("text", &text(text_column));
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

/// Text in TOML's quotes.
fn text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

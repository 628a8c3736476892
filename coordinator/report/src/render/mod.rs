//! The formats of the report: one file and one arm of the registry for each.

pub mod columns;
pub mod comparison;
pub mod csv;
pub mod html;
pub mod json;
pub mod latex;
pub mod markdown;
pub mod parquet;

use std::convert::Infallible;

use thiserror::Error;

use crate::analysis::analyse_table;
use crate::input::ReportInput;
use crate::language::Language;
use crate::model::ReportModel;
use crate::sections::{Section, sections};
use crate::table::Table;

/// Why a report could not be written. But for the first, no record makes this happen: it means a defect or no memory.
#[derive(Debug, Error)]
pub enum ReportError {
    /// Nobody wants it any more.
    #[error("the report was given up: whoever asked for it has gone")]
    Abandoned,
    /// The page.
    #[error("could not fill the page of report.html")]
    Html(#[from] askama::Error),
    /// The numbers.
    #[error("could not write report.json or the data of report.html")]
    Json(#[from] serde_json::Error),
    /// Comma-separated values.
    #[error("could not write {file}")]
    Csv {
        /// Which file.
        file: &'static str,
        /// What went wrong.
        source: ::csv::Error,
    },
    /// Parquet.
    #[error("could not write {file}")]
    Parquet {
        /// Which file.
        file: &'static str,
        /// What went wrong.
        source: ::parquet::errors::ParquetError,
    },
}

/// A file of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The page for people.
    Html,
    /// The same for pull requests.
    Markdown,
    /// Its tables for papers.
    Latex,
    /// Every number.
    Json,
    /// One row per trial.
    TrialsCsv,
    /// One row per epoch of a trial.
    EpochsCsv,
    /// As the CSV, typed and compressed.
    TrialsParquet,
    /// As the CSV, typed and compressed.
    EpochsParquet,
}

impl Format {
    /// Every format, in the order in which files are written.
    pub const ALL: [Format; 8] = [
        Format::Html,
        Format::Markdown,
        Format::Latex,
        Format::Json,
        Format::TrialsCsv,
        Format::EpochsCsv,
        Format::TrialsParquet,
        Format::EpochsParquet,
    ];

    /// The name of its file.
    pub fn file_name(self) -> &'static str {
        match self {
            Format::Html => "report.html",
            Format::Markdown => "report.md",
            Format::Latex => "report.tex",
            Format::Json => "report.json",
            Format::TrialsCsv => "trials.csv",
            Format::EpochsCsv => "epochs.csv",
            Format::TrialsParquet => "trials.parquet",
            Format::EpochsParquet => "epochs.parquet",
        }
    }

    fn write(self, content: &Content) -> Result<Vec<u8>, ReportError> {
        let file = self.file_name();
        match self {
            Format::Html => html::write(&content.model, &content.sections, content.language),
            Format::Markdown => Ok(markdown::write(&content.model, &content.sections, content.language)),
            Format::Latex => Ok(latex::write(&content.model, &content.sections, content.language)),
            Format::Json => json::write_by(&content.model, content.model.objective()),
            Format::TrialsCsv => csv::write(file, columns::of_trials(&content.table)),
            Format::EpochsCsv => csv::write(file, columns::of_epochs(&content.table)),
            Format::TrialsParquet => parquet::write(file, columns::of_trials(&content.table)),
            Format::EpochsParquet => parquet::write(file, columns::of_epochs(&content.table)),
        }
    }
}

/// What the formats write.
struct Content {
    language: Language,
    table: Table,
    model: ReportModel,
    sections: Vec<Section>,
}

impl Content {
    fn new<E>(
        input: &ReportInput,
        language: Language,
        goes_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<Self, E> {
        let table = Table::new(input);
        let model = analyse_table(input, &table, goes_on)?;
        goes_on()?;
        let sections = sections(&model, &table, language);
        Ok(Self { language, table, model, sections })
    }
}

/// The sections of the report with these ids, for a page that is live.
pub fn some_sections(input: &ReportInput, ids: &[&str], language: Language) -> Vec<Section> {
    let Ok(content) = Content::new(input, language, &|| Ok::<(), Infallible>(()));
    content.sections.into_iter().filter(|section| ids.contains(&section.id)).collect()
}

/// Every file of the report with its name; the same bytes for the same input. What people read is in this language; the
/// tables and `report.json` are the same in each.
///
/// # Errors
/// [`ReportError`] names the file that could not be written.
pub fn render(input: &ReportInput, language: Language) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    render_while(input, language, &|| true)
}

/// As [`render`], as long as somebody wants it: asked between the parts of the analysis and between files.
///
/// # Errors
/// [`ReportError::Abandoned`] once nobody does; else as [`render`].
pub fn render_while(
    input: &ReportInput,
    language: Language,
    wanted: &dyn Fn() -> bool,
) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let goes_on = || if wanted() { Ok(()) } else { Err(ReportError::Abandoned) };
    let content = Content::new(input, language, &goes_on)?;
    let file = |format: Format| {
        goes_on()?;
        Ok((format.file_name().to_owned(), format.write(&content)?))
    };
    Format::ALL.into_iter().map(file).collect()
}

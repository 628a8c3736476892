//! Where a report is written: a folder for each sweep where none is named, and never over another sweep's in silence.

use std::path::{Path, PathBuf};

use clap::Args;
use coordinator::report_signature::Statement;
use sweep_proto::text::folder_name;

use super::exit::Failure;
use super::output;
use super::verify;

/// The folder of the folders of reports.
const REPORTS: &str = "report";

/// The folder that a person has named, else one of the sweep's own: a newer sweep of the same name has its number beside it.
pub(super) fn of(named: Option<PathBuf>, name: &str, sweep: u64) -> PathBuf {
    named.unwrap_or_else(|| {
        let folder = default(name);
        match earlier(&folder) {
            Some(report) if report.sweep != sweep => default(&format!("{name}-{sweep}")),
            _ => folder,
        }
    })
}

/// The folder that a sweep's report is to be written into, checked: see [`of`] and [`check_free`].
///
/// # Errors
/// As [`check_free`].
pub(super) fn for_sweep(
    named: Option<PathBuf>,
    (name, sweep): (&str, u64),
    overwrite: Overwrite,
) -> Result<PathBuf, Failure> {
    let folder = of(named, name, sweep);
    check_free(&folder, overwrite, |folder| is_report_of(folder, name, Some(sweep)))?;
    Ok(folder)
}

/// The folder of a sweep's report, by its name.
pub(super) fn default(name: &str) -> PathBuf {
    Path::new(REPORTS).join(folder_name(name))
}

/// The report that lies in a folder.
pub(super) fn earlier(folder: &Path) -> Option<Statement> {
    verify::read_statement(folder).ok()
}

/// Whether what lies in a folder may be written over: the same flag for every command that fetches files into one.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Overwrite {
    /// Write into a folder that holds other files, over those of the same names.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Refuses a folder that holds anything but what `is_own` says is an earlier version of what is to be written there.
///
/// # Errors
/// Exit code 2, with the remedies.
pub(super) fn check_free(
    folder: &Path,
    overwrite: Overwrite,
    is_own: impl FnOnce(&Path) -> bool,
) -> Result<(), Failure> {
    let holds_files = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if overwrite.force || !holds_files || is_own(folder) {
        return Ok(());
    }
    let shown = folder.display();
    let told = match earlier(folder) {
        Some(report) => {
            format!("{shown} holds the report of sweep {} ({})", report.sweep, output::plain(&report.name))
        }
        None => format!("{shown} is not empty"),
    };
    Err(Failure::usage(format!("{told}: nothing was written"))
        .hint("--force writes over files of the same names, -o DIR names another folder"))
}

/// Whether a folder holds an earlier report of a sweep of that name; of that number, too, where one is given.
pub(super) fn is_report_of(folder: &Path, name: &str, sweep: Option<u64>) -> bool {
    let is_its = |report: &Statement| report.name == name && sweep.is_none_or(|sweep| report.sweep == sweep);
    earlier(folder).is_some_and(|report| is_its(&report))
}

/// Says that the report of another sweep has been replaced.
pub(super) fn tell_replaced(earlier: Option<&Statement>, folder: &Path) {
    let (Some(earlier), Some(now)) = (earlier, self::earlier(folder)) else { return };
    if (earlier.sweep, &earlier.key) != (now.sweep, &now.key) {
        let (name, shown) = (output::plain(&earlier.name), folder.display());
        output::note(&format!(
            "the earlier report in {shown}, of sweep {} ({name}), was replaced",
            earlier.sweep
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_sweep_is_one_folder_below_the_reports() {
        for (name, folder) in [
            ("reviews", "report/reviews"),
            ("감성 분석", "report/감성-분석"),
            ("a/b\\c: d", "report/a-b-c--d"),
            ("../../etc", "report/-..-etc"),
            (".hidden", "report/hidden"),
            ("..", "report/sweep"),
            ("", "report/sweep"),
        ] {
            assert_eq!(default(name), Path::new(folder), "{name}");
        }
        let long = default(&"감".repeat(100));
        assert!(long.file_name().is_some_and(|name| name.len() <= 200), "{}", long.display());
    }
}

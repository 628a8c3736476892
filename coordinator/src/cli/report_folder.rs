//! Where a report is written: a folder for each sweep where none is named, and never over another sweep's in silence.

use std::path::{Path, PathBuf};

use coordinator::report_signature::Statement;

use super::output;
use super::verify;

/// The folder of the folders of reports.
const REPORTS: &str = "report";
/// Longest name of a sweep's folder, in bytes: file systems take 255.
const NAME_BYTES_MAX: usize = 200;

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

/// The folder of a sweep's report, by its name.
pub(super) fn default(name: &str) -> PathBuf {
    Path::new(REPORTS).join(folder_name(name))
}

/// A name of a sweep as that of one folder: letters and digits of every language stay.
fn folder_name(name: &str) -> String {
    let is_plain = |one: char| one.is_alphanumeric() || matches!(one, '-' | '_' | '.');
    let plain: String = name.chars().map(|one| if is_plain(one) { one } else { '-' }).collect();
    let mut plain = plain.trim_start_matches('.').to_owned();
    while plain.len() > NAME_BYTES_MAX {
        plain.pop();
    }
    if plain.is_empty() { "sweep".to_owned() } else { plain }
}

/// The report that lies in a folder.
pub(super) fn earlier(folder: &Path) -> Option<Statement> {
    verify::read_statement(folder).ok()
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
        assert!(long.file_name().is_some_and(|name| name.len() <= NAME_BYTES_MAX), "{}", long.display());
    }
}

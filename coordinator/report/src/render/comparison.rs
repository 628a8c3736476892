//! The files of a comparison of two sweeps.

use super::{ReportError, html, markdown};
use crate::analysis::compare::compare;
use crate::input::ReportInput;
use crate::sections;

/// Every file of a comparison with its name; the same bytes for the same inputs.
///
/// # Errors
/// [`ReportError`] names the file that could not be written.
pub fn render_comparison(inputs: [&ReportInput; 2]) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let comparison = compare(inputs);
    let sections = sections::comparison::sections(&comparison);
    let [first, second] = comparison.sweeps.each_ref();
    let heading = format!("{} and {}", first.name, second.name);
    let page = html::Head {
        kicker: format!("Comparison of sweeps {} and {}", first.sweep, second.sweep),
        title: format!("{heading}: comparison of sweeps {} and {}", first.sweep, second.sweep),
        saved_as: format!("sweeps-{}-{}", first.sweep, second.sweep),
        made: sections::format::time(comparison.generated_at_ms),
        build: comparison.build.clone(),
        twins: "comparison.json and comparison.md",
        heading,
    };
    let mut json = serde_json::to_vec_pretty(&comparison)?;
    json.push(b'\n');
    let markdown = markdown::of_sections(&format!("Comparison: {}", page.heading), &sections);
    Ok(vec![
        ("comparison.html".to_owned(), html::page(page, &sections)?),
        ("comparison.md".to_owned(), markdown),
        ("comparison.json".to_owned(), json),
    ])
}

//! The files of a comparison of two sweeps.

use super::{ReportError, html, json, markdown};
use crate::analysis::compare::compare;
use crate::input::ReportInput;
use crate::language::{Language, say};
use crate::sections;

/// Every file of a comparison with its name; the same bytes for the same inputs. `comparison.json` is the same in each language.
///
/// # Errors
/// [`ReportError`] names the file that could not be written.
pub fn render_comparison(
    inputs: [&ReportInput; 2],
    language: Language,
) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let comparison = compare(inputs);
    let sections = sections::comparison::sections(&comparison, language);
    let [first, second] = comparison.sweeps.each_ref();
    let heading = say!(language, "{first} and {second}", first = first.name, second = second.name);
    let page = html::Head {
        kicker: say!(
            language,
            "Comparison of sweeps {first} and {second}",
            first = first.sweep,
            second = second.sweep
        ),
        title: say!(
            language,
            "{heading}: comparison of sweeps {first} and {second}",
            heading = heading,
            first = first.sweep,
            second = second.sweep
        ),
        saved_as: format!("sweeps-{}-{}", first.sweep, second.sweep),
        made: sections::format::time(comparison.generated_at_ms),
        build: comparison.build.clone(),
        twins: say!(language, "comparison.json and comparison.md"),
        objective: comparison.objective,
        heading,
    };
    let json = json::write_by(&comparison, comparison.objective)?;
    let title = say!(language, "Comparison: {heading}", heading = page.heading);
    let markdown = markdown::of_sections(&title, &sections, language);
    Ok(vec![
        ("comparison.html".to_owned(), html::page(page, &sections, language)?),
        ("comparison.md".to_owned(), markdown),
        ("comparison.json".to_owned(), json),
    ])
}

//! The sweep file: TOML that a person writes, read into a checked [`SweepSpec`], and written again.
//!
//! Every problem of a file is reported at once, each with its place and a remedy. What may stand in
//! a file derives from the table of hyperparameters and from the table of settings in `known`.

mod data;
mod grid;
mod group;
mod idle;
#[cfg(test)]
mod kinds_tests;
mod known;
mod layout;
mod objective;
mod problem;
mod reference;
mod search;
mod settings;
mod source;
mod steered;
mod suggested;
mod syntax;
mod value;
mod write;

#[cfg(test)]
pub(crate) use known::all_names;
pub use known::{DATASETS, FAILURES_MAX_LIMIT, REPLICATES_MAX, ROWS_MAX};
pub use problem::{GRID_LINES, PROBLEMS_MAX, Problem, SweepFileErrors};
pub use reference::{hyperparameter_reference, setting_reference};
pub use settings::{NAME_CHARS_MAX, TEXT_CHARS_MAX};

use grid::{Limits, check_size, space_of};
use known::{Known, Place, REPLICATES};
use search::Demanded;
use settings::{Settings, settings_of};
use source::Source;

use crate::search::Search;
use crate::space::Axis;
use crate::sweep_spec::SweepSpec;

/// Largest sweep file, in bytes: a hundred times what a person writes. The coordinator keeps the text of every sweep.
pub const FILE_BYTES_MAX: usize = 256 << 10;

/// Reads a sweep file as it comes from disk: [`parse`] after checking that it is UTF-8.
pub fn parse_bytes(file_name: &str, bytes: &[u8]) -> Result<SweepSpec, SweepFileErrors> {
    parse(file_name, text_of_bytes(file_name, bytes)?)
}

/// Reads a sweep file. `file_name` is only shown in problems. Paths of data are kept as written.
///
/// # Errors
/// All problems of the file at once.
pub fn parse(file_name: &str, text: &str) -> Result<SweepSpec, SweepFileErrors> {
    read(file_name, text, true)
}

/// Reads the file of a sweep that was launched: the size of its grid, which takes up to half a second to find, was checked then.
///
/// # Errors
/// All other problems of the file at once.
pub fn parse_launched(text: &str) -> Result<SweepSpec, SweepFileErrors> {
    read("", text, false)
}

fn read(file_name: &str, text: &str, is_new: bool) -> Result<SweepSpec, SweepFileErrors> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut source = Source::new(file_name, text);
    if is_too_large(&mut source, text.len()) {
        return Err(source.into_errors());
    }
    let document = syntax::document_of(&mut source, text);
    if !document.sections_hold {
        return Err(source.into_errors());
    }
    let layout = layout::of_file(&mut source, document.table.get_ref());
    let settings = settings_of(&mut source, &layout);
    let space = space_of(&mut source, &layout);
    let setting = |name, default: u32| settings.whole(Place::Train, name).map_or(default, |one| one as u32);
    let replicates = setting("replicates", REPLICATES);
    let demanded = search::constraints_of(&mut source, &settings, &space, is_new);
    let search = search::search_of(&mut source, &layout, &settings, &space);
    if is_new && search.as_ref().is_none_or(Search::is_of_grid) {
        check_size(&mut source, &layout, &space, &Limits { replicates, demanded: &demanded });
    }
    if !document.complete {
        // What was not read may be what seems missing: nothing more can be said.
        return Err(source.into_errors());
    }
    let name = name_of(&mut source, &settings);
    let data = data::data_of(&mut source, &layout, &settings);
    match (name, data) {
        (Some(name), Some(data)) if source.is_clean() => Ok(SweepSpec {
            name,
            data,
            fixed: space.fixed,
            axes: space.axes,
            replicates,
            seed: settings.whole(Place::Train, "seed").unwrap_or(0),
            failures_max: setting("failures_max", SweepSpec::FAILURES_MAX),
            reuse: settings.flag(Place::Train, "reuse").unwrap_or(true),
            objective: settings.objectives().first,
            further_objectives: settings.objectives().further,
            priority: settings.whole(Place::Top, "priority").map_or(0, |one| one as u32),
            constraints: Box::new(demanded.constraints),
            search: search.map(Box::new),
        }),
        _ => Err(source.into_errors()),
    }
}

/// Reads lines as they stand under `[grid]` (the header may be left out): the levels and ranges by which a sweep
/// is extended, in the order of the lines.
///
/// # Errors
/// All problems of the lines at once.
pub fn parse_grid(file_name: &str, text: &str) -> Result<Vec<Axis>, SweepFileErrors> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut source = Source::new(file_name, text);
    if is_too_large(&mut source, text.len()) {
        return Err(source.into_errors());
    }
    let document = syntax::document_of(&mut source, text);
    let layout = layout::of_grid(&mut source, document.table.get_ref());
    for entry in layout.entries.iter().filter(|entry| matches!(entry.known, Known::Setting(_))) {
        let message = "an extension adds values, and no constraints".to_owned();
        let help = "launch a new sweep with the constraints".to_owned();
        source.report(entry.key_span.clone(), message, Some(help));
    }
    let space = space_of(&mut source, &layout);
    let demanded = Demanded { is_whole: true, ..Demanded::default() };
    check_size(&mut source, &layout, &space, &Limits { replicates: 1, demanded: &demanded });
    if source.is_clean() && space.axes.is_empty() {
        let help = "write lists of hyperparameters, for example: units = [256, 512]";
        source.report(source.end(), "no hyperparameter is named".to_owned(), Some(help.to_owned()));
    }
    if source.is_clean() { Ok(space.axes) } else { Err(source.into_errors()) }
}

/// The name of the sweep; reported where the file has none.
fn name_of(source: &mut Source<'_>, settings: &Settings) -> Option<String> {
    if !settings.was_given(Place::Top, "name") {
        let help = "write name = \"my-sweep\" above the first section";
        source.report(0..0, "the sweep has no name".to_owned(), Some(help.to_owned()));
    }
    let (name, span) = settings.texts_of(Place::Top).remove("name")?;
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("the name {name} reads as a sweep's number");
        let help = format!(
            "commands take a sweep's number or its name: give it a letter, for example name = \"sweep-{name}\""
        );
        source.report(span, message, Some(help));
    }
    Some(name)
}

/// Reports a file beyond [`FILE_BYTES_MAX`].
fn is_too_large(source: &mut Source<'_>, bytes: usize) -> bool {
    let too_large = bytes > FILE_BYTES_MAX;
    if too_large {
        let message = format!("the file has {bytes} bytes, more than {FILE_BYTES_MAX}");
        let help = "a sweep file holds names and lists: shorten its comments, and name the data by its path under [data]";
        source.report(0..0, message, Some(help.to_owned()));
    }
    too_large
}

/// The text of a file, or where it is not UTF-8.
fn text_of_bytes<'b>(file_name: &str, bytes: &'b [u8]) -> Result<&'b str, SweepFileErrors> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    // What precedes the first bad byte is the same in the lossy text.
    let at = error.valid_up_to();
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(FILE_BYTES_MAX)]);
    let mut source = Source::new(file_name, &shown);
    if !is_too_large(&mut source, bytes.len()) {
        let message = format!("byte 0x{:02X} is not UTF-8", bytes[at]);
        source.report(at..at + 1, message, Some("save the file with the encoding UTF-8".to_owned()));
    }
    Err(source.into_errors())
}

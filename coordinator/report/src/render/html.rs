//! `report.html`: one self-contained page that loads nothing and runs two scripts, both named by their hash. And what a live
//! page takes of it: the looks, the scripts, and single sections.

use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;
use sweep_proto::{Digest, Objective};

use super::ReportError;
use crate::language::{Language, say, told};
use crate::model::ReportModel;
use crate::sections::{Block, ChartSpec, Section, names};

/// Apache ECharts 6.1.0 as its project published it (Apache-2.0; licence and notice beside it).
pub const ECHARTS: &str = include_str!("../../assets/echarts.min.js");
/// Draws the charts from the data that the page holds.
pub const SCRIPT: &str = include_str!("../../assets/report.js");
/// The looks: light, dark, print, narrow.
pub const STYLE: &str = include_str!("../../assets/report.css");

/// The messages that the script says: a page in another language holds their translations.
pub const SPOKEN: [&str; 18] = [
    "validation loss",
    "training loss",
    "validation accuracy",
    "training accuracy",
    "epoch",
    "{count} trials",
    "… and {count} more",
    "mean validation loss",
    "configuration",
    "Pareto front",
    "seconds per trial",
    "validation accuracy (%)",
    "mean probability of the predicted class (%)",
    "accuracy (%)",
    "share of the trials (%)",
    "better: {loss}",
    "worse: {loss}",
    "probability {probability} %<br>accuracy {accuracy} %<br>{count} examples",
];

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    language: Language,
    policy: String,
    style: &'static str,
    echarts: &'static str,
    script: &'static str,
    data: String,
    head: Head,
    footer: String,
    first: &'static str,
    sections: &'a [Section],
}

#[derive(Template)]
#[template(path = "fragment.html")]
struct Fragment<'a> {
    language: Language,
    sections: &'a [Section],
}

#[derive(Template)]
#[template(path = "metric_choice.html")]
struct MetricChoice {
    language: Language,
}

impl<'a> ChartData<'a> {
    /// A chart for the place of that id.
    pub fn new(id: &'a str, title: &'a str, spec: &'a ChartSpec) -> Self {
        Self { id, title, spec }
    }
}

/// What a page says of itself.
pub struct Head {
    /// The title of its window.
    pub title: String,
    /// What it is, above the heading.
    pub kicker: String,
    /// The heading.
    pub heading: String,
    /// With what the names of saved files begin.
    pub saved_as: String,
    /// When it was made, in words.
    pub made: String,
    /// The version of the program that made it.
    pub build: String,
    /// The files in which the same numbers stand.
    pub twins: &'static str,
    /// What configurations are ranked by.
    pub objective: Objective,
}

/// What the script reads.
#[derive(Debug, Serialize)]
struct Data<'a> {
    /// With what the names of saved files begin.
    name: String,
    charts: Vec<ChartData<'a>>,
    /// What the script says, by its English; not there in English.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    words: BTreeMap<&'static str, &'static str>,
    /// What the scales of charts are called where they do not hold losses.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<ScoreWords>,
}

/// What the script calls a score and a mean of scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScoreWords {
    name: String,
    mean: String,
}

impl ScoreWords {
    /// Of an objective; `None` of the validation loss, which the script knows.
    pub fn of(objective: Objective, language: Language) -> Option<Self> {
        (objective != Objective::default()).then(|| Self {
            name: told!(language, objective, "validation loss"),
            mean: told!(language, objective, "mean validation loss"),
        })
    }
}

/// A chart with its place, as the script reads it.
#[derive(Debug, Serialize)]
pub struct ChartData<'a> {
    id: &'a str,
    title: &'a str,
    #[serde(flatten)]
    spec: &'a ChartSpec,
}

/// The bytes of `report.html`.
///
/// # Errors
/// [`ReportError::Html`] and [`ReportError::Json`] pass the libraries' errors on.
pub fn write(model: &ReportModel, sections: &[Section], language: Language) -> Result<Vec<u8>, ReportError> {
    let set_up = &model.set_up;
    let made = crate::sections::format::time(model.generated_at_ms);
    let head = Head {
        title: say!(language, "{name}: report of sweep {sweep}", name = set_up.name, sweep = set_up.sweep),
        kicker: say!(
            language,
            "Report of sweep {sweep} · {state} · {made}",
            sweep = set_up.sweep,
            state = names::name(set_up.state, language),
            made = made
        ),
        heading: set_up.name.clone(),
        saved_as: format!("sweep-{}", set_up.sweep),
        made,
        build: model.build.clone(),
        twins: say!(language, "report.json, report.md, trials.csv, epochs.csv and their Parquet twins"),
        objective: model.objective(),
    };
    page(head, sections, language)
}

/// The bytes of a page of sections.
///
/// # Errors
/// As [`write()`].
pub fn page(head: Head, sections: &[Section], language: Language) -> Result<Vec<u8>, ReportError> {
    let footer = say!(
        language,
        "Made {made} by lstm-sweep {build}. Losses are mean cross-entropies in nats. The same numbers stand in {twins}.",
        made = head.made,
        build = head.build,
        twins = head.twins
    );
    let words = match language {
        Language::English => BTreeMap::new(),
        Language::Korean => SPOKEN.into_iter().map(|message| (message, language.text(message))).collect(),
    };
    let page = Page {
        language,
        policy: policy(&[ECHARTS, SCRIPT]),
        style: STYLE,
        echarts: ECHARTS,
        script: SCRIPT,
        data: embedded(&Data {
            name: head.saved_as.clone(),
            charts: charts(sections),
            words,
            score: ScoreWords::of(head.objective, language),
        })?,
        head,
        footer,
        first: sections.first().map_or("", |section| section.id),
        sections,
    };
    Ok(page.render()?.into_bytes())
}

/// Sections as they stand inside a page: their HTML, and the data of their charts.
///
/// # Errors
/// [`ReportError::Html`] passes the library's error on.
pub fn fragment(
    sections: &[Section],
    language: Language,
) -> Result<(String, Vec<ChartData<'_>>), ReportError> {
    Ok((Fragment { language, sections }.render()?, charts(sections)))
}

/// The choice of what the curves on a page show, as HTML.
///
/// # Errors
/// [`ReportError::Html`] passes the library's error on.
pub fn metric_choice(language: Language) -> Result<String, ReportError> {
    Ok(MetricChoice { language }.render()?)
}

/// Nothing loads, only these scripts run. Styles are inline because the charts' tooltips set them.
fn policy(scripts: &[&str]) -> String {
    let hashes: Vec<_> = scripts
        .iter()
        .map(|script| format!("'sha256-{}'", base64(Digest::of(script.as_bytes()).as_bytes())))
        .collect();
    format!(
        "default-src 'none'; script-src {}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
        hashes.join(" ")
    )
}

fn charts(sections: &[Section]) -> Vec<ChartData<'_>> {
    let blocks = sections.iter().flat_map(|section| &section.blocks);
    let charts =
        blocks.filter_map(|block| if let Block::Charts(charts) = block { Some(charts) } else { None });
    charts.flatten().map(|chart| ChartData::new(&chart.id, &chart.title, &chart.spec)).collect()
}

/// JSON that cannot end its element: `<`, `>` and `&` stand as escapes.
///
/// # Errors
/// [`ReportError::Json`] passes the library's error on.
pub fn embedded(data: &impl Serialize) -> Result<String, ReportError> {
    let json = serde_json::to_string(data)?;
    // Outside of JSON strings none of these characters occurs.
    Ok(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

/// Base64 of RFC 4648 with padding, for the hashes of the policy.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut written = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], chunk.get(1).copied().unwrap_or(0), chunk.get(2).copied().unwrap_or(0)];
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for position in 0..4 {
            let six = (bits >> (18 - 6 * position)) & 63;
            written.push(if position <= chunk.len() { char::from(ALPHABET[six as usize]) } else { '=' });
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, written) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), written);
        }
    }

    #[test]
    fn the_names_of_axes_have_room_in_every_chart() {
        assert!(SCRIPT.contains("outerBoundsContain: \"all\""));
        let grids = SCRIPT.matches("grid: grid(").count();
        // The one more is that of a saved picture, which is made from another.
        assert_eq!((grids, SCRIPT.matches("grid: ").count()), (6, 7));
        assert!(SCRIPT.contains("grid: option.grid && {"));
    }

    /// The names of the fields of an object of the script, where each begins a line or all stand in one.
    fn fields_of(object: &str) -> Vec<&'static str> {
        let text = SCRIPT.split_once(&format!("const {object} = {{")).map_or("", |(_, text)| text);
        if let Some((line, _)) = text.split_once("};").filter(|(line, _)| !line.contains('\n')) {
            return line.split(',').map(str::trim).collect();
        }
        let field =
            |line: &'static str| line.strip_prefix("    ")?.split_once(": (spec)").map(|(name, _)| name);
        text.lines().take_while(|line| *line != "  };").filter_map(field).collect()
    }

    #[test]
    fn every_kind_of_chart_can_be_saved_as_numbers() {
        assert_eq!(
            fields_of("KINDS"),
            ["curves", "levels", "heat", "scatter", "reliability", "quantiles", "parallel"]
        );
        assert_eq!(fields_of("KINDS"), fields_of("ROWS"));
    }

    #[test]
    fn no_script_ends_its_own_element_or_changes_under_a_parser() {
        for script in [ECHARTS, SCRIPT] {
            assert!(!script.to_lowercase().contains("</script"));
            assert!(!script.contains("<!--"));
            assert!(!script.contains(['\r', '\0']));
        }
    }
}

//! The objective of a sweep file: a metric's name, or a group of a metric and its direction.

use toml::Spanned;
use toml::de::DeValue;

use super::layout::Entry;
use super::source::{Source, quote};
use super::value::{described, span_or};
use crate::nearest::nearest;
use crate::objective::{DIRECTIONS, Objective};

/// How an objective is written.
const FORM: &str = "write objective = \"validation_accuracy\"";

/// Reads the objective, or reports why it is not one.
pub(super) fn objective_of(source: &mut Source<'_>, entry: &Entry<'_, '_>) -> Option<Objective> {
    match entry.value.get_ref() {
        DeValue::String(_) => metric_of(source, entry.value),
        DeValue::Table(_) => of_group(source, entry),
        DeValue::Array(_) => {
            let message =
                "a sweep has one objective, not a list: its configurations are ranked by one metric"
                    .to_owned();
            source.report(entry.value.span(), message, Some(FORM.to_owned()));
            None
        }
        _ => {
            let shown = described(source, entry.value);
            source.report(
                entry.value.span(),
                format!("objective must name a metric, not {shown}"),
                Some(FORM.to_owned()),
            );
            None
        }
    }
}

/// The objective of a name.
fn metric_of(source: &mut Source<'_>, found: &Spanned<DeValue<'_>>) -> Option<Objective> {
    let DeValue::String(name) = found.get_ref() else {
        let shown = described(source, found);
        source.report(
            found.span(),
            format!("metric must be text in quotes, not {shown}"),
            Some(FORM.to_owned()),
        );
        return None;
    };
    let refused = match Objective::from_name(name) {
        Ok(objective) => return Some(objective),
        Err(refused) => refused,
    };
    let near = nearest(name, Objective::all().map(Objective::name));
    // A name that is known elsewhere is not a slip of the pen.
    let help =
        near.filter(|_| refused.message.starts_with('"')).map(|near| format!("did you mean \"{near}\"?"));
    source.report(found.span(), refused.message, Some(help.unwrap_or(refused.help)));
    None
}

/// The objective of `{ metric = "...", direction = "..." }`.
fn of_group(source: &mut Source<'_>, entry: &Entry<'_, '_>) -> Option<Objective> {
    let group = entry.value.get_ref().as_table()?;
    let mut is_right = true;
    let unknown = group.iter().find(|(key, _)| !matches!(&**key.get_ref(), "metric" | "direction"));
    if let Some((key, _)) = unknown {
        let message = format!("\"{}\" is not a key of an objective", quote(key.get_ref()));
        source.report(key.span(), message, Some("its keys are metric and direction".to_owned()));
        is_right = false;
    }
    let Some(metric) = group.get("metric") else {
        let span = span_or(entry.value.span(), entry.key_span.clone());
        source.report(span, "the objective names no metric".to_owned(), Some(FORM.to_owned()));
        return None;
    };
    let objective = metric_of(source, metric)?;
    if let Some(direction) = group.get("direction") {
        is_right &= check_direction(source, objective, direction);
    }
    Some(objective).filter(|_| is_right)
}

/// Whether a direction is that of the metric; reported where it is not.
fn check_direction(source: &mut Source<'_>, objective: Objective, found: &Spanned<DeValue<'_>>) -> bool {
    let own = objective.direction();
    match found.get_ref() {
        DeValue::String(word) if **word == *own => true,
        DeValue::String(word) if DIRECTIONS.contains(&&**word) => {
            let better = objective.figure().row().better.words();
            let message = format!(
                "{objective} is better the {better} it is: {} would choose the worst configuration",
                &**word
            );
            source.report(
                found.span(),
                message,
                Some(format!("write direction = \"{own}\", or leave it out")),
            );
            false
        }
        _ => {
            let message =
                format!("direction must be \"minimize\" or \"maximize\", not {}", described(source, found));
            source.report(
                found.span(),
                message,
                Some(format!("write direction = \"{own}\", or leave it out")),
            );
            false
        }
    }
}

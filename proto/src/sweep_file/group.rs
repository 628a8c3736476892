//! A swept hyperparameter written as a group in braces: a range, or levels, with the conditions under which it is varied.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::grid::levels_of;
use super::layout::Entry;
use super::nearest::nearest;
use super::source::{Source, quote};
use super::value::{Expected, described, fitting, span_or, value_of};
use crate::configuration::Value;
use crate::hyperparameter::{Hyperparameter, Kind};
use crate::space::{Axis, Condition, Domain, Range};

/// What may stand in a group.
const KEYS: [&str; 6] = ["min", "max", "log", "step", "levels", "when"];
/// Those that make a range.
const RANGE_KEYS: [&str; 4] = ["min", "max", "log", "step"];

/// Reads an axis; what is wrong is reported.
pub(super) fn axis_of(
    source: &mut Source<'_>,
    expected: Expected<'_>,
    hyperparameter: Hyperparameter,
    (entry, table): (&Entry<'_, '_>, &DeTable<'_>),
) -> Option<Axis> {
    let place = span_or(entry.value.span(), entry.key_span.clone());
    let mut group = Group { source, expected, hyperparameter, table, is_right: true };
    group.refuse_unknown_keys();
    let range_keys = RANGE_KEYS.into_iter().filter(|key| table.contains_key(*key)).count();
    let domain = match table.get("levels") {
        Some(levels) if range_keys == 0 => group.levels(levels).map(Domain::Levels),
        Some(levels) => {
            let message = format!("{hyperparameter} has levels and a range");
            group.refuse(span_or(levels.span(), place), message, "keep levels, or min and max");
            None
        }
        None => group.range(place).map(Domain::Range),
    };
    let when = table.get("when").map_or_else(Vec::new, |when| group.conditions(when));
    let is_right = group.is_right;
    domain.filter(|_| is_right).map(|domain| Axis { hyperparameter, domain, when })
}

/// A group that is being read.
struct Group<'a, 's, 't> {
    source: &'a mut Source<'s>,
    expected: Expected<'a>,
    hyperparameter: Hyperparameter,
    table: &'a DeTable<'t>,
    is_right: bool,
}

impl Group<'_, '_, '_> {
    fn refuse(&mut self, span: std::ops::Range<usize>, message: String, help: &str) {
        self.source.report(span, message, Some(help.to_owned()));
        self.is_right = false;
    }

    fn refuse_unknown_keys(&mut self) {
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if KEYS.contains(&name) {
                continue;
            }
            let message = format!("\"{}\" is not a known key of {}", quote(name), self.hyperparameter);
            let help = match nearest(name, KEYS) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("what may stand here: {}", KEYS.join(", ")),
            };
            self.refuse(key.span(), message, &help);
        }
    }

    fn levels(&mut self, found: &Spanned<DeValue<'_>>) -> Option<Vec<Value>> {
        let DeValue::Array(items) = found.get_ref() else {
            let shown = described(self.source, found);
            let message = format!("levels of {} must be a list, not {shown}", self.hyperparameter);
            self.refuse(found.span(), message, &format!("write levels = [{}]", self.expected.default));
            return None;
        };
        if items.is_empty() {
            let message = format!("{} has an empty list", self.hyperparameter);
            self.refuse(found.span(), message, &format!("write levels = [{}]", self.expected.default));
        }
        let levels = levels_of(self.source, self.expected, items);
        (levels.len() == items.len()).then_some(levels)
    }

    fn range(&mut self, place: std::ops::Range<usize>) -> Option<Range> {
        let hyperparameter = self.hyperparameter;
        let example = example(hyperparameter);
        let missing: Vec<&str> =
            ["min", "max"].into_iter().filter(|key| !self.table.contains_key(*key)).collect();
        let is_number = matches!(self.expected.kind, Kind::Integer { .. } | Kind::Real { .. });
        if !missing.is_empty() && is_number {
            let message = format!("the range of {hyperparameter} has no {}", missing.join(" and no "));
            self.refuse(place.clone(), message, &format!("write {hyperparameter} = {example}"));
        } else if !missing.is_empty() {
            let message = format!("{hyperparameter} has no levels");
            self.refuse(place.clone(), message, &format!("write {hyperparameter} = {example}"));
        }
        let min = self.bound("min");
        let max = self.bound("max");
        let step = self.bound("step");
        let log = self.table.get("log").map(|found| {
            let expected = Expected { name: "log", kind: Kind::Flag, default: "false" };
            let value = value_of(self.source, expected, found);
            self.is_right &= value.is_some();
            value == Some(Value::Flag(true))
        });
        if !missing.is_empty() || !self.is_right {
            return None;
        }
        match Range::new(hyperparameter, [min?, max?], log.unwrap_or(false), step) {
            Ok(range) => Some(range),
            Err(error) => {
                self.refuse(place, error.to_string(), &format!("write {hyperparameter} = {example}"));
                None
            }
        }
    }

    /// A number of the range. A step has the type of its hyperparameter, and a range of its own.
    fn bound(&mut self, key: &'static str) -> Option<Value> {
        let found = self.table.get(key)?;
        let kind = match (self.expected.kind, key) {
            (Kind::Integer { max, .. }, "step") => Kind::Integer { min: 1, max },
            (Kind::Real { max, .. }, "step") => Kind::Real { min: 0.0, max, above_min: true },
            (kind, _) => kind,
        };
        let value = fitting(kind, found.get_ref());
        if value.is_none() {
            let shown = described(self.source, found);
            let message = format!("{key} of {} must be {kind}, not {shown}", self.hyperparameter);
            self.refuse(found.span(), message, "give it a value of that kind");
        }
        value
    }

    fn conditions(&mut self, found: &Spanned<DeValue<'_>>) -> Vec<Condition> {
        let DeValue::Table(table) = found.get_ref() else {
            let shown = described(self.source, found);
            let message = format!(
                "when of {} must name hyperparameters with their values, not {shown}",
                self.hyperparameter
            );
            self.refuse(found.span(), message, "write when = { layers = [2, 3] }");
            return Vec::new();
        };
        if table.is_empty() {
            let message = format!("when of {} names no hyperparameter", self.hyperparameter);
            self.refuse(found.span(), message, "write when = { layers = [2, 3] }, or remove it");
        }
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().filter_map(|(key, value)| self.condition(key, value)).collect()
    }

    fn condition(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        found: &Spanned<DeValue<'_>>,
    ) -> Option<Condition> {
        let Some(hyperparameter) = Hyperparameter::from_name(key.get_ref()) else {
            let message = format!("\"{}\" is not a hyperparameter", quote(key.get_ref()));
            let help = match nearest(key.get_ref(), Hyperparameter::ALL.iter().map(|one| one.name())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "docs/hyperparameters.md lists them".to_owned(),
            };
            self.refuse(key.span(), message, &help);
            return None;
        };
        let default = Value::from(hyperparameter.row().default).quoted();
        let expected =
            Expected { name: hyperparameter.name(), kind: hyperparameter.row().kind, default: &default };
        let values = match found.get_ref() {
            DeValue::Array(items) if items.is_empty() => {
                let message = format!("the condition on {hyperparameter} lists no value");
                self.refuse(found.span(), message, &format!("write {hyperparameter} = [{default}]"));
                return None;
            }
            DeValue::Array(items) => {
                let levels = levels_of(self.source, expected, items);
                (levels.len() == items.len()).then_some(levels)
            }
            _ => value_of(self.source, expected, found).map(|value| vec![value]),
        };
        self.is_right &= values.is_some();
        values.map(|values| Condition { hyperparameter, values })
    }
}

/// A group that can be written for a hyperparameter: around its default where it is a number that may have a range.
fn example(hyperparameter: Hyperparameter) -> String {
    let row = hyperparameter.row();
    let default = Value::from(row.default);
    let bounds = match (row.kind, &default) {
        (Kind::Integer { min, max }, Value::Integer(default)) => {
            Some([Value::Integer((default / 4).max(min)), Value::Integer((default * 4).clamp(min + 1, max))])
        }
        (Kind::Real { min, max, .. }, Value::Real(default)) if *default > 0.0 => {
            Some([Value::Real((default / 10.0).max(min)), Value::Real((default * 10.0).min(max))])
        }
        (Kind::Real { min, max, .. }, _) => Some([Value::Real(min), Value::Real(max)]),
        _ => None,
    };
    let range = bounds.and_then(|bounds| Range::new(hyperparameter, bounds, false, None).ok());
    match range {
        Some(range) => range.to_string(),
        None => format!("[{}]", default.quoted()),
    }
}

//! A swept hyperparameter written as a group in braces: a range, or levels, with the conditions under which it is varied.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::grid::levels_of;
use super::layout::Entry;
use super::source::{Source, quote};
use super::suggested::{Given, Suggested, suggested};
use super::value::{Expected, described, fitting, span_or, value_of};
use crate::configuration::Value;
use crate::hyperparameter::{Hyperparameter, Kind};
use crate::nearest::nearest;
use crate::space::{Axis, Condition, Domain, Range, RangeError};

/// What may stand in a group.
const KEYS: [&str; 6] = ["min", "max", "log", "step", "levels", "when"];
/// Those that make a range.
const RANGE_KEYS: [&str; 4] = ["min", "max", "log", "step"];

/// Reads an axis; what is wrong is reported.
///
/// # Errors
/// An axis without values, where they could not be read: its conditions can be checked all the same.
pub(super) fn axis_of(
    source: &mut Source<'_>,
    expected: Expected<'_>,
    hyperparameter: Hyperparameter,
    (entry, table): (&Entry<'_, '_>, &DeTable<'_>),
) -> Result<Axis, Axis> {
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
    match domain.filter(|_| is_right) {
        Some(domain) => Ok(Axis { hyperparameter, domain, when }),
        None => Err(Axis { hyperparameter, domain: Domain::Levels(Vec::new()), when }),
    }
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
        if let Some(error) = self.needs_levels() {
            let is_range = RANGE_KEYS.iter().any(|key| self.table.contains_key(*key));
            let levels = every_value(self.expected.kind).unwrap_or_else(|| self.expected.default.to_owned());
            let (message, help) = match (is_range, self.table.contains_key("when")) {
                (false, _) => {
                    let message = format!("{hyperparameter} has no values to sweep");
                    (message, format!("add levels = [{levels}]"))
                }
                (true, true) => {
                    (error.to_string(), format!("write levels = [{levels}] in place of the range"))
                }
                (true, false) => {
                    let help = format!("write {hyperparameter} = [{levels}], with the values to sweep");
                    (error.to_string(), help)
                }
            };
            self.refuse(place, message, &help);
            return None;
        }
        let is_log = self.log();
        let [min, max] =
            ["min", "max"].map(|key| self.table.get(key).and_then(|one| self.fitting(key, one.get_ref())));
        let given = Given { min: min.as_ref(), max: max.as_ref(), is_log };
        let suggested = suggested(hyperparameter, given);
        for key in ["min", "max", "step"] {
            self.refuse_wrong_number(key, suggested.as_ref());
        }
        self.refuse_missing(&place, suggested.as_ref());
        let step = match self.table.get("step") {
            Some(found) => Some(self.fitting("step", found.get_ref())?),
            None => None,
        };
        let bounds = [min?, max?];
        let errors = relations(hyperparameter, &bounds, is_log, step.as_ref());
        for error in &errors {
            self.refuse(place.clone(), error.to_string(), &remedy(error, suggested.as_ref()));
        }
        if !self.is_right {
            return None;
        }
        Range::new(hyperparameter, bounds, is_log, step).ok()
    }

    /// Why the hyperparameter can have no range; `None` where it can.
    fn needs_levels(&self) -> Option<RangeError> {
        let Self { hyperparameter, expected, .. } = *self;
        if !matches!(expected.kind, Kind::Integer { .. } | Kind::Real { .. }) {
            return Some(RangeError::NotANumber(hyperparameter, expected.kind.to_string()));
        }
        let is_of_data = Hyperparameter::of_data().any(|one| one == hyperparameter);
        is_of_data.then_some(RangeError::OfData(hyperparameter))
    }

    /// Whether the range is logarithmic.
    fn log(&mut self) -> bool {
        let Some(found) = self.table.get("log") else { return false };
        let log = fitting(Kind::Flag, found.get_ref());
        if log.is_none() {
            let shown = described(self.source, found);
            let message = format!("log of {} must be true or false, not {shown}", self.hyperparameter);
            self.refuse(found.span(), message, "write log = true, or remove log");
        }
        log == Some(Value::Flag(true))
    }

    /// A number of the range, if it is one. A step has the type of its hyperparameter, and bounds of its own.
    fn fitting(&self, key: &str, found: &DeValue<'_>) -> Option<Value> {
        fitting(self.kind_of(key), found)
    }

    fn kind_of(&self, key: &str) -> Kind {
        match (self.expected.kind, key) {
            (Kind::Integer { max, .. }, "step") => Kind::Integer { min: 1, max },
            (Kind::Real { max, .. }, "step") => Kind::Real { min: 0.0, max, above_min: true },
            (kind, _) => kind,
        }
    }

    fn refuse_wrong_number(&mut self, key: &str, suggested: Option<&Suggested>) {
        let Some(found) = self.table.get(key) else { return };
        if self.fitting(key, found.get_ref()).is_some() {
            return;
        }
        let shown = described(self.source, found);
        let message = format!("{key} of {} must be {}, not {shown}", self.hyperparameter, self.kind_of(key));
        let help = suggested.map_or_else(
            || "give it a value of that kind".to_owned(),
            |suggested| format!("write {}", suggested.written(&[key])),
        );
        self.refuse(found.span(), message, &help);
    }

    fn refuse_missing(&mut self, place: &std::ops::Range<usize>, suggested: Option<&Suggested>) {
        let hyperparameter = self.hyperparameter;
        let missing: Vec<&str> =
            ["min", "max"].into_iter().filter(|key| !self.table.contains_key(*key)).collect();
        let Some(suggested) = suggested.filter(|_| !missing.is_empty()) else { return };
        let is_range = RANGE_KEYS.iter().any(|key| self.table.contains_key(*key));
        let written = suggested.written(&missing);
        let (message, help) = if is_range {
            let message = format!("the range of {hyperparameter} has no {}", missing.join(" and no "));
            (message, format!("add {written}"))
        } else {
            let message = format!("{hyperparameter} has no values to sweep");
            (message, format!("add {written}, or levels = [{}]", self.expected.default))
        };
        self.refuse(place.clone(), message, &help);
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

/// All values of a kind that has few, as a list holds them.
fn every_value(kind: Kind) -> Option<String> {
    match kind {
        Kind::Flag => Some("false, true".to_owned()),
        Kind::Choice(words) => {
            Some(words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", "))
        }
        Kind::Integer { .. } | Kind::Real { .. } => None,
    }
}

/// Everything wrong between the numbers of a range, each of which is right by itself.
fn relations(
    hyperparameter: Hyperparameter,
    bounds: &[Value; 2],
    is_log: bool,
    step: Option<&Value>,
) -> Vec<RangeError> {
    let wrong = |log: bool, step: Option<&Value>| {
        Range::new(hyperparameter, bounds.clone(), log, step.cloned()).err()
    };
    if let Some(error) = wrong(false, None) {
        return vec![error];
    }
    let both = (is_log && step.is_some()).then_some(RangeError::LogWithStep(hyperparameter));
    both.into_iter()
        .chain(wrong(is_log, None))
        .chain(step.and_then(|step| wrong(false, Some(step))))
        .collect()
}

/// What to write instead, beside all else that stands in the group.
fn remedy(error: &RangeError, suggested: Option<&Suggested>) -> String {
    let Some(suggested) = suggested else { return "list the values to sweep".to_owned() };
    match error {
        RangeError::LogWithStep(_) => "remove log, or remove step".to_owned(),
        RangeError::LogOfZero(_) => format!("write {}, or remove log", suggested.written(&["min"])),
        RangeError::Step { .. } => format!("write {}, or remove step", suggested.written(&["step"])),
        _ => format!("write {}", suggested.written(&["min", "max"])),
    }
}

//! Which hyperparameter matters most, in words, wherever a sweep's end is told and no report is at hand.

use super::warnings;
use crate::analysis;
use crate::input::ReportInput;
use crate::language::Language;

/// The verdict of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `units (the effect of units is significant ...)`: the hyperparameter or `undecided`, and why.
    pub text: String,
    /// That it is less sure than it says; `None` where it is not.
    pub warning: Option<String>,
}

/// The verdict that the report of these records gives; `None` where nothing was swept.
pub fn of(input: &ReportInput, language: Language) -> Option<Verdict> {
    let (effects, strongest) = analysis::verdict(input);
    let text = format!("{} ({})", strongest.verdict, strongest.reason.say(language));
    (!effects.factors.is_empty())
        .then(|| Verdict { text, warning: warnings::unequal_noise(effects.noise_tests(), language) })
}

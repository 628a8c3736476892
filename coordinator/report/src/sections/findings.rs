//! What the analysis concludes, in words.

use std::fmt;

use serde::{Serialize, Serializer};

use super::names;
use crate::language::{Language, say, told};
use crate::model::{
    Conclusion, Consequence, GroupLabel, PanelTitle, ReplicatesNeeded, Setting, SettingValue, VerdictReason,
    VerdictRule,
};

/// The JSON files, logs and tests have the English words.
macro_rules! in_english {
    ($($finding:ty),+) => { $(
        impl fmt::Display for $finding {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.say(Language::English))
            }
        }

        impl Serialize for $finding {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+ };
}

in_english!(
    Conclusion,
    VerdictRule,
    VerdictReason,
    Consequence,
    PanelTitle,
    GroupLabel,
    Setting,
    SettingValue
);

impl VerdictRule {
    /// Sentences.
    pub fn say(self, language: Language) -> String {
        told!(
            language,
            self.0,
            "A hyperparameter is named only where every configuration completed the same two or more replicates, and (1) its \
             main effect on the validation loss is significant: p ≤ 0.05 of the F test against its own interaction with the seed, \
             corrected by Holm for the hyperparameters swept; and (2) with a probability of at least 97.5 % its marginal means spread \
             more (mean square over levels, less what noise adds) than those of every other, given the interaction of each with the \
             seed. Otherwise the answer is \"undecided\"."
        )
    }
}

impl VerdictReason {
    /// A clause without a full stop.
    pub fn say(&self, language: Language) -> String {
        match *self {
            Self::NothingSwept => say!(language, "no hyperparameter was swept").to_owned(),
            Self::OnlySwept(only) => {
                say!(language, "only {name} was swept: there is nothing to rank it against", name = only)
            }
            Self::TooFewTrials => say!(language, "too few trials completed").to_owned(),
            Self::OneReplicate => say!(
                language,
                "one replicate cannot tell an effect from the luck of its seed: run at least 3 replicates"
            )
            .to_owned(),
            Self::NoWholeGrid => say!(
                language,
                "not every combination of levels is part of the sweep, so hyperparameters cannot be compared on equal terms"
            )
            .to_owned(),
            Self::Searched => say!(
                language,
                "a search trains some configurations of its space and not every combination of values, so no test compares \
                 hyperparameters on equal terms"
            )
            .to_owned(),
            Self::ResultsMissing { missing, planned, by_seed } => {
                results_missing(missing, planned, by_seed, language)
            }
            Self::AllEqual(objective) => told!(language, objective, "all trials have the same validation loss"),
            Self::Judged { leading, is_there, p_holm, error_degrees_of_freedom, probability, needed } => {
                let (p, order) = (probability_text(p_holm), order_text(probability, language));
                let so_far = if is_there {
                    say!(
                        language,
                        "the effect of {name} is significant ({p} after Holm, against {name} × seed, {freedom}), and it is the strongest \
                         with probability {order}",
                        name = leading,
                        p = p,
                        freedom = degrees_of_freedom(error_degrees_of_freedom, language),
                        order = order
                    )
                } else {
                    say!(
                        language,
                        "the effect of {name} is not significant ({p} after Holm, against {name} × seed, {freedom}), and it is the \
                         strongest with probability {order}",
                        name = leading,
                        p = p,
                        freedom = degrees_of_freedom(error_degrees_of_freedom, language),
                        order = order
                    )
                };
                with_needed(so_far, needed, language)
            }
        }
    }
}

fn degrees_of_freedom(count: impl std::fmt::Display, language: Language) -> String {
    let count = count.to_string();
    if count == "1" {
        say!(language, "1 degree of freedom").to_owned()
    } else {
        say!(language, "{count} degrees of freedom", count = count)
    }
}

/// Results that were planned are not there.
fn results_missing(missing: u64, planned: u64, by_seed: bool, language: Language) -> String {
    match (by_seed, missing) {
        (true, 1) => say!(
            language,
            "replicates are missing: 1 of {planned} trials has no result, so configurations cannot be compared seed by seed",
            planned = planned
        ),
        (true, _) => say!(
            language,
            "replicates are missing: {missing} of {planned} trials have no result, so configurations cannot be compared seed by seed",
            missing = missing,
            planned = planned
        ),
        (false, 1) => say!(
            language,
            "trials are missing: 1 of {planned} trials has no result, so configurations cannot be compared with each other",
            planned = planned
        ),
        (false, _) => say!(
            language,
            "trials are missing: {missing} of {planned} trials have no result, so configurations cannot be compared with each other",
            missing = missing,
            planned = planned
        ),
    }
}

fn with_needed(so_far: String, needed: ReplicatesNeeded, language: Language) -> String {
    match needed {
        ReplicatesNeeded::None => so_far,
        ReplicatesNeeded::About(count) => say!(
            language,
            "{finding}: more replicates are needed (not more configurations), about {count} of each",
            finding = so_far,
            count = count
        ),
        ReplicatesNeeded::Unknown => say!(
            language,
            "{finding}: more replicates are needed (not more configurations), how many cannot be told or is above 1,000",
            finding = so_far
        ),
    }
}

/// The probability of an order: twenty thousand draws do not make it certain.
fn order_text(probability: f64, language: Language) -> String {
    if probability > 0.999 {
        say!(language, "above 99.9 %").to_owned()
    } else {
        format!("{:.1} %", 100.0 * probability)
    }
}

/// A probability of a test, as papers write it.
fn probability_text(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

impl Consequence {
    /// A clause without a full stop.
    pub fn say(self, language: Language) -> String {
        match self {
            Self::MeasuredAgain => say!(language, "tried again and measured: no effect on the numbers"),
            Self::NotMeasured => say!(language, "the test split is not measured for this trial"),
            Self::CompletedAgain => say!(language, "tried again and completed: no effect on the numbers"),
            Self::Diverged(Some(epoch)) => {
                return say!(
                    language,
                    "the trial diverged in epoch {epoch}: left out of every mean",
                    epoch = epoch
                );
            }
            Self::Diverged(None) => say!(language, "the trial diverged: left out of every mean"),
            Self::TriesSpent => say!(language, "its tries are spent: left out of every mean"),
            Self::BudgetSpent => {
                say!(language, "the budget was spent before it was tried again: left out of every mean")
            }
            Self::SweepCancelled => say!(language, "the sweep was cancelled: left out of every mean"),
            Self::StoppedEarly => say!(language, "the trial was stopped early: left out of every mean"),
            Self::ToBeTriedAgain => say!(language, "the trial will be tried again"),
        }
        .to_owned()
    }
}

impl PanelTitle {
    /// What a heading names.
    pub fn say(&self, language: Language) -> String {
        match self {
            Self::Levels(hyperparameter) => hyperparameter.to_string(),
            Self::AllTrials => say!(language, "all trials").to_owned(),
            Self::Extremes { best, worst } => say!(
                language,
                "best ({best}) and worst ({worst})",
                best = names::configuration(best, language),
                worst = names::configuration(worst, language)
            ),
            Self::First { shown, ranked } if shown == ranked => {
                say!(language, "all {ranked} configurations", ranked = ranked)
            }
            Self::First { shown, ranked } => say!(
                language,
                "the first {shown} of {ranked} configurations in the ranking",
                shown = shown,
                ranked = ranked
            ),
            Self::BestOfEach => say!(language, "the best configuration of each sweep").to_owned(),
        }
    }
}

impl GroupLabel {
    /// What a legend names.
    pub fn say(&self, language: Language) -> String {
        match self {
            Self::Level(level) => level.clone(),
            Self::Configuration(label) => names::configuration(label, language),
            Self::Best => say!(language, "best").to_owned(),
            Self::Worst => say!(language, "worst").to_owned(),
            Self::BestOf { sweep, configuration } => say!(
                language,
                "sweep {sweep}: {configuration}",
                sweep = sweep,
                configuration = names::configuration(configuration, language)
            ),
        }
    }
}

impl Setting {
    /// The name of the setting.
    pub fn say(&self, language: Language) -> String {
        match self {
            Self::Data(field) => say!(language, "data: {field}", field = field),
            Self::Key(key) => key.clone(),
        }
    }
}

impl SettingValue {
    /// The value, and whether it is one of several.
    pub fn say(&self, language: Language) -> String {
        match self {
            Self::Held(value) => value.clone(),
            Self::Swept(levels) => say!(language, "swept: {levels}", levels = levels),
        }
    }
}

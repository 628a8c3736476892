//! What a reader must know beside the answer, wherever the answer stands: in reports, on terminals and on live pages.

use super::format;
use crate::analysis::test_split::baseline;
use crate::language::{Language, say};
use coordinator_statistics::equal_noise::WARNED_BELOW;

/// That most of the completed trials were stopped while they still learned; `None` where they were not.
pub fn still_learning(improving: u64, completed: u64, language: Language) -> Option<String> {
    (2 * improving > completed).then(|| {
        say!(
            language,
            "{improving} of {completed} completed trials had their lowest validation loss in their last epoch: they were \
             stopped while they still learned, and with more epochs other configurations may be the best ones. Raise \
             epochs, and let patience end those that learn no more.",
            improving = format::count(improving),
            completed = format::count(completed)
        )
    })
}

/// That a mean test accuracy is not shown to be above that of always saying the most frequent class; `None` where it is. `confusion` holds the
/// test examples of one replicate: those of several are the same ones again and make nobody surer.
pub fn no_better_than_guessing(confusion: &[Vec<u64>], accuracy: f64, language: Language) -> Option<String> {
    let baseline = baseline(confusion).filter(|baseline| accuracy <= baseline.lucky_accuracy)?;
    Some(guessing(baseline.accuracy, language))
}

/// That the chosen configuration is not shown to know anything, where the most frequent class has this share.
pub(super) fn guessing(share: f64, language: Language) -> String {
    say!(
        language,
        "The chosen configuration is not shown to know more than the most frequent class, which is right in {share} of the \
         test examples: the ranking of configurations may be one of noise.",
        share = format::percent(share)
    )
}

/// That seed noise differs between the levels of some hyperparameters, given Bartlett's p of each; `None` where it does not.
pub fn unequal_noise<'a>(
    tests: impl IntoIterator<Item = (&'a str, Option<f64>)>,
    language: Language,
) -> Option<String> {
    let unequal = tests.into_iter().filter(|(_, p)| p.is_some_and(|p| p < WARNED_BELOW));
    let names: Vec<&str> = unequal.map(|(name, _)| name).collect();
    (!names.is_empty()).then(|| {
        say!(
            language,
            "Seed noise is not the same at every level of {names} (Bartlett's test): intervals, tests and probabilities take it as \
             equal, so they are less sure than they say.",
            names = names.join(", ")
        )
    })
}

/// That the test score is not the first one that was looked at; `None` where it is, or there is none.
pub fn test_used_again(tests: u64, language: Language) -> Option<String> {
    (tests > 1).then(|| {
        say!(
            language,
            "The test split was used {tests} times: the sweep was extended or retried after its choice had been measured on it. \
             Whoever has seen a test score and goes on chooses by it, so the last score is optimistic; only data that no \
             choice has seen would tell.",
            tests = format::count(tests)
        )
    })
}

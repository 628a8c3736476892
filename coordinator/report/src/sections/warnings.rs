//! What a reader must know beside the answer, wherever the answer stands: in reports, on terminals and on live pages.

use super::format;
use crate::language::{Language, say};

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

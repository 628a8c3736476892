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

//! How a steered search came to its end, in words.

use coordinator_core::ConclusionReason;

use super::{format, names};
use crate::language::{Language, say};
use crate::model::SearchEnd;

/// Configurations that cannot be told from the named one, of which the sentence names no more.
const TIED_NAMED_MAX: usize = 3;

impl SearchEnd {
    /// Why it stopped, how sure it is, what that took, and who is tied.
    pub fn say(&self, language: Language) -> String {
        let stopped = self.say_stop(language);
        let stopped = if self.looked_at_all {
            stopped
        } else {
            say!(
                language,
                "{stopped} Of so large a space it looked at points, and knows nothing of the others.",
                stopped = stopped
            )
        };
        let stopped = match self.epochs_of_grid {
            Some(all) if all > 0 => say!(
                language,
                "{stopped} It trained {epochs} of the {all} epochs of the whole grid ({share}).",
                stopped = stopped,
                epochs = format::count(self.epochs),
                all = format::count(all),
                share = format::percent(self.epochs as f64 / all as f64)
            ),
            _ => say!(
                language,
                "{stopped} It trained {epochs} epochs.",
                stopped = stopped,
                epochs = format::count(self.epochs)
            ),
        };
        self.say_tied(&stopped, language)
    }

    fn say_stop(&self, language: Language) -> String {
        let sureness = self.probability.zip(self.margin);
        match (self.reason, sureness) {
            (ConclusionReason::Sure, Some((probability, margin))) => say!(
                language,
                "The search stopped because its model is {probability} sure that no configuration has a loss lower by more than {margin}.",
                probability = format::percent(probability),
                margin = format::percent(margin)
            ),
            (ConclusionReason::Budget, Some((probability, margin))) => say!(
                language,
                "The search stopped because its budget was spent. Its model is {probability} sure that no configuration has a loss lower by \
                 more than {margin}.",
                probability = format::percent(probability),
                margin = format::percent(margin)
            ),
            (ConclusionReason::Exhausted, Some((probability, margin))) => say!(
                language,
                "The search stopped because there was nothing more to try. Its model is {probability} sure that no configuration has a loss lower by \
                 more than {margin}.",
                probability = format::percent(probability),
                margin = format::percent(margin)
            ),
            (ConclusionReason::Budget, None) => say!(
                language,
                "The search stopped because its budget was spent, before enough trials had finished to say how sure the choice is."
            )
            .to_owned(),
            (ConclusionReason::Sure | ConclusionReason::Exhausted, None) => say!(
                language,
                "The search stopped because there was nothing more to try, and too few trials have finished to say how sure the choice is."
            )
            .to_owned(),
        }
    }

    fn say_tied(&self, stopped: &str, language: Language) -> String {
        let named: Vec<String> =
            self.tied.iter().take(TIED_NAMED_MAX).map(|one| names::configuration(one, language)).collect();
        match self.tied.len() {
            0 if self.probability.is_none() => stopped.to_owned(),
            0 => say!(language, "{stopped} No other configuration is tied with it.", stopped = stopped),
            count if count <= TIED_NAMED_MAX => {
                say!(language, "{stopped} Tied with it: {tied}.", stopped = stopped, tied = named.join("; "))
            }
            count => say!(
                language,
                "{stopped} Tied with it: {tied} and {more} more.",
                stopped = stopped,
                tied = named.join("; "),
                more = format::count((count - TIED_NAMED_MAX) as u64)
            ),
        }
    }
}

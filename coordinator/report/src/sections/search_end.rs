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
            (ConclusionReason::Sure, None) => say!(
                language,
                "The search stopped because its model was sure of another configuration, none of whose trials has a result."
            )
            .to_owned(),
            (ConclusionReason::Exhausted, None) => say!(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn end(reason: ConclusionReason, sureness: Option<[f64; 2]>, tied: usize) -> SearchEnd {
        SearchEnd {
            reason,
            probability: sureness.map(|[probability, _]| probability),
            margin: sureness.map(|[_, margin]| margin),
            tied: (1..=tied).map(|number| format!("units={number}")).collect(),
            looked_at_all: true,
            epochs: 67,
            epochs_of_grid: Some(240),
        }
    }

    #[test]
    fn it_tells_why_it_stopped_how_sure_it_is_what_that_took_and_who_is_tied() {
        let told = |end: SearchEnd| end.say(Language::English);
        assert_eq!(
            told(end(ConclusionReason::Sure, Some([0.9837, 0.0241]), 1)),
            "The search stopped because its model is 98.37 % sure that no configuration has a loss lower by more than 2.41 %. It trained 67 of \
             the 240 epochs of the whole grid (27.92 %). Tied with it: units=1."
        );
        assert!(told(end(ConclusionReason::Sure, Some([0.96, 0.01]), 5)).ends_with("units=3 and 2 more."));
        let budget = told(end(ConclusionReason::Budget, Some([0.5, 0.01]), 0));
        assert!(
            budget.contains("because its budget was spent") && budget.contains("50.00 % sure"),
            "{budget}"
        );
        assert!(budget.ends_with("No other configuration is tied with it."), "{budget}");
    }

    #[test]
    fn it_claims_nothing_of_what_it_does_not_know() {
        for reason in [ConclusionReason::Sure, ConclusionReason::Budget, ConclusionReason::Exhausted] {
            let told = end(reason, None, 0).say(Language::English);
            assert!(!told.contains("% sure") && !told.contains("tied"), "{told}");
        }
        let of_ranges = SearchEnd {
            looked_at_all: false,
            epochs_of_grid: None,
            ..end(ConclusionReason::Sure, Some([0.96, 0.01]), 0)
        };
        let told = of_ranges.say(Language::English);
        assert!(told.contains("knows nothing of the others. It trained 67 epochs."), "{told}");
    }
}

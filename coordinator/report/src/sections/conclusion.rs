//! The conclusion in words: what to use, how well it does, what to do next.

use super::{format, names};
use crate::language::{Language, say};
use crate::model::{Conclusion, FrontNote, Interval, NextStep, Worth};

impl Conclusion {
    /// One or two sentences.
    pub fn say(&self, language: Language) -> String {
        let worth = self.worth.say(&names::configuration(&self.label, language), language);
        // Of settings that learn nothing none matters.
        if matches!(self.worth, Worth::NoBetter { .. } | Worth::NotShownBetter { .. }) {
            return worth;
        }
        let others = self.front.as_ref().map(|front| front.say(language));
        let sentences = others.into_iter().chain(self.next.say(language));
        sentences.fold(worth, |said, next| say!(language, "{worth} {next}", worth = said, next = next))
    }
}

impl FrontNote {
    fn say(&self, language: Language) -> String {
        let names: Vec<&str> = self.objectives.iter().map(|one| names::objective(*one, language)).collect();
        let on_front = match self.others {
            0 => say!(
                language,
                "No other configuration is on the Pareto front of {objectives}.",
                objectives = names.join(", ")
            ),
            others => say!(
                language,
                "Others on the Pareto front of {objectives}: {others}.",
                objectives = names.join(", "),
                others = format::count(others)
            ),
        };
        let cheapest = self.cheapest.as_ref().filter(|_| self.others > 0);
        let (Some(cheapest), [first, second, ..]) = (cheapest, self.objectives.as_slice()) else {
            return on_front;
        };
        let value = |mean| format::objective(*second, mean);
        let [first, second] = [first, second].map(|one| names::objective(*one, language));
        if cheapest.is_best {
            return say!(
                language,
                "{on_front} None of them that is as good in {first} within seed noise is better in {second}.",
                on_front = on_front,
                first = first,
                second = second
            );
        }
        say!(
            language,
            "{on_front} As good in {first} within seed noise, and the best of these in {second}: {configuration}, with {value} against \
             {best}.",
            on_front = on_front,
            first = first,
            second = second,
            configuration = names::configuration(&cheapest.label, language),
            value = value(cheapest.mean),
            best = value(cheapest.mean_of_best)
        )
    }
}

impl Worth {
    fn say(self, configuration: &str, language: Language) -> String {
        match self {
            Self::SoFar { accuracy } => say!(
                language,
                "Best so far: {configuration}, which classifies {accuracy} of the validation rows correctly.",
                configuration = configuration,
                accuracy = format::percent(accuracy)
            ),
            Self::Tested { accuracy, interval } => tested(configuration, accuracy, interval, language),
            Self::UpToCancel { accuracy } => say!(
                language,
                "Best of the trials that had completed when the sweep was cancelled: {configuration}, which classifies {accuracy} \
                 of the validation rows correctly.",
                configuration = configuration,
                accuracy = format::percent(accuracy)
            ),
            Self::NotShownBetter { accuracy, baseline } => say!(
                language,
                "Best: {configuration}. It is not shown to do better than always saying the most frequent class: {accuracy} of \
                 the test rows against {baseline}.",
                configuration = configuration,
                accuracy = format::percent(accuracy),
                baseline = format::percent(baseline)
            ),
            Self::NoBetter { accuracy, baseline } => say!(
                language,
                "Use none of these: the best, {configuration}, does no better than always saying the most frequent class, \
                 {accuracy} of the test rows against {baseline}.",
                configuration = configuration,
                accuracy = format::percent(accuracy),
                baseline = format::percent(baseline)
            ),
            Self::NotTested { accuracy } => say!(
                language,
                "Use {configuration}: it classifies {accuracy} of the validation rows correctly, and was not tested.",
                configuration = configuration,
                accuracy = format::percent(accuracy)
            ),
        }
    }
}

fn tested(configuration: &str, accuracy: f64, interval: Option<Interval>, language: Language) -> String {
    let accuracy = format::percent(accuracy);
    match interval {
        Some(interval) => say!(
            language,
            "Use {configuration}: it classifies {accuracy} of the test rows correctly (95 % interval {interval}).",
            configuration = configuration,
            accuracy = accuracy,
            interval = format::interval_of_percent(Some(interval), language)
        ),
        None => say!(
            language,
            "Use {configuration}: it classifies {accuracy} of the test rows correctly.",
            configuration = configuration,
            accuracy = accuracy
        ),
    }
}

impl NextStep {
    fn say(self, language: Language) -> Option<String> {
        match self {
            Self::Tune(name) => {
                Some(say!(language, "Of what was swept, {name} matters most: tune it first.", name = name))
            }
            Self::SeveralSeeds => Some(
                say!(
                    language,
                    "Which hyperparameter matters most is undecided: one replicate cannot tell an effect from the luck of its seed; \
                     run at least 3."
                )
                .to_owned(),
            ),
            Self::Replicate(count) => Some(say!(
                language,
                "Which hyperparameter matters most is undecided: about {count} replicates of each configuration would tell.",
                count = count
            )),
            Self::Grid => Some(
                say!(
                    language,
                    "Which hyperparameter matters most is not tested: a search does not train every combination. A grid around \
                     this configuration with at least 3 replicates would tell."
                )
                .to_owned(),
            ),
            Self::Undecided => {
                Some(say!(language, "Which hyperparameter matters most is undecided.").to_owned())
            }
            Self::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use sweep_proto::{FrontObjective, Hyperparameter};

    use super::*;
    use crate::model::CheapestMember;

    fn said(worth: Worth, next: NextStep) -> String {
        Conclusion { label: "units=64".to_owned(), worth, front: None, next }.say(Language::English)
    }

    #[test]
    fn several_objectives_name_the_cheapest_that_is_as_good() {
        let said = |others, is_best, worth| {
            let label = "units=16".to_owned();
            let cheapest = CheapestMember { label, is_best, mean: 12_034.0, mean_of_best: 91_120.0 };
            let metric = FrontObjective::Metric(sweep_proto::Objective::default());
            let objectives = vec![metric, FrontObjective::Parameters];
            let front = Some(FrontNote { objectives, others, cheapest: Some(cheapest) });
            let label = "units=64".to_owned();
            Conclusion { label, worth, front, next: NextStep::Nothing }.say(Language::English)
        };
        let tested = Worth::Tested { accuracy: 0.75, interval: None };
        assert_eq!(
            said(2, false, tested),
            "Use units=64: it classifies 75.00 % of the test rows correctly. Others on the Pareto front of validation loss, \
             parameters: 2. As good in validation loss within seed noise, and the best of these in parameters: units=16, with \
             12,034 against 91,120."
        );
        assert_eq!(
            said(3, true, tested),
            "Use units=64: it classifies 75.00 % of the test rows correctly. Others on the Pareto front of validation loss, \
             parameters: 3. None of them that is as good in validation loss within seed noise is better in parameters."
        );
        assert_eq!(
            said(0, true, tested),
            "Use units=64: it classifies 75.00 % of the test rows correctly. No other configuration is on the Pareto front of \
             validation loss, parameters."
        );
        assert!(!said(2, false, Worth::NoBetter { accuracy: 0.5, baseline: 0.5 }).contains("front"));
    }

    #[test]
    fn every_conclusion_says_what_to_do() {
        let interval = Some(Interval { low: 0.724, high: 0.782 });
        let tested = Worth::Tested { accuracy: 0.7538, interval };
        assert_eq!(
            said(tested, NextStep::Tune(Hyperparameter::LearningRate)),
            "Use units=64: it classifies 75.38 % of the test rows correctly (95 % interval 72.40 to 78.20 %). Of what was \
             swept, learning_rate matters most: tune it first."
        );
        assert_eq!(
            said(Worth::Tested { accuracy: 0.75, interval: None }, NextStep::Replicate(9)),
            "Use units=64: it classifies 75.00 % of the test rows correctly. Which hyperparameter matters most is undecided: \
             about 9 replicates of each configuration would tell."
        );
        assert_eq!(
            said(Worth::SoFar { accuracy: 0.5 }, NextStep::Nothing),
            "Best so far: units=64, which classifies 50.00 % of the validation rows correctly."
        );
        assert_eq!(
            said(Worth::NotTested { accuracy: 0.5 }, NextStep::Undecided),
            "Use units=64: it classifies 50.00 % of the validation rows correctly, and was not tested. Which hyperparameter \
             matters most is undecided."
        );
        let searched = said(Worth::NotTested { accuracy: 0.5 }, NextStep::Grid);
        assert!(searched.contains("a search does not train every combination. A grid around"), "{searched}");
        let no_better = Worth::NoBetter { accuracy: 0.5, baseline: 0.5 };
        assert_eq!(
            said(no_better, NextStep::Tune(Hyperparameter::Units)),
            "Use none of these: the best, units=64, does no better than always saying the most frequent class, 50.00 % of the \
             test rows against 50.00 %."
        );
        let not_shown = Worth::NotShownBetter { accuracy: 0.6444, baseline: 0.5 };
        assert_eq!(
            said(not_shown, NextStep::Tune(Hyperparameter::Units)),
            "Best: units=64. It is not shown to do better than always saying the most frequent class: 64.44 % of the test rows \
             against 50.00 %."
        );
        let one = said(Worth::UpToCancel { accuracy: 0.5 }, NextStep::SeveralSeeds);
        assert!(
            one.starts_with("Best of the trials that had completed when the sweep was cancelled: units=64"),
            "{one}"
        );
        assert!(one.ends_with("run at least 3."), "{one}");
    }
}

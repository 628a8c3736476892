//! The conclusion in words: what to use, how well it does, what to do next.

use super::{format, names};
use crate::language::{Language, say};
use crate::model::{CheapestMember, ChosenPlace, Conclusion, FrontNote, Interval, NextStep, Worth};
use sweep_proto::FrontObjective;

impl Conclusion {
    /// A few sentences.
    pub fn say(&self, language: Language) -> String {
        let worth = self.worth.say(&names::configuration(&self.label, language), language);
        // Of settings that learn nothing none matters.
        if matches!(self.worth, Worth::NoBetter { .. } | Worth::NotShownBetter { .. }) {
            return worth;
        }
        let others = self.front.as_ref().map(|front| front.say(language));
        let end = self.search_end.as_ref().map(|end| end.say(language));
        let sentences = end.into_iter().chain(others).chain(self.next.say(language));
        sentences.fold(worth, |said, next| say!(language, "{worth} {next}", worth = said, next = next))
    }
}

impl FrontNote {
    fn say(&self, language: Language) -> String {
        let on_front = self.say_others(language);
        let on_front = match self.left_out {
            0 => on_front,
            left_out => say!(
                language,
                "{on_front} Configurations compared: {compared}, not compared: {left_out}.",
                on_front = on_front,
                compared = format::count(self.compared),
                left_out = format::count(left_out)
            ),
        };
        match &self.cheapest {
            Some(cheapest) if self.others > 0 => self.say_cheapest(&on_front, cheapest, language),
            _ => on_front,
        }
    }

    /// Where the chosen configuration is, and how many others are on the front.
    fn say_others(&self, language: Language) -> String {
        let names: Vec<&str> = self.objectives.iter().map(|one| names::objective(*one, language)).collect();
        let (objectives, others) = (names.join(", "), format::count(self.others));
        match &self.chosen {
            ChosenPlace::BeatenBy(by) => say!(
                language,
                "It is not on the Pareto front of {objectives}: {beating} is at least as good in each of these, and better in \
                 {better}. Configurations on the front: {others}.",
                objectives = objectives,
                beating = names::configuration(&by.label, language),
                better = names::objective(by.objective, language),
                others = others
            ),
            ChosenPlace::NotCompared => say!(
                language,
                "It is not compared with the Pareto front of {objectives}. Configurations on the front: {others}.",
                objectives = objectives,
                others = others
            ),
            ChosenPlace::OnFront if self.others == 0 => say!(
                language,
                "No other configuration is on the Pareto front of {objectives}.",
                objectives = objectives
            ),
            ChosenPlace::OnFront => say!(
                language,
                "Others on the Pareto front of {objectives}: {others}.",
                objectives = objectives,
                others = others
            ),
        }
    }

    /// Who is better in the second objective, and not shown to be worse in the first.
    fn say_cheapest(&self, on_front: &str, cheapest: &CheapestMember, language: Language) -> String {
        let [first, second, ..] = *self.objectives.as_slice() else { return on_front.to_owned() };
        let [first_name, second_name] = [first, second].map(|one| names::objective(one, language));
        if cheapest.is_best {
            return say!(
                language,
                "{on_front} Each other configuration on the front is shown to be worse in {first} than the chosen one, or is not \
                 shown to be better in {second}.",
                on_front = on_front,
                first = first_name,
                second = second_name
            );
        }
        let [value, best] =
            [cheapest.mean, cheapest.mean_of_best].map(|mean| format::objective(second, mean));
        let said = say!(
            language,
            "{on_front} Of the configurations on the front that are shown to be better in {second} and not shown to be worse in \
             {first}, {configuration} has the best mean {second}: {value} against {best}.",
            on_front = on_front,
            first = first_name,
            second = second_name,
            configuration = names::configuration(&cheapest.label, language),
            value = value,
            best = best
        );
        match (first, cheapest.first_difference_interval) {
            (FrontObjective::Metric(metric), Some(interval)) => say!(
                language,
                "{said} Its {first} is {first_value} against {first_best}, 95 % interval of the difference {interval}.",
                said = said,
                first = first_name,
                first_value = format::objective(first, cheapest.first_mean),
                first_best = format::objective(first, cheapest.first_mean_of_best),
                interval = format::interval_of_difference(metric, interval, language)
            ),
            _ => say!(
                language,
                "{said} It is no worse in {first} in any replicate.",
                said = said,
                first = first_name
            ),
        }
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
    use sweep_proto::{Hyperparameter, Objective};

    use super::*;
    use crate::model::BeatingMember;

    fn said(worth: Worth, next: NextStep) -> String {
        Conclusion { label: "units=64".to_owned(), worth, search_end: None, front: None, next }
            .say(Language::English)
    }

    /// Of a loss and of sizes, two others on the front.
    fn note() -> FrontNote {
        FrontNote {
            objectives: vec![FrontObjective::Metric(Objective::default()), FrontObjective::Parameters],
            others: 2,
            compared: 4,
            left_out: 0,
            chosen: ChosenPlace::OnFront,
            cheapest: Some(CheapestMember {
                label: "units=16".to_owned(),
                is_best: false,
                mean: 12_034.0,
                mean_of_best: 91_120.0,
                first_mean: 0.48,
                first_mean_of_best: 0.47,
                first_difference_interval: Some(Interval { low: -0.01, high: 0.03 }),
            }),
        }
    }

    fn said_of(note: FrontNote, worth: Worth) -> String {
        let label = "units=64".to_owned();
        let said = Conclusion { label, worth, search_end: None, front: Some(note), next: NextStep::Nothing }
            .say(Language::English);
        said.replace("Use units=64: it classifies 75.00 % of the test rows correctly. ", "")
    }

    const TESTED: Worth = Worth::Tested { accuracy: 0.75, interval: None };

    #[test]
    fn several_objectives_name_who_is_not_shown_to_be_worse_for_less_and_how_far_that_may_be() {
        assert_eq!(
            said_of(note(), TESTED),
            "Others on the Pareto front of validation loss, parameters: 2. Of the configurations on the front that are shown to be \
             better in parameters and not shown to be worse in validation loss, units=16 has the best mean parameters: 12,034 against \
             91,120. Its validation loss is 0.4800 against 0.4700, 95 % interval of the difference -0.0100 to 0.0300."
        );
        let mut by_accuracy = note();
        let accuracy = Objective::from_name("validation_accuracy").expect("a metric");
        by_accuracy.objectives[0] = FrontObjective::Metric(accuracy);
        let said = said_of(by_accuracy, TESTED);
        assert!(
            said.ends_with(
                "is 48.00 % against 47.00 %, 95 % interval of the difference -1.00 to 3.00 points."
            ),
            "{said}"
        );
        let cheapest = |edit: fn(&mut CheapestMember)| {
            let mut note = note();
            note.cheapest.iter_mut().for_each(edit);
            said_of(note, TESTED)
        };
        assert_eq!(
            cheapest(|one| one.first_difference_interval = None),
            "Others on the Pareto front of validation loss, parameters: 2. Of the configurations on the front that are shown to be \
             better in parameters and not shown to be worse in validation loss, units=16 has the best mean parameters: 12,034 against \
             91,120. It is no worse in validation loss in any replicate."
        );
        assert_eq!(
            cheapest(|one| one.is_best = true),
            "Others on the Pareto front of validation loss, parameters: 2. Each other configuration on the front is shown to be worse in \
             validation loss than the chosen one, or is not shown to be better in parameters."
        );
        assert!(!said_of(note(), Worth::NoBetter { accuracy: 0.5, baseline: 0.5 }).contains("front"));
    }

    #[test]
    fn several_objectives_say_where_the_chosen_configuration_is_and_what_was_not_compared() {
        let said = |chosen, others, left_out| {
            said_of(FrontNote { others, left_out, chosen, cheapest: None, ..note() }, TESTED)
        };
        assert_eq!(
            said(ChosenPlace::OnFront, 0, 0),
            "No other configuration is on the Pareto front of validation loss, parameters."
        );
        assert_eq!(
            said(ChosenPlace::OnFront, 2, 3),
            "Others on the Pareto front of validation loss, parameters: 2. Configurations compared: 4, not compared: 3."
        );
        let by = BeatingMember { label: "units=8".to_owned(), objective: FrontObjective::Parameters };
        assert_eq!(
            said(ChosenPlace::BeatenBy(by), 2, 0),
            "It is not on the Pareto front of validation loss, parameters: units=8 is at least as good in each of these, and better in \
             parameters. Configurations on the front: 2."
        );
        assert_eq!(
            said(ChosenPlace::NotCompared, 2, 1),
            "It is not compared with the Pareto front of validation loss, parameters. Configurations on the front: 2. Configurations compared: 4, \
             not compared: 1."
        );
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

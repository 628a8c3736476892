//! Sentences about what a sweep is ranked by. They are written for the validation loss; of another objective the noun is exchanged.
//!
//! The analysis looks at scores, of which lower is better: the loss, or how far the objective is from 1. For the accuracy that is the
//! share of errors. The nouns end alike in Korean, so that the particles after them stay.

use std::fmt::Display;

use sweep_proto::{EpochFigure, Objective};

use super::{Language, fill_in};

/// What stands for the loss in a sentence about another objective: each text with what replaces it, longer ones first.
fn nouns(language: Language, objective: Objective) -> Vec<(&'static str, String)> {
    let words = objective.words().replace(' ', "-");
    let is_accuracy = objective.figure() == EpochFigure::ValidationAccuracy;
    match (language, is_accuracy) {
        (Language::English, true) => [("Losses", "Errors"), ("losses", "errors"), ("loss", "error")]
            .map(|(one, other)| (one, other.to_owned()))
            .into(),
        (Language::English, false) => vec![
            ("Losses", format!("{} losses", capitalised(&words))),
            ("losses", format!("{words} losses")),
            ("loss", format!("{words} loss")),
        ],
        (Language::Korean, true) => vec![("손실", "오류율".to_owned())],
        (Language::Korean, false) => vec![("손실", format!("{} 손실", objective.words()))],
    }
}

fn capitalised(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A message about the loss in a language, as one about the score of the objective.
pub(crate) fn exchanged(
    language: Language,
    objective: Objective,
    message: &'static str,
    values: &[(&str, &dyn Display)],
) -> String {
    let mut text = String::new();
    let mut rest = language.text(message);
    let nouns = nouns(language, objective);
    while let Some((at, noun, other)) = nouns
        .iter()
        .filter_map(|(noun, other)| Some((rest.find(noun)?, *noun, other)))
        .min_by_key(|(at, noun, _)| (*at, usize::MAX - noun.len()))
    {
        text.push_str(&rest[..at]);
        text.push_str(other);
        rest = &rest[at + noun.len()..];
    }
    text.push_str(rest);
    fill_in(&text, values)
}

/// As `say!`, of a message about the validation loss that may be about another objective.
macro_rules! told {
    ($language:expr, $objective:expr, $message:literal $(, $name:ident = $value:expr)* $(,)?) => {
        if $objective == ::sweep_proto::Objective::default() {
            let said: ::std::borrow::Cow<'static, str> =
                $crate::language::say!($language, $message $(, $name = $value)*).into();
            said.into_owned()
        } else {
            $crate::language::objective::exchanged(
                $language,
                $objective,
                $message,
                &[$((stringify!($name), &$value as &dyn ::std::fmt::Display)),*],
            )
        }
    };
}

pub(crate) use told;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn the_noun_is_exchanged_and_values_stay_as_they_are() {
        let of = |name, language| {
            let objective = Objective::from_name(name).unwrap();
            told!(language, objective, "Mean validation loss by {pair}", pair = "loss × losses")
        };
        assert_eq!(of("validation_loss", Language::English), "Mean validation loss by loss × losses");
        assert_eq!(of("validation_accuracy", Language::English), "Mean validation error by loss × losses");
        let by_f1 = of("validation_macro_f1", Language::English);
        assert_eq!(by_f1, "Mean validation macro-F1 loss by loss × losses");
        let korean = of("validation_accuracy", Language::Korean);
        assert!(korean.contains("검증 오류율") && korean.contains("loss × losses"), "{korean}");
        assert!(of("validation_loss", Language::Korean).contains("검증 손실"));
    }
}

//! What the study behind this program found, beside what the sweep says of it.

use crate::language::{Language, say};
use crate::model::{BesideStudy, StudyVerdict};

/// What it found, and whether this sweep bears it out.
pub(super) fn said(study: &BesideStudy, language: Language) -> String {
    let verdict = match study.verdict {
        StudyVerdict::Supported => say!(language, "Here, too, it is the strongest of them."),
        StudyVerdict::Contradicted => say!(language, "Here another one of them is stronger."),
        StudyVerdict::Undecided => say!(language, "This sweep does not decide whether it is."),
    };
    say!(
        language,
        "The study that varied LSTM units, batch size and embedding size (Kim and Park 2021) found a difference of {loss} % in \
         loss and {accuracy} % in accuracy between settings, and {strongest} the strongest of the three. {verdict} Its abstract \
         tells neither data nor levels, nor whether the accuracy is in points.",
        loss = study.loss_percent,
        accuracy = study.accuracy_percent,
        strongest = study.strongest,
        verdict = verdict
    )
}

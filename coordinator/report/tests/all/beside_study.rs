//! What the study behind this program found, beside sweeps that bear it out, contradict it, or do not ask.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use crate::fixture;

use coordinator_report::analyse;
use coordinator_report::input::ReportInput;
use coordinator_report::model::StudyVerdict;
use fixture::{axis, finished, noise, spec, study, text};
use sweep_proto::Hyperparameter::{self, BatchSize, Embedding, Layers, Units};

/// Two levels each; the strongest one moves the loss by fifty times the seed noise, if there is one.
fn sweep(swept: &[Hyperparameter], strongest: Option<Hyperparameter>) -> ReportInput {
    let axes = swept.iter().map(|one| axis(*one, &[1, 2])).collect();
    finished(spec(axes, 3), 1, |position, replicate| {
        let place =
            strongest.map(|one| swept.len() - 1 - swept.iter().position(|swept| *swept == one).unwrap());
        let level = place.map_or(0, |place| position >> place & 1);
        (0.5 + 0.1 * level as f64 + 0.002 * noise(10 * position + u64::from(replicate)), 0.8)
    })
}

#[test]
fn a_sweep_says_of_the_claim_what_it_knows() {
    let three = [Units, BatchSize, Embedding];
    let four = [Units, BatchSize, Embedding, Layers];
    let table: [(&[Hyperparameter], _, _); 8] = [
        (&three, Some(Embedding), Some(StudyVerdict::Supported)),
        (&three, Some(Units), Some(StudyVerdict::Contradicted)),
        (&three, Some(BatchSize), Some(StudyVerdict::Contradicted)),
        (&three, None, Some(StudyVerdict::Undecided)),
        (&four, Some(Embedding), Some(StudyVerdict::Supported)),
        // What else is the strongest says nothing of the order of the three.
        (&four, Some(Layers), Some(StudyVerdict::Undecided)),
        (&[Units, Embedding], Some(Embedding), None),
        (&[Layers], Some(Layers), None),
    ];
    for (swept, strongest, verdict) in table {
        let answer = analyse(&sweep(swept, strongest)).answer;
        let found = answer.study.map(|study| study.verdict);
        assert_eq!(found, verdict, "{swept:?}, {strongest:?}: {}", answer.strongest_hyperparameter.reason);
    }
}

#[test]
fn its_figures_stand_beside_the_gap() {
    let markdown = text(&study(), "report.md");
    for line in [
        "| the study of 2021 | 41.90 | – | 11.40 |",
        "a difference of 41.9 % in loss and 11.4 % in accuracy between settings, and embedding the strongest of the three. \
         Here, too, it is the strongest of them.",
    ] {
        assert!(markdown.contains(line), "{line} is not in\n{markdown}");
    }
    let elsewhere = text(&sweep(&[Units, Embedding], Some(Embedding)), "report.md");
    assert!(elsewhere.contains("on all replicates") && !elsewhere.contains("study of 2021"), "{elsewhere}");
}

//! A trial whose patience has run out has come to its end, whatever its worker says of it afterwards.

use coordinator_core::{Command, Rejection, TrialState};
use sweep_proto::{AttemptOutcome, EpochMetric, TrialResult};

use crate::support::lab::Lab;
use crate::support::values;

#[test]
fn where_patience_has_run_out_no_epoch_follows() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::impatient(values::spec("over", &[8], 1, 5), 1));
    let granted = lab.ask_one(worker);
    let report = |token, epoch, loss| {
        let metric = EpochMetric { validation_loss: loss, ..values::metric(&granted.spec, epoch) };
        Command::ReportEpoch { token, metric, checkpoint: values::checkpoint(&granted.spec, epoch) }
    };
    let diverged = |token, epoch| {
        let outcome = AttemptOutcome::Diverged { epoch, message: "loss is NaN".into() };
        Command::Complete { token, outcome }
    };
    lab.run(&report(granted.token, 1, 0.5));
    assert!(
        lab.decide(&diverged(granted.token, 2)).is_ok() && lab.decide(&report(granted.token, 2, 0.4)).is_ok()
    );
    lab.run(&report(granted.token, 2, 0.6));
    let refuses = |lab: &mut Lab, token| {
        // The answer to the epoch in which it came to its end may be asked once more.
        lab.changes_nothing(&report(token, 2, 0.6));
        for refused in [report(token, 3, 0.4), report(token, 3, 0.7), diverged(token, 3)] {
            let refusal = lab.refused(&refused).to_string();
            assert!(refusal.contains("has come to its end with epoch 2"), "{refusal}");
        }
    };
    refuses(&mut lab, granted.token);
    // The next attempt finds the trial at its end, and says so.
    lab.complete(granted.token, AttemptOutcome::Released { checkpoint: None });
    let again = lab.ask_one(worker);
    for refused in [report(again.token, 3, 0.4), diverged(again.token, 3)] {
        assert!(matches!(lab.refused(&refused), Rejection::Invalid(_)), "{refused:?}");
    }
    let accuracy = values::metric(&granted.spec, 1).validation_accuracy;
    let result = values::result(&granted.spec);
    let result =
        TrialResult { best_epoch: 1, score: 0.5, accuracy, epochs: 2, early_stopped: true, ..result };
    lab.complete(again.token, AttemptOutcome::Trained(result));
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Completed);
}

//! A trial as its page shows it, for everybody who looks.

use std::time::Duration;

use askama::Template;
use coordinator_report::sections::format;
use serde_json::{Value, json};

use super::picture::TrialPicture;
use super::steps::Steps;
use crate::dashboard::charts;
use crate::dashboard::frame::rendered;
use crate::dashboard::parts::Parts;
use crate::dashboard::refusal::Refusal;

/// How old a running trial's page may be: lines of logs and losses inside epochs come without a word of the sweep.
pub(super) const AGE_MAX: Duration = Duration::from_secs(2);

/// What can be shown and told of a trial.
#[derive(Debug)]
pub(in crate::dashboard) struct View {
    pub(super) picture: TrialPicture,
    pub(super) steps: Steps,
    pub(super) parts: Parts,
    pub(super) charts: Value,
    /// A sweep file that trains this trial, and its replicates before it.
    pub(super) file: String,
}

#[derive(Template)]
#[template(path = "dashboard/trial_result.html")]
struct ResultPart<'a> {
    picture: &'a TrialPicture,
}

#[derive(Template)]
#[template(path = "dashboard/trial_epochs.html")]
struct EpochsPart<'a> {
    picture: &'a TrialPicture,
}

#[derive(Template)]
#[template(path = "dashboard/trial_attempts.html")]
struct AttemptsPart<'a> {
    picture: &'a TrialPicture,
}

#[derive(Template)]
#[template(path = "dashboard/trial_log.html")]
struct LogPart<'a> {
    picture: &'a TrialPicture,
}

impl View {
    pub(super) fn of(picture: TrialPicture, steps: Steps) -> Result<Self, Refusal> {
        let parts = Parts(vec![
            ("result", rendered(&ResultPart { picture: &picture })?),
            ("epochs", rendered(&EpochsPart { picture: &picture })?),
            ("attempts", rendered(&AttemptsPart { picture: &picture })?),
            ("log", rendered(&LogPart { picture: &picture })?),
        ]);
        let charts = json!(charts::of_trial(picture.epochs.clone(), steps.points().to_vec()));
        let file = picture.reproduction().to_toml();
        Ok(Self { picture, steps, parts, charts, file })
    }

    pub(in crate::dashboard) fn age_max(&self) -> Option<Duration> {
        (!self.picture.has_ended).then_some(AGE_MAX)
    }

    /// What has changed since the page was told of another view, or everything; `None` where nothing has.
    pub(super) fn since(&self, told: Option<&Self>) -> Option<Value> {
        let parts = self.parts.since(told.map(|told| &told.parts));
        if told.is_none_or(|told| told.charts != self.charts) {
            return Some(json!({ "parts": parts, "charts": self.charts }));
        }
        (!parts.is_empty()).then(|| json!({ "parts": parts }))
    }
}

//! How attempts end.

use super::{ConvertError, finite, required, share};
use crate::outcome::{AttemptOutcome, FailureKind, TrialResult};
use crate::protocol::ERROR_CHARACTERS_MAX;
use crate::text::inert_lines;
use crate::wire::{self, attempt_outcome::Kind};

/// A message that people will see, of bounded length. It may have lines.
fn bounded(message: &str) -> String {
    inert_lines(message).chars().take(ERROR_CHARACTERS_MAX).collect()
}

impl From<TrialResult> for wire::TrialResult {
    fn from(result: TrialResult) -> Self {
        Self {
            best_epoch: result.best_epoch,
            epochs: result.epochs,
            early_stopped: result.early_stopped,
            score: result.score,
            accuracy: result.accuracy,
            parameters: result.parameters,
            model: Some(result.model.into()),
        }
    }
}

impl TryFrom<wire::TrialResult> for TrialResult {
    type Error = ConvertError;
    fn try_from(message: wire::TrialResult) -> Result<Self, ConvertError> {
        if message.best_epoch == 0 || message.best_epoch > message.epochs {
            return Err(ConvertError::invalid("best_epoch", message.best_epoch));
        }
        Ok(Self {
            best_epoch: message.best_epoch,
            epochs: message.epochs,
            early_stopped: message.early_stopped,
            score: finite(message.score, "score")?,
            accuracy: share(message.accuracy, "accuracy")?,
            parameters: message.parameters,
            model: required(message.model, "model")?.try_into()?,
        })
    }
}

impl From<FailureKind> for wire::FailureKind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Crashed => Self::Crashed,
            FailureKind::OutOfMemory => Self::OutOfMemory,
            FailureKind::Data => Self::Data,
            FailureKind::Device => Self::Device,
            FailureKind::Rejected => Self::Rejected,
            FailureKind::Stalled => Self::Stalled,
        }
    }
}

impl TryFrom<wire::FailureKind> for FailureKind {
    type Error = ConvertError;
    fn try_from(kind: wire::FailureKind) -> Result<Self, ConvertError> {
        match kind {
            wire::FailureKind::Unspecified => Err(ConvertError::Missing("kind")),
            wire::FailureKind::Crashed => Ok(Self::Crashed),
            wire::FailureKind::OutOfMemory => Ok(Self::OutOfMemory),
            wire::FailureKind::Data => Ok(Self::Data),
            wire::FailureKind::Device => Ok(Self::Device),
            wire::FailureKind::Rejected => Ok(Self::Rejected),
            wire::FailureKind::Stalled => Ok(Self::Stalled),
        }
    }
}

impl From<AttemptOutcome> for wire::AttemptOutcome {
    fn from(outcome: AttemptOutcome) -> Self {
        let kind = match outcome {
            AttemptOutcome::Trained(result) => Kind::Trained(result.into()),
            AttemptOutcome::Evaluated(metric) => Kind::Evaluated(metric.into()),
            AttemptOutcome::Diverged { epoch, message } => {
                Kind::Diverged(wire::Diverged { epoch, message: bounded(&message) })
            }
            AttemptOutcome::Failed { kind, message } => Kind::Failed(wire::Failed {
                kind: wire::FailureKind::from(kind).into(),
                message: bounded(&message),
            }),
            AttemptOutcome::Reached { epoch } => Kind::Reached(wire::Reached { epoch }),
            AttemptOutcome::Released { checkpoint } => {
                Kind::Released(wire::Released { checkpoint: checkpoint.map(Into::into) })
            }
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<wire::AttemptOutcome> for AttemptOutcome {
    type Error = ConvertError;
    fn try_from(message: wire::AttemptOutcome) -> Result<Self, ConvertError> {
        Ok(match required(message.kind, "kind")? {
            Kind::Trained(result) => Self::Trained(result.try_into()?),
            Kind::Evaluated(metric) => Self::Evaluated(metric.try_into()?),
            Kind::Diverged(diverged) => {
                Self::Diverged { epoch: diverged.epoch, message: bounded(&diverged.message) }
            }
            Kind::Failed(failed) => {
                Self::Failed { kind: failed.kind().try_into()?, message: bounded(&failed.message) }
            }
            Kind::Reached(wire::Reached { epoch: 0 }) => return Err(ConvertError::invalid("epoch", 0)),
            Kind::Reached(wire::Reached { epoch }) => Self::Reached { epoch },
            Kind::Released(released) => {
                Self::Released { checkpoint: released.checkpoint.map(TryInto::try_into).transpose()? }
            }
        })
    }
}

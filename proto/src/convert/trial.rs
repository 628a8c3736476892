//! Trials and their configurations.

use super::{ConvertError, digest, required};
use crate::configuration::{Configuration, Value};
use crate::hyperparameter::Hyperparameter;
use crate::ids::{SweepId, TrialId};
use crate::trial::TrialSpec;
use crate::wire::{self, value::Kind};

impl From<TrialId> for wire::TrialId {
    fn from(id: TrialId) -> Self {
        Self { sweep: id.sweep.0, index: id.index }
    }
}

impl From<wire::TrialId> for TrialId {
    fn from(message: wire::TrialId) -> Self {
        Self { sweep: SweepId(message.sweep), index: message.index }
    }
}

impl From<Value> for wire::Value {
    fn from(value: Value) -> Self {
        let kind = match value {
            Value::Integer(number) => Kind::Integer(number),
            Value::Real(number) => Kind::Real(number),
            Value::Flag(flag) => Kind::Flag(flag),
            Value::Word(word) => Kind::Word(word),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<wire::Value> for Value {
    type Error = ConvertError;
    fn try_from(message: wire::Value) -> Result<Self, ConvertError> {
        Ok(match required(message.kind, "value")? {
            Kind::Integer(number) => Self::Integer(number),
            Kind::Real(number) => Self::Real(number),
            Kind::Flag(flag) => Self::Flag(flag),
            Kind::Word(word) => Self::Word(word),
        })
    }
}

impl From<TrialSpec> for wire::TrialSpec {
    fn from(spec: TrialSpec) -> Self {
        let configuration =
            spec.configuration.iter().map(|(name, value)| (name.to_string(), value.into())).collect();
        Self {
            id: Some(spec.id.into()),
            configuration,
            replicate: spec.replicate,
            seed: spec.seed,
            dataset: spec.dataset.as_bytes().to_vec().into(),
        }
    }
}

impl TryFrom<wire::TrialSpec> for TrialSpec {
    type Error = ConvertError;
    /// A hyperparameter that the message lacks takes its default; one that this build does not know
    /// is refused, because leaving it out would train another trial.
    fn try_from(message: wire::TrialSpec) -> Result<Self, ConvertError> {
        let mut configuration = Configuration::default();
        for (name, value) in message.configuration {
            let hyperparameter = Hyperparameter::from_name(&name).ok_or_else(|| {
                ConvertError::invalid("configuration", format!("unknown hyperparameter \"{name}\""))
            })?;
            configuration
                .set(hyperparameter, value.try_into()?)
                .map_err(|error| ConvertError::invalid("configuration", error))?;
        }
        Ok(Self {
            id: required(message.id, "id")?.into(),
            configuration,
            replicate: message.replicate,
            seed: message.seed,
            dataset: digest(&message.dataset, "dataset")?.into(),
        })
    }
}

//! What stands differently in the settings of two sweeps.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{FrontObjective, Hyperparameter, SweepSpec};

use crate::input::ReportInput;
use crate::model::comparison::SettingDifference;
use crate::model::{Levels, Setting, SettingValue};

/// Whether both were trained and validated on the same rows: described alike, and, where both encoded them in the
/// same way, with the same bytes.
pub fn is_same_data(inputs: [&ReportInput; 2]) -> bool {
    let digests = inputs.map(|input| {
        let datasets = input.sweep.datasets.iter();
        datasets.map(|one| (&one.variant, one.artifact.digest)).collect::<BTreeMap<_, _>>()
    });
    let is_same = |(variant, digest)| digests[1].get(variant).is_none_or(|other| other == digest);
    inputs[0].sweep.spec.data == inputs[1].sweep.spec.data && digests[0].iter().all(is_same)
}

/// Every setting that differs: data first, then hyperparameters, then how the sweep is run.
pub fn differences(inputs: [&ReportInput; 2]) -> Vec<SettingDifference> {
    let specs = inputs.map(|input| &input.sweep.spec);
    let mut found = Vec::new();
    let mut note = |setting: Setting, values: [SettingValue; 2]| {
        if values[0] != values[1] {
            found.push(SettingDifference { setting, values });
        }
    };
    let data = specs.map(data_settings);
    let names: BTreeSet<&String> = data.iter().flat_map(BTreeMap::keys).collect();
    for name in names {
        let value =
            |of: &BTreeMap<String, String>| SettingValue::Held(of.get(name).cloned().unwrap_or_default());
        note(Setting::Data(name.clone()), [value(&data[0]), value(&data[1])]);
    }
    for one in Hyperparameter::ALL {
        note(Setting::Key(one.to_string()), specs.map(|spec| levels(spec, *one)));
    }
    let mut note_key = |key: &str, values: [String; 2]| {
        note(Setting::Key(key.to_owned()), values.map(SettingValue::Held));
    };
    note_key("replicates", specs.map(|spec| spec.replicates.to_string()));
    note_key("seed", specs.map(|spec| spec.seed.to_string()));
    note_key("failures_max", specs.map(|spec| spec.failures_max.to_string()));
    let objectives =
        |spec: &SweepSpec| spec.objectives().map(FrontObjective::name).collect::<Vec<_>>().join(", ");
    note_key("objective", specs.map(objectives));
    note_key("reuse", specs.map(|spec| spec.reuse.to_string()));
    found
}

fn levels(spec: &SweepSpec, hyperparameter: Hyperparameter) -> SettingValue {
    match spec.axes.iter().find(|axis| axis.hyperparameter == hyperparameter) {
        Some(axis) => SettingValue::Swept(Levels::of(axis).words()),
        None => SettingValue::Held(spec.fixed.get(hyperparameter).to_string()),
    }
}

/// The description of the data by name, each value as JSON; nothing where a path is not Unicode.
fn data_settings(spec: &SweepSpec) -> BTreeMap<String, String> {
    match serde_json::to_value(&spec.data) {
        Ok(serde_json::Value::Object(fields)) => {
            fields.into_iter().map(|(name, value)| (name, value.to_string())).collect()
        }
        _ => BTreeMap::new(),
    }
}

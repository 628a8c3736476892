//! Which hyperparameters decide whether a trial is among the best, and which move the loss over the whole grid.
//!
//! By the divergence of the best trials' levels ([`coordinator_statistics::ped_anova`]) and by a forest
//! ([`coordinator_statistics::fanova`]): for any sweep, balanced or not.

use coordinator_statistics::coded::CodedTrials;
use coordinator_statistics::fanova::fanova;
use coordinator_statistics::ped_anova::ped_anova;
use sweep_proto::{Axis, SweepSpec};

use super::coded::coded;
use crate::model::{Fanova, HyperparameterImportance, Importance, MainEffects, VarianceShare};
use crate::table::Table;

/// Trials below which a tenth of them says nothing.
const TRIALS_MIN: usize = 20;

/// The importance of each swept hyperparameter; `None` below two of them or twenty results.
pub fn importance(table: &Table, spec: &SweepSpec, effects: &MainEffects) -> Option<Importance> {
    let axes: Vec<&Axis> = spec.swept_axes().collect();
    let trials = coded(table, &axes);
    if axes.len() < 2 || trials.scores.len() < TRIALS_MIN {
        return None;
    }
    let divergence = ped_anova(&trials);
    let share_of = |axis: &Axis| {
        let factor = effects.factors.iter().find(|factor| factor.hyperparameter == axis.hyperparameter);
        factor.and_then(|factor| factor.share)
    };
    let hyperparameters = axes
        .iter()
        .zip(divergence.shares)
        .map(|(axis, (share, interval))| HyperparameterImportance {
            hyperparameter: axis.hyperparameter,
            share,
            interval,
            eta_squared: share_of(axis),
        })
        .collect();
    Some(Importance {
        trials: trials.scores.len() as u32,
        best_trials: divergence.best_trials,
        hyperparameters,
        fanova: by_forest(&trials, &axes),
    })
}

/// The forest's parts under the names of their hyperparameters.
fn by_forest(trials: &CodedTrials, axes: &[&Axis]) -> Option<Fanova> {
    let found = fanova(trials)?;
    let shares = found.shares.into_iter().map(|part| VarianceShare {
        of: part.axes.iter().map(|axis| axes[*axis].hyperparameter).collect(),
        share: part.share,
        standard_deviation: part.standard_deviation,
        of_most_trees: part.of_most_trees,
    });
    Some(Fanova {
        trees: found.trees,
        trials: found.trials,
        explained_of_unseen: found.explained_of_unseen,
        shares: shares.collect(),
        higher_order_share: found.higher_order_share,
    })
}

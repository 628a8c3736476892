//! What a search that is steered as a whole cannot do: refused, with what to write.

use super::grid::Space;
use super::known::Place;
use super::settings::Settings;
use super::source::Source;
use crate::hyperparameter::Hyperparameter;
use crate::objective::Objective;
use crate::search::{PrunerName, SamplerName};

/// Reports a pruner, an objective and axes with which `auto` has no model.
pub(super) fn refuse(
    source: &mut Source<'_>,
    settings: &Settings,
    space: &Space,
    pruner: Option<PrunerName>,
) {
    let auto = SamplerName::Auto;
    let place = settings.value(Place::Search, "pruner").map(|(_, place)| place);
    if let Some(place) = place.filter(|_| pruner != Some(PrunerName::None)) {
        let message = format!("the sampler {auto} pauses trials itself, and takes no pruner");
        let help = "remove the pruner, or write sampler = \"tpe\" under [search]";
        source.report(place, message, Some(help.to_owned()));
    }
    let objectives = settings.objectives();
    let place = settings.key_span(Place::Top, "objective").map(|(_, place)| place);
    let is_of_loss = objectives.first == Objective::default() && objectives.further.is_empty();
    if let Some(place) = place.filter(|_| !is_of_loss) {
        let default = Objective::default();
        let message = format!("the sampler {auto} models {default} alone");
        let help = format!("write objective = \"{default}\", or sampler = \"tpe\" under [search]");
        source.report(place, message, Some(help));
    }
    for swept in [Hyperparameter::Epochs, Hyperparameter::Patience] {
        let axis = space.axes.iter().position(|axis| axis.hyperparameter == swept);
        if let Some(at) = axis {
            let message =
                format!("{swept} is swept, but the sampler {auto} decides how far each trial trains");
            let help =
                format!("give {swept} one value under [train], or write sampler = \"tpe\" under [search]");
            source.report(space.spans[at].clone(), message, Some(help));
        }
    }
}

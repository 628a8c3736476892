//! Settings of `[search]` that would do nothing: refused, so that nobody waits for what they do.

use super::grid::Space;
use super::known::Place;
use super::settings::Settings;
use super::source::Source;
use crate::hyperparameter::Hyperparameter;
use crate::search::{Amount, Budget, PrunerName};
use crate::space::numbers_of;

/// Reports settings of the pruner, and a budget, from which nothing follows.
pub(super) fn refuse(source: &mut Source<'_>, settings: &Settings, space: &Space, pruner: PrunerName) {
    let place = |name| settings.value(Place::Search, name).map(|(_, place)| place);
    if let Some(place) = place("eta").filter(|_| pruner != PrunerName::Asha) {
        let message = "eta has no effect without the pruner asha".to_owned();
        let help = "write pruner = \"asha\" under [search], or remove eta";
        source.report(place, message, Some(help.to_owned()));
    }
    if let Some(place) = place("min_epochs").filter(|_| pruner == PrunerName::None) {
        let message = "min_epochs has no effect without a pruner".to_owned();
        let help = "write pruner = \"median\" or pruner = \"asha\" under [search], or remove min_epochs";
        source.report(place, message, Some(help.to_owned()));
    }
    refuse_money(source, settings);
    let [money, price_per_hour] =
        ["money", "price_per_hour"].map(|name| settings.real(Place::Search, name).and_then(Amount::of));
    let too_little = Budget { money, price_per_hour, ..Budget::default() }.too_little_money();
    if let Some((message, place)) = too_little.zip(place("money")) {
        let help = "give more money, or a lower price_per_hour";
        source.report(place, message, Some(help.to_owned()));
    }
    if space.unread.contains(&Hyperparameter::Epochs) {
        return;
    }
    let swept = space.axes.iter().position(|axis| axis.hyperparameter == Hyperparameter::Epochs);
    let [_, most] = numbers_of(&space.axes, &space.fixed, Hyperparameter::Epochs);
    if let Some(at) = swept.filter(|_| pruner == PrunerName::Asha) {
        let message = "epochs is swept, but the pruner asha decides how far each trial trains".to_owned();
        let help = format!(
            "write epochs = {most} under [train] in its place, or pruner = \"median\" under [search]"
        );
        source.report(space.spans[at].clone(), message, Some(help));
    } else if pruner != PrunerName::None {
        refuse_late(source, settings, pruner, most);
    }
    let budget = settings.whole(Place::Search, "epochs").zip(place("epochs"));
    if let Some((budget, place)) = budget.filter(|(budget, _)| (*budget as f64) < most) {
        let message =
            format!("a budget of {budget} epochs has no room for one trial, which may train {most}");
        let help = format!("give it at least {most} epochs, or train fewer under [train]");
        source.report(place, message, Some(help));
    }
}

/// Reports money without a price, and a price without money.
fn refuse_money(source: &mut Source<'_>, settings: &Settings) {
    let was_given = |name| settings.was_given(Place::Search, name);
    let place = |name| settings.key_span(Place::Search, name).map(|(_, place)| place);
    if let Some(place) = place("money").filter(|_| !was_given("price_per_hour")) {
        let message = "a budget of money needs price_per_hour: what one slot costs for an hour".to_owned();
        let help = "write price_per_hour = 0.40 under [search], or give the budget in hours";
        source.report(place, message, Some(help.to_owned()));
    }
    if let Some(place) = place("price_per_hour").filter(|_| !was_given("money")) {
        let message = "price_per_hour has no effect without a budget of money".to_owned();
        let help = "write money = 20 under [search], or remove price_per_hour";
        source.report(place, message, Some(help.to_owned()));
    }
}

/// Reports a pruner that looks at trials when the longest ones have ended.
fn refuse_late(source: &mut Source<'_>, settings: &Settings, pruner: PrunerName, most: f64) {
    let given = settings.value(Place::Search, "min_epochs").map(|(_, place)| place);
    let min_epochs = settings.whole(Place::Search, "min_epochs").unwrap_or(1);
    let place = given.or_else(|| settings.value(Place::Search, "pruner").map(|(_, place)| place));
    let Some(place) = place.filter(|_| min_epochs as f64 >= most) else { return };
    let (message, help) = if most <= 1.0 {
        let message = format!("the pruner {pruner} has no effect on trials of one epoch");
        (message, "write more epochs under [train], or remove the pruner".to_owned())
    } else {
        let message = format!(
            "the pruner {pruner} has no effect: it waits for {min_epochs} epochs, and no trial trains more than {most}"
        );
        let earlier = (most / 3.0).floor().max(1.0);
        (message, format!("write min_epochs = {earlier}, or more epochs under [train]"))
    };
    source.report(place, message, Some(help));
}

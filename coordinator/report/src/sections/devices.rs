//! Who did the work: device hours of each device model and each worker, and what they cost.

use super::{Block, Figure, TextTable, format};
use crate::model::{ConfigurationCost, Cost, Usage};

/// Device hours, and money where a price was given.
pub(super) fn figures(cost: &Cost) -> Vec<Figure> {
    let mut figures = vec![Figure {
        label: "Devices",
        value: format::seconds(cost.device_hours * 3_600.0),
        detail: format!(
            "of devices under leases, {} of them without a result; slots share a device in equal parts",
            format::seconds(cost.lost_device_hours * 3_600.0)
        ),
    }];
    if let Some(money) = &cost.money {
        let unpriced = match money.unpriced_device_hours {
            0.0 => String::new(),
            hours => format!("; {} have no price", format::seconds(hours * 3_600.0)),
        };
        figures.push(Figure {
            label: "Money",
            value: format!("{:.2}", money.total),
            detail: format!(
                "in the currency of the price; {:.2} of it for attempts without a result{unpriced}",
                money.lost
            ),
        });
    }
    figures
}

/// The tables by device model and by worker.
pub(super) fn tables(cost: &Cost) -> Vec<Block> {
    if cost.by_worker.is_empty() {
        return Vec::new();
    }
    let caption = "What each device model did for this sweep; a device that idles costs nothing here";
    let mut blocks = vec![Block::Table(table(caption, "device", &cost.by_device, false))];
    if cost.by_worker.len() > 1 {
        blocks.push(Block::Table(table("The same by worker", "worker", &cost.by_worker, true)));
    }
    blocks
}

fn table(caption: &str, name: &str, usages: &[Usage], with_device: bool) -> TextTable {
    let has_price = usages.iter().any(|one| one.money.is_some());
    let mut head = vec![name];
    head.extend(with_device.then_some("device"));
    head.extend(["#attempts", "#trials", "#epochs", "#examples/s", "#device hours", "#of them lost"]);
    head.extend(has_price.then_some("#money"));
    let has_energy = usages.iter().any(|one| one.energy.is_some());
    head.extend(has_energy.then_some("#energy"));
    let rows = usages.iter().map(|one| {
        let mut row = vec![one.name.clone()];
        row.extend(with_device.then(|| one.device.clone()));
        row.extend([
            format::count(one.attempts),
            format::count(one.trials),
            format::count(one.epochs),
            one.examples_per_second.map_or_else(|| format::NONE.to_owned(), |rate| format!("{rate:.0}")),
            format::number(one.device_hours),
            format::number(one.lost_device_hours),
        ]);
        row.extend(
            has_price
                .then(|| one.money.map_or_else(|| format::NONE.to_owned(), |money| format!("{money:.2}"))),
        );
        row.extend(has_energy.then(|| energy(one)));
        row
    });
    TextTable::new(caption, &head).with_rows(rows, "report.json")
}

/// The energy of one trial of a configuration.
pub(super) fn energy_of_trial(cost: &ConfigurationCost) -> String {
    cost.energy_joules.map_or_else(|| format::NONE.to_owned(), |joules| format::watt_hours(joules / 3_600.0))
}

/// The energy of a usage; of how many epochs, where not of all.
fn energy(usage: &Usage) -> String {
    match usage.energy {
        None => format::NONE.to_owned(),
        Some(energy) if energy.epochs == usage.epochs => format::watt_hours(energy.watt_hours),
        Some(energy) => {
            format!("{} in {} epochs", format::watt_hours(energy.watt_hours), format::count(energy.epochs))
        }
    }
}

//! Who did the work: device hours of each device model and each worker, and what they cost.

use super::{Block, Figure, Head, TextTable, format};
use crate::analysis::devices::UNKNOWN;
use crate::language::{Language, heads, say};
use crate::model::{ConfigurationCost, Cost, Usage};

/// Device hours, and money where a price was given.
pub(super) fn figures(cost: &Cost, language: Language) -> Vec<Figure> {
    let mut figures = vec![Figure {
        label: say!(language, "Devices"),
        value: format::seconds(cost.device_hours * 3_600.0),
        detail: say!(
            language,
            "of devices in use, {lost} of them for work that had to be done again; slots share a device in equal parts",
            lost = format::seconds(cost.lost_device_hours * 3_600.0)
        ),
    }];
    if let Some(money) = &cost.money {
        let lost = say!(
            language,
            "in the currency of the price; {lost} of it for work that had to be done again",
            lost = format::fixed(money.lost, 2)
        );
        figures.push(Figure {
            label: say!(language, "Money"),
            value: format::fixed(money.total, 2),
            detail: match money.unpriced_device_hours {
                0.0 => lost,
                hours => say!(
                    language,
                    "{lost}; {hours} have no price",
                    lost = lost,
                    hours = format::seconds(hours * 3_600.0)
                ),
            },
        });
    }
    figures
}

/// The tables by device model and by worker.
pub(super) fn tables(cost: &Cost, language: Language) -> Vec<Block> {
    if cost.by_worker.is_empty() {
        return Vec::new();
    }
    let caption =
        say!(language, "What each device model did for this sweep; a device that idles costs nothing here");
    let head = heads!(language, "device");
    let mut blocks = vec![Block::Table(table(caption, head, &cost.by_device, language))];
    if cost.by_worker.len() > 1 {
        let head = heads!(language, "worker", "device");
        blocks.push(Block::Table(table(
            say!(language, "The same by worker"),
            head,
            &cost.by_worker,
            language,
        )));
    }
    blocks
}

/// Behind the first heads, which name what the lines are of, and their devices where there are two.
fn table(caption: &str, mut head: Vec<Head>, usages: &[Usage], language: Language) -> TextTable {
    let with_device = head.len() > 1;
    let has_price = usages.iter().any(|one| one.money.is_some());
    head.extend(heads!(
        language,
        "#attempts",
        "#trials",
        "#epochs",
        "#examples/s",
        "#device time",
        "#of it lost"
    ));
    if has_price {
        head.extend(heads!(language, "#money"));
    }
    let has_energy = usages.iter().any(|one| one.energy.is_some());
    if has_energy {
        head.extend(heads!(language, "#energy"));
    }
    let rows = usages.iter().map(|one| {
        let mut row = vec![if with_device { one.name.clone() } else { device(&one.name, language) }];
        row.extend(with_device.then(|| device(&one.device, language)));
        row.extend([
            format::count(one.attempts),
            format::count(one.trials),
            format::count(one.epochs),
            one.examples_per_second.map_or_else(|| format::NONE.to_owned(), |rate| format::fixed(rate, 0)),
            format::seconds(one.device_hours * 3_600.0),
            format::seconds(one.lost_device_hours * 3_600.0),
        ]);
        row.extend(
            has_price
                .then(|| one.money.map_or_else(|| format::NONE.to_owned(), |money| format::fixed(money, 2))),
        );
        row.extend(has_energy.then(|| energy(one, language)));
        row
    });
    TextTable::new(caption, head).with_rows(rows, "report.json", language)
}

/// A device's model, or that the records do not hold it.
pub(super) fn device(model: &str, language: Language) -> String {
    if model == UNKNOWN { say!(language, "unknown") } else { model }.to_owned()
}

/// The energy of one trial of a configuration.
pub(super) fn energy_of_trial(cost: &ConfigurationCost) -> String {
    cost.energy_joules.map_or_else(|| format::NONE.to_owned(), |joules| format::watt_hours(joules / 3_600.0))
}

/// The energy of a usage; of how many epochs, where not of all.
fn energy(usage: &Usage, language: Language) -> String {
    match usage.energy {
        None => format::NONE.to_owned(),
        Some(energy) if energy.epochs == usage.epochs => format::watt_hours(energy.watt_hours),
        Some(energy) => {
            say!(
                language,
                "{energy} in {epochs} epochs",
                energy = format::watt_hours(energy.watt_hours),
                epochs = format::count(energy.epochs)
            )
        }
    }
}

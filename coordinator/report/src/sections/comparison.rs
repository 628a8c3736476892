//! The sections of a comparison: the two sweeps, their differences in settings and in losses.

use super::{
    Block, Head, Section, TextTable, curves, devices, format, names, scored, shortened_from, warnings,
};
use crate::language::{Language, heads, say, told};
use crate::model::comparison::{Comparison, PairedDifference};
use sweep_proto::FrontObjective;

/// Every section, in the order of the page.
pub fn sections(comparison: &Comparison, language: Language) -> Vec<Section> {
    let parts: [fn(&Comparison, Language) -> Section; 4] = [answer, pairs, best_curves, settings];
    let all = parts.map(|part| part(comparison, language));
    all.into_iter().filter(|section| !section.blocks.is_empty()).collect()
}

fn answer(comparison: &Comparison, language: Language) -> Section {
    let mut blocks = Vec::new();
    let objective = comparison.objective;
    if let Some([first, second]) = comparison.objectives {
        blocks.push(Block::Warning(say!(
            language,
            "The two sweeps have different objectives: {first} and {second}. Here both are ranked and compared by the validation \
             loss.",
            first = first,
            second = second
        )));
    }
    for sweep in comparison.sweeps.iter().filter(|sweep| sweep.provisional) {
        blocks.push(Block::Warning(say!(
            language,
            "Provisional: sweep {sweep} is {state}, so its numbers may change.",
            sweep = sweep.sweep,
            state = names::name(sweep.state, language)
        )));
    }
    if !comparison.is_same_data {
        blocks.push(Block::Warning(
            told!(
                language,
                objective,
                "The two sweeps were not trained and validated on the same rows: their losses tell of the data, too."
            ),
        ));
    }
    for sweep in comparison.sweeps.iter().filter(|sweep| sweep.trials_failed + sweep.trials_diverged > 0) {
        blocks.push(Block::Warning(told!(
            language,
            objective,
            "Trials of sweep {sweep} count in no mean: {diverged} diverged, {failed} failed. Where that is no accident, its \
             losses look better than they are.",
            sweep = sweep.sweep,
            diverged = format::count(sweep.trials_diverged),
            failed = format::count(sweep.trials_failed)
        )));
    }
    for sweep in &comparison.sweeps {
        let again = warnings::test_used_again(sweep.test_split_uses, language);
        blocks.extend(again.map(|again| {
            Block::Warning(say!(language, "Sweep {sweep}: {warning}", sweep = sweep.sweep, warning = again))
        }));
    }
    blocks.push(Block::Table(bests(comparison, language)));
    blocks.extend(own_bests(comparison, language).map(Block::Text));
    blocks.push(Block::Text(verdict(comparison, language)));
    if !comparison.is_same_machine {
        blocks.push(Block::Text(machines(comparison, language)));
    }
    Section { id: "answer", title: say!(language, "The two sweeps"), blocks }
}

/// What each sweep chose by its own objective, where the two have different ones.
fn own_bests(comparison: &Comparison, language: Language) -> impl Iterator<Item = String> {
    comparison.sweeps.iter().filter_map(move |sweep| {
        let own = sweep.own_best.as_ref()?;
        let objective = FrontObjective::Metric(own.objective);
        Some(say!(
            language,
            "The best of sweep {sweep} by its own objective: {configuration} ({objective} {value}).",
            sweep = sweep.sweep,
            configuration = names::configuration(&own.label, language),
            objective = names::objective(objective, language),
            value = format::objective(objective, own.mean)
        ))
    })
}

/// Whose rounding differs.
fn machines(comparison: &Comparison, language: Language) -> String {
    let [first, second] = comparison.sweeps.each_ref().map(|sweep| {
        let devices = sweep.devices.iter().map(|device| devices::device(device, language));
        format!("{} ({})", devices.collect::<Vec<_>>().join(", "), sweep.builds.join(", "))
    });
    say!(
        language,
        "Not all was trained on one device model by one build, so numbers differ by rounding, too. Devices and builds of \
         sweep {first}: {first_machines}; of sweep {second}: {second_machines}.",
        first = comparison.sweeps[0].sweep,
        first_machines = first,
        second = comparison.sweeps[1].sweep,
        second_machines = second
    )
}

fn bests(comparison: &Comparison, language: Language) -> TextTable {
    let objective = comparison.objective;
    let caption = told!(
        language,
        objective,
        "The best configuration of each sweep: validation loss at the best epoch (± standard deviation over \
        replicates), with the 95 % interval of its expected loss as if it had been named beforehand"
    );
    let head = scored(
        heads!(
            language,
            "#sweep",
            "name",
            "state",
            "#completed",
            "best configuration",
            "#validation loss",
            "#interval",
            "#validation accuracy",
            "#test accuracy",
        ),
        objective,
        language,
    );
    let mut table = TextTable::new(caption, head);
    for sweep in &comparison.sweeps {
        let mut row = vec![
            sweep.sweep.to_string(),
            sweep.name.clone(),
            names::name(sweep.state, language).to_owned(),
            format::of(format::count(sweep.trials_completed), format::count(sweep.trials_planned), language),
        ];
        row.extend(sweep.best.as_ref().map_or_else(
            || vec![format::NONE.to_owned(); 5],
            |best| {
                let (loss, accuracy) = (&best.validation_loss, &best.validation_accuracy);
                vec![
                    names::configuration(&best.label, language),
                    format::loss(loss.mean, loss.standard_deviation),
                    format::interval(best.validation_loss_interval, language),
                    format::accuracy(accuracy.mean, accuracy.standard_deviation),
                    format::optional_percent(best.test_accuracy),
                ]
            },
        ));
        table.rows.push(row);
    }
    table
}

/// What the matched configurations say together.
fn verdict(comparison: &Comparison, language: Language) -> String {
    let [first, second] = comparison.sweeps.each_ref().map(|sweep| sweep.sweep);
    let objective = comparison.objective;
    if comparison.pairs.is_empty() {
        return unpaired(comparison, language);
    }
    let Some(overall) = &comparison.overall else {
        return say!(language, "No seed is common to all configurations that both sweeps have.").to_owned();
    };
    let sure = match (overall.interval, overall.p) {
        (Some(interval), Some(p)) if p <= 0.05 => {
            let lower = if interval.high < 0.0 { second } else { first };
            let p = format::p(Some(p));
            told!(language, objective, "sweep {lower} has the lower loss (p {p})", lower = lower, p = p)
        }
        (Some(_), p) => say!(language, "no difference is shown (p {p})", p = format::p(p)),
        (None, Some(p)) => {
            say!(language, "there are too few seeds for an interval (p {p})", p = format::p(Some(p)))
        }
        _ if overall.seeds < 2 => say!(language, "one seed does not tell how sure that is").to_owned(),
        _ => say!(language, "every seed gave the same, so no test can be made").to_owned(),
    };
    let paired = told!(
        language,
        objective,
        "Over {configurations} configurations that both sweeps have, and {seeds} seeds common to all of them, the mean \
         validation loss of sweep {second} less that of sweep {first} is {mean} (95 %: {interval}): {sure}.",
        configurations = comparison.pairs.len(),
        seeds = overall.seeds,
        second = second,
        first = first,
        mean = format::number(overall.mean),
        interval = format::interval(overall.interval, language),
        sure = sure
    );
    if comparison.under_study.is_empty() {
        return paired;
    }
    let studied: Vec<String> = comparison.under_study.iter().map(ToString::to_string).collect();
    say!(language, "{told} They differ in {names}.", told = paired, names = studied.join(", "))
}

/// Why nothing can be paired, and what to do.
fn unpaired(comparison: &Comparison, language: Language) -> String {
    if let Some(sweep) = comparison.sweeps.iter().find(|sweep| sweep.trials_completed == 0) {
        return say!(
            language,
            "No trial of sweep {sweep} has completed, so nothing can be paired.",
            sweep = sweep.sweep
        );
    }
    match comparison.matched {
        0 => say!(language, "The two sweeps have no configuration in common, so nothing can be paired.")
            .to_owned(),
        matched => say!(
            language,
            "{matched} configurations completed in both sweeps, but never under the same seed, so nothing can be \
             paired: launch both with the same seed.",
            matched = matched
        ),
    }
}

fn pairs(comparison: &Comparison, language: Language) -> Section {
    let mut blocks = Vec::new();
    let objective = comparison.objective;
    let [first, second] = comparison.sweeps.each_ref().map(|sweep| sweep.sweep);
    if !comparison.pairs.is_empty() {
        let caption = told!(
            language,
            objective,
            "Configurations that completed in both sweeps, in the ranking of sweep {first}: mean validation loss over \
             the common seeds, and the paired difference (sweep {second} less sweep {first}) with its 95 % interval by \
             Student's t, not corrected; p is corrected by Holm over all lines",
            first = first,
            second = second
        );
        let mut head = heads!(language, "configuration");
        head.extend(
            [first, second]
                .map(|one| Head::number(told!(language, objective, "loss, sweep {sweep}", sweep = one))),
        );
        head.extend(heads!(language, "#difference", "#interval", "#p", "#seeds"));
        let rows = comparison.pairs.iter().map(|pair| {
            let PairedDifference { seeds, mean, standard_deviation, interval, .. } = pair.difference;
            vec![
                names::configuration(&pair.label, language),
                format::number(pair.validation_loss[0]),
                format::number(pair.validation_loss[1]),
                format::loss(mean, standard_deviation),
                format::interval(interval, language),
                format::p(pair.p_holm),
                seeds.to_string(),
            ]
        });
        let table = TextTable::new(caption, head);
        blocks.push(Block::Table(shortened_from(table, rows, "comparison.json", language)));
    }
    let [only_first, only_second] = comparison.unmatched;
    if only_first + only_second > 0 {
        blocks.push(Block::Text(say!(
            language,
            "Configurations with a result in one of the two only: {only_first} of sweep {first}, {only_second} of sweep \
             {second}.",
            only_first = only_first,
            first = first,
            only_second = only_second,
            second = second
        )));
    }
    Section { id: "pairs", title: say!(language, "Configuration by configuration"), blocks }
}

fn best_curves(comparison: &Comparison, language: Language) -> Section {
    let panel = &comparison.curves;
    let mut blocks = Vec::new();
    if panel.groups.iter().any(|group| !group.points.is_empty()) {
        blocks.push(Block::MetricChoice);
        blocks.push(Block::Charts(vec![curves::chart(0, panel, language)]));
    }
    Section { id: "curves", title: say!(language, "Learning curves"), blocks }
}

fn settings(comparison: &Comparison, language: Language) -> Section {
    let mut blocks = Vec::new();
    if comparison.settings.is_empty() {
        blocks.push(Block::Text(say!(language, "Both sweeps have the same settings.").to_owned()));
    } else {
        let rows = comparison.settings.iter().map(|one| {
            let [first, second] = one.values.each_ref().map(|value| value.say(language));
            vec![one.setting.say(language), first, second]
        });
        let mut head = heads!(language, "setting");
        let title = |number| Head::text(say!(language, "sweep {sweep}", sweep = number));
        head.extend(comparison.sweeps.iter().map(|sweep| title(sweep.sweep)));
        let table = TextTable::new(say!(language, "Settings that differ"), head);
        blocks.push(Block::Table(table.with_rows(rows, "comparison.json", language)));
    }
    Section { id: "settings", title: say!(language, "Settings"), blocks }
}

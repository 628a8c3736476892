//! The answer box: what a reader wants to know first.

use super::data;
use super::test_split::is_better_than_guessing;
use super::{Block, Figure, Head, Section, TextTable, format, names, study, warnings};
use crate::language::{Language, heads, say, told};
use crate::model::{Answer, BesideStudy, BestBy, Gap, Interval, RankedConfiguration, ReportModel, Summary};
use coordinator_core::{SweepState, TrialState};
use coordinator_statistics::strata::INTERVAL_REPLICATES_MIN;
use sweep_proto::{MeteredPart, Objective};

/// The probability with which a set of configurations holds the best one.
const SURE: f64 = 0.95;

pub(super) fn section(model: &ReportModel, language: Language) -> Section {
    let answer = &model.answer;
    let mut blocks = Vec::new();
    if model.set_up.state == SweepState::Cancelled.name() {
        let warning = say!(
            language,
            "The sweep was cancelled: this is the answer of the trials that had completed, and no configuration was chosen by the others."
        );
        blocks.push(Block::Warning(warning.to_owned()));
    } else if answer.provisional {
        blocks.push(Block::Warning(say!(
            language,
            "Provisional: the sweep is {state}, so this answer may change.",
            state = names::name(model.set_up.state, language)
        )));
    }
    blocks.extend(cut_short(model, language).map(Block::Warning));
    if !model.ledger.balanced {
        blocks.push(Block::Warning(
            say!(language, "The ledger does not balance: see below before you trust any number here.")
                .to_owned(),
        ));
    }
    if answer.configuration.is_none() {
        let none = say!(language, "No trial has completed: there is no answer yet.");
        blocks.push(Block::Text(none.to_owned()));
        return Section { id: "answer", title: say!(language, "Answer"), blocks };
    }
    blocks.extend(answer.conclusion.as_ref().map(|one| Block::Text(one.say(language))));
    blocks.push(Block::Text(say!(
        language,
        "Best configuration: {configuration} ({why}).",
        configuration = names::configuration(&answer.label, language),
        why = why_best(model, language)
    )));
    blocks.extend(objective(model, language).map(Block::Text));
    blocks.push(Block::Figures(figures(answer, model.objective(), language)));
    blocks.extend(data::warnings(model, language));
    if let Some(baseline) = model.test_split.as_ref().and_then(|test| test.baseline)
        && !is_better_than_guessing(model)
    {
        blocks.push(Block::Warning(warnings::guessing(baseline.accuracy, language)));
    }
    blocks.extend(still_learning(model, language).map(Block::Warning));
    blocks.extend(warnings::test_used_again(answer.test_split_uses, language).map(Block::Warning));
    if let Some(sureness) = sureness(model, language) {
        blocks.push(Block::Text(sureness));
    }
    blocks.push(Block::Text(strongest(answer, language)));
    blocks.extend(unequal_noise(model, language).map(Block::Warning));
    blocks.extend(answer.study.map(|one| Block::Text(study::said(&one, language))));
    if let Some(gap) = &answer.gap {
        let replicates = answer.validation_loss.map_or(0, |loss| loss.replicates as usize);
        blocks.push(Block::Table(gap_table(
            gap,
            answer.study.as_ref(),
            replicates,
            (model.objective(), language),
        )));
        if model.ledger.states.get(TrialState::Pruned.name()).is_some_and(|pruned| *pruned > 0) {
            let left_out = say!(language, "Pruned trials have no result: the gap does not count them.");
            blocks.push(Block::Text(left_out.to_owned()));
        }
        if covered_like_best(model) == 1 {
            blocks.push(Block::Text(
                say!(
                    language,
                    "The worst configuration completed fewer replicates than the best, so the gap between them is not \
                     measured on equal terms."
                )
                .to_owned(),
            ));
        }
    }
    let short = model.ranking.iter().filter(|one| is_short(one)).count();
    if short > 0 {
        blocks.push(Block::Text(say!(
            language,
            "{short} of {ranked} ranked configurations completed fewer replicates than planned; their means are less sure \
             and rank after those over more replicates.",
            short = short,
            ranked = model.ranking.len()
        )));
    }
    Section { id: "answer", title: say!(language, "Answer"), blocks }
}

/// What the sweep is ranked by, where that is not the validation loss.
fn objective(model: &ReportModel, language: Language) -> Option<String> {
    let told = model.objective.as_ref()?;
    Some(say!(
        language,
        "Objective: {direction} {metric}. The analysis is of {score}: lower is better. A trial counts with its value in the epoch \
         whose weights are kept, that of its lowest validation loss.",
        direction = told.direction,
        metric = told.metric,
        score = told.score
    ))
}

/// That a budget of hours or money ended the search.
fn cut_short(model: &ReportModel, language: Language) -> Option<String> {
    let part = match model.set_up.spent? {
        MeteredPart::Hours => say!(language, "hours"),
        MeteredPart::Money => say!(language, "money"),
    };
    let mut said = say!(language, "The budget of {part} is spent: the search went no further.", part = part);
    // Where nobody knows how many there are to be, those that were proposed ahead tell nothing: there is always more to try.
    let ledger = &model.ledger;
    let cancelled = ledger.planned.and(ledger.states.get(TrialState::Cancelled.name())).copied().unwrap_or(0);
    if cancelled > 0 {
        said = say!(
            language,
            "{said} Trials that waited and were not trained: {cancelled}.",
            said = said,
            cancelled = format::count(cancelled)
        );
    }
    if ledger.shelved > 0 {
        said = say!(
            language,
            "{said} Shelved trials: {shelved}. They had begun and not ended when the budget was spent, and count as pruned. If it is \
             raised, they go on from their checkpoints, as long as these are kept.",
            said = said,
            shelved = format::count(ledger.shelved)
        );
    }
    Some(said)
}

/// That most trials might have gone on to learn.
fn still_learning(model: &ReportModel, language: Language) -> Option<String> {
    let completed = model.ranking.iter().map(|one| u64::from(one.validation_loss.replicates)).sum();
    warnings::still_learning(model.answer.trials_still_improving, completed, language)
}

/// That the verdict is less sure than it says.
fn unequal_noise(model: &ReportModel, language: Language) -> Option<String> {
    warnings::unequal_noise(model.main_effects.noise_tests(), language)
}

/// Which hyperparameter matters most, and why.
pub(super) fn strongest(answer: &Answer, language: Language) -> String {
    let strongest = &answer.strongest_hyperparameter;
    let verdict = match strongest.leading {
        Some(leading) if strongest.decided => leading.to_string(),
        Some(leading) => say!(language, "undecided (leading: {name})", name = leading),
        None => say!(language, "undecided").to_owned(),
    };
    say!(
        language,
        "Which hyperparameter matters most: {verdict}. {reason}.",
        verdict = verdict,
        reason = as_a_sentence(strongest.reason.say(language), language)
    )
}

/// How probable it is that the chosen one is the best, and which ones it may be instead.
fn sureness(model: &ReportModel, language: Language) -> Option<String> {
    let probability = model.answer.probability_best?;
    let mut probabilities: Vec<f64> = model.ranking.iter().filter_map(|one| one.probability_best).collect();
    probabilities.sort_by(|left, right| right.total_cmp(left));
    let mut sum = 0.0;
    let candidates = probabilities
        .iter()
        .take_while(|one| {
            let goes_on = sum < SURE;
            sum += **one;
            goes_on
        })
        .count();
    let alike = probabilities.len();
    let among = match candidates {
        1 => say!(language, "no other one comes close").to_owned(),
        all if all == alike => say!(language, "none of the others is ruled out").to_owned(),
        _ => say!(
            language,
            "the likeliest {candidates} of them hold the best one with {sure} %",
            candidates = candidates,
            sure = 100.0 * SURE
        ),
    };
    let noise = match model.answer.probability_best_by {
        Some(BestBy::Residual) => say!(
            language,
            "The grid is not complete, so the noise that levels share is not told apart: all of it counts with one degree of freedom less \
             than there are replicates."
        ),
        _ => {
            say!(language, "Seed noise that configurations with the same levels share is counted as shared.")
        }
    };
    Some(told!(
        language,
        model.objective(),
        "It has the lowest expected loss of the {alike} configurations with the same replicates with a probability of \
         {probability}; {among}. {noise} {rows} The intervals are those of a configuration named beforehand: a mean that was \
         picked as the lowest of many looks better than it is, which the cross-fitted gap below takes out.",
        alike = alike,
        probability = format::chance(Some(probability)),
        among = among,
        noise = noise,
        rows = of_rows(&model.answer, model.objective(), language)
    ))
}

/// What the number of validation rows leaves open.
fn of_rows(answer: &Answer, objective: Objective, language: Language) -> String {
    let rows = answer.validation_rows.zip(answer.validation_accuracy_rows_interval);
    rows.map_or_else(
        || told!(language, objective, "Losses are those of these validation rows: other rows would give others."),
        |(rows, interval)| {
            told!(
                language,
                objective,
                "Losses are those of these {rows} validation rows: other rows, which alone leave the validation accuracy \
                 between {interval}, would give others.",
                rows = format::count(rows),
                interval = format::interval_of_percent(Some(interval), language)
            )
        },
    )
}

/// What the best configuration won, and against how many.
fn why_best(model: &ReportModel, language: Language) -> String {
    let (ranked, objective) = (model.ranking.len(), model.objective());
    let Some(best) = model.ranking.first().filter(|_| model.ranking.iter().any(is_short)) else {
        return told!(
            language,
            objective,
            "lowest mean validation loss of {count} configurations with a result",
            count = ranked
        );
    };
    let (completed, planned) = (best.validation_loss.replicates, best.replicates_planned);
    let alike = covered_like_best(model);
    // How many a search plans nobody knows, and pruned ones are not compared.
    let configurations = match &model.set_up.search {
        Some(_) => ranked as u64,
        None => model.ledger.all() / u64::from(planned.max(1)),
    };
    let replicates = if completed == planned {
        say!(language, "all {planned} replicates completed", planned = planned)
    } else {
        say!(
            language,
            "{completed} of {planned} replicates completed",
            completed = completed,
            planned = planned
        )
    };
    let won = if alike == 1 {
        say!(language, "the only configuration with {replicates}", replicates = replicates)
    } else {
        told!(
            language,
            objective,
            "lowest mean validation loss of the {count} configurations with {replicates}",
            count = alike,
            replicates = replicates
        )
    };
    match configurations.saturating_sub(alike) {
        0 => won,
        fewer if model.answer.provisional => {
            say!(language, "{won}; {fewer} more have completed fewer so far", won = won, fewer = fewer)
        }
        fewer => say!(language, "{won}; {fewer} more completed fewer", won = won, fewer = fewer),
    }
}

/// Ranked configurations with as many completed replicates as the first, itself counted.
fn covered_like_best(model: &ReportModel) -> u64 {
    let completed = |one: &RankedConfiguration| one.validation_loss.replicates;
    let best = model.ranking.first().map(completed);
    model.ranking.iter().filter(|one| Some(completed(one)) == best).count() as u64
}

fn is_short(one: &RankedConfiguration) -> bool {
    one.validation_loss.replicates < one.replicates_planned
}

fn figures(answer: &Answer, objective: Objective, language: Language) -> Vec<Figure> {
    let test = answer.test_accuracy_summary.as_ref();
    let mut figures = vec![Figure {
        label: say!(language, "Test accuracy"),
        value: test.map_or_else(
            || say!(language, "not measured").to_owned(),
            |test| format::accuracy(test.mean, test.standard_deviation),
        ),
        detail: test.map_or_else(
            || say!(language, "measured once the choice is made").to_owned(),
            |test| {
                // The choice was made on the validation split: it does not favour this number. Whoever goes on after having seen
                // it may; a warning says so.
                let of = Counted::Rows(answer.test_rows, answer.test_accuracy_rows_interval);
                interval_detail(answer.test_accuracy_interval, of, false, test, language)
            },
        ),
    }];
    if let Some(loss) = &answer.validation_loss {
        figures.push(Figure {
            label: names::score(objective, language),
            value: format::loss(loss.mean, loss.standard_deviation),
            detail: interval_detail(answer.validation_loss_interval, Counted::Loss, true, loss, language),
        });
    }
    if let Some(accuracy) = &answer.validation_accuracy {
        figures.push(Figure {
            label: say!(language, "Validation accuracy"),
            value: format::accuracy(accuracy.mean, accuracy.standard_deviation),
            detail: interval_detail(
                answer.validation_accuracy_interval,
                Counted::Rows(answer.validation_rows, answer.validation_accuracy_rows_interval),
                true,
                accuracy,
                language,
            ),
        });
    }
    if answer.probability_best.is_some() {
        figures.push(Figure {
            label: say!(language, "Is the best of all"),
            value: format::chance(answer.probability_best),
            detail: answer.bootstrap_share_best.map_or_else(
                || told!(language, objective, "probability of the lowest expected loss"),
                |share| {
                    told!(
                        language,
                        objective,
                        "probability of the lowest expected loss; {share} by bootstrap",
                        share = format::chance(Some(share))
                    )
                },
            ),
        });
    }
    if let Some(gap) = &answer.gap {
        figures.push(Figure {
            label: say!(language, "Gap best to worst"),
            value: gap.loss_percent.map_or_else(
                || format::NONE.to_owned(),
                |percent| told!(language, objective, "{percent} % loss", percent = format::fixed(percent, 1)),
            ),
            detail: say!(
                language,
                "{points} points of accuracy",
                points = format::fixed(gap.accuracy_points, 2)
            ),
        });
    }
    let strongest = &answer.strongest_hyperparameter;
    figures.push(Figure {
        label: say!(language, "Strongest hyperparameter"),
        value: match strongest.leading {
            Some(leading) if strongest.decided => leading.to_string(),
            _ => say!(language, "undecided").to_owned(),
        },
        detail: match strongest.leading {
            Some(leading) if !strongest.decided => say!(language, "leading: {name}", name = leading),
            _ => say!(language, "by the rule under main effects").to_owned(),
        },
    });
    figures
}

/// What an interval counts beside other seeds.
#[derive(Clone, Copy)]
enum Counted {
    /// Nothing: the losses of single rows are not known.
    Loss,
    /// Other rows: how many there are, and the interval that they alone leave.
    Rows(Option<u64>, Option<Interval>),
}

/// The interval where there is one, what it counts, and how the number was measured.
///
/// Of a number that took part in the choice, the interval is as if the configuration had been named beforehand.
fn interval_detail(
    interval: Option<Interval>,
    counted: Counted,
    took_part: bool,
    summary: &Summary,
    language: Language,
) -> String {
    let how = format::replicates(summary, language);
    let is_few = (summary.replicates as usize) < INTERVAL_REPLICATES_MIN;
    let (interval, rows) = match counted {
        Counted::Loss => (interval.map(|one| format::interval(Some(one), language)), String::new()),
        Counted::Rows(rows, alone) => {
            let percents = |one| format::interval_of_percent(Some(one), language);
            let told = rows.zip(alone).map(|(rows, alone)| match interval {
                Some(_) => say!(
                    language,
                    " under other seeds and on other rows ({rows} rows)",
                    rows = format::count(rows)
                ),
                None => say!(
                    language,
                    "; {rows} rows alone leave {alone}",
                    rows = format::count(rows),
                    alone = percents(alone)
                ),
            });
            (interval.map(percents), told.unwrap_or_default())
        }
    };
    match interval {
        None if is_few => {
            say!(language, "too few seeds for an interval{rows}; {how}", rows = rows, how = how)
        }
        None => how,
        Some(interval) if took_part => say!(
            language,
            "95 % interval {interval}{rows} if named beforehand; {how}",
            interval = interval,
            rows = rows,
            how = how
        ),
        Some(interval) => {
            say!(
                language,
                "95 % interval {interval}{rows}; {how}",
                interval = interval,
                rows = rows,
                how = how
            )
        }
    }
}

fn gap_table(
    gap: &Gap,
    beside: Option<&BesideStudy>,
    replicates: usize,
    (objective, language): (Objective, Language),
) -> TextTable {
    let mut head = heads!(language, "measured");
    head.push(Head::number(told!(language, objective, "loss (%)")));
    head.push(Head::number(told!(language, objective, "loss")));
    head.extend(heads!(language, "#accuracy (points)"));
    let caption = told!(
        language,
        objective,
        "Gap between the best configuration and the worst of those with as many completed replicates, both by \
        mean validation loss; loss (%) is (worst - best) / worst. Cross-fitted: selected on all replicates but one, measured on that one, which takes \
        out the luck of being selected. The interval holds whichever two configurations come out as best and worst, and counts \
        the seed noise that configurations with the same levels share."
    );
    let row = |name: &str, percent: Option<f64>, loss: Option<f64>, points: f64| {
        let percent = percent.map_or_else(|| format::NONE.to_owned(), |percent| format::fixed(percent, 2));
        vec![name.to_owned(), percent, format::optional(loss), format::fixed(points, 2)]
    };
    let mut rows = vec![row(
        say!(language, "on all replicates"),
        gap.loss_percent,
        Some(gap.loss_absolute),
        gap.accuracy_points,
    )];
    if let Some(loss) = gap.loss_absolute_interval {
        let of = |interval: Option<Interval>| {
            interval.map_or_else(
                || format::NONE.to_owned(),
                |one| {
                    say!(
                        language,
                        "{low} to {high}",
                        low = format::fixed(one.low, 2),
                        high = format::fixed(one.high, 2)
                    )
                },
            )
        };
        rows.push(vec![
            say!(language, "95 % interval").to_owned(),
            of(gap.loss_percent_interval),
            format::interval(Some(loss), language),
            of(gap.accuracy_points_interval),
        ]);
    }
    if gap.loss_absolute_interval.is_none() && replicates < INTERVAL_REPLICATES_MIN {
        let few = say!(language, "too few seeds for an interval").to_owned();
        let none = format::NONE.to_owned();
        rows.push(vec![say!(language, "95 % interval").to_owned(), few, none.clone(), none]);
    }
    if let Some(fair) = &gap.cross_fitted {
        rows.push(row(
            say!(language, "cross-fitted"),
            fair.loss_percent,
            Some(fair.loss_absolute),
            fair.accuracy_points,
        ));
    }
    if let Some(study) = beside {
        let name = say!(language, "the study of 2021");
        rows.push(row(name, Some(study.loss_percent), None, study.accuracy_percent));
    }
    TextTable::new(caption, head).with_rows(rows.into_iter(), "report.json", language)
}

/// A clause as the beginning of a sentence. A name that begins a Korean one stays as it is written.
fn as_a_sentence(clause: String, language: Language) -> String {
    let mut characters = clause.chars();
    match (language, characters.next()) {
        (Language::English, Some(first)) => first.to_uppercase().chain(characters).collect(),
        _ => clause,
    }
}

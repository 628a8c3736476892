//! From rows to numbers: one file per section of the model.

pub mod answer;
pub mod balanced;
pub mod binned;
pub mod coded;
pub mod compare;
mod conclusion;
pub mod contest;
pub mod convergence;
pub mod cost;
pub mod curves;
pub mod devices;
pub mod factorial;
pub mod failures;
mod front;
pub mod importance;
pub mod interactions;
pub mod ledger;
pub mod main_effects;
pub mod matched;
pub mod one_factor;
pub mod quantiles;
pub mod ranking;
mod search_end;
pub mod sensitivity;
pub mod set_up;
pub mod settings;
pub mod stability;
pub mod strongest;
mod study;
pub mod test_split;

use std::convert::Infallible;

use sweep_proto::SweepSpec;

use self::balanced::Balanced;
use self::main_effects::Grid;
use crate::input::ReportInput;
use crate::model::{Factorial, MainEffects, ReportModel, SCHEMA_VERSION, Strongest, SweepObjective};
use crate::table::Table;
use coordinator_statistics::noise::Noise;

/// Every number of the report; the same for the same input.
pub fn analyse(input: &ReportInput) -> ReportModel {
    let Ok(model) = analyse_table(input, &Table::new(input), &|| Ok::<(), Infallible>(()));
    model
}

/// What the hyperparameters do, and which one matters most.
struct Influence {
    balanced: Option<Balanced>,
    factorial: Option<Factorial>,
    main_effects: MainEffects,
    strongest: Strongest,
}

fn effects<E>(table: &Table, spec: &SweepSpec, goes_on: &dyn Fn() -> Result<(), E>) -> Result<Influence, E> {
    let balanced = Balanced::new(table, spec);
    let noise = balanced.as_ref().and_then(|balanced| Noise::of(&balanced.scores));
    goes_on()?;
    let strata = balanced.as_ref().and_then(|balanced| balanced.strata(&balanced.scores, table, spec));
    let full = balanced.as_ref().zip(strata.as_ref());
    let factorial =
        full.and_then(|(balanced, strata)| factorial::factorial(balanced, noise.as_ref(), strata, spec));
    let grid = full.map(|(balanced, strata)| Grid {
        balanced,
        strata,
        noise: noise.as_ref(),
        factorial: factorial.as_ref(),
    });
    goes_on()?;
    let main_effects = main_effects::main_effects(table, spec, grid);
    goes_on()?;
    let strongest = strongest::strongest(table, spec, &main_effects, balanced.as_ref(), strata.as_ref());
    Ok(Influence { balanced, factorial, main_effects, strongest })
}

/// The main effects and the verdict of a whole report, without the rest of it.
pub fn verdict(input: &ReportInput) -> (MainEffects, Strongest) {
    let table = Table::new(input);
    let cut = binned::binned(&table, &input.sweep.spec);
    let (table, spec) = cut.as_ref().map_or((&table, &input.sweep.spec), |(table, spec)| (table, spec));
    let Ok(found) = effects(table, spec, &|| Ok::<(), Infallible>(()));
    (found.main_effects, found.strongest)
}

/// As [`analyse`], for callers that need the rows too, and may give up: asked between the parts of the analysis.
///
/// # Errors
/// What `goes_on` says.
pub fn analyse_table<E>(
    input: &ReportInput,
    table: &Table,
    goes_on: &dyn Fn() -> Result<(), E>,
) -> Result<ReportModel, E> {
    let spec = &input.sweep.spec;
    let contenders = ranking::contenders(table, spec);
    goes_on()?;
    let contest = contest::Contest::of(&contenders, table, spec);
    let cut = binned::binned(table, spec);
    let (levelled, levels) = cut.as_ref().map_or((table, spec), |(table, spec)| (table, spec));
    let Influence { balanced, factorial, main_effects, strongest } = effects(levelled, levels, goes_on)?;
    let mut answer = answer::answer(input, table, &contenders, &contest, balanced.as_ref(), strongest);
    let test_split = test_split::test_split(input, answer::chosen(input, table, &contenders));
    let front = front::front(input, table, &contenders, answer::chosen(input, table, &contenders));
    answer.conclusion =
        conclusion::conclusion(&answer, test_split.as_ref(), front.as_ref(), input.sweep.state);
    goes_on()?;
    let curves = curves::curves((table, levelled), levels, &contenders);
    goes_on()?;
    let importance = importance::importance(levelled, levels, &main_effects);
    goes_on()?;
    let interactions = interactions::interactions(levelled, levels);
    goes_on()?;
    Ok(ReportModel {
        schema_version: SCHEMA_VERSION,
        generated_at_ms: input.generated_at_ms,
        build: input.build.clone(),
        objective: SweepObjective::of(spec.objective),
        test_split,
        ledger: ledger::ledger(input, table),
        data_warnings: set_up::data_warnings(input),
        set_up: set_up::set_up(input),
        curves,
        one_factor_at_a_time: one_factor::one_factor_at_a_time(table, spec, &contenders),
        importance,
        interactions,
        loss_quantiles: quantiles::quantiles(levelled, levels),
        ranking: ranking::ranking(table, &contenders, &contest),
        front,
        cost: cost::cost(input, table, &contenders),
        stability: stability::stability(table, &contenders),
        convergence: convergence::convergence(table, &contenders),
        failures: failures::failures(input, table),
        if_failures_were_worst: sensitivity::sensitivity(table, &contenders),
        answer,
        main_effects,
        // Without a swept hyperparameter there is no line of its table to show.
        factorial: factorial.filter(|factorial| !factorial.effects.is_empty()),
    })
}

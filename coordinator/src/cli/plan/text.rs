//! A plan as people read it.

use super::super::output::plain;
use super::super::render::status::{duration, percent};
use super::super::render::table::{self, Align};
use super::data::PlannedData;
use super::search::PlannedSearch;
use super::time::{HOUR_SECONDS, PlannedTime};
use super::{Plan, PlannedAxis};
use coordinator::json::told_objectives;
use coordinator_report::sections::format::amount;
use sweep_proto::Value;

/// Classes that are named.
const CLASSES_NAMED_MAX: usize = 6;

pub(super) fn text(plan: &Plan) -> String {
    let mut lines = vec![
        format!("sweep           {}", plain(&plan.name)),
        format!(
            "dataset         {}, encoded in {}",
            plain(&plan.dataset),
            counted(plan.data_variants, "way")
        ),
    ];
    lines.extend(plan.data.as_ref().map(data));
    lines.extend(trials(plan));
    let objectives = told_objectives(plan.objective, plan.further_objectives.iter());
    lines.extend(objectives.map(|told| format!("objective       {told}")));
    let search = plan.search.iter().flat_map(|search| search.lines(plan.epochs));
    lines.extend(search.map(|(title, text)| format!("{title:<15} {text}")));
    lines.extend(plan.axes.iter().map(axis));
    lines.extend(constraints(plan));
    lines.push(String::new());
    lines.extend(plan.time.as_ref().map(|one| time(one, plan.search.as_ref())));
    lines.push(memory(plan));
    lines.extend(disk(plan));
    lines.extend(plan.notes.iter().map(|note| format!("note            {}", plain(note))));
    lines.push(String::new());
    lines.push(models(plan));
    lines.join("\n")
}

/// How many trials and epochs there are.
fn trials(plan: &Plan) -> Vec<String> {
    let Some((trials, configurations)) = plan.trials.zip(plan.configurations) else {
        return vec!["trials          as many as the budget of hours or money allows".to_owned()];
    };
    let at_most = plan.search.as_ref().is_some_and(PlannedSearch::proposes);
    let trials = format!(
        "trials          {}{trials} = {} x {}",
        if at_most { "at most " } else { "" },
        counted(configurations, "configuration"),
        counted(u64::from(plan.replicates), "replicate")
    );
    let epochs = plan.epochs.map(|epochs| format!("epochs          {epochs} at most"));
    [Some(trials), epochs].into_iter().flatten().collect()
}

/// What an axis may be, and when: `dropout  0, 0.5 when layers is 2 or 3, else 0.1`.
fn axis(axis: &PlannedAxis) -> String {
    let joined =
        |values: &[Value], between| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(between);
    let values = axis.range.clone().unwrap_or_else(|| joined(&axis.levels, ", "));
    let name = axis.hyperparameter.name();
    let Some(fixed) = &axis.fixed else { return format!("{name:<15} {values}") };
    let conditions: Vec<String> = axis
        .when
        .iter()
        .map(|one| format!("{} is {}", one.hyperparameter, joined(&one.values, " or ")))
        .collect();
    format!("{name:<15} {values} when {}, else {fixed}", conditions.join(" and "))
}

/// A line for each constraint, and how much they leave.
fn constraints(plan: &Plan) -> Vec<String> {
    let share = plan
        .constraints_leave
        .map(|share| format!("{:<15} {} of random configurations", "they leave", percent(Some(share))));
    let listed = plan.constraints.iter().map(|one| format!("{:<15} {one}", "constraint"));
    listed.chain(share).collect()
}

fn data(data: &PlannedData) -> String {
    let [train, validation, test] = data.rows;
    let mut classes: Vec<String> =
        data.classes.iter().take(CLASSES_NAMED_MAX).map(|one| plain(one)).collect();
    if data.classes.len() > CLASSES_NAMED_MAX {
        classes.push("...".to_owned());
    }
    let unusable =
        if data.unusable_rows > 0 { format!(", {} unusable", data.unusable_rows) } else { String::new() };
    format!(
        "rows            {train} train, {validation} validation, {test} test{unusable}\n\
         classes         {} ({})\n\
         tokens          {} by the {} tokenizer; {:.1} a text, {} of the texts cut, {} unknown",
        data.classes.len(),
        classes.join(", "),
        data.vocabulary,
        data.tokenizer,
        data.mean_length,
        percent(Some(data.truncated_share)),
        percent(Some(data.unknown_share)),
    )
}

/// Where a pruner ends trials of a grid, the figure for every epoch is an upper bound. Of a search the likely figure is told.
fn time(time: &PlannedTime, search: Option<&PlannedSearch>) -> String {
    let [all, low, high] = [time.seconds, time.seconds_low, time.seconds_high].map(duration);
    let money = time.money.as_ref().map_or_else(String::new, |money| {
        format!("\nmoney           {:.2} ({:.2} to {:.2})", money.total, money.low, money.high)
    });
    let basis = if time.trials > 0 {
        let [trials, workers] =
            [counted(time.trials, "trial"), counted(u64::from(time.workers), "connected worker")];
        format!("by {trials} on {workers}")
    } else {
        format!("by {} measured here", counted(time.measured as u64, "configuration"))
    };
    let (slots, device) = (counted(u64::from(time.slots), "slot"), plain(&time.device));
    if search.is_some_and(PlannedSearch::proposes) {
        let hours = |seconds: f64| amount(seconds / HOUR_SECONDS);
        return format!(
            "time            about {all}, on {slots} of {device}\n                {low} to {high}, {basis}\n\
             hours of slots  {} ({} to {}){money}",
            hours(time.slot_seconds),
            hours(time.slot_seconds_low),
            hours(time.slot_seconds_high)
        );
    }
    let at_most = if search.is_some_and(PlannedSearch::prunes) { "at most " } else { "" };
    format!(
        "time            {at_most}{all} for every epoch, on {slots} of {device}\n                {low} to {high}, {basis}{money}"
    )
}

fn memory(plan: &Plan) -> String {
    let memory = &plan.memory;
    let slot = bytes(memory.slot_bytes);
    let total =
        memory.total_bytes.map(|total| format!(", {} for all slots", bytes(total))).unwrap_or_default();
    let measured =
        memory.measured_bytes.map(|peak| format!("; {} measured", bytes(peak))).unwrap_or_default();
    format!("memory          about {slot} a slot{total}{measured}")
}

fn disk(plan: &Plan) -> Option<String> {
    let disk = plan.disk.as_ref()?;
    Some(format!(
        "disk            at most {}: datasets {}, best weights {}, checkpoints while it runs {}, metrics {}",
        bytes(disk.total_bytes),
        bytes(disk.dataset_bytes),
        bytes(disk.model_bytes),
        bytes(disk.checkpoint_bytes),
        bytes(disk.metric_bytes),
    ))
}

fn models(plan: &Plan) -> String {
    let shown = plan.models.len() as u64;
    let title = if shown < plan.models_total {
        format!("the smallest and largest of {} model sizes", plan.models_total)
    } else {
        "model sizes".to_owned()
    };
    let columns =
        [("PARAMETERS", Align::Right), ("MEMORY OF A SLOT", Align::Right), ("CONFIGURATION", Align::Left)];
    let rows = plan.models.iter().map(|model| {
        let parameters = indicatif::HumanCount(model.parameters).to_string();
        vec![parameters, bytes(model.memory_bytes), model.label.clone()]
    });
    format!("{title}\n{}", table::table(&columns, rows))
}

fn bytes(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("{count} {what}") } else { format!("{count} {what}s") }
}

//! A plan as people read it.

use super::super::output::plain;
use super::super::render::status::{duration, percent};
use super::super::render::table::{self, Align};
use super::Plan;
use super::data::PlannedData;
use super::time::PlannedTime;

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
    lines.extend([
        format!(
            "trials          {} = {} x {}",
            plan.trials,
            counted(plan.configurations, "configuration"),
            counted(u64::from(plan.replicates), "replicate")
        ),
        format!("epochs          {} at most", plan.epochs),
    ]);
    for axis in &plan.axes {
        let levels = axis.levels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let levels = axis.range.clone().unwrap_or(levels);
        lines.push(format!("{:<15} {levels}", axis.hyperparameter.name()));
    }
    lines.push(String::new());
    lines.extend(plan.time.as_ref().map(time));
    lines.push(memory(plan));
    lines.extend(disk(plan));
    lines.extend(plan.notes.iter().map(|note| format!("note            {}", plain(note))));
    lines.push(String::new());
    lines.push(models(plan));
    lines.join("\n")
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

fn time(time: &PlannedTime) -> String {
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
    format!(
        "time            {all} for every epoch, on {} of {}\n                {low} to {high}, {basis}{money}",
        counted(u64::from(time.slots), "slot"),
        plain(&time.device),
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

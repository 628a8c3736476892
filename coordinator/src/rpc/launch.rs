//! Launching and extending: read the text, prepare the data, then ask the engine.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use coordinator_core::{Command, DatasetRecord, Engine, Extension, Rejection, Reply, SweepRecord};
use coordinator_dataset::Reach;
use sweep_proto::wire::launch_event::Kind;
use sweep_proto::{Amount, Budget, DataSpec, SweepId, SweepSpec, sweep_file, wire};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::caller::Act;
use super::{STREAM_QUEUE, Shared, Work, status, sweep_status};
use crate::artifacts::Pins;
use crate::config::Texts;
use crate::prepare::{self, PrepareError, Reporter};
use crate::security::caller::Caller;
use crate::view::SweepView;

/// What a launch answers.
pub(super) type Events = ReceiverStream<Result<wire::LaunchEvent, Status>>;
type Sender = mpsc::Sender<Result<wire::LaunchEvent, Status>>;
type Variants = Vec<std::collections::BTreeMap<sweep_proto::Hyperparameter, sweep_proto::Value>>;

/// Launches a sweep in the background of the stream that is returned.
pub(super) async fn launch(
    shared: &Shared,
    act: Act,
    request: wire::LaunchRequest,
) -> Result<Events, Status> {
    let read = || {
        let spec = sweep_file::parse(&request.file_name, &request.text).map_err(status::invalid)?;
        // The driver finds the points of the grid where they are kept.
        _ = spec.grid_size();
        Ok::<_, Status>(spec)
    };
    let mut spec = in_turn(shared, act.caller, read).await??;
    spec.reuse &= !request.forbid_reuse;
    if let Some(priority) = request.priority {
        if priority > SweepSpec::PRIORITY_MAX {
            return Err(status::invalid(format!("a priority is at most {}", SweepSpec::PRIORITY_MAX)));
        }
        spec.priority = priority;
    }
    if !Path::new(&request.directory).is_absolute() && has_relative_path(&spec.data) {
        return Err(status::invalid("the directory of the sweep file must be an absolute path"));
    }
    prepare::resolve_paths(&mut spec.data.source, Path::new(&request.directory));
    let reach = reach(shared, &act);
    check_reach(&reach, &spec.data)?;
    let (events, stream) = mpsc::channel(STREAM_QUEUE);
    let shared = shared.clone();
    tokio::spawn(async move {
        let subject = format!("sweep \"{}\"", spec.name);
        let (owner, quota) = act.caller.claim(shared.quota);
        let text = request.text.clone();
        let command = |spec, datasets| {
            let (file_text, attach) = (request.text, request.attach);
            let launch = Command::Launch { spec, file_text, datasets, attach, owner, quota: Box::new(quota) };
            act.by("launch", subject.clone(), launch)
        };
        let event = match run(&shared, (spec, text), (act.caller, reach), command, &events).await {
            Ok(Some((status, changed))) => Ok(wire::LaunchEvent {
                // A sweep that was there before is of the data as it is.
                data_changed_since: changed.filter(|changed| *changed < status.id).unwrap_or(0),
                kind: Some(Kind::Launched(status)),
            }),
            Ok(None) => return,
            Err(refusal) => {
                if refusal.code() != tonic::Code::Unavailable {
                    shared.write_refusal(&act, "launch", &subject, &refusal).await;
                }
                Err(refusal)
            }
        };
        // Whoever launched may have gone.
        _ = events.send(event).await;
    });
    Ok(ReceiverStream::new(stream))
}

/// Does what takes up to a second of a core: in the caller's turn, and beside the other tasks of the thread.
async fn in_turn<R>(shared: &Shared, caller: Caller, work: impl FnOnce() -> R) -> Result<R, Status> {
    let _turn = shared.turn(Work::Reading, caller).await?;
    Ok(match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        // Where there is one thread, as in a simulation, nothing else can go on.
        _ => work(),
    })
}

/// What a caller's sweeps may read: people of other machines only what the operator has put up for them.
fn reach(shared: &Shared, act: &Act) -> Reach {
    if act.caller == Caller::Local { Reach::everywhere() } else { shared.corpora.clone() }
}

/// Refuses what leads out of the reach before anything is done. What is exchanged later is refused when it is opened.
fn check_reach(reach: &Reach, data: &DataSpec) -> Result<(), Status> {
    let mut paths = prepare::paths(&data.source).into_iter();
    paths.try_for_each(|path| reach.check(path)).map_err(|error| status::of_dataset(&error))
}

fn has_relative_path(data: &DataSpec) -> bool {
    let mut probe = data.source.clone();
    // A relative path changes when it is read against another directory.
    prepare::resolve_paths(&mut probe, Path::new("/"));
    probe != data.source
}

/// The sweep, and the earlier one whose data has changed since; `None` where whoever launched has gone before anything was launched.
async fn run(
    shared: &Shared,
    (spec, text): (SweepSpec, String),
    (caller, reach): (Caller, Reach),
    command: impl FnOnce(SweepSpec, Vec<DatasetRecord>) -> Command,
    events: &Sender,
) -> Result<Option<(wire::SweepStatus, Option<u64>)>, Status> {
    let variants = spec.data_variants();
    let progress = events.clone();
    let show = move |shown| {
        // Progress is for eyes only: where the reader is slow it is left out.
        let event = wire::LaunchEvent { kind: Some(Kind::Progress(shown)), data_changed_since: 0 };
        _ = progress.try_send(Ok(event));
    };
    let prepared = tokio::select! {
        prepared = prepared(shared, caller, spec.data.clone(), reach, variants, show.clone()) => Some(prepared?),
        // Whoever has gone leaves the queue, and ends what is read for them.
        () = events.closed() => None,
    };
    // The pins are held until the launch is answered.
    let Some((datasets, _pins)) = prepared.filter(|_| !events.is_closed()) else {
        tracing::info!(name = spec.name, "not launched: whoever asked has gone");
        return Ok(None);
    };
    let (asked, of_data) = (spec.clone(), datasets.clone());
    let changed = move |engine: &Engine, _| engine.same_on_other_data(&asked, &text, &of_data);
    let changed = shared.driver.read(changed).await.map_err(status::of_driver)?.map(|sweep| sweep.0);
    // Whether a sweep is the same depends on what the data is today, and is decided with the launch: of two that
    // come at the same time, the second finds the first.
    match shared.driver.command(command(spec, datasets)).await.map_err(status::of_driver)? {
        Reply::Launched(sweep) => {
            tokio::select! {
                made = first_made(shared, sweep, show) => made?,
                // The trials are made all the same.
                () = events.closed() => return Ok(None),
            }
            Ok(Some((status_of(shared, sweep).await?.into(), changed)))
        }
        other => Err(status::internal(format!("a launch was answered with {other:?}"))),
    }
}

/// Waits until as many trials of a sweep are made as are made ahead, or it has ended without them.
async fn first_made(shared: &Shared, sweep: SweepId, show: impl Fn(wire::Progress)) -> Result<(), Status> {
    let mut changes = shared.driver.notices().of_sweep(sweep);
    loop {
        changes.mark_unchanged();
        let look = move |engine: &Engine, _| {
            let is_ended = engine.sweep(sweep).is_none_or(|sweep| sweep.state.is_ended());
            (!is_ended && engine.lags(sweep), engine.made(sweep), engine.unmade(sweep))
        };
        let (lags, made, unmade) = shared.driver.read(look).await.map_err(status::of_driver)?;
        if !lags {
            return Ok(());
        }
        let stage = "making the trials".to_owned();
        show(wire::Progress { stage, done: made, total: made + unmade, in_bytes: false });
        tokio::select! {
            () = shared.shutdown.cancelled() => return Err(status::stopping()),
            // The sender lives as long as the driver's handle here.
            _ = changes.changed() => {}
        }
    }
}

async fn prepared(
    shared: &Shared,
    caller: Caller,
    data: DataSpec,
    reach: Reach,
    variants: Variants,
    send: impl Fn(wire::Progress) + Send + Sync + 'static,
) -> Result<(Vec<DatasetRecord>, Pins), Status> {
    let permit = shared.turn(Work::Preparation, caller).await?;
    let (artifacts, cache) = (Arc::clone(&shared.artifacts), shared.dataset_cache.clone());
    let readers = shared.readers.clone();
    let is_left_with_the_caller = readers.end_with_their_caller();
    let (texts, texts_at) = (shared.texts, cache.clone());
    let work = async move {
        // Held until the work has ended, even where nobody waits for it any more.
        let _permit = permit;
        let send = Reporter::new(send);
        let (records, pins) =
            prepare::prepare(&readers, data, reach, variants, cache, &artifacts, send).await?;
        if texts == Texts::Withheld {
            prepare::forget_texts(&texts_at, &records)?;
        }
        Ok::<_, PrepareError>((records, pins))
    };
    let prepared = if is_left_with_the_caller {
        work.await
    } else {
        tokio::spawn(work).await.map_err(status::internal)?
    };
    prepared.map_err(|error| status::of_preparation(&error))
}

/// The status of a sweep.
pub(super) async fn status_of(shared: &Shared, sweep: SweepId) -> Result<SweepView, Status> {
    let logs = Arc::clone(&shared.attempt_logs);
    let look = move |engine: &Engine, now| sweep_status::look(engine, sweep, now, &logs);
    let found = shared.driver.read(look).await.map_err(status::of_driver)?;
    found.ok_or_else(|| Status::not_found(format!("there is no sweep {sweep}")))?.told().await
}

/// Adds to what a sweep tries, preparing the data that this needs.
pub(super) async fn extend(
    shared: &Shared,
    act: &Act,
    sweep: SweepId,
    request: wire::ExtendRequest,
) -> Result<(), Status> {
    let subject = format!("sweep {sweep}");
    // The pins are held until the extension is answered.
    let (command, _pins) = match extension(shared, act, sweep, request).await {
        Ok(command) => command,
        Err(refusal) => {
            shared.refused(act, "extend", &subject, &refusal).await;
            return Err(refusal);
        }
    };
    shared.act(act, "extend", subject, command).await?;
    first_made(shared, sweep, |_| {}).await
}

/// The command that extends a sweep, once its data is prepared.
async fn extension(
    shared: &Shared,
    act: &Act,
    sweep: SweepId,
    request: wire::ExtendRequest,
) -> Result<(Command, Option<Pins>), Status> {
    let axes = match request.grid.trim() {
        "" => Vec::new(),
        _ => sweep_file::parse_grid(sweep_file::GRID_LINES, &request.grid).map_err(status::invalid)?,
    };
    let replicates = (request.replicates > 0).then_some(request.replicates);
    let budget = Budget {
        trials: (request.trials > 0).then_some(request.trials),
        epochs: (request.epochs > 0).then_some(request.epochs),
        hours: amount("hours", request.hours)?,
        money: amount("money", request.money)?,
        price_per_hour: None,
    };
    if axes.is_empty() && replicates.is_none() && budget.is_unlimited() {
        let problem = "nothing to add: give levels of the grid, more replicates, or another budget";
        return Err(status::invalid(problem));
    }
    let more = Extension { axes, replicates, budget };
    let shown = act.shown();
    let (caller, quota) = act.caller.claim(shared.quota);
    let (added, owner) = (more.clone(), caller.clone());
    let grown = more.clone();
    let look = move |engine: &Engine, _| {
        engine.may_change(shown, sweep)?;
        let grown = engine.grown_spec(sweep, &grown)?;
        Ok((engine.sweep(sweep).map(|sweep| sweep.spec.clone()), grown))
    };
    let grown = shared.driver.read(look).await.map_err(status::of_driver)?;
    let (present, grown) = grown.map_err(|refusal: Rejection| status::of_rejection(&refusal))?;
    // The driver finds the points of both grids where they are kept.
    let look = || _ = (present.as_ref().and_then(SweepSpec::grid_size), grown.grid_size());
    in_turn(shared, act.caller, look).await?;
    // Nothing is read for somebody who may not extend it, nor for more trials than there may be.
    let look = move |engine: &Engine, _| {
        engine.may_change(shown, sweep)?;
        let (record, spec) = engine.check_extension(sweep, &added, (owner.as_deref(), &quota))?;
        Ok::<_, Rejection>((record.clone(), spec))
    };
    let found = shared.driver.read(look).await.map_err(status::of_driver)?;
    let (record, extended) = found.map_err(|refusal| status::of_rejection(&refusal))?;
    let missing = missing_variants(&record, &extended);
    let (datasets, pins) = if missing.is_empty() {
        (Vec::new(), None)
    } else {
        let (datasets, pins) = more_data(shared, act, &record, missing).await?;
        (datasets, Some(pins))
    };
    Ok((Command::Extend { sweep, more, datasets, caller, quota: Box::new(quota) }, pins))
}

/// Hours or money of a request, of which 0 leaves the budget as it is.
fn amount(name: &str, number: f64) -> Result<Option<Amount>, Status> {
    if number == 0.0 {
        return Ok(None);
    }
    let problem = |problem: String| status::invalid(format!("a budget of {name}: {problem}"));
    Amount::asked(number).map(Some).map_err(problem)
}

/// Prepares more variants of a sweep's data, from the very rows that it was launched on.
async fn more_data(
    shared: &Shared,
    act: &Act,
    record: &SweepRecord,
    mut variants: Variants,
) -> Result<(Vec<DatasetRecord>, Pins), Status> {
    // A variant that is there already is encoded once more: it tells whether the source is still the same.
    let probe = record.datasets.first().ok_or_else(|| Status::internal("a sweep without data"))?;
    variants.insert(0, probe.variant.clone());
    // An administrator may extend what somebody else has launched.
    let reach = reach(shared, act);
    check_reach(&reach, &record.spec.data)?;
    let (mut datasets, pins) =
        prepared(shared, act.caller, record.spec.data.clone(), reach, variants, |_| {}).await?;
    if !datasets.remove(0).is_same_data(probe) {
        return Err(Status::failed_precondition(format!(
            "the data has changed since sweep {} was launched, and results on different data cannot be compared; \
             put the data back as it was, or launch a new sweep",
            record.id
        )));
    }
    Ok((datasets, pins))
}

/// The data variants that a sweep will need as it would become, and lacks.
fn missing_variants(record: &SweepRecord, extended: &SweepSpec) -> Variants {
    let known = |variant: &_| record.datasets.iter().any(|dataset| dataset.variant == *variant);
    let needed: BTreeSet<_> = extended.data_variants().into_iter().collect();
    needed.into_iter().filter(|variant| !known(variant)).collect()
}

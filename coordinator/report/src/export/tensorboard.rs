//! TensorBoard: a folder for each run with one event file, scalars by epoch, and the run's hyperparameters.

use prost::Message as _;
use sweep_proto::Value;

use super::event::{
    self, Event, HParam, HParamsPluginData, Measured, PluginData, ProtoKind, ProtoValue, Session, SessionEnd,
    SessionStart, Summary, SummaryMetadata, SummaryValue, Tensor, TensorShape, What,
};
use super::{Parameter, Run, identity};
use crate::input::ReportInput;
use sweep_proto::EpochFigure;

/// What TensorFlow writes first into every event file.
const FILE_VERSION: &str = "brain.Event:2";
/// Under which TensorBoard's tab of hyperparameters looks for them, and the names of the two ends of a session.
const HPARAMS: &str = "hparams";
const SESSION_START: &str = "_hparams_/session_start_info";
const SESSION_END: &str = "_hparams_/session_end_info";

/// Hexadecimal digits that tell sweeps of one number apart: two coordinators may export into one folder.
const IDENTITY_DIGITS: usize = 8;

pub(super) fn files(input: &ReportInput, runs: &[Run<'_>]) -> Vec<(String, Vec<u8>)> {
    let identity: String = identity(input).to_string().chars().take(IDENTITY_DIGITS).collect();
    let folder = format!("sweep-{}-{identity}", input.sweep.id);
    runs.iter().map(|run| (path(&folder, run), file(run))).collect()
}

/// TensorBoard takes files whose name holds `tfevents`; the number is when the file was begun, in seconds.
fn path(folder: &str, run: &Run<'_>) -> String {
    let (index, began_s) = (run.trial.id.index, run.started_ms / 1_000);
    format!("{folder}/trial-{index:06}/events.out.tfevents.{began_s:010}.sweep")
}

fn file(run: &Run<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    let began = seconds(run.started_ms);
    let version = What::FileVersion(FILE_VERSION.to_owned());
    event::append(&mut file, &Event { wall_time: began, step: 0, what: Some(version) });
    let start = Session::Start(SessionStart {
        hparams: run.parameters.iter().map(hparam).collect(),
        group_name: run.label.clone(),
        start_time_secs: began,
    });
    event::append(&mut file, &summary(began, 0, vec![session(SESSION_START, start)]));
    for (at_ms, epoch) in run.epochs() {
        let values = EpochFigure::ALL
            .into_iter()
            .filter_map(|figure| figure.of(epoch).map(|number| scalar(figure.chart(), number)))
            .collect();
        event::append(&mut file, &summary(seconds(at_ms), epoch.epoch, values));
    }
    let ended = seconds(run.ended_ms());
    if !run.finals.is_empty() {
        let values = run.finals.iter().map(|(name, number)| scalar(name, *number)).collect();
        event::append(&mut file, &summary(ended, run.last_epoch(), values));
    }
    let status = match (run.is_completed(), run.trial.state.is_terminal()) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 3,
    };
    let end = Session::End(SessionEnd { status, end_time_secs: ended });
    event::append(&mut file, &summary(ended, 0, vec![session(SESSION_END, end)]));
    file
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

fn summary(wall_time: f64, step: u32, value: Vec<SummaryValue>) -> Event {
    Event { wall_time, step: i64::from(step), what: Some(What::Summary(Summary { value })) }
}

fn scalar(tag: &str, number: f64) -> SummaryValue {
    SummaryValue { tag: tag.to_owned(), value: Some(Measured::SimpleValue(number as f32)), metadata: None }
}

/// The content stands in the metadata; the tensor is only there because a value needs one.
fn session(tag: &str, data: Session) -> SummaryValue {
    let content = HParamsPluginData { version: 0, data: Some(data) }.encode_to_vec();
    let plugin_data = PluginData { plugin_name: HPARAMS.to_owned(), content };
    let nothing = Tensor { dtype: 1, shape: Some(TensorShape {}), float_val: vec![0.0] };
    SummaryValue {
        tag: tag.to_owned(),
        value: Some(Measured::Tensor(nothing)),
        metadata: Some(SummaryMetadata { plugin_data: Some(plugin_data) }),
    }
}

fn hparam((name, parameter): &(&'static str, Parameter)) -> HParam {
    let kind = match parameter {
        Parameter::Value(Value::Integer(number)) => ProtoKind::Number(*number as f64),
        Parameter::Value(Value::Real(number)) => ProtoKind::Number(*number),
        Parameter::Value(Value::Flag(flag)) => ProtoKind::Flag(*flag),
        Parameter::Value(Value::Word(word)) => ProtoKind::Text(word.clone()),
        // A seed has 64 bits, more than a double holds.
        Parameter::Number(number) => ProtoKind::Text(number.to_string()),
    };
    HParam { name: (*name).to_owned(), value: Some(ProtoValue { kind: Some(kind) }) }
}

//! Frames between agent and slot: read alike by both readers, and what is read can be written again.

use std::fmt::Debug;
use std::io::ErrorKind;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sweep_proto::{EpochMetric, FailureKind, StepMetric};
use tokio::runtime::Runtime;
use worker::slot::protocol::{
    FRAME_BYTES_MAX, FromSlot, MemberEvent, MemberId, SlotCommand, SlotEnd, ToSlot, encode_frame, read_frame,
    read_frame_async,
};

use super::seeds;
use crate::registry::Seed;

/// Polls the asynchronous reader, whose bytes are all there.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));

/// A stream of frames, the first byte choosing the direction.
pub(crate) fn frames(bytes: &[u8]) {
    match bytes.split_first() {
        Some((direction, stream)) if direction % 2 == 0 => read_all::<FromSlot>(stream),
        Some((_, stream)) => read_all::<ToSlot>(stream),
        None => {}
    }
}

fn read_all<T: DeserializeOwned + Serialize + PartialEq + Debug>(stream: &[u8]) {
    let (mut rest, mut rest_async) = (stream, stream);
    loop {
        let before = rest.len();
        let read = read_frame::<T>(&mut rest).map_err(|error| error.kind());
        let read_async =
            RUNTIME.block_on(read_frame_async::<T>(&mut rest_async)).map_err(|error| error.kind());
        assert_eq!(read, read_async, "the two readers differ");
        match read {
            Ok(Some(message)) => {
                assert!(rest.len() < before && before - rest.len() - 4 <= FRAME_BYTES_MAX);
                let frame = encode_frame(&message).expect("it came out of a frame");
                let again = read_frame::<T>(frame.as_slice()).expect("what was written is read");
                assert_eq!(again.as_ref(), Some(&message));
            }
            Ok(None) => return assert_eq!(before, 0),
            Err(kind) => {
                return assert!(matches!(kind, ErrorKind::InvalidData | ErrorKind::UnexpectedEof));
            }
        }
    }
}

/// One message of each kind, and several in a row.
pub(crate) fn examples() -> Vec<Seed> {
    let point = StepMetric { sequence: 3, epoch: 1, step: 17, loss: 0.1, examples_per_second: 1e9 };
    let metric = EpochMetric {
        epoch: 1,
        train_loss: 0.7,
        train_accuracy: 0.5,
        validation_loss: 0.6,
        validation_accuracy: 0.75,
        validation_macro_f1: 0.7,
        seconds: 1.5,
        examples_per_second: 80.0,
        peak_memory_bytes: 1 << 30,
        energy_joules: Some(812.5),
    };
    let from = |message: FromSlot| encode_frame(&message).expect("finite");
    let of = |member, event| FromSlot::Member { member: MemberId(member), event };
    let told = |member, command| ToSlot::Member { member: MemberId(member), command };
    let to = |message: ToSlot| encode_frame(&message).expect("plain");
    let failed = SlotEnd::Failed { kind: FailureKind::OutOfMemory, message: "no \u{0} room".into() };
    let stream = [
        vec![0],
        from(FromSlot::Alive),
        from(of(0, MemberEvent::Steps { points: vec![point] })),
        from(of(1, MemberEvent::Epoch { metric, checkpoint: "/tmp/checkpoint".into() })),
        from(of(1, MemberEvent::Ended(failed))),
    ];
    let start = include_str!("slot_start.json").trim();
    let start: ToSlot = serde_json::from_str(start).expect("a start");
    let commands = [
        vec![1],
        to(start),
        to(told(1, SlotCommand::EpochTaken { epoch: 1 })),
        to(told(0, SlotCommand::Stop)),
    ];
    seeds([
        ("from_slot", stream.concat()),
        ("to_slot", commands.concat()),
        ("stopped", [vec![0], from(of(0, MemberEvent::Ended(SlotEnd::Stopped { underway: None })))].concat()),
    ])
}

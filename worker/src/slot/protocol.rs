//! What the agent and a slot process say to each other: length-prefixed JSON over its standard streams.
//!
//! A frame is its length in bytes (u32, little-endian) and that many bytes of JSON. JSON numbers
//! round-trip exactly; those that are not finite cannot be sent.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sweep_proto::{EpochMetric, FailureKind, StepMetric, TestMetric, TrialSpec, WorkKind};
use tokio::io::{AsyncRead, AsyncReadExt};
pub use worker_trainer::Halt;

/// Largest frame in bytes: a confusion matrix of 1,000 classes needs below 8 MiB.
pub const FRAME_BYTES_MAX: usize = 16 << 20;

/// A member of a slot's group, as its agent numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub u32);

/// From the agent to the slot process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToSlot {
    /// The work. Sent once, first.
    Start(Box<Start>),
    /// To a member.
    Member {
        /// Which.
        member: MemberId,
        /// What.
        command: SlotCommand,
    },
}

/// What a member of a running slot is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotCommand {
    /// The checkpoint of this epoch was stored and its file may be deleted.
    EpochTaken {
        /// The epoch, from 1.
        epoch: u32,
    },
    /// End at the next batch. The other members go on.
    Stop,
}

/// The work of one slot, with everything it needs already on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Train or evaluate.
    pub work: WorkKind,
    /// The encoded dataset.
    pub dataset: PathBuf,
    /// The device, as `--device` takes it.
    pub device: String,
    /// The trials that are trained together; one to evaluate.
    pub members: Vec<MemberStart>,
}

/// One trial of a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberStart {
    /// How it is called from now on.
    pub member: MemberId,
    /// The trial.
    pub spec: TrialSpec,
    /// The checkpoint to go on from.
    pub checkpoint: Option<PathBuf>,
    /// Train until this epoch is complete; `None`: to the trial's end.
    pub until_epoch: Option<u32>,
    /// The weights to evaluate.
    pub model: Option<PathBuf>,
    /// An existing directory of this attempt alone.
    pub directory: PathBuf,
}

/// From the slot process to the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromSlot {
    /// Batches are being worked on, of whichever member. Comes now and then, so that a slot which hangs is noticed.
    Alive,
    /// Of a member.
    Member {
        /// Which.
        member: MemberId,
        /// What.
        event: MemberEvent,
    },
}

/// What happens to a member of a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberEvent {
    /// Step metrics, in sequence.
    Steps {
        /// The points.
        points: Vec<StepMetric>,
    },
    /// An epoch ended.
    Epoch {
        /// What was measured.
        metric: EpochMetric,
        /// A file that stays unchanged until [`SlotCommand::EpochTaken`].
        checkpoint: PathBuf,
    },
    /// Its work is over; nothing follows of it.
    Ended(SlotEnd),
}

/// How a member's work ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotEnd {
    /// Training came to its end.
    Trained {
        /// The epoch with the lowest validation loss, from 1.
        best_epoch: u32,
        /// Epochs trained.
        epochs: u32,
        /// Whether patience ran out.
        early_stopped: bool,
        /// Validation loss at the best epoch.
        score: f64,
        /// Validation accuracy at the best epoch.
        accuracy: f64,
        /// Trained numbers.
        parameters: u64,
        /// The best epoch's weights.
        model: PathBuf,
    },
    /// Training came as far as [`MemberStart::until_epoch`].
    Reached {
        /// The last epoch trained.
        epoch: u32,
    },
    /// The test split was measured.
    Evaluated(TestMetric),
    /// The loss left every sensible bound.
    Diverged {
        /// The epoch, from 1.
        epoch: u32,
        /// What was seen.
        message: String,
    },
    /// A stop was asked for and obeyed.
    Stopped {
        /// What is done since the newest epoch, where that is something.
        underway: Option<Halt>,
    },
    /// This machine's disk refuses to take what the work writes: no fault of the trial.
    DiskFailed {
        /// What was seen.
        message: String,
    },
    /// No result.
    Failed {
        /// What kind of failure.
        kind: FailureKind,
        /// What was seen.
        message: String,
    },
}

/// A message as a frame.
///
/// # Errors
/// `InvalidData` where it does not fit a frame or holds what JSON cannot.
pub fn encode_frame<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = vec![0_u8; 4];
    serde_json::to_writer(&mut frame, message).map_err(invalid)?;
    let length = check_length(frame.len() - 4)?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Writes a message and flushes it.
///
/// # Errors
/// Those of [`encode_frame`] and of the writer.
pub fn write_frame<T: Serialize>(mut writer: impl Write, message: &T) -> io::Result<()> {
    writer.write_all(&encode_frame(message)?)?;
    writer.flush()
}

/// Reads a message; `None` at a clean end.
///
/// # Errors
/// `UnexpectedEof` inside a frame, `InvalidData` for a frame that is too long or not the message, and
/// those of the reader.
pub fn read_frame<T: DeserializeOwned>(mut reader: impl Read) -> io::Result<Option<T>> {
    let mut prefix = [0_u8; 4];
    let first = loop {
        match reader.read(&mut prefix) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if first == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut prefix[first..])?;
    let length = check_length(u32::from_le_bytes(prefix) as usize)?;
    // Grows with what really comes: a damaged length allocates nothing.
    let mut body = Vec::new();
    reader.take(u64::from(length)).read_to_end(&mut body)?;
    parse(&body, length)
}

/// Reads a message as [`read_frame`] does. Not cancel-safe: a dropped call may lose part of a frame.
///
/// # Errors
/// Those of [`read_frame`].
pub async fn read_frame_async<T: DeserializeOwned>(
    mut reader: impl AsyncRead + Unpin,
) -> io::Result<Option<T>> {
    let mut prefix = [0_u8; 4];
    let first = reader.read(&mut prefix).await?;
    if first == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut prefix[first..]).await?;
    let length = check_length(u32::from_le_bytes(prefix) as usize)?;
    let mut body = Vec::new();
    reader.take(u64::from(length)).read_to_end(&mut body).await?;
    parse(&body, length)
}

fn parse<T: DeserializeOwned>(body: &[u8], length: u32) -> io::Result<Option<T>> {
    if body.len() != length as usize {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a frame of a slot ends early"));
    }
    serde_json::from_slice(body).map(Some).map_err(invalid)
}

fn check_length(bytes: usize) -> io::Result<u32> {
    if bytes == 0 || bytes > FRAME_BYTES_MAX {
        return Err(invalid(format!("a frame of {bytes} bytes is not within 1 and {FRAME_BYTES_MAX}")));
    }
    u32::try_from(bytes).map_err(invalid)
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(loss: f64) -> FromSlot {
        let point = StepMetric { sequence: 3, epoch: 1, step: 17, loss, examples_per_second: 0.1 };
        FromSlot::Member { member: MemberId(3), event: MemberEvent::Steps { points: vec![point] } }
    }

    #[test]
    fn a_clean_end_is_no_error_and_a_torn_frame_is() {
        assert_eq!(read_frame::<FromSlot>(&b""[..]).expect("clean"), None);
        let frame = encode_frame(&steps(0.5)).expect("finite");
        for cut in 1..frame.len() {
            let error = read_frame::<FromSlot>(&frame[..cut]).expect_err("torn");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {cut}");
        }
    }

    #[test]
    fn a_length_beyond_the_bound_is_refused_before_it_is_read() {
        let frame = [0xff_u8; 12];
        let error = read_frame::<FromSlot>(&frame[..]).expect_err("too long");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn finite_numbers_survive_to_the_bit(loss in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            let frame = encode_frame(&steps(loss)).expect("finite");
            prop_assert_eq!(read_frame::<FromSlot>(frame.as_slice()).expect("read"), Some(steps(loss)));
        }

        #[test]
        fn damaged_frames_are_refused_or_read_and_never_panic(
            at in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200, noise in proptest::collection::vec(any::<u8>(), 0..64)
        ) {
            let mut frame = encode_frame(&steps(0.25)).expect("finite");
            let length = frame.len();
            frame[at % length] = byte;
            frame.truncate(length.saturating_sub(cut % 2 * (cut % length)));
            let _ = read_frame::<FromSlot>(frame.as_slice());
            let _ = read_frame::<ToSlot>(frame.as_slice());
            let _ = read_frame::<FromSlot>(noise.as_slice());
        }
    }
}

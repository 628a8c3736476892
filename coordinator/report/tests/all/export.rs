//! Exports for other tools: event files are decoded frame by frame, and no string from outside is a path.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test may stop")]

use crate::fixture;

use std::collections::{BTreeMap, BTreeSet};

use coordinator_report::export::{ExportError, ExportFormat, export};
use coordinator_report::{Projection, ReportInput, records_digest};
use fixture::{axis, empty, push_pending, spec, study};
use sweep_proto::Hyperparameter;

fn files(input: &ReportInput, format: &ExportFormat) -> BTreeMap<String, Vec<u8>> {
    let files = export(input, format).unwrap();
    let count = files.len();
    let files: BTreeMap<_, _> = files.into_iter().collect();
    assert_eq!(files.len(), count, "two files have one name");
    files
}

fn mlflow() -> ExportFormat {
    ExportFormat::Mlflow { folder_uri: "file:///somewhere/".into() }
}

fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

/// CRC-32C bit by bit, as RFC 3720 defines it: nothing of what is tested.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 }
            },
        )
    })
}

/// The contents of the frames of an event file, whose checksums are checked.
fn frames(mut file: &[u8]) -> Vec<Vec<u8>> {
    let masked = |bytes: &[u8]| crc(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes();
    let mut frames = Vec::new();
    while !file.is_empty() {
        let (length, rest) = file.split_at(8);
        let (checksum, rest) = rest.split_at(4);
        assert_eq!(checksum, masked(length));
        let (content, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
        let (checksum, rest) = rest.split_at(4);
        assert_eq!(checksum, masked(content));
        frames.push(content.to_vec());
        file = rest;
    }
    frames
}

#[test]
fn event_files_have_a_frame_for_each_epoch_and_both_ends() {
    let input = study();
    let found = files(&input, &ExportFormat::TensorBoard);
    assert_eq!(found.len(), 54, "a file for each trial");
    let (path, file) = found.iter().find(|(path, _)| path.contains("/trial-000007/")).unwrap();
    let (folder, rest) = path.split_once('/').unwrap();
    assert_eq!(rest, "trial-000007/events.out.tfevents.1790000007.sweep");
    assert!(folder.strip_prefix("sweep-3-").is_some_and(|identity| identity.len() == 8), "{folder}");
    assert!(found.keys().all(|path| path.starts_with(folder)), "all runs in one folder");
    // The third sweep of another coordinator, into the same folder.
    let mut other = study();
    other.sweep.created_at.0 += 1;
    assert!(files(&other, &ExportFormat::TensorBoard).keys().all(|path| !path.starts_with(folder)));
    let frames = frames(file);
    // The version, the hyperparameters, ten epochs, what was measured once, the end.
    assert_eq!(frames.len(), 14);
    let has = |frame: &[u8], text: &str| frame.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has(&frames[0], "brain.Event:2"));
    assert!(has(&frames[1], "_hparams_/session_start_info") && has(&frames[1], "units"));
    for epoch in &frames[2..12] {
        assert!(has(epoch, "loss/validation") && has(epoch, "accuracy/train"));
    }
    assert!(has(&frames[12], "best/validation_loss"));
    assert!(has(&frames[13], "_hparams_/session_end_info"));
    // Double 1 is the wall time, varint 2 the step, message 5 the summary: the third epoch stands under step 3.
    assert_eq!(frames[4][0], 1 << 3 | 1);
    assert_eq!(frames[4][9..11], [2 << 3, 3]);
    assert_eq!(frames[4][11], 5 << 3 | 2);
}

#[test]
fn an_mlflow_folder_has_meta_metrics_parameters_and_tags() {
    let mut input = study();
    let measured = input.epochs.iter_mut().filter(|epoch| epoch.trial.index == 7);
    measured.skip(3).for_each(|epoch| epoch.metric.energy_joules = Some(812.5));
    let found = files(&input, &mlflow());
    let energies = |path: &&String| path.ends_with("/metrics/cost/energy_joules");
    assert_eq!(found.keys().filter(energies).count(), 1, "only where it is known");
    let experiments: BTreeSet<_> = found.keys().filter_map(|path| path.split('/').nth(1)).collect();
    assert_eq!(experiments.len(), 1);
    let runs: Vec<_> = found.keys().filter(|path| path.ends_with("/meta.yaml")).collect();
    assert_eq!(runs.len(), 55, "an experiment and a run for each trial");
    let folder = found
        .iter()
        .find_map(|(path, bytes)| (bytes == b"3/7").then(|| path.strip_suffix("/tags/trial")).flatten())
        .unwrap();
    let loss = text(&found, &format!("{folder}/metrics/loss/validation"));
    assert_eq!(loss.lines().count(), 10);
    let energy = text(&found, &format!("{folder}/metrics/cost/energy_joules"));
    assert_eq!(energy.lines().count(), 7);
    assert!(energy.lines().next().unwrap().ends_with(" 812.5 4"), "{energy}");
    let fields: Vec<f64> = loss.lines().nth(2).unwrap().split(' ').map(|one| one.parse().unwrap()).collect();
    let epoch = input.epochs.iter().filter(|epoch| epoch.trial.index == 7).nth(2).unwrap();
    assert_eq!(fields[1..], [epoch.metric.validation_loss, 3.0]);
    assert!(fields[0] > 1_790_000_007_000.0);
    assert_eq!(text(&found, &format!("{folder}/params/units")), "32");
    assert_eq!(text(&found, &format!("{folder}/params/replicate")), "1");
    let meta = text(&found, &format!("{folder}/meta.yaml"));
    assert!(meta.contains("status: 3\n"));
    assert!(meta.contains(&format!("artifact_uri: \"file:///somewhere/{folder}/artifacts\"\n")), "{meta}");
    assert!(text(&found, &format!("{folder}/artifacts/configuration.json")).contains("\"units\": 32"));
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let input = study();
    let mut shuffled = input.clone();
    shuffled.trials.reverse();
    shuffled.epochs.reverse();
    shuffled.attempts.reverse();
    shuffled.generated_at_ms += 1;
    for format in [ExportFormat::TensorBoard, mlflow()] {
        assert_eq!(files(&input, &format), files(&shuffled, &format));
    }
    assert_eq!(
        records_digest(&input, Projection::NEWEST).unwrap(),
        records_digest(&shuffled, Projection::NEWEST).unwrap()
    );
}

#[test]
fn no_string_from_outside_is_a_path_or_ends_a_line() {
    const HOSTILE: &str = "../../etc/passwd\nstatus: 4\u{2028}\"\\: {x}";
    let mut input = study();
    input.sweep.spec.name = HOSTILE.into();
    for attempt in &mut input.attempts {
        attempt.worker_name = HOSTILE.into();
    }
    let plain = |part: &str| {
        !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    for format in [ExportFormat::TensorBoard, mlflow()] {
        let found = files(&input, &format);
        assert!(found.keys().all(|path| path.split('/').all(|part| !part.is_empty() && plain(part))));
    }
    let found = files(&input, &ExportFormat::Mlflow { folder_uri: HOSTILE.into() });
    let (_, experiment) = found.iter().find(|(path, _)| path.matches('/').count() == 2).unwrap();
    assert_eq!(String::from_utf8(experiment.clone()).unwrap().lines().count(), 6);
    let worker = found.iter().find(|(path, _)| path.ends_with("/tags/worker")).unwrap().1;
    assert_eq!(String::from_utf8(worker.clone()).unwrap().lines().count(), 1);
}

#[test]
fn trials_that_have_not_begun_are_no_runs() {
    let mut input = empty(spec(vec![axis(Hyperparameter::Units, &[8, 16])], 1));
    push_pending(&mut input, 0, 0);
    assert_eq!(export(&input, &mlflow()), Err(ExportError::Empty));
    fixture::push_completed(&mut input, 1, 0, 2, 0.5, 0.8);
    assert_eq!(files(&input, &ExportFormat::TensorBoard).len(), 1);
}

#[test]
fn a_number_that_changed_changes_the_digest_of_the_records() {
    let input = study();
    let digest = records_digest(&input, Projection::NEWEST).unwrap();
    let changes: [fn(&mut ReportInput); 5] = [
        |input| input.sweep.spec.seed += 1,
        |input| input.trials[3].result.as_mut().unwrap().score += 1e-9,
        |input| input.trials[48].test = None,
        |input| input.epochs[9].metric.train_loss *= 2.0,
        |input| _ = input.attempts.pop(),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut changed = input.clone();
        change(&mut changed);
        assert_ne!(records_digest(&changed, Projection::NEWEST).unwrap(), digest, "change {at}");
    }
    let mut later = input.clone();
    later.generated_at_ms += 1;
    later.workers.clear();
    assert_eq!(records_digest(&later, Projection::NEWEST).unwrap(), digest, "workers come and go");
}

//! What the program left that signed reports before their records' projection had a version: its data folder, a backup and a
//! report are opened, verified, extended and reported.
//!
//! `tests/schemas/first-signatures.tar.gz` has them, of the program of commit cd55227: `sweep run before.toml` on a machine
//! named desk, then `sweep backup`. Of the data folder it has what a coordinator reads.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use sweep_tests::ledger::finished;
use sweep_tests::processes::{Cluster, program, root};

fn unpack(into: &Path) -> Result<()> {
    let archive = root().join("tests/schemas/first-signatures.tar.gz");
    let unpacked = Command::new("tar").arg("-xpzf").arg(archive).arg("-C").arg(into).status()?;
    ensure!(unpacked.success(), "tar: {unpacked}");
    Ok(())
}

/// The report is verified by the coordinator of the data folder, is refused once the sweep went on, and the report of then is
/// verified in turn.
fn check(place: impl FnOnce(&Path, &str) -> Result<()>) -> Result<()> {
    let mut cluster = Cluster::start()?;
    let world = cluster.directory().to_owned();
    unpack(&world)?;
    cluster.replace_data(|data| place(&world, data))?;

    let verified = cluster.sweep(&["verify", "report"])?;
    ensure!(verified["store_checked"] == true && verified["files"] == 8, "{verified}");
    let signature = std::fs::read_to_string(world.join("report/report.sig"))?;
    ensure!(!signature.contains("projection"), "it is of before there were projections: {signature}");

    let worker = cluster.add_worker()?;
    cluster.sweep(&["extend", "before", "--replicates", "3"])?;
    let report = finished(&cluster, "before")?;
    report.check_complete(6, 2)?;
    ensure!(report.json["answer"]["test_split_uses"].as_u64() == Some(2), "{}", report.json["answer"]);
    let refused = cluster.sweep(&["verify", "report"]).err().map(|error| error.to_string());
    ensure!(refused.as_ref().is_some_and(|error| error.contains("other records")), "{refused:?}");
    cluster.sweep(&["report", "before", "-o", "later"])?;
    let signature = std::fs::read_to_string(world.join("later/report.sig"))?;
    ensure!(signature.contains("\"projection\": "), "{signature}");
    cluster.sweep(&["verify", "later"])?;
    drop(worker);
    cluster.check_remains()
}

#[test]
fn a_data_folder_of_the_first_signatures_is_opened_verified_extended_and_reported() -> Result<()> {
    check(|world, data| Ok(std::fs::rename(world.join("data"), data)?))
}

#[test]
fn a_backup_of_the_first_signatures_is_restored_verified_extended_and_reported() -> Result<()> {
    check(|world, data| {
        let mut restore = Command::new(program("sweep")?);
        restore.arg("restore").arg(world.join("backup")).args(["--data-dir", data]);
        let output = restore.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    })
}

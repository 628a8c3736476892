//! Artifacts in S3-compatible storage: a sweep to its end over a real server, and what is said where it fails.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sweep_tests::ledger::finished;
use sweep_tests::processes::{Cluster, Setup, program};
use sweep_tests::s3_server::S3Server;

const SWEEP: &str = r#"
name = "objects"
[data]
dataset = "snippets"
max_length = 20
train_rows = 600
test_rows = 100
[grid]
units = [8, 16]
[train]
epochs = 2
replicates = 1
"#;

/// The keys in a bucket.
fn keys(server: &S3Server) -> Result<Vec<String>> {
    let listing = server.request("GET", "/sweeps?list-type=2", b"")?;
    let keys = listing.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
    Ok(keys.map(ToOwned::to_owned).collect())
}

#[test]
fn a_sweep_keeps_its_artifacts_in_a_bucket() -> Result<()> {
    let server = S3Server::start()?;
    server.request("PUT", "/sweeps", b"")?;
    let place = ["--artifacts", "s3://sweeps/some/where"].map(ToOwned::to_owned).to_vec();
    let mut cluster =
        Cluster::start_with(Setup { place, environment: server.environment(), ..Setup::default() })?;
    let _worker = cluster.add_worker()?;
    let file = cluster.write("objects.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    finished(&cluster, "objects")?.check_complete(2, 2)?;
    cluster.crash_coordinator()?;
    cluster.sweep(&["model", "best", "objects", "-o", "model"])?;
    ensure!(cluster.directory().join("model/model.safetensors").is_file(), "the model comes from the bucket");
    ensure!(!Path::new(&cluster.data()).join("artifacts").exists(), "nothing lies in the data folder");

    let keys = keys(&server)?;
    ensure!(keys.len() >= 3 && keys.iter().all(|key| key.starts_with("some/where/")), "{keys:?}");
    cluster.check_remains()
}

#[test]
fn fsck_finds_a_damaged_object() -> Result<()> {
    let server = S3Server::start()?;
    server.request("PUT", "/sweeps", b"")?;
    let place = ["--artifacts", "s3://sweeps"].map(ToOwned::to_owned).to_vec();
    let mut cluster =
        Cluster::start_with(Setup { place, environment: server.environment(), ..Setup::default() })?;
    let worker = cluster.add_worker()?;
    let file = cluster.write("objects.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    finished(&cluster, "objects")?;
    drop(worker);
    for key in keys(&server)? {
        server.request("PUT", &format!("/sweeps/{key}"), b"other bytes")?;
    }
    let error = cluster.check_remains().err().context("nothing was found")?.to_string();
    ensure!(error.contains("3 problems were found"), "{error}");
    Ok(())
}

#[test]
fn storage_that_cannot_be_used_is_named_at_the_start() -> Result<()> {
    let server = S3Server::start()?;
    let folder = tempfile::tempdir()?;
    let serve = |place: &str, environment: Vec<(String, String)>| -> Result<String> {
        let output = Command::new(program("sweep")?)
            .args(["serve", "--listen", "127.0.0.1:0", "--artifacts", place, "--data-dir"])
            .arg(folder.path())
            .envs(environment)
            .output()?;
        ensure!(!output.status.success(), "it started");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let missing = serve("s3://nowhere/at/all", server.environment())?;
    ensure!(missing.contains("s3://nowhere/at/all") && missing.contains("NoSuchBucket"), "{missing}");
    let mut nobody = server.environment();
    nobody.retain(|(name, _)| name != "AWS_ENDPOINT_URL");
    nobody.push(("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:9".to_owned()));
    let unreachable = serve("s3://sweeps", nobody)?;
    ensure!(unreachable.contains("AWS_ENDPOINT_URL"), "{unreachable}");
    let wrong = serve("gs://bucket", Vec::new())?;
    ensure!(wrong.contains("s3://BUCKET/PREFIX"), "{wrong}");
    Ok(())
}

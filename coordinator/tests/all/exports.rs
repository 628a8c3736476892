//! What leaves a coordinator beside the report: comparisons, exports, and signatures that hold until a byte changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator::Server;
use serde_json::Value;
use support::command_line::CommandLine;
use support::{SWEEP, ScriptedWorker, User};
use sweep_proto::{WorkerId, wire};

/// A coordinator whose sweeps a scripted worker ends at once.
struct Place {
    server: Server,
    user: User,
    worker: ScriptedWorker,
    line: CommandLine,
}

impl Place {
    /// With the sweep `tiny`, finished.
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = support::start(&folder.path().join("data")).await;
        let user = User::of(&server).await;
        let worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
        let line = CommandLine::new(folder, &server);
        let mut place = Self { server, user, worker, line };
        place.finish(SWEEP).await;
        place
    }

    async fn finish(&mut self, text: &str) {
        self.user.launch(text, false).await.expect("launched");
        self.worker.work_off().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sweeps_are_compared() {
    let mut place = Place::new().await;
    place
        .finish(
            &SWEEP.replace("\"tiny\"", "\"dropped\"").replace("[train]", "[model]\ndropout = 0.5\n[train]"),
        )
        .await;
    let written = place.line.json(&["report", "--compare", "tiny", "dropped", "-o", "both"]);
    assert_eq!(written["files"], serde_json::json!(["comparison.html", "comparison.md", "comparison.json"]));
    let bytes = std::fs::read(place.line.path("both/comparison.json")).expect("there");
    let comparison: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(comparison["under_study"], serde_json::json!(["dropout"]));
    assert_eq!(comparison["pairs"].as_array().map(Vec::len), Some(2));
    assert_eq!(comparison["overall"]["seeds"], 2);
    assert!(place.line.fails(&["report", "--compare", "tiny", "1"], 2).contains("with itself"));
    assert!(place.line.fails(&["report", "--compare", "tiny", "gone"], 1).contains("gone"));
    for wrong in [&["report"][..], &["report", "--compare", "tiny"], &["report", "1", "--compare", "1", "2"]]
    {
        place.line.fails(wrong, 2);
    }
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_takes_no_files_is_told_with_a_remedy() {
    let place = Place::new().await;
    std::fs::write(place.line.path("file"), "mine").expect("written");
    for arguments in [
        &["report", "tiny", "-o", "file"][..],
        &["report", "tiny", "-o", "file/deeper"],
        &["export", "tiny", "--format", "tensorboard", "--into", "file"],
    ] {
        let told = place.line.fails(arguments, 1);
        assert!(told.contains("a file stands where a folder is needed"), "{told}");
    }
    assert_eq!(std::fs::read(place.line.path("file")).expect("there"), b"mine");
    assert_eq!(place.line.fails(&["report", "gone"], 1).matches("sweep list").count(), 1, "said once");
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_is_exported_for_both_tools() {
    let place = Place::new().await;
    let written = place.line.json(&["export", "tiny", "--format", "tensorboard", "--into", "runs"]);
    assert_eq!(written["files"], 4);
    let folders: Vec<_> = std::fs::read_dir(place.line.path("runs")).expect("there").collect();
    let folder = folders[0].as_ref().expect("a folder").path();
    assert_eq!((folders.len(), std::fs::read_dir(&folder).expect("there").count()), (1, 4));
    let told = place.line.sweep(&["export", "1", "--format", "mlflow", "--into", "tracking"]);
    assert!(told.status.success());
    assert!(String::from_utf8_lossy(&told.stderr).contains("mlflow ui --backend-store-uri tracking/mlruns"));
    let experiments: Vec<_> = std::fs::read_dir(place.line.path("tracking/mlruns")).expect("there").collect();
    let experiment = experiments[0].as_ref().expect("a folder").path();
    assert_eq!((experiments.len(), std::fs::read_dir(&experiment).expect("there").count()), (1, 5));
    assert!(place.line.fails(&["export", "gone", "--format", "mlflow", "--into", "x"], 1).contains("gone"));
    place.line.fails(&["export", "1", "--into", "x"], 2);
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_verified_until_a_byte_changes() {
    let place = Place::new().await;
    place.line.json(&["report", "tiny", "-o", "there"]);
    let verified = place.line.json(&["verify", "there"]);
    assert_eq!((&verified["sweep"], &verified["store_checked"]), (&1.into(), &true.into()));
    let key = verified["key"].as_str().expect("a key").to_owned();
    assert_eq!(
        place.line.json(&["verify", "there/report.html", "--offline", "--key", &key])["key_expected"],
        true
    );
    assert!(place.line.fails(&["verify", "there", "--key", "00"], 1).contains(&key));
    assert!(place.line.fails(&["verify", "there", "--offline"], 2).contains("--key KEY"));

    // A file that nobody signed gains nothing from those beside it.
    std::fs::write(place.line.path("there/summary.html"), "<h1>forged</h1>").expect("written");
    for name in ["there/summary.html", "there/nothing.html"] {
        assert!(place.line.fails(&["verify", name], 1).contains("is not among the files that were signed"));
    }

    let signature = std::fs::read_to_string(place.line.path("there/report.sig")).expect("there");
    place.line.json(&["report", "tiny", "-o", "again"]);
    let again = std::fs::read_to_string(place.line.path("again/report.sig")).expect("there");
    assert_eq!(signature, again, "an ended sweep has one report, to the byte");

    let page = place.line.path("there/report.md");
    let text = std::fs::read_to_string(&page).expect("there");
    std::fs::write(&page, text.replacen("# Report", "# report", 1)).expect("written");
    std::fs::remove_file(place.line.path("there/trials.csv")).expect("removed");
    std::fs::remove_file(place.line.path("there/epochs.csv")).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", place.line.path("there/epochs.csv")).expect("linked");
    let told = place.line.fails(&["verify", "there"], 1);
    assert!(told.contains("report.md was changed") && told.contains("trials.csv cannot be read"), "{told}");
    assert!(told.contains("epochs.csv cannot be read: it is not a plain file"), "{told}");

    std::fs::write(place.line.path("again/report.sig"), signature.replace("\"sweep\": 1", "\"sweep\": 2"))
        .expect("written");
    assert!(place.line.fails(&["verify", "again"], 1).contains("changed after it was signed"));
    assert!(place.line.fails(&["verify", "nowhere"], 2).contains("nowhere/report.sig"));
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_korean_report_is_verified_like_any_other() {
    let mut place = Place::new().await;
    let read = |place: &Place, name: &str| std::fs::read_to_string(place.line.path(name)).expect("there");
    place.line.json(&["report", "tiny", "-o", "english"]);
    place.line.json(&["report", "tiny", "--language", "ko", "-o", "korean"]);
    assert_eq!(place.line.json(&["verify", "korean"])["store_checked"], true);
    assert!(read(&place, "english/report.md").contains("## Answer"));
    assert!(read(&place, "korean/report.md").contains("## 결론"));
    assert!(read(&place, "korean/report.html").contains("<html lang=\"ko\">"));
    assert_eq!(read(&place, "english/report.json"), read(&place, "korean/report.json"));

    // Each language has a signature of its own.
    std::fs::copy(place.line.path("english/report.html"), place.line.path("korean/report.html"))
        .expect("copied");
    assert!(place.line.fails(&["verify", "korean"], 1).contains("report.html was changed"));

    place.finish(&SWEEP.replace("\"tiny\"", "\"other\"").replace("seed = 7", "seed = 8")).await;
    place.line.json(&["report", "--compare", "tiny", "other", "--language", "ko", "-o", "both"]);
    assert!(read(&place, "both/comparison.md").starts_with("# 비교: "));

    let told = place.line.fails(&["report", "tiny", "--language", "xx"], 2);
    assert!(told.contains("en") && told.contains("ko"), "{told}");
    let request = wire::ReportRequest { sweep: "tiny".into(), language: "xx".into(), ..Default::default() };
    let refused = place.user.0.report(request).await.expect_err("no such language");
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert_eq!(
        refused.message(),
        "there is no report in the language \"xx\": write en (English) or ko (한국어)"
    );
    place.server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_records_that_are_no_longer_those_of_the_store_is_told() {
    let place = Place::new().await;
    place.line.json(&["report", "tiny", "-o", "there"]);
    place.line.json(&["extend", "tiny", "--replicates", "3"]);
    let told = place.line.fails(&["verify", "there"], 1);
    assert!(told.contains("other records") && told.contains("is open now"), "{told}");
    // Another coordinator has another key, and may have another sweep of that number.
    let other = Place::new().await;
    let asked = place.line.ask(&other.server, &["verify", "there"]);
    let told = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert_eq!(asked.status.code(), Some(1));
    assert!(told.contains("this coordinator signs with"), "{told}");
    for place in [place, other] {
        place.server.stop().await.expect("stops");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_outlives_the_coordinator() {
    let place = Place::new().await;
    place.line.json(&["report", "tiny", "-o", "there"]);
    place.server.stop().await.expect("stops");
    let server = support::start(&place.line.path("data")).await;
    let verified = place.line.ask(&server, &["verify", "there"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    server.stop().await.expect("stops");
}

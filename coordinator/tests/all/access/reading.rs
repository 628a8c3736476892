//! Data is read in children that have bounds, few rights, and end with their caller.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coordinator::{Readers, ServerConfig};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use sweep_proto::wire;
use sweep_proto::wire::sweep_service_client::SweepServiceClient;
use sweep_transport::Bearer;
use tempfile::TempDir;
use tonic::service::interceptor::InterceptedService;
use tonic::{Code, Streaming};

use super::{Castle, config, launch};

/// A coordinator that reads data in children of the real program, with so much memory, over a folder with a large file.
async fn with_children(memory_bytes: u64) -> (Castle, TempDir) {
    let place = tempfile::tempdir().unwrap();
    let words = "so many words of a film that nobody has seen ".repeat(20);
    let large: String = (0..40_000).map(|row| format!("{row} {words},{}\n", row % 2)).collect();
    let small: String = (0..60).map(|row| format!("a film number {row},{}\n", row % 2)).collect();
    for (name, rows) in [("large.csv", large), ("small.csv", small)] {
        std::fs::write(place.path().join(name), format!("text,label\n{rows}")).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin!("sweep").to_owned();
    let readers = Readers::Child { program, memory_bytes: Some(memory_bytes) };
    let config = ServerConfig { corpora: vec![place.path().to_owned()], readers, ..config(folder.path()) };
    let server = coordinator::start(config).await.unwrap();
    let admin = std::fs::read_to_string(folder.path().join("security/admin-token")).unwrap();
    (Castle { server, admin: admin.parse().unwrap(), folder }, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_takes_too_much_memory_ends_its_reader_and_not_the_coordinator() {
    let (castle, place) = with_children(96 << 20).await;
    let refused = launch(&castle, &castle.admin, &place.path().join("large.csv")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert!(refused.message().contains("needs more than 96 MiB of memory"), "{refused}");
    let refused = launch(&castle, &castle.admin, &place.path().join("absent.csv")).await.unwrap_err();
    assert!(
        refused.message().contains("absent.csv: cannot open it"),
        "a reader's refusal comes whole: {refused}"
    );
    let refused = launch(&castle, &castle.admin, Path::new("/etc/passwd")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    launch(&castle, &castle.admin, &place.path().join("small.csv")).await.unwrap();
    castle.server.stop().await.unwrap();
}

/// Writes a Parquet file of some kilobytes whose rows are 3 GB of text: one text, of which each row holds the number.
fn write_bomb(path: &Path) {
    let schema = "message rows { required binary text (UTF8); required binary label (UTF8); }";
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(4 << 20);
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(properties.build());
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    let text = ByteArray::from("so many words ".repeat(72_000).into_bytes());
    let labels = [ByteArray::from("good"), ByteArray::from("bad")];
    let labels: Vec<_> = labels.into_iter().cycle().take(3_000).collect();
    let mut rows = writer.next_row_group().unwrap();
    for values in [vec![text; 3_000], labels] {
        let mut column = rows.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    rows.close().unwrap();
    writer.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parquet_file_that_unpacks_to_far_more_than_it_holds_ends_its_reader_alone() {
    let (castle, place) = with_children(256 << 20).await;
    let bomb = place.path().join("bomb.parquet");
    write_bomb(&bomb);
    let bytes = std::fs::metadata(&bomb).unwrap().len();
    assert!(bytes < 20_000, "{bytes} bytes");
    let refused = launch(&castle, &castle.admin, &bomb).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let said = refused.message();
    assert!(said.contains("needs more than 256 MiB of memory"), "{said}");
    assert!(
        said.contains("give smaller files or fewer rows") && said.contains("--data-memory MIB"),
        "{said}"
    );
    launch(&castle, &castle.admin, &place.path().join("small.csv")).await.unwrap();
    castle.server.stop().await.unwrap();
}

/// The child of this process that reads data, as a folder of `/proc`.
fn reader() -> Option<PathBuf> {
    let parent = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.map(|process| process.path()).find(|process| {
        let of = |name: &str| std::fs::read_to_string(process.join(name)).unwrap_or_default();
        let is_ours = of("stat")
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1).map(|one| one == parent));
        is_ours == Some(true) && of("cmdline").contains("read-data")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_gets_a_listed_environment_and_no_rights_beyond_its_own() {
    let (castle, place) = with_children(4 << 30).await;
    let events = reading_large(&castle, place.path()).await;
    let of = |process: &Path, name: &str| std::fs::read_to_string(process.join(name)).unwrap_or_default();
    // It gives its rights up when it has read its order.
    let process = loop {
        match reader() {
            Some(process) if of(&process, "status").contains("NoNewPrivs:\t1") => break process,
            _ => tokio::task::yield_now().await,
        }
    };
    let environment = of(&process, "environ");
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "this process has what no child needs");
    assert!(environment.contains("PATH=") && !environment.contains("CARGO_"), "{environment}");
    let limits = of(&process, "limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    drop(events);
    castle.server.stop().await.unwrap();
}

/// Begins a launch over the large file, up to its first event.
async fn reading_large(castle: &Castle, place: &Path) -> Streaming<wire::LaunchEvent> {
    let token = castle.admin.clone();
    let mut client =
        SweepServiceClient::new(InterceptedService::new(castle.plain(), Bearer::new(Some(token))));
    let path = place.join("large.csv");
    let text = format!(
        "name = \"left\"\n[data]\npath = \"{}\"\ntext = \"text\"\nlabel = \"label\"\ntokenizer = \"subword\"\n[grid]\nunits = [8]\n",
        path.display()
    );
    let request = wire::LaunchRequest { text, directory: "/".into(), ..wire::LaunchRequest::default() };
    let mut events = client.launch(request).await.unwrap().into_inner();
    events.message().await.unwrap().unwrap();
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_a_launch_ends_its_reader() {
    let (castle, place) = with_children(4 << 30).await;
    drop(reading_large(&castle, place.path()).await);
    while reader().is_some() {
        tokio::task::yield_now().await;
    }
    let prepared = castle.folder.path().join("datasets/prepared");
    let entries = std::fs::read_dir(prepared).map_or(0, Iterator::count);
    assert_eq!(entries, 0, "it was read to its end for nobody");
    castle.server.stop().await.unwrap();
}

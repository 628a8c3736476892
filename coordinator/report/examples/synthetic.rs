//! Writes the report of a synthetic sweep, to look at: `cargo run --release --example synthetic -- DIRECTORY`.
#![allow(clippy::unwrap_used, reason = "an example for developers may stop")]

#[path = "../tests/fixture/mod.rs"]
mod fixture;

fn main() {
    let directory = std::env::args().nth(1).unwrap();
    std::fs::create_dir_all(&directory).unwrap();
    for (name, bytes) in coordinator_report::render(&fixture::study()).unwrap() {
        println!("{name}: {} bytes", bytes.len());
        std::fs::write(std::path::Path::new(&directory).join(name), bytes).unwrap();
    }
}

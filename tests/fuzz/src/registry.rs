//! The one table of targets.

use crate::targets::{
    certificates, datasets, encoded_dataset, names, planted, slot_frames, store, sweep_file, training, wire,
};

/// One reader of untrusted bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder under `corpus/`.
    pub name: &'static str,
    /// Reads bytes and panics where something does not hold.
    pub run: fn(&[u8]),
    /// Valid examples by name, from which a search starts.
    pub seeds: fn() -> Vec<Seed>,
}

/// A valid example: its file's name, and its bytes.
pub type Seed = (String, Vec<u8>);

/// Every target.
#[rustfmt::skip]
pub const TARGETS: &[Target] = &[
    Target { name: "sweep_file", run: sweep_file::file, seeds: sweep_file::file_seeds },
    Target { name: "sweep_grid", run: sweep_file::grid, seeds: sweep_file::grid_seeds },
    Target { name: "names", run: names::names, seeds: names::name_seeds },
    Target { name: "tokens", run: names::tokens, seeds: names::token_seeds },
    Target { name: "addresses", run: names::addresses, seeds: names::address_seeds },
    Target { name: "certificates", run: certificates::certificate, seeds: certificates::certificate_seeds },
    Target { name: "certificate_requests", run: certificates::request, seeds: certificates::request_seeds },
    Target { name: "wire_messages", run: wire::messages, seeds: wire::examples },
    Target { name: "slot_frames", run: slot_frames::frames, seeds: slot_frames::examples },
    Target { name: "encoded_dataset", run: encoded_dataset::view, seeds: encoded_dataset::examples },
    Target { name: "mapped_dataset", run: training::mapped_dataset, seeds: training::dataset_seeds },
    Target { name: "weights", run: training::weights, seeds: training::weights_seeds },
    Target { name: "checkpoint", run: training::checkpoint, seeds: training::checkpoint_seeds },
    Target { name: "model_directory", run: training::model_directory, seeds: training::model_seeds },
    Target { name: "stored_steps", run: store::steps, seeds: store::steps_seeds },
    Target { name: "stored_records", run: store::records, seeds: store::record_seeds },
    Target { name: "database_file", run: store::database, seeds: store::database_seeds },
    Target { name: "csv", run: datasets::csv, seeds: datasets::csv_seeds },
    Target { name: "tsv", run: datasets::tsv, seeds: datasets::tsv_seeds },
    Target { name: "json_lines", run: datasets::json_lines, seeds: datasets::json_lines_seeds },
    Target { name: "json", run: datasets::json, seeds: datasets::json_seeds },
    Target { name: "labelled_lines", run: datasets::labelled_lines, seeds: datasets::labelled_lines_seeds },
    Target { name: "packed", run: datasets::packed, seeds: datasets::packed_seeds },
    Target { name: "text", run: datasets::text, seeds: datasets::text_seeds },
    Target { name: "parquet", run: datasets::parquet, seeds: datasets::parquet_seeds },
    Target { name: "folder", run: datasets::folder, seeds: datasets::folder_seeds },
    Target { name: "imdb_archive", run: datasets::imdb_archive, seeds: datasets::imdb_archive_seeds },
    Target { name: "nsmc", run: datasets::nsmc, seeds: datasets::nsmc_seeds },
];

/// A target with a bug in it, which the search must find: it proves that coverage leads it. Not part of
/// [`TARGETS`], and without a corpus.
pub const PLANTED: Target = Target { name: "planted", run: planted::magic, seeds: Vec::new };

/// The target of that name, the planted one included.
pub fn find(name: &str) -> Option<Target> {
    TARGETS.iter().chain([&PLANTED]).find(|target| target.name == name).copied()
}

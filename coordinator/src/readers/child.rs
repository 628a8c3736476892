//! The child's side: reads an order, prepares the data within its bounds, says how it goes.

use std::io::{BufRead, Read, Write, stdin, stdout};

use coordinator_dataset::{DatasetError, Progress, prepare_all};

use super::sandbox::{self, Work};
use super::{Order, ReadDataset, Said, bounds, is_download, reach};
use crate::prepare::paths;

/// Bytes of an order: paths, settings and variants.
const ORDER_BYTES_MAX: u64 = 64 << 20;

/// Prepares what standard input asks for; the answer goes to standard output.
///
/// # Errors
/// Where no order comes, or nobody takes the answer.
pub fn serve() -> std::io::Result<()> {
    let mut line = String::new();
    stdin().lock().take(ORDER_BYTES_MAX).read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    bounds::enter(bounds::memory_bytes(0, order.memory_bytes_max));
    // Before any other thread: the rules hold for this one and for those that it starts.
    shut_in(&order)?;
    end_with_the_parent()?;
    let said = match prepared(&order) {
        Ok(datasets) => Said::Done(datasets),
        Err(error) => {
            let is_out_of_reach = matches!(error, DatasetError::OutOfReach { .. });
            Said::Refused { reason: error.to_string(), is_out_of_reach }
        }
    };
    say(&said)
}

/// Leaves this process its data and its cache alone, and has it unpack into the cache.
fn shut_in(order: &Order) -> std::io::Result<()> {
    sweep_confinement::renounce();
    std::fs::create_dir_all(&order.cache)?;
    // It was not overridden before.
    let _ = tempfile::env::override_temp_dir(&order.cache);
    let work = Work {
        paths: &paths(&order.data.source),
        folders: order.folders.as_deref(),
        is_download: is_download(&order.data.source),
        written: &[&order.cache],
    };
    if let Err(error) = sandbox::enter(&work) {
        eprintln!("this process cannot be shut in with its files: {error}");
    }
    Ok(())
}

fn prepared(order: &Order) -> Result<Vec<ReadDataset>, DatasetError> {
    let reach = reach(order.folders.as_deref())
        .map_err(|error| DatasetError::Setting(format!("a folder of corpora cannot be opened: {error}")))?;
    let told = Told { memory_bytes_max: order.memory_bytes_max };
    let prepared = prepare_all(&order.data, &reach, &order.variants, &order.cache, &told)?;
    Ok(prepared.into_iter().map(ReadDataset::from).collect())
}

/// Ends this process when its standard input does: whoever asked has gone.
fn end_with_the_parent() -> std::io::Result<()> {
    let watch = || {
        let _ = std::io::copy(&mut stdin().lock(), &mut std::io::sink());
        #[expect(clippy::exit, reason = "nobody waits for this process any more")]
        std::process::exit(1);
    };
    std::thread::Builder::new().name("parent".to_owned()).spawn(watch).map(|_| ())
}

fn say(said: &Said) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    let mut out = stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// Tells the parent how it goes.
struct Told {
    memory_bytes_max: u64,
}

impl Told {
    // A parent that does not listen has gone, and its end of standard input tells so.
    fn say(said: &Said) {
        let _ = say(said);
    }
}

impl Progress for Told {
    fn stage(&self, name: &str, total: Option<u64>, in_bytes: bool) {
        Self::say(&Said::Stage { name: name.to_owned(), total, in_bytes });
    }

    fn advance(&self, done: u64) {
        Self::say(&Said::Advance(done));
    }

    fn found(&self, source_bytes: u64) {
        let memory_bytes = bounds::memory_bytes(source_bytes, self.memory_bytes_max);
        bounds::enter(memory_bytes);
        Self::say(&Said::Memory(memory_bytes));
    }
}

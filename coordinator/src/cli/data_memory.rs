//! How much memory reading data may take: an option of every command that reads data.

use clap::Args;
use coordinator::Readers;

use super::exit::Failure;

#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct DataMemory {
    /// Memory that reading data may take at most, in MiB; by default half of this machine's, and for a small file 1 GiB.
    #[arg(long = "data-memory", value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..=1 << 30))]
    mebibytes: Option<u64>,
}

impl DataMemory {
    /// Children of this program read data within this bound.
    pub(crate) fn readers(self) -> Result<Readers, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::failed(format!("cannot find this program's own file: {error}")))?;
        Ok(Readers::Child { program, memory_bytes: self.mebibytes.map(|mebibytes| mebibytes << 20) })
    }
}

//! The GPUs of this machine: as the driver's library lists them, and which of them CUDA's ordinals mean.

use std::path::{Path, PathBuf};

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use sweep_proto::text::is_steering;

/// The variable by which CUDA counts devices. Its own default is "the fastest first", an order that nothing else tells.
pub const ORDER_VARIABLE: &str = "CUDA_DEVICE_ORDER";

/// The order in which GPUs are counted here, as a value of [`ORDER_VARIABLE`].
pub const BUS_ORDER: &str = "PCI_BUS_ID";

/// The variable that hides devices from CUDA and renumbers the others.
const VISIBLE_VARIABLE: &str = "CUDA_VISIBLE_DEVICES";

/// Most GPUs that one machine is believed to have.
const GPUS_MAX: u32 = 1_024;

/// Longest name of a GPU that is passed on, in characters.
const MODEL_CHARACTERS_MAX: usize = 128;

/// One GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its place on the PCI bus as its library writes it, such as `00000000:01:00.0`.
    pub bus_id: String,
    /// Its name for life, such as `GPU-6f2b…`; empty where that is not told.
    pub uuid: String,
    /// Its model.
    pub model: String,
    /// Its memory in bytes; 0 where that is not told.
    pub memory_bytes: u64,
}

/// What the environment tells CUDA about devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CudaEnvironment {
    /// The devices that may be used, as the user wrote them; `None`: all.
    pub visible: Option<String>,
    /// Whether devices are counted in the order of the bus.
    pub is_bus_order: bool,
}

impl CudaEnvironment {
    /// That of this process.
    pub fn of_process() -> Self {
        let visible = std::env::var_os(VISIBLE_VARIABLE).map(|text| text.to_string_lossy().into_owned());
        Self {
            visible,
            is_bus_order: std::env::var_os(ORDER_VARIABLE).is_some_and(|order| order == BUS_ORDER),
        }
    }

    /// The GPUs that CUDA counts, in its order, out of all in the order of the bus. As in CUDA, the list ends at the first entry that
    /// names none. A part of a GPU (MIG) is not a GPU: it names none here.
    pub fn visible<'a>(&self, gpus: &'a [Gpu]) -> Vec<&'a Gpu> {
        let Some(visible) = &self.visible else {
            return gpus.iter().collect();
        };
        let mut found: Vec<&Gpu> = Vec::new();
        for entry in visible.split(',').map(str::trim) {
            match named(entry, gpus) {
                Some(gpu) if !found.contains(&gpu) => found.push(gpu),
                _ => break,
            }
        }
        found
    }

    /// The GPU that CUDA gives the ordinal; `None` where that cannot be known for sure.
    pub fn certain<'a>(&self, ordinal: usize, gpus: &'a [Gpu]) -> Option<&'a Gpu> {
        // GPUs of one model are equally fast, and stay in the order of the bus.
        let is_one_model = gpus.windows(2).all(|pair| pair[0].model == pair[1].model);
        if !self.is_bus_order && !is_one_model {
            return None;
        }
        self.visible(gpus).get(ordinal).copied()
    }
}

/// The one GPU that an entry of the list means: by its number, or by the beginning of its UUID.
fn named<'a>(entry: &str, gpus: &'a [Gpu]) -> Option<&'a Gpu> {
    if let Ok(number) = entry.parse::<usize>() {
        return gpus.get(number);
    }
    if !entry.starts_with("GPU-") {
        return None;
    }
    let mut fitting = gpus.iter().filter(|gpu| gpu.uuid.starts_with(entry));
    fitting.next().filter(|_| fitting.next().is_none())
}

/// All GPUs in the order of the bus: from the driver's library, else from the driver's files in this folder.
pub fn list(driver: &Path) -> Vec<Gpu> {
    let from_library = Nvml::init().and_then(|nvml| of_library(&nvml));
    match from_library {
        Ok(gpus) if !gpus.is_empty() => gpus,
        Ok(_) => of_files(driver),
        Err(error) => {
            tracing::debug!(%error, "the library of the NVIDIA driver tells nothing");
            of_files(driver)
        }
    }
}

/// As the driver's library lists them. A GPU that cannot be asked is left out.
///
/// # Errors
/// Those of the library.
pub fn of_library(nvml: &Nvml) -> Result<Vec<Gpu>, NvmlError> {
    let mut gpus = Vec::new();
    for index in 0..nvml.device_count()?.min(GPUS_MAX) {
        match of_index(nvml, index) {
            Ok(gpu) => gpus.push(gpu),
            Err(error) => tracing::warn!(index, %error, "a GPU cannot be asked"),
        }
    }
    // Fixed width in hexadecimal: the order of the text is that of the bus.
    gpus.sort_by_key(|gpu| gpu.bus_id.to_lowercase());
    Ok(gpus)
}

fn of_index(nvml: &Nvml, index: u32) -> Result<Gpu, NvmlError> {
    let device = nvml.device_by_index(index)?;
    Ok(Gpu {
        bus_id: device.pci_info()?.bus_id,
        uuid: device.uuid().unwrap_or_default(),
        model: printable(&device.name()?),
        // Where the library does not tell it, as on chips that share the machine's memory, it is unknown.
        memory_bytes: device.memory_info().map_or(0, |memory| memory.total),
    })
}

/// As the driver's files list them, which do not tell memory.
fn of_files(driver: &Path) -> Vec<Gpu> {
    let Ok(entries) = std::fs::read_dir(driver) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> =
        entries.flatten().take(GPUS_MAX as usize).map(|entry| entry.path()).collect();
    paths.sort();
    let gpu = |path: &PathBuf| {
        let text = std::fs::read_to_string(path.join("information")).ok()?;
        let after = |head: &str| text.lines().find_map(|line| line.strip_prefix(head)).map(printable);
        Some(Gpu {
            bus_id: path.file_name()?.to_str()?.to_owned(),
            uuid: after("GPU UUID:").unwrap_or_default(),
            model: after("Model:")?,
            memory_bytes: 0,
        })
    };
    paths.iter().filter_map(gpu).collect()
}

/// What a driver says, without control characters: the coordinator takes none.
fn printable(text: &str) -> String {
    text.trim().chars().filter(|one| !is_steering(*one)).take(MODEL_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(place: usize, model: &str) -> Gpu {
        Gpu {
            bus_id: format!("00000000:0{place}:00.0"),
            uuid: format!("GPU-{place}{place}ab"),
            model: model.into(),
            memory_bytes: 80 << 30,
        }
    }

    #[test]
    fn cudas_list_of_visible_devices_is_read_as_cuda_does() {
        let gpus = [gpu(0, "T4"), gpu(1, "T4"), gpu(2, "T4")];
        let table: [(Option<&str>, &[usize]); 12] = [
            (None, &[0, 1, 2]),
            (Some(""), &[]),
            (Some("1"), &[1]),
            (Some("2, 0"), &[2, 0]),
            (Some("0,7,1"), &[0]),
            (Some("-1,0"), &[]),
            (Some("GPU-11,0"), &[1, 0]),
            (Some("GPU-"), &[]),
            (Some("GPU-99"), &[]),
            (Some("MIG-11"), &[]),
            (Some("1,1"), &[1]),
            (Some("NoDevFiles"), &[]),
        ];
        for (text, expected) in table {
            let environment = CudaEnvironment { visible: text.map(str::to_owned), is_bus_order: true };
            let expected: Vec<&Gpu> = expected.iter().map(|at| &gpus[*at]).collect();
            assert_eq!(environment.visible(&gpus), expected, "{text:?}");
            assert_eq!(environment.certain(0, &gpus), expected.first().copied(), "{text:?}");
        }
    }

    #[test]
    fn an_ordinal_among_different_models_is_certain_in_the_order_of_the_bus_only() {
        let (same, mixed) = ([gpu(0, "T4"), gpu(1, "T4")], [gpu(0, "T4"), gpu(1, "H100")]);
        let fastest_first = CudaEnvironment { visible: None, is_bus_order: false };
        let bus_order = CudaEnvironment { is_bus_order: true, ..fastest_first.clone() };
        assert_eq!(fastest_first.certain(1, &same), Some(&same[1]));
        assert_eq!(fastest_first.certain(1, &mixed), None);
        assert_eq!(bus_order.certain(1, &mixed), Some(&mixed[1]));
        assert_eq!(bus_order.certain(2, &mixed), None);
    }

    #[test]
    fn the_drivers_files_tell_models_and_uuids_in_the_order_of_the_bus() {
        let driver = tempfile::tempdir().expect("directory");
        let add = |bus: &str, text: &str| {
            std::fs::create_dir_all(driver.path().join(bus)).expect("directory");
            std::fs::write(driver.path().join(bus).join("information"), text).expect("write");
        };
        add("0000:41:00.0", "Model: \t\t NVIDIA H100\u{7}\nGPU UUID: \t GPU-2\nIRQ: 1\n");
        add("0000:01:00.0", "Model: NVIDIA T4\n");
        add("0000:02:00.0", "IRQ: 1\n");
        let found = of_files(driver.path());
        let told: Vec<_> =
            found.iter().map(|gpu| (gpu.bus_id.as_str(), gpu.model.as_str(), gpu.uuid.as_str())).collect();
        assert_eq!(told, [("0000:01:00.0", "NVIDIA T4", ""), ("0000:41:00.0", "NVIDIA H100", "GPU-2")]);
        assert_eq!(of_files(&driver.path().join("none")), []);
    }
}

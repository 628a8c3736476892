//! What this machine offers: devices, memory, and how many slots fit.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use sweep_proto::text::is_steering;
use sweep_proto::{Device, DeviceKind, WorkerProfile};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};
use thiserror::Error;
use worker_trainer::DeviceChoice;

use crate::gpu::{self, CudaEnvironment, Gpu};

/// Memory that a slot is given room for when slots are counted by themselves, in bytes: a model of
/// ten million numbers, its optimiser and its activations.
pub const SLOT_MEMORY_BYTES: u64 = 512 << 20;

/// Most slots of one worker; the protocol allows no more.
pub const SLOTS_MAX: u32 = 1_024;

/// The executable of CUDA slots, beside this one.
const CUDA_EXECUTABLE: &str = "sweep-worker-cuda";

/// Where the NVIDIA driver on Linux lists its GPUs.
const CUDA_DRIVER_DIRECTORY: &str = "/proc/driver/nvidia/gpus";

/// Why the chosen device cannot be offered.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// No program here can use CUDA.
    #[error(
        "this build has no CUDA: put {CUDA_EXECUTABLE} (built with --features cuda) beside sweep-worker, \
         or join with --device cpu"
    )]
    NoCuda,
    /// The driver does not list the GPU, or it is hidden from CUDA.
    #[error(
        "the NVIDIA driver lists {found} GPU(s) that CUDA may use, so there is no cuda:{ordinal}; run nvidia-smi to see them, and look at \
         CUDA_VISIBLE_DEVICES"
    )]
    NoSuchGpu {
        /// The number asked for.
        ordinal: usize,
        /// How many there are.
        found: usize,
    },
}

/// What the slots of this worker run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotDevice {
    /// As the trainer takes it.
    pub choice: String,
    /// What is told to the coordinator.
    pub device: Device,
    /// The executable that runs the slots.
    pub executable: PathBuf,
}

/// Cores and memory of this machine, as far as this process may use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The machine's name.
    pub name: String,
    /// The model of its processor.
    pub processor: String,
    /// Cores.
    pub cores: usize,
    /// Memory in bytes, bounded by the container's limit if there is one; 0 where that is not told.
    pub memory_bytes: u64,
}

impl Machine {
    /// Looks at this machine.
    pub fn discover() -> Self {
        let wanted = RefreshKind::nothing()
            .with_memory(MemoryRefreshKind::nothing().with_ram())
            .with_cpu(CpuRefreshKind::nothing());
        let system = System::new_with_specifics(wanted).ok();
        let memory = system.as_ref().map(|system| {
            let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
            system.total_memory().min(limit)
        });
        let processor =
            system.as_ref().and_then(|system| Some(system.cpus().first()?.brand().trim().to_owned()));
        let name = System::host_name().ok().map(|name| printable(&name));
        Self {
            name: name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "unnamed".to_owned()),
            processor: processor
                .map(|brand| printable(&brand))
                .filter(|brand| !brand.is_empty())
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, NonZero::get),
            memory_bytes: memory.unwrap_or_default(),
        }
    }

    /// Slots that fit: one per core and half a gigabyte; a GPU is one slot.
    pub fn automatic_slots(&self, device: &Device) -> u32 {
        if device.kind == DeviceKind::Cuda {
            return 1;
        }
        let by_memory = u32::try_from(self.memory_bytes / SLOT_MEMORY_BYTES).unwrap_or(SLOTS_MAX);
        let by_cores = u32::try_from(self.cores).unwrap_or(SLOTS_MAX);
        by_cores.min(by_memory).clamp(1, SLOTS_MAX)
    }

    /// Threads that each of so many slots may use without crowding the others out.
    pub fn threads_per_slot(&self, slots: u32) -> usize {
        (self.cores / (slots.max(1) as usize)).max(1)
    }

    /// What is told to the coordinator.
    pub fn profile(&self, name: Option<String>, slots: u32, group: u32, device: Device) -> WorkerProfile {
        WorkerProfile {
            name: name.unwrap_or_else(|| self.name.clone()),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            slots,
            devices: vec![device],
            group,
        }
    }

    /// The device of a choice, and who runs it.
    ///
    /// # Errors
    /// [`DeviceError`] where CUDA was chosen by name and cannot be used. `auto` takes the CPU then.
    pub fn slot_device(&self, choice: DeviceChoice, executable: &Path) -> Result<SlotDevice, DeviceError> {
        let cpu = SlotDevice {
            choice: DeviceChoice::Cpu.to_string(),
            device: Device {
                kind: DeviceKind::Cpu,
                ordinal: 0,
                model: self.processor.clone(),
                memory_bytes: self.memory_bytes,
            },
            executable: executable.to_owned(),
        };
        let of_this_machine = |ordinal| {
            let gpus = gpu::list(Path::new(CUDA_DRIVER_DIRECTORY));
            cuda(ordinal, executable, &gpus, &CudaEnvironment::of_process())
        };
        match choice {
            DeviceChoice::Cpu => Ok(cpu),
            DeviceChoice::Cuda(ordinal) => of_this_machine(ordinal),
            DeviceChoice::Auto => Ok(of_this_machine(0).unwrap_or(cpu)),
        }
    }
}

fn cuda(
    ordinal: usize,
    executable: &Path,
    gpus: &[Gpu],
    environment: &CudaEnvironment,
) -> Result<SlotDevice, DeviceError> {
    let beside = executable.with_file_name(CUDA_EXECUTABLE);
    let executable = match beside.is_file() {
        true => beside,
        false if cfg!(feature = "cuda") => executable.to_owned(),
        false => return Err(DeviceError::NoCuda),
    };
    let visible = environment.visible(gpus);
    let Some(gpu) = visible.get(ordinal) else {
        return Err(DeviceError::NoSuchGpu { ordinal, found: visible.len() });
    };
    let device = Device {
        kind: DeviceKind::Cuda,
        ordinal: ordinal as u32,
        model: gpu.model.clone(),
        memory_bytes: gpu.memory_bytes,
    };
    Ok(SlotDevice { choice: DeviceChoice::Cuda(ordinal).to_string(), device, executable })
}

/// What a machine says of itself, without control characters: the coordinator takes none.
fn printable(text: &str) -> String {
    text.chars().filter(|one| !is_steering(*one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(cores: usize, memory_bytes: u64) -> Machine {
        Machine { name: "here".into(), processor: "x".into(), cores, memory_bytes }
    }

    #[test]
    fn slots_are_bounded_by_cores_and_by_memory_and_never_none() {
        let device = |machine: &Machine| {
            machine.slot_device(DeviceChoice::Cpu, Path::new("/bin/sweep-worker")).expect("cpu").device
        };
        for (cores, gigabytes, slots) in [(8, 64, 8), (64, 4, 8), (2, 0, 1), (100_000, 1 << 20, SLOTS_MAX)] {
            let machine = machine(cores, gigabytes << 30);
            assert_eq!(machine.automatic_slots(&device(&machine)), slots, "{cores} cores, {gigabytes} GiB");
        }
        assert_eq!(machine(8, 0).threads_per_slot(3), 2);
        assert_eq!(machine(2, 0).threads_per_slot(8), 1);
    }

    #[test]
    fn a_cuda_device_needs_its_executable_and_a_gpu_that_cuda_may_use() {
        let directory = tempfile::tempdir().expect("directory");
        let executable = directory.path().join("sweep-worker");
        let all = CudaEnvironment::default();
        let gpus = [("NVIDIA T4", 16), ("NVIDIA H100", 80)].map(|(model, gigabytes)| Gpu {
            bus_id: String::new(),
            uuid: String::new(),
            model: model.into(),
            memory_bytes: gigabytes << 30,
        });
        if !cfg!(feature = "cuda") {
            assert_eq!(cuda(0, &executable, &gpus, &all), Err(DeviceError::NoCuda));
        }
        std::fs::write(directory.path().join(CUDA_EXECUTABLE), "").expect("write");
        let missing = |ordinal, found| Err(DeviceError::NoSuchGpu { ordinal, found });
        assert_eq!(cuda(0, &executable, &[], &all), missing(0, 0));
        assert_eq!(cuda(2, &executable, &gpus, &all), missing(2, 2));
        let found = cuda(0, &executable, &gpus, &all).expect("listed");
        assert_eq!((found.choice.as_str(), found.device.model.as_str()), ("cuda:0", "NVIDIA T4"));
        assert_eq!(found.device.memory_bytes, 16 << 30);
        assert!(found.executable.ends_with(CUDA_EXECUTABLE));
        let second = CudaEnvironment { visible: Some("1".into()), is_bus_order: true };
        let found = cuda(0, &executable, &gpus, &second).expect("visible");
        assert_eq!((found.choice.as_str(), found.device.model.as_str()), ("cuda:0", "NVIDIA H100"));
        assert_eq!(cuda(1, &executable, &gpus, &second), missing(1, 1));
    }
}

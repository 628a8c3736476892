//! Named tensors in a safetensors file: written atomically, checked name by name when read.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};

use crate::error::TrainError;
use crate::model::Named;
use crate::transfer::bring;

/// Room for a file's header beside its numbers.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// What a file must hold: the shape of each tensor by name.
pub(crate) type Expected = BTreeMap<String, Vec<usize>>;

/// Writes tensors with one text of metadata. The file appears whole or not at all and is on disk on return.
pub(crate) fn write(path: &Path, tensors: &Named, metadata: (&str, String)) -> Result<(), TrainError> {
    let mut bytes = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let values: Vec<f32> = bring(&[tensor])?;
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        bytes.push((name.as_str(), tensor.dims().to_vec(), raw));
    }
    let failed = |source| TrainError::File { action: "written", path: path.to_owned(), source };
    let mut views = Vec::with_capacity(bytes.len());
    for (name, shape, raw) in &bytes {
        let view = TensorView::new(Dtype::F32, shape.clone(), raw)
            .map_err(|error| failed(io::Error::other(error)))?;
        views.push((*name, view));
    }
    let metadata = HashMap::from([(metadata.0.to_owned(), metadata.1)]);
    let file = serialize(views, Some(metadata)).map_err(|error| failed(io::Error::other(error)))?;
    write_atomically(path, &file).map_err(failed)
}

/// Writes beside the place, syncs, renames, and syncs the directory.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

/// A file's tensors on the CPU and its metadata.
pub(crate) struct WeightsFile {
    pub(crate) tensors: Named,
    pub(crate) metadata: HashMap<String, String>,
}

/// Reads a file whose bytes may be anything: names, shapes and types must be exactly the expected ones.
pub(crate) fn read(path: &Path, expected: &Expected) -> Result<WeightsFile, TrainError> {
    let unreadable = |source| TrainError::File { action: "read", path: path.to_owned(), source };
    let damaged = |reason: String| TrainError::Weights { path: path.to_owned(), reason };
    let most = expected.values().map(|shape| 4 * shape.iter().product::<usize>() as u64).sum::<u64>()
        + HEADER_BYTES_MAX;
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if length > most {
        return Err(damaged(format!("it has {length} bytes where at most {most} are expected")));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
    if let Some(name) = file.names().into_iter().find(|name| !expected.contains_key(*name)) {
        return Err(damaged(format!("it holds a tensor \"{}\" that does not belong", name.escape_debug())));
    }
    let mut tensors = Named::new();
    for (name, shape) in expected {
        let view = file.tensor(name).map_err(|_| damaged(format!("it lacks the tensor {name}")))?;
        if view.dtype() != Dtype::F32 || view.shape() != shape.as_slice() {
            return Err(damaged(format!(
                "its tensor {name} is {:?} {:?}, not F32 {shape:?}",
                view.dtype(),
                view.shape()
            )));
        }
        let values: Vec<f32> = view
            .data()
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(damaged(format!("its tensor {name} holds numbers that are not finite")));
        }
        tensors.insert(name.clone(), Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?);
    }
    Ok(WeightsFile { tensors, metadata: header.metadata().clone().unwrap_or_default() })
}

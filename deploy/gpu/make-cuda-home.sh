#!/usr/bin/env bash
# Assembles a folder with which the CUDA slot builds on a machine without GPU, driver or CUDA toolkit:
# nvcc, headers and the static runtime from PyPI wheels, and stubs to link against. x86_64 Linux;
# needs python3 with venv and cc; about 105 MB of downloads, 350 MB unpacked.
#
#     deploy/gpu/make-cuda-home.sh FOLDER && . FOLDER/env.sh
#
# A machine with a CUDA 13 toolkit needs none of this.
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
cargo fetch --locked --manifest-path "$here/../../Cargo.toml" # the stubs' names come from cudarc's sources

# 13.0 and no later: newer wheels emit PTX that a driver for CUDA 13.0 may refuse. Without --no-deps the
# compiler's own wheels would pull newer parts.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary=:all: \
    nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 \
    nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85
home=$(echo "$folder"/venv/lib/python3*/site-packages/nvidia/cu13)
ln -sfn "$home" "$folder/home"
ln -sfn lib "$home/lib64" # nvcc links from lib64
ln -sf libcudart.so.13 "$home/lib/libcudart.so"

cudarc=$(ls -d "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/cudarc-* | sort -V | tail -n 1)
python3 "$here/make_link_stubs.py" "$cudarc" "$folder/stubs"

# 80: PTX that any later GPU can compile for itself.
cat > "$folder/env.sh" <<ENV
export CUDA_HOME=$folder/home CUDA_COMPUTE_CAP=\${CUDA_COMPUTE_CAP:-80} LIBRARY_PATH=$folder/stubs
export PATH=$folder/home/bin:\$PATH
ENV
"$home/bin/nvcc" --version | tail -n 2

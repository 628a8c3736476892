#!/usr/bin/env bash
# Builds the CUDA slot, `sweep-worker-cuda`, in a target folder of its own, and puts it beside `sweep-worker`.
# With a CUDA 13 toolkit on the machine (nvcc on the PATH) that one is used, else one is assembled from wheels.
#
#     deploy/gpu/build.sh            # about 20 minutes on 2 cores
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v nvcc >/dev/null; then
    deploy/gpu/make-cuda-home.sh target/cuda-home
    # shellcheck disable=SC1091
    . target/cuda-home/env.sh
fi
CUDAFORGE_THREADS=${CUDAFORGE_THREADS:-1} cargo build --release --locked --target-dir target/cuda \
    -p worker --features cuda --bin sweep-worker-cuda
mkdir -p target/release
cp target/cuda/release/sweep-worker-cuda target/release/sweep-worker-cuda
strip target/release/sweep-worker-cuda
ls -l target/release/sweep-worker-cuda

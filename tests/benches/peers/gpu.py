"""Trains the same models on one GPU with lstm-sweep and PyTorch (cuDNN) by turns, and prints a table of ratios.

Every rate is a median over rounds. What the GPU can do at most is measured by PyTorch in the same process: a copy within its
memory, and a product of large matrices of 32-bit floats.
"""

import argparse
import statistics
import sys
from pathlib import Path

from compare import HERE, LENGTH, SHAPES, mean, operations, run


def ceilings():
    """Bytes per second of a copy, read and written; operations per second of a product in full single precision."""
    import torch

    def seconds_of(job, repeats):
        job()
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        found = []
        for _ in range(repeats):
            begin.record()
            job()
            end.record()
            torch.cuda.synchronize()
            found.append(begin.elapsed_time(end) / 1e3)
        return statistics.median(found)

    torch.backends.cuda.matmul.allow_tf32 = False
    size = 1 << 30
    source = torch.empty(size, dtype=torch.uint8, device="cuda").random_()
    target = torch.empty_like(source)
    copied = 2 * size / seconds_of(lambda: target.copy_(source), 10)
    side = 8192
    left, right = (torch.randn(side, side, device="cuda") for _ in range(2))
    product = 2 * side**3 / seconds_of(lambda: left @ right, 5)
    return copied, product


def measure(arguments, shape):
    """Median examples per second of both sides."""
    units, batch, size = shape
    rows = 20 * batch
    ours = [arguments.throughput, "device=cuda:0", f"units={units}", f"batch_size={batch}", f"embedding={size}"]
    ours += [f"length={LENGTH}", f"rows={rows}", f"seconds={arguments.seconds}"]
    theirs = [sys.executable, HERE / "torch_side.py", *shape, LENGTH, arguments.seconds, 8, 1, "cuda"]
    found = {"ours": [], "torch": []}
    for number in range(arguments.rounds):
        for name, command in (("ours", ours), ("torch", theirs)):
            found[name].append(run(command, 8)["examples_per_second"])
            print(f"{shape} round {number + 1} {name}: {found[name][-1]:.1f}", file=sys.stderr, flush=True)
    return {name: statistics.median(rates) for name, rates in found.items()}


def main():
    """Prints the ceilings and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--throughput", required=True, type=Path, help="the example, built with --features cuda")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each measures in each round")
    parser.add_argument("--shapes", default="0,1,2,3,4,5", help="which shapes, by place")
    arguments = parser.parse_args()
    copied, product = ceilings()
    print(f"copy {copied / 1e12:.2f} TB/s; product {product / 1e12:.1f} TFLOP/s (f32)")
    print("| units, batch, embedding | examples/s | vs PyTorch (cuDNN) | share of the product's limit |")
    print("|---|--:|--:|--:|")
    ratios = []
    for shape in (SHAPES[int(place)] for place in arguments.shapes.split(",")):
        rate = measure(arguments, shape)
        ratios.append(rate["ours"] / rate["torch"])
        share = rate["ours"] * operations(*shape)[0] / product
        label = ", ".join(map(str, shape))
        print(f"| {label} | {rate['ours']:.0f} | {ratios[-1]:.3f} | {share:.4f} |", flush=True)
    print(f"| geometric mean | | {mean(ratios):.3f} | |")


if __name__ == "__main__":
    main()

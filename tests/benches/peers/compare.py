"""Trains the same models with lstm-sweep, PyTorch, Keras and candle-nn by turns, and prints a table of ratios.

Every rate is a median over rounds; in each round everybody runs once, one after another, so that a machine's moods meet
all of them. Memory is the peak over rounds. The limit is a matrix product's, measured in the same rounds.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

SHAPES = [
    (32, 64, 32),
    (64, 32, 64),
    (128, 128, 128),
    (256, 64, 256),
    (128, 256, 512),
    (512, 128, 300),
]
LENGTH = 100
VOCABULARY = 10_000
HERE = Path(__file__).parent
# As a worker's agent starts its slots (worker/src/slot/process.rs).
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "1073741824"}


def run(command, threads, variables=None):
    threading = {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    environment = {**os.environ, **threading, **(variables or {})}
    output = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, check=False
    )
    if output.returncode != 0:
        sys.exit(f"{command} failed:\n{output.stdout}{output.stderr}")
    return json.loads(output.stdout.strip().splitlines()[-1])


def operations(units, batch, size):
    """Floating-point operations of one example: plain, and with each distinct token of a batch projected once."""
    recurrent, projection = 6 * units * 4 * units * LENGTH, 6 * size * 4 * units * LENGTH
    drawn = batch * LENGTH
    distinct = VOCABULARY * (1 - (1 - 1 / VOCABULARY) ** drawn)
    return recurrent + projection, recurrent + projection * distinct / drawn


class Sides:
    def __init__(self, arguments):
        self.examples, self.python = Path(arguments.examples), sys.executable
        self.seconds = arguments.seconds

    def ours(self, shape, trials, threads):
        units, batch, size = shape
        plain, _ = operations(*shape)
        # Epochs of about a second.
        steps = max(3, round(1e11 / plain / batch))
        return run(
            [
                self.examples / "throughput",
                f"units={units}",
                f"batch_size={batch}",
                f"embedding={size}",
                f"length={LENGTH}",
                f"rows={steps * batch}",
                f"trials={trials}",
                f"seconds={self.seconds}",
            ],
            threads,
            ALLOCATOR,
        )

    def limit(self, _shape):
        return run([self.examples / "throughput", "limit=768", f"seconds={self.seconds}"], 1)

    def torch(self, shape, processes, threads):
        script = HERE / "torch_side.py"
        return run([self.python, script, *shape, LENGTH, self.seconds, threads, processes], threads)

    def keras(self, shape):
        return run([self.python, HERE / "keras_side.py", *shape, LENGTH, self.seconds, 2], 2)

    def candle(self, shape):
        return run([self.examples / "candle_nn", *shape, LENGTH, math.ceil(self.seconds)], 2)


def measure(sides, shape, rounds, peers):
    jobs = {
        "limit": lambda: sides.limit(shape),
        "ours 2 x 1": lambda: sides.ours(shape, 2, 1),
        "torch 2 x 1": lambda: sides.torch(shape, 2, 1),
        "ours 1 x 2": lambda: sides.ours(shape, 1, 2),
        "torch 1 x 2": lambda: sides.torch(shape, 1, 2),
    }
    if "candle" in peers:
        jobs["candle-nn"] = lambda: sides.candle(shape)
    if "keras" in peers:
        jobs["keras"] = lambda: sides.keras(shape)
    found = {name: [] for name in jobs}
    for number in range(rounds):
        for name, job in jobs.items():
            found[name].append(job())
            rate = found[name][-1]["examples_per_second"]
            print(f"{shape} round {number + 1} {name}: {rate:.1f}", file=sys.stderr, flush=True)
    return {
        name: (
            statistics.median(one["examples_per_second"] for one in results),
            max(one["peak_memory_bytes"] for one in results),
        )
        for name, results in found.items()
    }


def measure_text(sides, file, shape, rounds):
    """Examples per second on an encoded dataset: two trials of one thread each."""
    units, batch, size = shape
    ours = [sides.examples / "throughput", f"dataset={file}", f"units={units}", f"batch_size={batch}"]
    ours += [f"embedding={size}", "pooling=last", "trials=2", f"seconds={sides.seconds}"]
    theirs = [sides.python, HERE / "torch_text.py", file, *shape, sides.seconds, 1, 2]
    jobs = {
        "ours": lambda: run(ours, 1, ALLOCATOR),
        "torch padded": lambda: run([*theirs, "padded"], 1),
        "torch packed": lambda: run([*theirs, "packed"], 1),
    }
    found = {name: [] for name in jobs}
    for number in range(rounds):
        for name, job in jobs.items():
            found[name].append(job()["examples_per_second"])
            print(f"{file} {shape} round {number + 1} {name}: {found[name][-1]:.1f}", file=sys.stderr, flush=True)
    rate = {name: statistics.median(rates) for name, rates in found.items()}
    label = f"{Path(file).stem}: {', '.join(map(str, shape))}"
    return label, rate["ours"] / rate["torch padded"], rate["ours"] / rate["torch packed"]


def text_table(rows):
    print("| text: units, batch, embedding | vs PyTorch padded | vs PyTorch packed, same buckets |")
    print("|---|--:|--:|")
    for label, padded, packed in rows:
        print(f"| {label} | {padded:.2f} | {packed:.2f} |")


def mean(ratios):
    return math.exp(statistics.mean(math.log(ratio) for ratio in ratios))


def table(results):
    columns = ["vs PyTorch, 2 trials x 1 thread", "vs PyTorch, 1 trial x 2 threads"]
    columns += [f"vs {name}" for name in ("candle-nn", "keras") if name in next(iter(results.values()))]
    columns += ["share of the limit", "memory / PyTorch's"]
    rows = []
    for shape, found in results.items():
        rate = {name: rate for name, (rate, _) in found.items()}
        memory = {name: memory for name, (_, memory) in found.items()}
        best = max(rate["ours 2 x 1"], rate["ours 1 x 2"])
        _, needed = operations(*shape)
        row = [rate["ours 2 x 1"] / rate["torch 2 x 1"], rate["ours 1 x 2"] / rate["torch 1 x 2"]]
        row += [best / rate[name] for name in ("candle-nn", "keras") if name in rate]
        # The limit is that of two threads: twice the operations per second of one.
        row += [rate["ours 2 x 1"] * needed / (2 * rate["limit"])]
        # Two of our trials share one process.
        row += [memory["ours 1 x 2"] / memory["torch 1 x 2"]]
        rows.append((shape, row))
    print("| units, batch, embedding | " + " | ".join(columns) + " |")
    print("|---|" + "--:|" * len(columns))
    for shape, row in rows:
        print(f"| {', '.join(map(str, shape))} | " + " | ".join(f"{value:.2f}" for value in row) + " |")
    means = [mean([row[place] for _, row in rows]) for place in range(len(columns))]
    print("| geometric mean | " + " | ".join(f"{value:.2f}" for value in means) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", required=True, help="the folder with the built examples")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each measures in each round")
    parser.add_argument("--peers", default="candle,keras", help="beside PyTorch: candle, keras, or nothing")
    parser.add_argument("--shapes", default="0,1,2,3,4,5", help="which shapes, by place")
    parser.add_argument("--text", nargs="*", default=[], help="encoded datasets (made by the example `encode`)")
    parser.add_argument("--json", help="a file for the medians")
    arguments = parser.parse_args()
    chosen = [SHAPES[int(place)] for place in arguments.shapes.split(",")]
    sides, peers = Sides(arguments), arguments.peers.split(",")
    if arguments.text:
        text_table([measure_text(sides, file, shape, arguments.rounds) for file in arguments.text for shape in chosen])
        return
    results = {shape: measure(sides, shape, arguments.rounds, peers) for shape in chosen}
    table(results)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps([[shape, found] for shape, found in results.items()]))


if __name__ == "__main__":
    main()

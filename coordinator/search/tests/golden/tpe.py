"""Writes tpe.json beside this file: what Optuna's TPE makes of small histories, to check our densities and rankings against.

    python -m venv venv && venv/bin/pip install optuna==5.0.0 numpy==2.4.6
    venv/bin/python coordinator/search/tests/golden/tpe.py

Each case of `densities` is a space, observations in the order of their trials, and the logarithm of the density of Optuna's Parzen
estimator at some points; where there is one axis of numbers also the means and deviations of its kernels, the prior's last. Levels that
are numbers are whole numbers for Optuna: their ranks. Optuna sorts with NumPy's default, which exchanges equal values in its own ways, so
the order of equal observations is made that of their trials. Each case of `splits` is a list of trials, each with its state, score
and epochs, and the numbers of those that Optuna counts among the good ones. `weights` are those of the observations and the prior, for some numbers of observations.
"""

import json
import math
import pathlib

import numpy
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe import parzen_estimator, sampler


class StableNumpy:
    """NumPy whose argsort keeps the order of equal values."""

    def __getattr__(self, name):
        return getattr(numpy, name)

    def argsort(self, values):
        return numpy.argsort(values, kind="stable")


parzen_estimator.np = StableNumpy()

POINTS = 10
CELLS = ["simple_rnn", "lstm", "gru"]
AXES = {
    "dropout": ({"min": 0.0, "max": 0.5, "log": False}, FloatDistribution(0.0, 0.5)),
    "learning_rate": ({"min": 3e-4, "max": 1e-2, "log": True}, FloatDistribution(3e-4, 1e-2, log=True)),
    "gradient_clip": ({"min": 0.0, "max": 0.5, "log": False, "step": 0.1}, FloatDistribution(0.0, 0.5, step=0.1)),
    "units": ({"min": 8, "max": 256, "log": True}, IntDistribution(8, 256, log=True)),
    "batch_size": ({"min": 8, "max": 64, "log": False, "step": 4}, IntDistribution(8, 64, step=4)),
    "embedding": ({"min": 1, "max": 4000, "log": False}, IntDistribution(1, 4000)),
    "layers": ({"levels": [1, 2, 3, 6]}, IntDistribution(0, 3)),
    "cell": ({"levels": CELLS}, CategoricalDistribution(CELLS)),
}
STATES = {
    "completed": optuna.trial.TrialState.COMPLETE,
    "pruned": optuna.trial.TrialState.PRUNED,
    "running": optuna.trial.TrialState.RUNNING,
}
PARAMETERS = parzen_estimator._ParzenEstimatorParameters(
    prior_weight=1.0, consider_magic_clip=True, consider_endpoints=False, weights=sampler.default_weights, multivariate=True
)


def value(name, random):
    axis, distribution = AXES[name]
    if "levels" in axis:
        return int(random.integers(len(axis["levels"])))
    low, high = (
        (math.log(distribution.low), math.log(distribution.high)) if distribution.log else (distribution.low, distribution.high)
    )
    drawn = low + random.random() * (high - low)
    drawn = math.exp(drawn) if distribution.log else drawn
    if isinstance(distribution, IntDistribution):
        return int(distribution.low + round((drawn - distribution.low) / distribution.step) * distribution.step)
    if distribution.step:
        return round(round(drawn / distribution.step) * distribution.step, 12)
    return float(f"{drawn:.5e}")


def written(name, number):
    levels = AXES[name][0].get("levels")
    return levels[number] if levels else number


def density(names, count, random):
    space = {name: AXES[name][1] for name in names}
    observations = {name: [value(name, random) for _ in range(count)] for name in names}
    points = {name: [value(name, random) for _ in range(POINTS)] for name in names}
    arrays = {name: numpy.asarray(of, dtype=float) for name, of in observations.items()}
    estimator = parzen_estimator._ParzenEstimator(arrays, space, PARAMETERS)
    kernel = estimator._mixture_distribution.distributions[0]
    is_shown = len(names) == 1 and hasattr(kernel, "mu")
    return {
        "axes": [{"hyperparameter": name, **AXES[name][0]} for name in names],
        "observations": [[written(name, observations[name][at]) for name in names] for at in range(count)],
        "points": [[written(name, points[name][at]) for name in names] for at in range(POINTS)],
        "means": short(kernel.mu) if is_shown else [],
        "deviations": short(kernel.sigma) if is_shown else [],
        "log_densities": short(estimator.log_pdf({name: numpy.asarray(of, dtype=float) for name, of in points.items()})),
    }


def short(numbers):
    return [float(f"{number:.12g}") for number in numbers]


def weights(count):
    estimator = parzen_estimator._ParzenEstimator({"units": numpy.full(count, 9.0)}, {"units": AXES["units"][1]}, PARAMETERS)
    return short(estimator._mixture_distribution.weights)


def split(count, states, random):
    study = optuna.create_study()
    trials, rows = [], []
    for number in range(count):
        state = states[int(random.integers(len(states)))]
        epochs, score = int(random.integers(1, 6)), round(float(random.random()), 2)
        trial = optuna.trial.create_trial(
            state=STATES[state],
            value=score if state == "completed" else None,
            intermediate_values={epochs: score} if state != "running" else {},
        )
        trial.number = number
        trials.append(trial)
        rows.append([state, score, epochs])
    finished = sum(state != "running" for state, _, _ in rows)
    good, _ = sampler._split_trials(study, trials, sampler.default_gamma(finished))
    return {"trials": rows, "good": [trial.number for trial in good]}


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    random = numpy.random.default_rng(20261130)
    densities = [density([name], count, random) for name in AXES for count in (0, 1, 2, 5)]
    densities += [density([name], 105, random) for name in ("dropout", "batch_size", "cell")]
    densities += [density(["learning_rate", "units", "cell", "layers"], count, random) for count in (3, 26, 40)]
    densities.append(density(list(AXES), 60, random))
    states = (["completed"], ["pruned"], ["completed", "pruned", "running"], ["completed"] + 12 * ["pruned"])
    splits = [split(count, of, random) for count in (10, 11, 60) for of in states]
    splits.append(split(270, ["completed"], random))
    goldens = {"weights": [weights(count) for count in (0, 1, 24, 25, 26, 27, 40)], "densities": densities, "splits": splits}
    path = pathlib.Path(__file__).with_name("tpe.json")
    text = json.dumps(goldens, separators=(",", ":"))
    path.write_text(text.replace('{"axes"', '\n{"axes"').replace('{"trials"', '\n{"trials"') + "\n")


main()

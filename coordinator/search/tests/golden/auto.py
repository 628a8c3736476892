"""Makes auto.json: what the model of `auto` must give, by the textbook's formulas with dense inverses (NumPy) and SciPy.

    pip install numpy==2.4.6 scipy==1.17.1 && python3 auto.py > auto.json
"""
import json

import numpy as np
from scipy.stats import multivariate_normal, norm

rng = np.random.default_rng(20261130)
LENGTH, LEVEL_VARIANCE = 0.6, 0.01
# Two numeric axes and a categorical one.
places = [[0.0, 0.25, 1.0], [0.0, 1.0], [0.0, 0.5]]
points = np.array([[a, b, c] for a in places[0] for b in places[1] for c in places[2]])
count, axes, replicates = len(points), 3, 3


def matern(distance):
    return (1 + np.sqrt(5) * distance + 5 / 3 * distance**2) * np.exp(-np.sqrt(5) * distance)


similar = [matern(np.abs(points[:, None, j] - points[None, :, j]) / LENGTH) for j in range(2)]
similar.append((points[:, None, 2] == points[None, :, 2]).astype(float))

prior_mean = np.log([0.04, 0.5, 0.5, 0.5, 0.002, 0.012, 0.006])
prior_deviation = np.array([1.0, 1.2, 1.2, 1.2, 0.8, 0.7, 0.8])
prior_mean = np.r_[prior_mean, 0, 0, 0]
prior_deviation = np.r_[prior_deviation, 0.2, 0.2, 0.2]


def parts(whitened):
    t = prior_mean + prior_deviation * whitened
    smooth = np.exp(2 * t[0]) * (np.prod([1 + np.exp(t[1 + j]) * similar[j] for j in range(3)], axis=0) - 1)
    f = smooth + np.exp(2 * t[4]) * np.eye(count) + LEVEL_VARIANCE
    noise = np.exp(2 * t[5]) * np.exp(2 * (points[:, :2] - 0.5) @ t[7:9])  # categories have no order
    return f, noise, np.exp(2 * t[6])


trials = [(0, 0), (0, 1), (3, 0), (5, 0), (5, 1), (7, 0), (8, 2), (11, 0)]
c = np.array([one for one, _ in trials])
r = np.array([one for _, one in trials])
value = np.round(-0.7 + 0.05 * rng.normal(size=len(trials)), 6)
extra = np.array([0, 0, 0, 0.001, 0, 0, 0.0004, 0])
level = -0.68
DOUBT, MARGIN = 0.0003, 0.01


def negative_log_posterior(whitened):
    f, noise, block = parts(whitened)
    k = f[np.ix_(c, c)] + block * (r[:, None] == r[None, :]) + np.diag(noise[c] + extra)
    y = value - level
    return 0.5 * (y @ np.linalg.inv(k) @ y + np.linalg.slogdet(k)[1] + whitened @ whitened)


def belief(whitened):
    """Mean and covariance of all candidates' scores and of what replicates add."""
    f, noise, block = parts(whitened)
    state = np.zeros((count + replicates,) * 2)
    state[:count, :count] = f
    state[count:, count:] = block * np.eye(replicates)
    h = np.zeros((len(trials), count + replicates))
    h[np.arange(len(trials)), c] = 1
    h[np.arange(len(trials)), count + r] = 1
    k = h @ state @ h.T + np.diag(noise[c] + extra)
    gain = state @ h.T @ np.linalg.inv(k)
    prior = np.r_[np.full(count, level), np.zeros(replicates)]
    return prior + gain @ (value - h @ prior), state - gain @ h @ state, noise


def knowledge_gradient(whitened):
    mean, covariance, noise = belief(whitened)
    nodes = norm.ppf((np.arange(15) + 0.5) / 15)
    gains = []
    for one in range(count):
        moves = covariance[:, one] + covariance[:, count]
        moves = moves / np.sqrt(moves[one] + moves[count] + noise[one])
        gains.append(mean[:count].min() - np.mean([(mean + moves * node)[:count].min() for node in nodes]))
    return gains


def gain_of_going_on(whitened, at):
    """The same of the trial of observation `at`: all scores are foretold, alike, and this one is going to be known, with the noise it has."""
    f, noise, block = parts(whitened)
    k = f[np.ix_(c, c)] + block * (r[:, None] == r[None, :]) + np.diag(noise[c] + DOUBT)
    one = c[at]
    # Candidates, and the trial's score.
    prior = np.block([[f, f[:, [one]]], [f[[one], :], f[one, one] + block + noise[one]]])
    seen = np.vstack([f[:, c], f[one, c] + block * (r == r[at]) + noise[one] * (np.arange(len(c)) == at)])
    after = prior - seen @ np.linalg.inv(k) @ seen.T
    mean = np.full(count, level)  # Nobody knows of any difference so far.
    moves = after[:count, count] / np.sqrt(after[count, count])
    nodes = norm.ppf((np.arange(15) + 0.5) / 15)
    return mean.min() - np.mean([(mean + moves * node).min() for node in nodes])


def surely(whitened, margin):
    """The named configuration, and the probability that none is better by more than the margin."""
    mean, covariance, _ = belief(whitened)
    named = int(min(set(c.tolist()), key=lambda one: mean[one]))
    others = [one for one in range(count) if one != named]
    gap = np.zeros((len(others), count + replicates))
    gap[np.arange(len(others)), others] = 1
    gap[:, named] = -1
    probability = multivariate_normal.cdf(
        np.full(len(others), margin), mean=-gap @ mean, cov=gap @ covariance @ gap.T, allow_singular=True,
        maxpts=4_000_000, abseps=1e-5, rng=np.random.default_rng(1))
    return named, float(probability)


cases = []
for whitened in (np.zeros(10), np.round(rng.normal(size=10), 3)):
    mean, covariance, noise = belief(whitened)
    named, probability = surely(whitened, 0.01)
    cases.append(dict(
        whitened=whitened.tolist(), negative_log_posterior=negative_log_posterior(whitened), mean=mean.tolist(),
        covariance=covariance.tolist(), noise=noise.tolist(), gains=knowledge_gradient(whitened),
        gains_of_going_on=[gain_of_going_on(whitened, at) for at in range(len(c))], named=named,
        probability=probability))

# A finer grid of two numeric axes, where many may be better than the named one.
fine = np.array([[a / 7, b / 4] for a in range(8) for b in range(5)])
tried = [0, 7, 19, 22, 34, 39]
fine_values = np.round(-0.7 + 0.03 * np.abs(fine[tried] - [0.6, 0.4]).sum(axis=1), 6)
parameters = np.exp(2 * prior_mean[[0, 4, 5, 6]])
fine_similar = [matern(np.abs(fine[:, None, j] - fine[None, :, j]) / LENGTH) for j in range(2)]
fine_f = parameters[0] * (np.prod([1 + 0.5 * one for one in fine_similar], axis=0) - 1)
fine_f += parameters[1] * np.eye(len(fine)) + LEVEL_VARIANCE
k = fine_f[np.ix_(tried, tried)] + parameters[3] + parameters[2] * np.eye(len(tried))
gain = fine_f[:, tried] @ np.linalg.inv(k)
fine_mean, fine_covariance = level + gain @ (fine_values - level), fine_f - gain @ fine_f[tried]
fine_named = min(tried, key=lambda one: fine_mean[one])
gap = np.delete(np.eye(len(fine)) - np.eye(len(fine))[fine_named], fine_named, axis=0)
below, spread = -gap @ fine_mean, gap @ fine_covariance @ gap.T


def unbeaten(rivals):
    return float(multivariate_normal.cdf(
        MARGIN - below[rivals], cov=spread[np.ix_(rivals, rivals)], allow_singular=True, maxpts=4_000_000,
        abseps=1e-5, rng=np.random.default_rng(2)))


chances = norm.cdf((below - MARGIN) / np.sqrt(np.diag(spread)))
most_dangerous = np.argsort(-chances)[:16]
many = dict(points=fine.tolist(), tried=tried, values=fine_values.tolist(), named=int(fine_named), margin=MARGIN,
            probability=unbeaten(np.arange(len(gap))), probability_against_sixteen=unbeaten(most_dangerous))

# Learning curves: six finished trials teach what is left after two epochs.
chance = float(np.log(2))
curves = {key: np.round(0.5 + 0.15 * np.exp(-rng.uniform(0.3, 1.5) * np.arange(1, 7)) + 0.01 * rng.normal(size=6), 6)
          for key in [(0, 0), (0, 1), (3, 0), (5, 0), (7, 0), (11, 2)]}


def features(configuration, losses):
    best = np.minimum.accumulate(losses)
    before = best[-2] if len(best) > 1 else chance
    gain = np.log(before / losses[-1]) if losses[-1] < before else -np.log(losses[-1] / best[-1])
    return np.r_[8 * max(0, np.log(chance / best[-1])), 15 * np.clip(gain, -0.15, 0.15), 2 * points[configuration]]


open_trial = (8, [0.66, 0.61])
F = np.array([features(key[0], losses[:2]) for key, losses in sorted(curves.items())])
change = np.array([np.log(losses.min() / losses[:2].min()) for _, losses in sorted(curves.items())])
m, v = change.mean(), change.var() + 1e-6
unit = lambda a, b: np.exp(-0.5 * ((a[:, None] - b[None]) ** 2).sum(-1))
inverse = np.linalg.inv(v * unit(F, F) + (0.1 * v + 0.002**2) * np.eye(len(F)))
near = v * unit(F, features(*open_trial)[None])[:, 0]
outlook = [min(0.0, m + near @ inverse @ (change - m)), 4 * (v + 0.002**2 - near @ inverse @ near)]

golden = dict(
    points=points.tolist(), trials=trials, values=value.tolist(), extra=extra.tolist(), level=level, cases=cases, many=many, doubt=DOUBT,
    curves=[[list(key), losses.tolist()] for key, losses in sorted(curves.items())],
    open_trial=[open_trial[0], open_trial[1]], outlook=[float(one) for one in outlook])
print("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(part)}" for key, part in golden.items()) + "\n}")

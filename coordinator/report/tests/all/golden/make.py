"""Writes golden.json: what statsmodels, SciPy, NumPy and Optuna compute for small factorials, to check the analysis against.

    python -m venv venv && venv/bin/pip install statsmodels==0.15.0 scipy==1.17.1 optuna==5.0.0 scikit-learn pandas numpy
    venv/bin/python make.py > golden.json
    venv/bin/python make.py paired > paired.json

Sums of squares come from statsmodels' least squares on treatment contrasts, tests from its analysis of variance of repeated
measures (AnovaRM, the replicate being the subject), comparisons of levels from its t tests of contrasts between each
replicate's level means, Holm's correction from its multipletests, the studentised range from SciPy, intervals of means from the
mixed model's strata written out as matrices (between Satterthwaite's and Cochran's critical value; mixed.R has variance and degrees of freedom from lme4), the
probability of being the best and the range of the noise from ten million draws out of that covariance, permutations from going through all of them, and PED-ANOVA and fANOVA from Optuna, also with every fourth trial
missing. The forest of Optuna's fANOVA is scikit-learn's, and draws its own numbers: means over many trees come with their spread.
Paired differences of two sweeps come from SciPy's ttest_rel, their correction from multipletests.
"""

import itertools
import json
import sys

import numpy
import optuna
import pandas
from optuna.importance._fanova._fanova import _Fanova
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.anova import AnovaRM, anova_lm
from statsmodels.stats.multitest import multipletests

TREES = 1000
NAMES = ["units", "embedding", "batch_size", "layers"]
DESIGNS = {
    # Axes, replicates, planted main effects per level step, planted interaction of the first two, seed, noise.
    "planted": ([3, 3, 2], 3, [0.010, 0.050, 0.015], 0.012, 0.01, 0.008),
    "two axes": ([2, 4], 5, [0.0, 0.02], 0.0, 0.0, 0.03),
    "four axes": ([2, 2, 3, 2], 2, [0.05, 0.0, 0.04, 0.0], 0.03, 0.05, 0.02),
    "nothing": ([3, 3], 4, [0.0, 0.0], 0.0, 0.02, 0.02),
}


def rows_of(design, random):
    levels, replicates, effects, interaction, seed, noise = design
    seeds = random.normal(0, seed, replicates)
    rows = []
    for cell in itertools.product(*map(range, levels)):
        for replicate in range(replicates):
            loss = 0.7 + seeds[replicate] + random.normal(0, noise) + interaction * cell[0] * cell[1]
            loss -= sum(effect * level for effect, level in zip(effects, cell))
            rows.append([*cell, replicate, round(loss, 6)])
    return pandas.DataFrame(rows, columns=[*NAMES[: len(levels)], "replicate", "loss"])


def anova(frame, names):
    factors = " * ".join(f"C({name})" for name in names)
    table = anova_lm(ols(f"loss ~ {factors} + C(replicate)", frame).fit(), typ=2)
    total = ((frame.loss - frame.loss.mean()) ** 2).sum()
    repeated = AnovaRM(frame, "loss", "replicate", within=names).fit().anova_table
    lines = []
    for source, line in table.iterrows():
        of = [part.removeprefix("C(").removesuffix(")") for part in source.split(":")]
        test = repeated.loc[":".join(of)] if ":".join(of) in repeated.index else None
        noise = None if test is None else line.sum_sq / line.df / test["F Value"]
        lines.append({
            "of": of,
            "df": line.df,
            "ss": line.sum_sq,
            "error_df": None if test is None else test["Den DF"],
            "f": None if test is None else test["F Value"],
            "p": None if test is None else test["Pr > F"],
            "eta": line.sum_sq / total,
            "omega": None if test is None else max(0.0, (line.sum_sq - line.df * noise) / (total + noise)),
        })
    return lines


def comparisons(frame, axis):
    """Differences of marginal means as contrasts of each replicate's level means, with replicates as blocks."""
    means = frame.groupby([axis, "replicate"], as_index=False).loss.mean()
    levels = sorted(frame[axis].unique())
    design = numpy.column_stack(
        [means[axis] == level for level in levels]
        + [means.replicate == replicate for replicate in sorted(frame.replicate.unique())[1:]]
    ).astype(float)
    fit = OLS(means.loss.to_numpy(), design).fit()
    found = []
    for other, level in itertools.combinations(levels, 2):
        contrast = numpy.zeros(design.shape[1])
        contrast[levels.index(level)], contrast[levels.index(other)] = 1, -1
        test = fit.t_test(contrast)
        low, high = test.conf_int(alpha=0.05)[0]
        found.append([int(level), int(other), float(test.effect[0]), low, high, float(test.pvalue)])
    corrected = multipletests([one[5] for one in found], method="holm")[1]
    return [[*one[:5], p] for one, p in zip(found, corrected)]


def strata(frame, names):
    """Each projection on the configurations, in their order, with the mean square of its interaction with the replicates."""
    counts = [frame[name].nunique() for name in names]
    table = frame.sort_values([*names, "replicate"]).loss.to_numpy().reshape(-1, frame.replicate.nunique())
    average = lambda size: numpy.full((size, size), 1 / size)
    noise = table - table.mean(1, keepdims=True)
    found = []
    for chosen in itertools.product([False, True], repeat=len(names)):
        projection = numpy.ones((1, 1))
        for count, is_chosen in zip(counts, chosen):
            projection = numpy.kron(projection, numpy.eye(count) - average(count) if is_chosen else average(count))
        degrees = round(numpy.trace(projection)) * (table.shape[1] - 1)
        found.append((chosen, projection, (noise * (projection @ noise)).sum() / degrees, degrees))
    # Interactions of more than three are one stratum.
    higher = [one for one in found if sum(one[0]) > 3]
    if higher:
        degrees = sum(one[3] for one in higher)
        pooled = sum(one[2] * one[3] for one in higher) / degrees
        found = [one for one in found if sum(one[0]) <= 3]
        found.append((None, sum(one[1] for one in higher), pooled, degrees))
    return table, found


def interval(frame, names, chosen):
    """Mean of the chosen configurations under the mixed model, 15 % of the way from Satterthwaite's to Cochran's interval."""
    table, found = strata(frame, names)
    if table.shape[1] < 3:
        return None
    ordered = frame[frame.replicate == 0].sort_values(names)
    weights = chosen(ordered).to_numpy() / chosen(ordered).sum()
    parts = [(weights @ projection @ weights * square, degrees) for _, projection, square, degrees in found]
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    cochran = sum(part * stats.t.ppf(0.975, degrees) for part, degrees in parts) / variance
    critical = 0.85 * stats.t.ppf(0.975, freedom) + 0.15 * cochran
    reach = critical * numpy.sqrt(variance / table.shape[1])
    centre = weights @ table.mean(1)
    return [centre - reach, centre + reach]


def best(frame, names, random):
    table, found = strata(frame, names)
    cells, replicates = table.shape
    wins, ranges = numpy.zeros(cells), []
    # The orthonormal vectors of each stratum but that of whole replicates.
    bases = [numpy.linalg.svd(projection)[0][:, : round(numpy.trace(projection))] for _, projection, _, _ in found[1:]]
    for _ in range(100):
        noise = numpy.zeros((100_000, cells))
        for basis, (_, _, square, degrees) in zip(bases, found[1:]):
            scale = numpy.sqrt(square * degrees / random.chisquare(degrees, (100_000, 1)) / replicates)
            noise += scale * random.standard_normal((100_000, basis.shape[1])) @ basis.T
        wins += numpy.bincount((table.mean(1) + noise).argmin(1), minlength=cells)
        ranges.append(numpy.quantile(noise.max(1) - noise.min(1), 0.95))
    range_critical = stats.studentized_range.ppf(0.95, cells, (cells - 1) * (replicates - 1))
    return list(wins / wins.sum()), range_critical, float(numpy.mean(ranges))


def permuted(frame, axis):
    table = frame.pivot_table(index="replicate", columns=axis, values="loss").to_numpy()
    orders = list(itertools.permutations(range(table.shape[1])))
    if len(orders) ** (len(table) - 1) > 10_000:
        return None
    statistic = lambda rows: ((rows.sum(0) - rows.sum() / rows.shape[1]) ** 2).sum()
    observed = statistic(table)
    found = [
        statistic(numpy.array([table[0], *(row[list(order)] for row, order in zip(table[1:], chosen))]))
        for chosen in itertools.product(orders, repeat=len(table) - 1)
    ]
    return float(numpy.mean(numpy.array(found) >= observed - 1e-12))


def importance(frame, names):
    choices = {name: sorted(map(int, frame[name].unique())) for name in names}
    distributions = {name: optuna.distributions.CategoricalDistribution(of) for name, of in choices.items()}
    study = optuna.create_study()
    for _, row in frame.iterrows():
        params = {name: int(row[name]) for name in names}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=row.loss))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return [shares[name] for name in names]


def forest(frame, names, levels):
    """Mean and spread over trees of the share of each hyperparameter, then of each pair."""
    # A level is the unit interval around its place, so that each weighs the same.
    spaces = numpy.array([[-0.5, count - 0.5] for count in levels])
    columns = [numpy.array([at]) for at in range(len(names))]
    evaluator = _Fanova(n_trees=TREES, max_depth=64, min_samples_split=2, min_samples_leaf=1, seed=0)
    evaluator.fit(frame[names].to_numpy(float), frame.loss.to_numpy(), spaces, columns)
    total = numpy.array([tree.variance for tree in evaluator._trees])
    of = lambda axes: numpy.array([tree.get_marginal_variance(numpy.array(axes)) for tree in evaluator._trees])
    alone = [of([at]) for at in range(len(names))]
    pairs = itertools.combinations(range(len(names)), 2)
    shares = alone + [of([first, second]) - alone[first] - alone[second] for first, second in pairs]
    return [[float((share / total).mean()), float((share / total).std(ddof=1))] for share in shares]


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    random, draws = numpy.random.default_rng(20), numpy.random.default_rng(22)
    golden = []
    for name, design in DESIGNS.items():
        frame = rows_of(design, random)
        names = NAMES[: len(design[0])]
        probabilities, range_critical, range_reach = best(frame, names, draws)
        cells = frame[names].drop_duplicates()
        golden.append({
            "name": name,
            "levels": design[0],
            "replicates": design[1],
            "losses": list(frame.loss),
            "anova": anova(frame, names),
            "best": probabilities,
            "range_critical": range_critical,
            "range_reach": range_reach,
            "importance": importance(frame, names),
            "importance_without_every_fourth": importance(frame[frame.index % 4 != 0], names),
            "forest": forest(frame, names, design[0]),
            "forest_without_every_fourth": forest(frame[frame.index % 4 != 0], names, design[0]),
            "configuration_intervals": [
                interval(frame, names, lambda rows, cell=cell: (rows[names] == cell).all(axis=1))
                for _, cell in cells.iterrows()
            ],
            "axes": [
                {
                    "name": axis,
                    "intervals": [
                        interval(frame, names, lambda rows, level=level: rows[axis] == level)
                        for level in range(count)
                    ],
                    "comparisons": comparisons(frame, axis),
                    "permutation_p": permuted(frame, axis),
                }
                for axis, count in zip(names, design[0])
            ],
        })
    json.dump(golden, sys.stdout, indent=1)
    print()


def test_of(first, second):
    found = stats.ttest_rel(second, first)
    interval = found.confidence_interval(0.95)
    difference = second - first
    return {
        "mean": difference.mean(),
        "standard_deviation": difference.std(ddof=1),
        "interval": [interval.low, interval.high],
        "p": found.pvalue,
    }


def paired():
    """Two sweeps of 2 x 3 configurations and 5 seeds, of which the second gains more from some than from others."""
    random = numpy.random.default_rng(21)
    seeds = random.normal(0, 0.02, 5)
    shape = (6, 5)
    first = numpy.round(0.7 + seeds + random.normal(0, 0.01, shape), 6)
    gain = numpy.array([0.0, 0.005, 0.01, 0.02, 0.03, 0.06])[:, None]
    second = numpy.round(0.7 + seeds - gain + random.normal(0, 0.01, shape), 6)
    pairs = [test_of(*rows) for rows in zip(first, second)]
    corrected = multipletests([pair["p"] for pair in pairs], method="holm")[1]
    golden = {
        "losses": [first.tolist(), second.tolist()],
        "pairs": [{**pair, "p_holm": p} for pair, p in zip(pairs, corrected)],
        "overall": test_of(first.mean(0), second.mean(0)),
    }
    json.dump(golden, sys.stdout, indent=1)
    print()


paired() if sys.argv[1:] == ["paired"] else main()

"""Writes golden.json: what statsmodels, SciPy, NumPy and Optuna compute for small factorials, to check the analysis against.

    python -m venv venv && venv/bin/pip install statsmodels==0.15.0 scipy==1.17.1 optuna==5.0.0 scikit-learn pandas numpy
    venv/bin/python make.py > golden.json
    venv/bin/python make.py paired > paired.json

The analysis of variance comes from statsmodels' least squares on treatment contrasts, comparisons of levels from
its t tests of contrasts, Holm's correction from its multipletests, the studentised range from SciPy, intervals of
means from the mixed model's covariance written out as matrices, the probability of being the best from ten million
draws, permutations from going through all of them, and PED-ANOVA and fANOVA from Optuna, also with every fourth trial
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
from statsmodels.stats.anova import anova_lm
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
    noise = table.loc["Residual", "sum_sq"] / table.loc["Residual", "df"]
    lines = []
    for source, line in table.iterrows():
        of = [part.removeprefix("C(").removesuffix(")") for part in source.split(":")]
        lines.append({
            "of": of,
            "df": line.df,
            "ss": line.sum_sq,
            "f": None if numpy.isnan(line.F) else line.F,
            "p": None if numpy.isnan(line["PR(>F)"]) else line["PR(>F)"],
            "eta": line.sum_sq / total,
            "omega": max(0.0, (line.sum_sq - line.df * noise) / (total + noise)),
        })
    return lines


def comparisons(frame, names, axis):
    """Differences of marginal means as contrasts of a cell-means model with replicates as blocks."""
    cells = frame[names].drop_duplicates().reset_index(drop=True)
    index = frame.merge(cells.reset_index(), on=names).sort_values([*names, "replicate"])["index"]
    ordered = frame.sort_values([*names, "replicate"])
    design = numpy.zeros((len(ordered), len(cells) + ordered.replicate.nunique() - 1))
    design[numpy.arange(len(ordered)), index.to_numpy()] = 1
    for replicate in range(1, ordered.replicate.nunique()):
        design[:, len(cells) + replicate - 1] = ordered.replicate == replicate
    from statsmodels.regression.linear_model import OLS

    fit = OLS(ordered.loss.to_numpy(), design).fit()
    levels = sorted(frame[axis].unique())
    found = []
    for other, level in itertools.combinations(levels, 2):
        contrast = numpy.zeros(design.shape[1])
        for cell in range(len(cells)):
            share = (cells[axis] == cells[axis][cell]).sum()
            contrast[cell] += ((cells[axis][cell] == level) - 1.0 * (cells[axis][cell] == other)) / share
        test = fit.t_test(contrast)
        low, high = test.conf_int(alpha=0.05)[0]
        found.append([int(level), int(other), float(test.effect[0]), low, high, float(test.pvalue)])
    corrected = multipletests([one[5] for one in found], method="holm")[1]
    return [[*one[:5], p] for one, p in zip(found, corrected)]


def interval(frame, names, chosen):
    """Mean of the chosen rows under the mixed model, between Satterthwaite's and Cochran's interval."""
    ordered = frame.sort_values(["replicate", *names]).reset_index(drop=True)
    cells, replicates = len(ordered) // ordered.replicate.nunique(), ordered.replicate.nunique()
    y = ordered.loss.to_numpy()
    weights = chosen(ordered).to_numpy() / chosen(ordered).sum()
    average = lambda size: numpy.full((size, size), 1 / size)
    centre = lambda size: numpy.eye(size) - average(size)
    blocks = numpy.kron(centre(replicates), average(cells)) / (replicates - 1)
    rest = numpy.kron(centre(replicates), centre(cells)) / ((replicates - 1) * (cells - 1))
    mean_squares = [y @ blocks @ y, y @ rest @ y]
    seed = (mean_squares[0] - mean_squares[1]) / cells
    covariance = seed * numpy.kron(numpy.eye(replicates), numpy.ones((cells, cells)))
    covariance += mean_squares[1] * numpy.eye(len(y))
    variance = weights @ covariance @ weights
    # The variance is a sum of both mean squares: its weights by pretending that each is one, the other nought.
    by_blocks = weights @ numpy.kron(numpy.eye(replicates), numpy.ones((cells, cells))) @ weights / cells
    by_rest = weights @ weights - by_blocks
    parts = [by_blocks * mean_squares[0], by_rest * mean_squares[1]]
    of_parts = [replicates - 1, (replicates - 1) * (cells - 1)]
    freedom = sum(parts) ** 2 / sum(part**2 / of_part for part, of_part in zip(parts, of_parts))
    cochran = numpy.average([stats.t.ppf(0.975, of_part) for of_part in of_parts], weights=parts)
    reach = (stats.t.ppf(0.975, freedom) + cochran) / 2 * numpy.sqrt(variance)
    return [weights @ y - reach, weights @ y + reach]


def best(frame, names, random):
    table = frame.pivot_table(index=names, columns="replicate", values="loss").to_numpy()
    cells, replicates = table.shape
    residual = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean()
    freedom = (cells - 1) * (replicates - 1)
    error = numpy.sqrt((residual**2).sum() / freedom / replicates)
    wins = numpy.zeros(cells)
    for _ in range(100):
        scale = numpy.sqrt(freedom / random.chisquare(freedom, 100_000))
        drawn = table.mean(1) + error * scale[:, None] * random.standard_normal((100_000, cells))
        wins += numpy.bincount(drawn.argmin(1), minlength=cells)
    range_critical = stats.studentized_range.ppf(0.95, cells, freedom)
    return list(wins / wins.sum()), range_critical, range_critical * error


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
    random = numpy.random.default_rng(20)
    golden = []
    for name, design in DESIGNS.items():
        frame = rows_of(design, random)
        names = NAMES[: len(design[0])]
        probabilities, range_critical, range_reach = best(frame, names, random)
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
                    "comparisons": comparisons(frame, names, axis),
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

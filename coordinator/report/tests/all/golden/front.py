"""Writes front.json: fronts that pymoo's non-dominated sorting finds, to check `coordinator_statistics::front` against.

    python -m venv venv && venv/bin/pip install pymoo==0.6.2 numpy==2.4.6
    venv/bin/python front.py > front.json

Points are drawn; those of a grid have many equal scores. ZDT1, ZDT3 and DTLZ2 are the problems of Zitzler, Deb and Thiele (2000) and
of Deb et al. (2002) at random designs.
"""

import json
import sys

import numpy
from pymoo.problems import get_problem
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting


def case(name, points):
    # Rounded as they are written, so that both sides compare the same numbers.
    points = numpy.round(points, 6)
    front = NonDominatedSorting().do(points, only_non_dominated_front=True)
    return {"name": name, "points": points.tolist(), "front": sorted(int(at) for at in front)}


def designs(problem, count, random):
    low, high = problem.bounds()
    # Few designs near the front among many that are far from it.
    drawn = low + (high - low) * random.random((count, problem.n_var)) ** 4
    return problem.evaluate(drawn)


random = numpy.random.default_rng(11)
cases = [
    case("uniform, two", random.random((200, 2))),
    case("uniform, three", random.random((200, 3))),
    case("grid, two", random.integers(0, 6, (150, 2)).astype(float)),
    case("grid, three", random.integers(0, 5, (150, 3)).astype(float)),
    case("both signs", random.normal(0, 3, (150, 3))),
    case("zdt1", designs(get_problem("zdt1", n_var=5), 150, random)),
    case("zdt3", designs(get_problem("zdt3", n_var=5), 150, random)),
    case("dtlz2", designs(get_problem("dtlz2", n_var=6, n_obj=3), 150, random)),
]
json.dump(cases, sys.stdout)
sys.stdout.write("\n")

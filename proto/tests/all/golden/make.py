"""Writes figures.json beside this file: what scikit-learn says of small predictions.

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python3 proto/tests/all/golden/make.py

AUC is the unweighted mean over classes of the area under the ROC curve of that class against the others. scikit-learn refuses
examples that lack a class; there the mean is over the classes of which there are some examples, but not only such.
"""

import json
import pathlib

import numpy
from sklearn.metrics import matthews_corrcoef, roc_auc_score


def auc(labels, probabilities):
    classes = probabilities.shape[1]
    present = [one for one in range(classes) if 0 < (labels == one).sum() < len(labels)]
    if not present:
        return None
    if classes == 2:
        return roc_auc_score(labels, probabilities[:, 1])
    if len(present) == classes:
        return roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    return float(numpy.mean([roc_auc_score(labels == one, probabilities[:, one]) for one in present]))


def case(name, labels, probabilities):
    labels, probabilities = numpy.array(labels), numpy.array(probabilities)
    predicted = probabilities.argmax(axis=1)
    classes = probabilities.shape[1]
    confusion = [[int(((labels == truth) & (predicted == said)).sum()) for said in range(classes)] for truth in range(classes)]
    area = auc(labels, probabilities)
    return {
        "name": name,
        "labels": labels.tolist(),
        "probabilities": probabilities.tolist(),
        "confusion": confusion,
        "auc": None if area is None else float(area),
        "matthews": float(matthews_corrcoef(labels, predicted)),
    }


def binary(ones):
    return [[1.0 - one, one] for one in ones]


def drawn(seed, rows, classes, digits):
    generator = numpy.random.default_rng(seed)
    labels = generator.integers(classes, size=rows)
    weights = generator.random((rows, classes)) + 0.8 * numpy.eye(classes)[labels]
    # Few digits make ties, within a class and between classes.
    weights = numpy.round(weights / weights.sum(axis=1, keepdims=True), digits)
    weights[:, 0] += 1.0 - weights.sum(axis=1)
    return labels.tolist(), weights.tolist()


def drawn_binary(seed, rows, digits):
    generator = numpy.random.default_rng(seed)
    labels = generator.integers(2, size=rows)
    ones = numpy.round(numpy.clip(generator.normal(0.4 + 0.2 * labels, 0.2), 0, 1), digits)
    return labels.tolist(), binary(ones.tolist())


CASES = [
    case("perfect", [0, 0, 1, 1], binary([0.1, 0.2, 0.8, 0.9])),
    case("the wrong way round", [1, 1, 0, 0], binary([0.1, 0.2, 0.8, 0.9])),
    case("all alike", [0, 1, 0, 1, 1], binary([0.5, 0.5, 0.5, 0.5, 0.5])),
    case("one class only", [1, 1, 1], binary([0.1, 0.6, 0.9])),
    case("ties between classes", [0, 1, 0, 1, 0, 1], binary([0.25, 0.25, 0.5, 0.75, 0.75, 0.75])),
    case("two classes with ties", *drawn_binary(1, 60, 1)),
    case("two classes", *drawn_binary(2, 100, 6)),
    case("three classes with ties", *drawn(3, 60, 3, 1)),
    case("five classes", *drawn(4, 100, 5, 6)),
    case("three classes, one without an example", [0, 2, 0, 2, 2], [[0.5, 0.2, 0.3], [0.3, 0.3, 0.4], [0.2, 0.2, 0.6], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2]]),
]

PLACE = pathlib.Path(__file__).parent / "figures.json"
PLACE.write_text("[\n" + ",\n".join(json.dumps(one) for one in CASES) + "\n]\n")

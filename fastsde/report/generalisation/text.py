"""What the page says of generalisation."""

from __future__ import annotations

import math
from html import escape

from fastsde.analysis import Analysis
from fastsde.analysis.confidence import Interval
from fastsde.analysis.generalisation.section import Generalisation, ModelGeneralisation
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.summary import ordered
from fastsde.report.writing import number, percent, table


def accuracy_finding(analysis: Analysis) -> str:
    """Say how many trajectories predict every test example at the end, and where that comes late."""
    found: Generalisation = analysis.sections["generalisation"]
    names = [name for name in ordered(analysis) if name in found.models]
    ends = [f"{_share(found.models[name].perfect['test_accuracy'])} of {escape(name)}" for name in names]
    late = [escape(name) for name in names if _later(found.models[name])]
    said = f"Trajectories that predict every test example at the end: {enumerated(ends)}."
    if late:
        said += (
            f" In {enumerated(late)} the training examples are all right at half the time or earlier at "
            "which the test examples are (medians over trajectories): the network fits before it generalises."
        )
    return said


def loss_finding(analysis: Analysis) -> str:
    """Say what the median losses of training and test are at the end."""
    found: Generalisation = analysis.sections["generalisation"]
    said = []
    for name in (name for name in ordered(analysis) if name in found.models):
        quantiles = found.models[name].quantiles
        test = number(float(quantiles["test_loss"][-1, 2]))
        training = f" (training {number(float(quantiles['loss'][-1, 2]))})" if "loss" in quantiles else ""
        said.append(f"{test}{training} in {escape(name)}")
    return f"Median test loss at the end: {'; '.join(said)}."


def times(analysis: Analysis) -> str:
    """Tabulate when the examples are first all right: quartiles over trajectories."""
    found: Generalisation = analysis.sections["generalisation"]
    head = ("model", *(f"first step with all {_examples(key)} examples right" for key in _keys(found)))
    rows = []
    for name in (name for name in ordered(analysis) if name in found.models):
        first = found.models[name].first
        rows.append([escape(name), *(_quartiles(*map(float, first[key])) for key in _keys(found))])
    return table(head, rows)


def _keys(found: Generalisation) -> list[str]:
    return list(next(iter(found.models.values())).first)


def _examples(key: str) -> str:
    return "training" if key == "train_accuracy" else "test"


def _quartiles(low: float, middle: float, high: float) -> str:
    """Write a median with its quartiles; any may be never."""
    if math.isinf(low):
        return "<b>never</b>"
    upper = f"{high:,.0f}" if math.isfinite(high) else "never"
    shown = f"{middle:,.0f}" if math.isfinite(middle) else "never"
    return f"<b>{shown}</b> <small>(quartiles {low:,.0f}, {upper})</small>"


def _share(perfect: Interval) -> str:
    value, low, high = (float(one[-1]) for one in (perfect.value, perfect.low, perfect.high))
    return f"{percent(value)} (95&nbsp;% interval {percent(low)} to {percent(high)})"


def _later(model: ModelGeneralisation) -> bool:
    """Whether the training examples are right long before those of the test, in the median trajectory."""
    if not {"train_accuracy", "test_accuracy"} <= model.first.keys():
        return False
    training, test = float(model.first["train_accuracy"][1]), float(model.first["test_accuracy"][1])
    return math.isfinite(test) and training <= test / 2

"""A study in plain sentences."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from fastsde.analysis.phrases import enumerated

if TYPE_CHECKING:
    from fastsde.study.study import Study
    from fastsde.study.tables import Initialisation


def study_sentences(study: Study) -> list[str]:
    """Say what a study does, one sentence for each of network, start, data, time and sample.

    Examples
    --------
    >>> from fastsde.study.study import Study
    >>> study = Study.from_toml('''
    ... trajectories = 16
    ... network = { widths = [2, 3, 2], init = { std = 0.1 } }
    ... data = { samples = "population", teacher = { singular_values = [2.0, 1.0] } }
    ... time = { learning_rate = 0.01, steps = 100 }
    ... models.sgd = { kind = "sgd" }
    ... ''')
    >>> study_sentences(study)[0]
    'A deep linear network of 2 layers and 12 parameters, widths 2-3-2, learns a linear map.'
    """
    return [*_OBJECTIVE[study.objective.table](study), _time(study), _sample(study)]


def _landscape(study: Study) -> list[str]:
    landscape = study.landscape
    assert landscape is not None
    plural = "s" if landscape.dimension > 1 else ""
    source = f" ({landscape.source})" if landscape.source else ""
    equation = f" {landscape.equation}{source}." if landscape.equation else ""
    about = f" {landscape.about}" if landscape.about else ""
    words, samples = landscape.vocabulary, landscape.samples_used
    noun = "landscape" if words.loss == "energy" else f"objective, a mean over {samples:,} samples,"
    size = f"{landscape.dimension} {'coordinate' if words.mode == 'coordinate' else 'parameter'}{plural}"
    return [f"The {noun} is {landscape.kind}, of {size}.{equation}{about}"]


def _network(study: Study) -> str:
    widths = study.network.widths
    parameters = sum(a * b for a, b in pairwise(widths))
    layers = f"{len(widths) - 1} layer{'s' if len(widths) > 2 else ''}"
    shape = "-".join(str(width) for width in widths)
    return (
        f"A deep linear network of {layers} and {parameters:,} parameters, widths {shape}, "
        "learns a linear map."
    )


def _start(study: Study) -> str:
    init = study.network.init
    if init.kind == "values":
        if init.file is not None:
            return f"Trajectories start from the states in {init.file}, {init.branches or 1} from each."
        spread = f", plus normal numbers of standard deviation {init.std:g}" if init.std else ""
        return f"All trajectories start from the layers that the study gives{spread}."
    if init.kind == "snapshot":
        when = "the end" if init.step is None else f"step {init.step:,}"
        return (
            f"Trajectories start from states that {init.model} had at {when} of another run "
            f"({init.ensemble}), {init.branches} from each, with noise of their own."
        )
    if init.kind == "saddle":
        return _saddle(init)
    size = (
        f"standard deviation {init.std:g}"
        if init.gamma is None
        else f"variance min(fan in, fan out)^-{init.gamma:g}"
    )
    shared = "shared by all models" if study.start == "paired" else "drawn independently for every model"
    kind = "balanced, its entries" if init.kind == "balanced" else "with Gaussian entries"
    return f"It starts {kind} of {size}; starting points are {shared}."


def _saddle(init: Initialisation) -> str:
    named = [str(mode + 1) for mode in init.kept]
    which = f"the saddle that keeps mode{'s' if len(named) > 1 else ''} {enumerated(named)}" if named else ""
    place = which or "the saddle at the origin"
    size = init.perturbation or 0.0
    moved = f"with independent normals of standard deviation {size:g} added to all weights"
    if init.direction == "escape":
        moved = f"at the distance {size:g} from it along a random direction in which it is left"
    return f"Trajectories start at {place}, {moved if size else 'exactly'}."


def _data(study: Study) -> str:
    data = study.data
    if data.file is not None:
        names = data.file if isinstance(data.file, str) else " and ".join(data.file)
        ways = [word for word, there in (("whitened", data.whiten), ("centred", data.centre)) if there]
        how = f", {' and '.join(ways)}" if ways else ""
        return f"The data are the {data.samples:,} samples of {names} (SHA-256 {str(data.sha256)[:16]}){how}."
    if data.measured:
        return _measurements(study)
    amount = "infinitely many samples" if data.samples == "population" else f"{data.samples:,} samples"
    inputs = f"{'whitened ' if data.inputs.whiten else ''}{_law(data.inputs.kind, data.inputs.tail)} inputs"
    return f"The data are {amount} with {inputs}, {_teacher(study)}."


def _measurements(study: Study) -> str:
    data, widths = study.data, study.network.widths
    count = data.sample_count(widths[0], widths[-1])
    if data.kind == "sensing":
        amount = "infinitely many inner products" if count is None else f"{count:,} inner products"
        return (
            f"The data are {amount} of the end-to-end matrix with matrices of independent standard normals, "
            f"{_teacher(study)}."
        )
    observed = data.observed_count(widths[0], widths[-1])
    seen = f"{observed:,} of the {widths[0] * widths[-1]:,} entries of the end-to-end matrix"
    drawn = {"each": "", "population": ", drawn at random with fresh label noise"}
    how = drawn.get(str(data.samples), f", {count or 0:,} times drawn at random with replacement")
    return f"The data are {seen}{how}, {_teacher(study)}."


def _teacher(study: Study) -> str:
    noise, given = study.data.label_noise, study.data.teacher
    singular = None if given is None else given.singular_values
    teacher = "no teacher" if given is None else f"the teacher of {given.file}"
    if singular is not None:
        values = ", ".join(f"{value:g}" for value in singular)
        teacher = f"a teacher of rank {len(singular)} with singular values {values}"
    return f"{teacher}, and {_law(noise.kind, noise.tail)} label noise of scale {noise.scale:g}"


def _law(kind: str, tail: float) -> str:
    return {"gaussian": "Gaussian", "student-t": f"Student-t ({tail:g})", "stable": f"{tail:g}-stable"}[kind]


_OBJECTIVE: dict[str, Callable[[Study], list[str]]] = {
    "network": lambda study: [_network(study), _start(study), _data(study)],
    "landscape": _landscape,
}
"""Sentences on what is descended, by the table of the study that describes it."""


def _time(study: Study) -> str:
    time = study.time
    loss = f"on its {study.objective.vocabulary.loss}"
    if study.objective.linear:
        mean, measured = study.network.loss == "mean", study.objective.measured
        what = "measurements" if measured else "outputs"
        half = "half the mean of squares" if measured else "half the sum of squares"
        loss = f"on the squared error ({f'averaged over {what}' if mean else half})"
    return (
        f"Training takes {time.steps:,} steps of learning rate {time.learning_rate:g} {loss}, "
        f"recorded at {len(time.snapshot_steps()):,} times."
    )


def _sample(study: Study) -> str:
    return (
        f"Every model is run {study.trajectories:,} times from the same law of starting points "
        f"(seed {study.seed})."
    )

"""An analysis in a few words: which model is closest to the reference, and is it distinguishable."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.distances.distance import closer
from fastsde.analysis.distances.metrics import PRIMARY
from fastsde.analysis.law import branches_of, log_spaced
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.protocols import Floats
from fastsde.study import Study

if TYPE_CHECKING:
    from fastsde.analysis.distances.distance import Distance
    from fastsde.analysis.results import Analysis, ModelResult

NAMED = 6
"""The headline names so many models; of more, the three nearest and the farthest."""


def ranked(analysis: Analysis) -> list[str]:
    """Names of the compared models, closest to the reference first; all in file order without a reference."""
    others = [name for name in analysis.models if name != analysis.reference]
    return sorted(others, key=lambda name: _closeness(analysis.models[name]))


def ordered(analysis: Analysis) -> list[str]:
    """All names: the reference, then the others from the closest on."""
    return [*([analysis.reference] if analysis.reference else []), *ranked(analysis)]


def summary(analysis: Analysis) -> list[dict[str, Any]]:
    """Return one row for each model, the reference first and then from the closest on, as plain numbers.

    Returns
    -------
    list of dict
        Keys: model, kind, summary (the model in a sentence, with the batch of its noise), trajectories,
        exploded, compared (trajectories a side), mmd_ratio (mean squared
        MMD over the `chance_level`), mmd_low and mmd_high (its 95 % interval), closer_than_next (whether it
        is told to be closer than the model of the next row), mmd_p, mmd_peak_ratio, mmd_peak_step,
        mmd_share_outside, distinguishable, wasserstein, wasserstein_null, wasserstein_ratio (means over
        snapshots), final_loss (median), learned_steps (median step at which each mode is learned to the first
        fraction), tail and tail_index (verdict on the noise, and the moment estimator's index of it, by
        mode). None where there is none.
    """
    return [_numbers(analysis, name) for name in ordered(analysis)]


def summary_rows(analysis: Analysis) -> list[dict[str, str]]:
    """Return the rows of `summary` as short text, keys being column heads."""
    return [_words(analysis, row) for row in summary(analysis)]


def headline(analysis: Analysis) -> str:
    """Return the main finding in one or two sentences."""
    names = ranked(analysis)
    if not analysis.reference or not names:
        if len(analysis.models) > 1:
            return "The study has no SGD: its models are compared with each other."
        return f"Nothing to compare: {next(iter(analysis.models))} is the only model."
    found = [(name, analysis.models[name].distances.get(PRIMARY)) for name in names]
    measured = [(name, one) for name, one in found if one is not None and math.isfinite(one.mean)]
    if not measured:
        return f"Too few trajectories survive to compare any model with {analysis.reference}."
    return " ".join(_findings(analysis, measured))


def _findings(analysis: Analysis, measured: list[tuple[str, Distance]]) -> list[str]:
    """Say which models cannot be told from the reference, and how far off the others are."""
    size = _size(analysis, int(np.nanmax(measured[0][1].count)))
    same = [name for name, one in measured if not one.distinguishable]
    told = [(name, one) for name, one in measured if one.distinguishable]
    sentences = []
    if same:
        sentences.append(f"{enumerated(same)} cannot be told from {analysis.reference} at {size} a side.")
    if told and not same:
        sentences.append(f"Every model can be told from {analysis.reference} at {size} a side.")
    if told:
        who = enumerated([name for name, _ in told]) if len(told) <= NAMED else f"The other {len(told)}"
        start = f"{who} can be. " if same else ""
        course = "the logarithm of time" if log_spaced(analysis.step) else "time"
        tied = any(closer(one, other) is False for (_, one), (_, other) in pairwise(told))
        note = " (~ where the order is not told)" if tied else ""
        sentences.append(
            f"{start}Mean distance over {course} in units of the chance level, closest first{note}: "
            f"{_in_order(analysis, told)}."
        )
    return sentences


def _in_order(analysis: Analysis, told: list[tuple[str, Distance]]) -> str:
    """Name models with their distances, a tilde between those whose order is not told."""
    text = f"{told[0][0]} {_evidence(analysis, told[0][1])}"
    shown = told if len(told) <= NAMED else told[:3]
    for (_, before), (name, one) in pairwise(shown):
        text += f"{' ~ ' if closer(before, one) is False else ', '}{name} {_evidence(analysis, one)}"
    if shown is not told:
        text += f", ..., {told[-1][0]} {_evidence(analysis, told[-1][1])}"
    return text


def _size(analysis: Analysis, count: int) -> str:
    branches = branches_of(Study.from_toml(analysis.study))
    states = f" ({count // branches:,} states)" if branches > 1 else ""
    return f"{count:,} trajectories{states}"


def _evidence(analysis: Analysis, found: Distance) -> str:
    ratio = found.mean / chance_level(analysis, PRIMARY)
    if math.isnan(ratio):  # the reference's own halves do not differ, whatever the shuffle
        return f"(p {min(found.mean_p, found.peak_p):.2g})"
    if found.mean_p < 0.025:
        return f"{ratio:.2g}" if ratio < 100 else f"{ratio:,.0f}"
    step = analysis.step[found.peak_snapshot]
    return f"{max(ratio, 0.0):.2g} (but {found.peak:.2g} at step {step:,.0f})"


def _closeness(result: ModelResult) -> float:
    found = result.distances.get(PRIMARY)
    return found.mean if found is not None and math.isfinite(found.mean) else math.inf


def _numbers(analysis: Analysis, name: str) -> dict[str, Any]:
    result = analysis.models[name]
    mmd = result.distances.get(PRIMARY)
    sliced = result.distances.get("sliced_wasserstein")
    row: dict[str, Any] = {
        "model": name,
        "kind": result.kind,
        "summary": result.summary,
        "trajectories": result.trajectories,
        "exploded": result.exploded,
        "compared": int(np.nanmax(mmd.count)) if mmd else None,
        "mmd_ratio": _known(mmd.mean / chance_level(analysis, PRIMARY)) if mmd else None,
        "mmd_low": _known(mmd.mean_interval[0] / chance_level(analysis, PRIMARY)) if mmd else None,
        "mmd_high": _known(mmd.mean_interval[1] / chance_level(analysis, PRIMARY)) if mmd else None,
        "closer_than_next": _closer_than_next(analysis, name),
        "mmd_p": _known(mmd.mean_p) if mmd else None,
        "mmd_peak_ratio": _known(mmd.peak) if mmd else None,
        "mmd_peak_step": int(analysis.step[mmd.peak_snapshot]) if mmd and mmd.peak_snapshot >= 0 else None,
        "mmd_share_outside": _known(mmd.share_outside) if mmd else None,
        "distinguishable": mmd.distinguishable if mmd and math.isfinite(mmd.mean) else None,
        "wasserstein": _known(sliced.mean) if sliced else None,
        "wasserstein_null": _known(sliced.mean_null) if sliced else None,
        "wasserstein_ratio": _known(sliced.mean / chance_level(analysis, "sliced_wasserstein"))
        if sliced
        else None,
        "final_loss": _final_loss(analysis, result),
        "learned_steps": _learned_steps(analysis, result),
        **_tail(analysis, name),
    }
    return row


def _closer_than_next(analysis: Analysis, name: str) -> bool | None:
    """Whether a model is told to be closer to the reference than the next one in rank; None of the last."""
    names = ranked(analysis)
    if name not in names[:-1]:
        return None
    here, after = (
        analysis.models[one].distances.get(PRIMARY) for one in (name, names[names.index(name) + 1])
    )
    return None if here is None or after is None else closer(here, after)


def _words(analysis: Analysis, row: dict[str, Any]) -> dict[str, str]:
    reference = row["model"] == analysis.reference
    words = {"model": str(row["model"])}
    if analysis.reference:
        verdict = {True: "yes", False: "no", None: "unknown"}[row["distinguishable"]]
        words[f"told from {analysis.reference}?"] = "reference" if reference else verdict
        words["MMD / chance"] = _number(None if row["mmd_ratio"] is None else max(row["mmd_ratio"], 0.0))
        words["W2 / chance"] = _number(row["wasserstein_ratio"])
        words["n a side"] = f"{row['compared']:,}" if row["compared"] else "-"
    words["final loss"] = _number(row["final_loss"])
    words["learned at step"] = _listed(row["learned_steps"], "{:,.0f}")
    words["noise tail"] = " / ".join(dict.fromkeys(row["tail"])) if row["tail"] else "-"
    words["exploded"] = f"{row['exploded']:,} of {row['trajectories']:,}"
    return words


def _final_loss(analysis: Analysis, result: ModelResult) -> float | None:
    """Return the median loss at the end; energies, which may be negative, stand in the shape only."""
    if "loss" in analysis.quantities:
        return _known(float(result.moments.median[-1, analysis.quantities.index("loss")]))
    shape = analysis.sections.get("shape")
    if shape is None or "loss" not in shape.quantities:
        return None
    name = next(name for name, one in analysis.models.items() if one is result)
    medians = shape.models[name].statistics["median"].value
    return _known(float(medians[-1, shape.quantities.index("loss")]))


def _learned_steps(analysis: Analysis, result: ModelResult) -> list[float | None] | None:
    if result.learning is None:
        return None
    return [_known(value) for value in result.learning.median[0] / time_per_step(analysis)]


def _tail(analysis: Analysis, name: str) -> dict[str, Any]:
    """Verdict and moment estimator's index of the noise of one step, all snapshots together, by mode."""
    tails = analysis.sections.get("tails")
    if tails is None or tails.models[name].noise is None:
        return {"tail": None, "tail_index": None}
    noise = tails.models[name].noise
    index = [_known(value) for value in noise.pooled.estimates["moment"].index]
    return {"tail": list(noise.verdict), "tail_index": index}


def chance_level(analysis: Analysis, kind: str) -> float:
    """Mean distance over snapshots that 95 % of shuffles of the two halves of the reference stay under.

    One unit for all models; NaN if there is none.
    """
    level = analysis.models[analysis.reference].distances[kind].mean_null
    return level if level > 0 else math.nan


def time_per_step(analysis: Analysis) -> float:
    """Time of one learning-rate step: the learning rate."""
    return float(analysis.time[-1] / analysis.step[-1])


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 1e3 else f"{value:,.0f}"


def _listed(values: Floats | list[float | None] | None, pattern: str) -> str:
    """List at most four values with middle dots; what is not reached or known is a dash."""
    if values is None:
        return "-"
    shown = ["-" if value is None else pattern.format(value) for value in values[:4]]
    return " / ".join(shown) + (" ..." if len(values) > 4 else "")

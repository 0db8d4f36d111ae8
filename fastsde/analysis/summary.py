"""An analysis as a table: one row for each model, the reference first and then from the nearest on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.distances.kinds.mmd_features import MMD_FEATURES
from fastsde.analysis.distances.kinds.sliced_wasserstein import SLICED_WASSERSTEIN
from fastsde.analysis.headline import headline as headline
from fastsde.analysis.protocols import Floats
from fastsde.analysis.ranking import ordered as ordered
from fastsde.analysis.ranking import ranking as ranking
from fastsde.analysis.ranking import tied
from fastsde.analysis.sections import SECTIONS
from fastsde.analysis.shape import section as shape
from fastsde.study.study import Study

if TYPE_CHECKING:
    from fastsde.analysis.results import Findings, ModelResult


def summary(analysis: Findings) -> list[dict[str, Any]]:
    """Return one row for each model, the reference first and then from the closest on, as plain numbers.

    Returns
    -------
    list of dict
        Keys: model, kind, summary (the model in a sentence, with the batch of its noise), trajectories,
        diverged, stopped (trajectories that diverged, and that an event stopped), compared (n per sample);
        effect, its 95 % interval effect_low and effect_high, its parts effect_modes (share of a mode's
        strength) and effect_loss_decades, effect_by_sampling, effect_covered (share of the course that it is
        the mean over), median_loss_decades (median log10 loss less that of the reference), all means over the
        course of learning; closer_than_next (whether it is significantly nearer than the model of the next
        row); p_value, verdict ("distinguishable", "indistinguishable" or "undetermined"),
        undetermined_because, distinguishable; mmd_ratio (mean squared MMD over the `null_quantile`), mmd_low
        and mmd_high (95 % interval), mmd_p, mmd_peak_ratio, mmd_peak_step, mmd_share_outside, wasserstein,
        wasserstein_null, wasserstein_ratio (means over time); final_loss (median), learned_steps (median step
        at which each mode is learned to the first fraction); and what sections add, such as tail and
        tail_index. None where there is none. Of the reference itself, its own two halves, and no effect.
    """
    return [_numbers(analysis, name) for name in ordered(analysis)]


def summary_rows(analysis: Findings) -> list[dict[str, str]]:
    """Return the rows of `summary` as short text, keys being column heads."""
    return [_words(analysis, row) for row in summary(analysis)]


def _numbers(analysis: Findings, name: str) -> dict[str, Any]:
    result = analysis.models[name]
    mmd = result.distances.get(MMD_FEATURES.name)
    sliced = result.distances.get(SLICED_WASSERSTEIN.name)
    null = null_quantile(analysis, MMD_FEATURES.name) if mmd else math.nan
    row: dict[str, Any] = {
        "model": name,
        "kind": result.kind,
        "summary": result.summary,
        "trajectories": result.trajectories,
        "diverged": result.diverged,
        "stopped": result.stopped,
        "compared": int(np.nanmax(mmd.count)) if mmd else None,
        **_effect(analysis, name),
        "mmd_ratio": _known(mmd.mean / null) if mmd else None,
        "mmd_low": _known(mmd.mean_interval[0] / null) if mmd else None,
        "mmd_high": _known(mmd.mean_interval[1] / null) if mmd else None,
        "mmd_p": _known(mmd.mean_p) if mmd else None,
        "mmd_peak_ratio": _known(mmd.peak) if mmd else None,
        "mmd_peak_step": int(analysis.step[mmd.peak_snapshot]) if mmd and mmd.peak_snapshot >= 0 else None,
        "mmd_share_outside": _known(mmd.share_outside) if mmd else None,
        "wasserstein": _known(sliced.mean) if sliced else None,
        "wasserstein_null": _known(sliced.mean_null) if sliced else None,
        "wasserstein_ratio": _known(sliced.mean / null_quantile(analysis, SLICED_WASSERSTEIN.name))
        if sliced
        else None,
        "final_loss": _final_loss(analysis, result),
        "learned_steps": _learned_steps(analysis, result),
    }
    for section in SECTIONS.values():
        row |= section.numbers(analysis, name) if section.numbers else {}
    return row


def _effect(analysis: Findings, name: str) -> dict[str, Any]:
    """Effect on the way from the reference, and its significance."""
    keys = {
        "effect": "mean",
        "effect_low": "low",
        "effect_high": "high",
        "effect_modes": "modes",
        "effect_loss_decades": "loss",
        "effect_by_sampling": "sampling",
        "effect_covered": "covered",
        "median_loss_decades": "shift",
    }
    compared = bool(analysis.reference) and name != analysis.reference
    gap = analysis.effects.between(analysis.reference, name) if compared else None
    unsure = tied(analysis).get(name)
    test = analysis.models[name].significance
    return {
        **{key: None if gap is None else _known(getattr(gap, field)) for key, field in keys.items()},
        "closer_than_next": None if unsure is None else not unsure,
        "p_value": None if test is None else _known(test.p_value),
        "verdict": None if test is None else test.verdict,
        "undetermined_because": None if test is None else test.reason or None,
        "distinguishable": None if test is None else test.distinguishable,
    }


def _words(analysis: Findings, row: dict[str, Any]) -> dict[str, str]:
    words = {"model": str(row["model"])}
    if analysis.reference:
        reference = row["model"] == analysis.reference
        words["effect (95 %)"] = "reference" if reference else _interval(row)
        if analysis.effects.has_modes:
            words[analysis.objective.vocabulary.modes] = _number(row["effect_modes"])
        if analysis.effects.has_loss:
            words["loss, decades"] = _number(row["effect_loss_decades"])
        words["by sampling"] = _number(row["effect_by_sampling"])
        words["p"] = "-" if row["p_value"] is None else f"{row['p_value']:.2g}"
        words["verdict"] = "reference" if reference else str(row["verdict"])
        words["n per sample"] = f"{row['compared']:,}" if row["compared"] else "-"
    words |= _end(analysis, row)
    for section in SECTIONS.values():
        words |= section.cells(analysis, str(row["model"])) if section.cells else {}
    words["diverged"] = f"{row['diverged']:,} of {row['trajectories']:,}"
    return words


def _end(analysis: Findings, row: dict[str, Any]) -> dict[str, str]:
    """Say how the run ends; an energy without a lower bound is left out: it says how long the run was."""
    end = _number(row["final_loss"])
    objective = analysis.objective
    words = {f"final {objective.vocabulary.loss}": end} if objective.bounded else {}
    if objective.linear:
        words["learned at step"] = _listed(row["learned_steps"], "{:,.0f}")
    return words


def _interval(row: dict[str, Any]) -> str:
    if row["effect"] is None or row["effect_high"] is None:
        return _number(row["effect"])
    unsure = " ~" if row["closer_than_next"] is False else ""
    return f"{row['effect']:.2g} ({row['effect_low']:.2g} to {row['effect_high']:.2g}){unsure}"


def _final_loss(analysis: Findings, result: ModelResult) -> float | None:
    """Return the median loss at the end; energies, which may be negative, are in the shape only."""
    if "loss" in analysis.quantities:
        return _known(float(result.moments.median[-1, analysis.quantities.index("loss")]))
    shapes = shape.SECTION.of(analysis)
    if shapes is None or "loss" not in shapes.quantities:
        return None
    name = next(name for name, one in analysis.models.items() if one is result)
    medians = shapes.models[name].statistics["median"].value
    return _known(float(medians[-1, shapes.quantities.index("loss")]))


def _learned_steps(analysis: Findings, result: ModelResult) -> list[float | None] | None:
    if result.learning is None:
        return None
    return [_known(value) for value in result.learning.median[0] / time_per_step(analysis)]


def null_quantile(analysis: Findings, kind: str) -> float:
    """Mean distance over snapshots that 95 % of permutations of the two halves of the reference stay below.

    One unit for all models; NaN if there is none.
    """
    level = analysis.models[analysis.reference].distances[kind].mean_null
    return level if level > 0 else math.nan


def time_per_step(analysis: Findings) -> float:
    """Time of one learning-rate step: the learning rate."""
    if analysis.step[-1] > 0:
        return float(analysis.time[-1] / analysis.step[-1])
    return float(Study.from_toml(analysis.study).time.learning_rate)


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

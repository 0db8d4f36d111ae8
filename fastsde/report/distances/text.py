"""What the page says of all distances, all pairs of models, and which distance to use."""

from __future__ import annotations

import itertools
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.distances.battery import Battery
from fastsde.analysis.distances.pairs import Pairs
from fastsde.analysis.distances.registry import declared
from fastsde.analysis.distances.relevance import LEAST_POWER, Relevance, Verdict
from fastsde.analysis.distances.two_samples import Pair
from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.ranking import UNDETERMINED, by_pairs, ranking, verdict
from fastsde.report.distances import figures as distances_figures
from fastsde.report.distances.coordinates import by_coordinate
from fastsde.report.spec import FigureSpec
from fastsde.report.writing import NOTHING, number, percent, table, tables


def battery_finding(analysis: Analysis) -> str:
    """Say how many distances distinguish each model at the last snapshot, and which do not exist."""
    found: Battery = analysis.sections["distances"]
    said = []
    for name in ranking(analysis):
        tests = found.models[name].tests.values()
        known = [one for one in tests if np.isfinite(one.p_value[-1])]
        told = sum(bool(one.p_value[-1] < SIGNIFICANCE) for one in known)
        said.append(f"{escape(name)} {told} of {len(known)}" if known else f"{escape(name)} none")
    lacking = {name: kinds for name in found.models if (kinds := _refused(found.models[name]))}
    where = (
        f"At step {found.step[-1]:,.0f}, of the distances that exist, so many distinguish each model from "
    )
    sentence = f"{where}{escape(analysis.reference)}: {', '.join(said)}."
    if lacking:
        refused = set().union(*lacking.values())
        who = [name for name in lacking if name != analysis.reference] or [analysis.reference]
        every = len(found.models[analysis.reference].tests)
        sentence += (
            f" {len(refused)} of {every} distances do not exist there for {escape(', '.join(who))}: "
            "the table says why."
        )
    return sentence


def _refused(pair: Pair) -> set[str]:
    """Distances that do not exist at the last snapshot, or have no number there."""
    return {kind for kind, reasons in pair.reasons.items() if reasons[-1]}


def battery_table(analysis: Analysis) -> str:
    """Give every distance at the last snapshot with its null quantile and p-value."""
    found: Battery = analysis.sections["distances"]
    names = ranking(analysis)
    kinds = list(next(iter(found.models.values())).tests)
    text = f"<p>At step {found.step[-1]:,.0f}: value (95&nbsp;% null quantile), p.</p>"
    rows = [[_heading(analysis, kind), *(_tested(found, name, kind) for name in names)] for kind in kinds]
    text += tables(("distance", *map(escape, names)), rows, across=6)
    reasons = {
        found.models[name].reasons[kind][-1] for name in names for kind in _refused(found.models[name])
    }
    lacking = sorted({reason.partition("; ")[2] or reason for reason in reasons})
    return text + (f"<p>Why not: {escape('; '.join(lacking))}.</p>" if lacking else "")


def _heading(analysis: Analysis, kind: str) -> str:
    distance = declared(kind)
    order = distance.moments_needed(analysis.settings)
    needs = f"; needs moments of order {order:g}" if order > 0 else ""
    return f'{escape(distance.label)}<span class="what">{escape(distance.units)}{needs}</span>'


def _tested(found: Battery, name: str, kind: str) -> str:
    pair = found.models[name]
    one = pair.tests[kind]
    if kind in _refused(pair):
        short, colon, _ = pair.reasons[kind][-1].partition(":")
        return f'<span class="none">{short if colon else "does not exist"}</span>'
    p = float(one.p_value[-1])
    value = number(float(one.value[-1]))
    text = f"<b>{value}</b>" if p < SIGNIFICANCE else value
    return f"{text} <small>({number(float(one.null[-1]))}), p {p:.2g}</small>"


def pairs_finding(analysis: Analysis) -> str:
    """Name the pairs of models that are indistinguishable over the course of learning."""
    found: Pairs = analysis.sections["pairs"]
    places = list(itertools.combinations(found.names, 2))
    verdicts = {pair: verdict(analysis, *pair) for pair in places}
    if not any(one != UNDETERMINED for one in verdicts.values()):
        return "Undetermined which models differ: too few trajectories survive."
    told = sum(one == "distinguishable" for one in verdicts.values())
    size = f"{analysis.effects.count:,} trajectories per sample"
    if told == len(places):
        all_of_them = (
            f"All {told} pairs of models are" if told > 1 else f"{escape(' and '.join(places[0]))} are"
        )
        return f"{all_of_them} distinguishable at {size}."
    same = [pair for pair, one in verdicts.items() if one == "indistinguishable"]
    unknown = [pair for pair, one in verdicts.items() if one == UNDETERMINED]
    of_reference = [pair for pair in same if analysis.reference in pair]
    groups = {
        "Indistinguishable by all distances": of_reference,
        f"Not distinguished {by_pairs()}": [pair for pair in same if pair not in of_reference],
        "Undetermined": unknown,
    }
    said = [
        f"{words}: {escape('; '.join(' and '.join(pair) for pair in pairs))}."
        for words, pairs in groups.items()
        if pairs
    ]
    start = (
        f"Of {len(places)} pairs of models, {told} are distinguishable at {size}. " if len(places) > 1 else ""
    )
    return start + " ".join(said)


def relevance_finding(analysis: Analysis) -> str:
    """Recommend a distance."""
    found: Relevance = analysis.sections["relevance"]
    if not found.recommended:
        return "No distance exists for all models of this study."
    one = found.distances[found.recommended]
    place = int(np.flatnonzero(np.isfinite(one.power_nearest))[-1])
    size, power = int(found.sizes[place]), float(one.power_nearest[place])
    title = escape(declared(found.recommended).label)
    lacking = [escape(declared(name).label) for name, other in found.distances.items() if not other.exists]
    if max(_best(other) for other in found.distances.values()) < LEAST_POWER:
        start = (
            f"No distance distinguishes {escape(found.nearest)} from {escape(analysis.reference)} in samples "
            f"of up to {int(found.sizes[-1])}; {title} distinguishes {escape(found.farthest)} best for its "
            "cost"
        )
    else:
        start = (
            f"Use {title}: it distinguishes {escape(found.nearest)} from {escape(analysis.reference)} in "
            f"{100 * power:.0f}&nbsp;% of samples of {size} trajectories"
        )
    return f"{start}, for {number(float(one.seconds[place]))} s per test, and exists for every model" + (
        f" (not so: {', '.join(lacking)})." if lacking else "."
    )


def _best(verdict: Verdict) -> float:
    known = verdict.power_nearest[np.isfinite(verdict.power_nearest)]
    return float(known.max()) if known.size else 0.0


def relevance_table(analysis: Analysis) -> str:
    """Give cost, growth, bias, false alarms and power of each distance at the largest size it allows."""
    found: Relevance = analysis.sections["relevance"]
    head = (
        "distance",
        "n per sample",
        "seconds per test",
        "grows as n to the",
        "by sampling alone (bias)",
        "false alarms",
        f"distinguishes {escape(found.nearest)}",
        f"distinguishes {escape(found.farthest)}",
        "exists for all models",
    )
    rows = []
    for name, one in found.distances.items():
        known = np.flatnonzero(np.isfinite(one.seconds))
        if not known.size:
            rows.append([escape(declared(name).label), *[NOTHING] * 7, "no"])
            continue
        at = int(known[-1])
        shares = [percent(float(values[at])) for values in (one.size, one.power_nearest, one.power_farthest)]
        rows.append(
            [
                escape(declared(name).label),
                str(int(found.sizes[at])),
                number(float(one.seconds[at])),
                number(one.growth),
                number(float(one.bias[at])),
                *shares,
                "yes" if one.exists else "no",
            ]
        )
    error = 100 / (2 * found.replicates**0.5)
    note = (
        f"<p>{found.replicates} samples each, drawn from all trajectories at the chosen snapshots: standard "
        f"error of a share at most {error:.0f}&nbsp;%, given this ensemble. A distance that does not exist "
        "for a model is not tested against it.</p>"
    )
    return note + table(head, rows)


def _measured(analysis: Analysis) -> bool:
    """Whether any distance was tested at any size: not if samples of independent states are too small."""
    found: Relevance | None = analysis.sections.get("relevance")
    return found is not None and any(np.isfinite(one.seconds).any() for one in found.distances.values())


SPECS = (
    FigureSpec(
        name="all_distances",
        title="Every distance",
        caption=(
            "Each distance of each model from the reference at snapshots between which the reference covers "
            "equal parts of its way, as a multiple of its 95&nbsp;% null quantile. <b>= means "
            "inside the null band: not significant by this distance at this number of trajectories "
            "(p &ge; 0.05).</b> A dash: the distance does not exist for this model, or too few trajectories "
            "survive. The reference stands for its own two halves: one cell in twenty is coloured by "
            "chance. Squared distances have larger ratios than their roots: compare along a row, not along a "
            "column."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>; <code>analysis.h5 sections/distances</code>. "
            "MMD, energy distance and KL by neighbours use at most 512 or 256 trajectories per sample, exact "
            "transport and the Sinkhorn divergence 100, random features all. KL is the mean "
            "of both directions on at most three principal axes."
        ),
        draw=distances_figures.all_distances,
        applies=lambda analysis: "distances" in analysis.sections,
        finding=battery_finding,
        beside=lambda analysis: battery_table(analysis) + by_coordinate(analysis),
    ),
    FigureSpec(
        name="pairs",
        title="Distance between any two models",
        caption=(
            "First the effect between any two models, the mean over the course of learning in shares of a "
            "mode's strength or decades of loss, the same in both triangles: blue where the models are "
            "distinguishable, grey where they are not or that is undetermined (with the reference by all "
            "distances at all snapshots, other pairs by the two below, at the chosen snapshots: "
            "<code>fastsde compare</code> may still distinguish these); on the diagonal what sampling alone "
            "gives. Then, at chosen snapshots, distances as multiples of their 95&nbsp;% null "
            "quantile: the squared MMD in the upper right triangle and the energy distance in the lower left "
            "one; on the diagonal the MMD of the two halves of one model. = means that a difference is not "
            "significant there, a dash that the distance does not exist or too few survive."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code>, the first half of one model and the second half of "
            "the other; <code>analysis.h5 sections/pairs</code>."
        ),
        draw=distances_figures.all_pairs,
        applies=lambda analysis: "pairs" in analysis.sections,
        finding=pairs_finding,
    ),
    FigureSpec(
        name="relevance",
        title="Which distance is tractable and relevant",
        caption=(
            "How often a permutation test at the 5&nbsp;% level distinguishes the nearest and farthest model "
            "from the reference in small samples of this ensemble, how often the reference from itself, and "
            "what one test with all shuffles costs. Darker is a larger sample. A star: the distance does "
            "not exist for every model of the study."
        ),
        source=(
            "<code>ensemble.h5 /MODEL/modes, loss</code> at the chosen snapshots; <code>analysis.h5 "
            "sections/relevance</code>. Nearest and farthest by the effect over the course."
        ),
        draw=distances_figures.relevance,
        applies=_measured,
        finding=relevance_finding,
        beside=relevance_table,
    ),
)
"""The figures of all distances, in the order of the page."""

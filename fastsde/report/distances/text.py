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
        f"At step {found.step[-1]:,.0f}, the number of existing distances that distinguish each model from "
    )
    sentence = f"{where}{escape(analysis.reference)}: {', '.join(said)}."
    if lacking:
        refused = set().union(*lacking.values())
        who = [name for name in lacking if name != analysis.reference] or [analysis.reference]
        every = len(found.models[analysis.reference].tests)
        sentence += (
            f" {len(refused)} of {every} distances do not exist for {escape(', '.join(who))}: "
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
    return text + (f"<p>Why some do not exist: {escape('; '.join(lacking))}.</p>" if lacking else "")


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
        f"<p>{found.replicates} samples each, drawn from all trajectories at the chosen snapshots: the "
        f"standard error of a share is at most {error:.0f}&nbsp;%, given this ensemble. A distance that does "
        "not exist "
        "for a model is not tested against it.</p>"
    )
    return note + table(head, rows)


def measured(analysis: Analysis) -> bool:
    """Whether any distance was tested at any size: not if samples of independent states are too small."""
    found: Relevance = analysis.sections["relevance"]
    return any(np.isfinite(one.seconds).any() for one in found.distances.values())

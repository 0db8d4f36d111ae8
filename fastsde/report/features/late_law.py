"""What the numbers on late-time laws say, and their table, as HTML."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.features.late_law import LateLaw, LateLaws
from fastsde.analysis.summary import ordered
from fastsde.report.writing import NOTHING, number, p_value, spanned, table


def late_finding(analysis: Analysis) -> str:
    """Say whether the late-time laws are the fixed point, a Boltzmann law, or neither."""
    found: LateLaws = analysis.sections["late_law"]
    noise = "with label noise" if found.label_noise else "without label noise"
    start = f"At the end, {noise}: "
    said: dict[str, list[str]] = {}
    for name in ordered(analysis):
        said.setdefault(_late(found.models[name]), []).append(escape(name))
    return start + " ".join(f"{', '.join(names)}: {what}." for what, names in said.items())


def _late(law: LateLaw) -> str:
    if law.reason == "collapsed onto a point":
        largest = float(np.nanmax(np.abs(law.offset.value)))
        where = (
            "the fixed point of gradient flow"
            if largest < 1e-3
            else "a point off the fixed point of gradient flow"
        )
        return f"collapsed onto {where}"
    if law.reason or law.temperatures is None or law.boltzmann is None:
        return f"no temperature ({escape(law.reason)})"
    unlearned = float(np.nanmin(law.learned)) < 0.95
    moving = (
        f"; not stationary yet (p {p_value(law.motion_p)})" if law.moves and law.motion_p is not None else ""
    )
    if unlearned:
        return "not all modes learned in all trajectories, so that the law is not that of a single minimum"
    heats = law.temperatures
    if heats.equipartition_p < 0.05:
        return (
            f"no Boltzmann law: the modes' temperatures differ by a factor of {number(heats.ratio)} "
            f"(equipartition p {p_value(heats.equipartition_p)}){moving}"
        )
    if law.boltzmann.p_value < 0.05:
        return f"no Boltzmann law by its shape (p {p_value(law.boltzmann.p_value)}){moving}"
    text = f"indistinguishable from a Boltzmann law of temperature {number(float(heats.common.value))}"
    if law.own_temperature:
        text += f" (the model's own: {number(law.own_temperature)})"
    return text + moving


def late_table(analysis: Analysis) -> str:
    """Tabulate temperatures and tests of the late-time laws."""
    found: LateLaws = analysis.sections["late_law"]
    head = (
        "model",
        "temperature, common",
        "largest over smallest, equipartition p",
        "Boltzmann of the fitted temperature: distance, p",
        "Boltzmann of its own temperature: distance, p",
        "modes with a normal shape (p above 0.05)",
        "spread over that at an earlier step, p",
    )
    rows = [_late_row(name, found.models[name]) for name in ordered(analysis)]
    law = (
        "Gibbs law exp(&minus;L/T)"
        if found.exact
        else "local Boltzmann law of W (a deep network without weight decay has no Gibbs law)"
    )
    note = (
        f"<p>T<sub>a</sub> = c Var(m<sub>a</sub>) / v<sub>a</sub><sup>T</sup> S<sup>+</sup> v<sub>a</sub> at "
        f"the last snapshot; compared with the {law}. Kolmogorov-Smirnov distances, with p-values from "
        "simulated samples where a temperature is fitted. The last column compares the spread with that at "
        f"step {found.first_step:,.0f}: its range over modes, and the p-value of the hypothesis that no "
        "mode's mean or spread has changed since; small where the law is not stationary.</p>"
    )
    return note + table(head, rows) + _no_currents(analysis)


def _no_currents(analysis: Analysis) -> str:
    """Say why there is no figure of currents, if so."""
    found = analysis.sections.get("currents")
    if found is None or any(one.planes for one in found.models.values()):
        return ""
    reasons: dict[str, list[str]] = {}
    for name in ordered(analysis):
        reasons.setdefault(found.models[name].reason, []).append(name)
    told = "; ".join(f"{escape(', '.join(names))}: {escape(reason)}" for reason, names in reasons.items())
    return f"<p>Currents and entropy production are not given. {told}.</p>"


def _late_row(name: str, law: LateLaw) -> list[str]:
    diverged = f'<span class="what">{law.diverged:,} diverged</span>' if law.diverged else ""
    first = f"{escape(name)}{diverged}"
    if law.temperatures is None or law.boltzmann is None:
        return [first, escape(law.reason), *[NOTHING] * 5]
    heats = law.temperatures
    own = law.gibbs
    normal = sum(fit.p_value > 0.05 for fit in law.shape.values())
    settled = law.settled.value[np.isfinite(law.settled.value)]
    motion = math.nan if law.motion_p is None else law.motion_p
    return [
        first,
        spanned(heats.common),
        f"{number(heats.ratio)}, {p_value(heats.equipartition_p)}",
        f"{number(law.boltzmann.distance)}, {p_value(law.boltzmann.p_value)}",
        NOTHING if own is None else f"{number(own.distance)}, {p_value(own.p_value)}",
        f"{normal} of {len(law.shape)}",
        f"{settled.min():.2f} to {settled.max():.2f}, {p_value(motion)}" if settled.size else NOTHING,
    ]

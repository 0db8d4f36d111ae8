"""What trajectories escape from, and when: the saddles of a network, the barriers of a landscape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.escape.passages import Passages, passages, stays
from fastsde.analysis.late_window import last_seen, only_diverges
from fastsde.analysis.law import plateaus
from fastsde.analysis.protocols import Floats, Trajectories

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

__all__ = ["Known", "arrivals", "crossings", "departures", "is_rank", "known_stays", "passage", "rank_place"]

EVENTS = "first passages at every integrator step (mode_learned events)"
MODES = "snapshots at which a mode is above half its strength"
LOSSES = "snapshots at which the loss is below the middle of two plateaus"
CROSSINGS = "first passages at every integrator step (events of the study), from the start on"
MOST = 6
"""Most kinds of crossings of a landscape that are looked at."""


RANK = "rank "
"""How the names of the places of a network begin."""


def away_place(share: float) -> str:
    """Return the name of the place that a network reaches when it has escaped from the saddle of its start.

    Examples
    --------
    >>> passage(away_place(0.5))
    'to distance 0.5 from the saddle'
    """
    return f"distance {share:g} from the saddle"


def rank_place(rank: int) -> str:
    """Return the name of the place that a network at some rank escapes from."""
    return f"{RANK}{rank}"


def is_rank(place: str) -> bool:
    """Whether a place is left, as a rank of a network, and not reached, as a level on a landscape.

    Examples
    --------
    >>> is_rank("rank 1"), is_rank("radius 1")
    (True, False)
    """
    return place.startswith(RANK)


def passage(place: str) -> str:
    """Say what a passage leads from, or to.

    Examples
    --------
    >>> passage("rank 0"), passage("radius 1")
    ('from rank 0 to 1', 'to radius 1')
    """
    return f"from {place} to {int(place.removeprefix(RANK)) + 1}" if is_rank(place) else f"to {place}"


@dataclass(frozen=True)
class Known:
    """Stays of one model at each place, and how they are known.

    Attributes
    ----------
    places : tuple of str
        What is left: ranks, or what is crossed.
    stays : list of Passages
        One for each place.
    source : str
        Where the times come from.
    """

    places: tuple[str, ...]
    stays: list[Passages]
    source: str


def known_stays(view: Trajectories, context: Context) -> Known | None:
    """Return the stays of a model's trajectories; None if nothing says when they end.

    There are no stays of a model that only diverges.
    """
    end, diverged = last_seen(view), view.passage_time("diverged")
    if not context.ensemble.study.objective.linear:
        crossed = crossings(view, context)
        if not crossed:
            return None
        return Known(tuple(crossed), [passages(one, diverged, end) for one in crossed.values()], CROSSINGS)
    away = departures(view, context)
    found = arrivals(view, context)
    if found is None and not away:
        return None
    learned, source = (np.empty((view.count, 0)), EVENTS) if found is None else found
    if only_diverges(view, context.ensemble.study):
        learned, diverged, end = learned[:0], diverged[:0], end[:0]
        away = {place: times[:0] for place, times in away.items()}
    left = [passages(times, diverged, end) for times in away.values()]
    first = _start_rank(context)
    ranks = stays(learned, diverged, end)[first:]
    places = (*away, *(rank_place(first + number) for number in range(len(ranks))))
    return Known(places, left + ranks, source)


def departures(view: Trajectories, context: Context) -> dict[str, Floats]:
    """Return when trajectories leave the saddle where they start, by place; empty without such events."""
    if "escaped_step" not in view.variables:
        return {}
    times = view.passage_time("escaped")
    levels = context.ensemble.study.events.escapes
    return {away_place(level): times[:, number] for number, level in enumerate(levels)}


def _start_rank(context: Context) -> int:
    """Return the rank at which all trajectories start: that of a saddle, else 0."""
    network = context.ensemble.study.network
    return len(network.init.kept) if network is not None and network.init.kind == "saddle" else 0


def crossings(view: Trajectories, context: Context) -> dict[str, Floats]:
    """Return when each event of a landscape first happens, (trajectory,), NaN if never, by what is crossed.

    Radii come first, then intervals, levels that coordinates rise above, and those that the energy falls
    below.
    """
    study = context.ensemble.study
    events, words = study.events, study.objective.vocabulary
    found: dict[str, Floats] = {}
    if "radius_above_step" in view.variables:
        times = view.passage_time("radius_above")
        found |= {f"radius {radius:g}": times[:, k] for k, radius in enumerate(events.radii)}
    if "interval_step" in view.variables:
        times = view.passage_time("interval")
        for k, one in enumerate(events.intervals or ()):
            where = "inside" if one.inside else "outside"
            found[f"{words.mode} {one.mode} {where} [{one.ends[0]:g}, {one.ends[1]:g}]"] = times[:, k]
    if "mode_learned_step" in view.variables:
        times = view.passage_time("mode_learned")
        for k, level in enumerate(events.mode_learned):
            for axis in range(times.shape[2]):
                found[f"{words.mode} {axis + 1} above {level:g}"] = times[:, k, axis]
    if "loss_below_step" in view.variables:
        times = view.passage_time("loss_below")
        found |= {f"{words.loss} below {level:g}": times[:, k] for k, level in enumerate(events.loss_below)}
    return dict(list(found.items())[:MOST])


def arrivals(view: Trajectories, context: Context) -> tuple[Floats, str] | None:
    """Return when modes are learned, (trajectory, mode), NaN if never, and where that is known from.

    From the events of the integration where it looked for them, else from the modes or, for white inputs, the
    loss at snapshots: then a time is that of the first snapshot after, and its error a snapshot's distance.
    """
    fractions = np.asarray(context.ensemble.study.events.mode_learned, dtype=np.float64)
    worth = context.strength > 0.01 * context.strength[0]
    if len(fractions) and "mode_learned_step" in view.variables:
        return view.passage_time("mode_learned")[:, np.argmin(np.abs(fractions - 0.5))][:, worth], EVENTS
    if "modes" in view.variables:
        return _first(view, "modes", lambda modes: modes[:, worth] >= context.strength[worth] / 2), MODES
    levels = plateaus(context.ensemble.problem)
    if "loss" in view.variables and levels.size:
        middle = (levels[1:] + levels[:-1]) / 2
        return _first(view, "loss", lambda loss: loss[:, None] < middle[: worth.sum()]), LOSSES
    return None


def _first(view: Trajectories, name: str, passed: object) -> Floats:
    found: Floats | None = None
    for snapshot, time in enumerate(view.time):
        here = passed(view.read(name, snapshot))  # type: ignore[operator]
        found = np.full(here.shape, np.nan) if found is None else found
        found[here & np.isnan(found)] = time
    assert found is not None
    return found

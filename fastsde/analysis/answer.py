"""The answer of a study in three plain sentences, how sure it is, and what to do next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fastsde.analysis.control import sampling_control, shuffles
from fastsde.analysis.headline import differences, effect_of, headline, nearest_group, reason_undetermined
from fastsde.analysis.phrases import enumerated, short
from fastsde.analysis.ranking import ranking, verdict
from fastsde.analysis.titles import titles
from fastsde.study.study import Study

if TYPE_CHECKING:
    from fastsde.analysis.distances.effect import Effect
    from fastsde.analysis.results import Findings

__all__ = ["answer", "certainty", "next_steps", "question"]

FEW = 4
"""Models that a sentence names one by one; of more it names the ends."""
MANY = 6
"""Models that a list names one by one."""
OFTEN_DIVERGES = 0.05
"""Share of diverged trajectories beyond which the next step is to ask why."""


def question(analysis: Findings) -> str:
    """Ask what the study answers.

    Returns
    -------
    str
        One sentence that ends with a question mark.
    """
    names = ranking(analysis)
    if not analysis.reference:
        return f"How do {enumerated(names)} differ?" if len(names) > 1 else f"How does {names[0]} behave?"
    if len(names) == 1:
        return f"How far is {_titled(analysis, names[0])} from {_titled(analysis, analysis.reference)}?"
    return (
        f"Which of {len(names)} models is closest to {_titled(analysis, analysis.reference)}, by how much, "
        "and how sure is that?"
    )


def answer(analysis: Findings) -> list[str]:
    """Answer the question of a study in at most three sentences, with its main numbers.

    Returns
    -------
    list of str
        Which model is closest and by how much; where the others are; which differ significantly or diverge.
        The one sentence of the headline where there is nothing to rank.
    """
    known = [name for name in ranking(analysis) if analysis.reference and math.isfinite(_far(analysis, name))]
    if not known:
        return [headline(analysis)]
    said = [_closest(analysis, known), _others(analysis, known), _told_apart(analysis)]
    return [sentence for sentence in said if sentence]


def certainty(analysis: Findings) -> list[str]:
    """Say how sure the answer is: the samples, the test, what is not tested.

    Returns
    -------
    list of str
        Sentences; empty without a reference.
    """
    if not analysis.reference or not ranking(analysis):
        return []
    study = Study.from_toml(analysis.study)
    said = _sampling(analysis, ranking(analysis)[0])
    said.append(
        "Whether a model differs at all is decided by one permutation test of all distances at all "
        "snapshots, with 5 % false alarms for each model."
    )
    if study.data is not None and study.data.samples != "population":
        said.append(
            "All trajectories share one data set. The results, intervals and tests hold for it; another data "
            "set may give others."
        )
    if shuffles(analysis) and not sampling_control(analysis):
        said.append(
            f"{analysis.reference} shuffles its samples and the models do not: without a control, an unknown "
            "part of every distance is due to that."
        )
    return said


def _sampling(analysis: Findings, first: str) -> list[str]:
    """Say what chance does to the effects: what equal laws give, and what a repetition would change."""
    effect, reference = effect_of(analysis, first), analysis.reference
    said = []
    if math.isfinite(effect.sampling):
        count = analysis.effects.count
        halves = 2 * count <= analysis.models[reference].trajectories
        why = f", so that one half of {reference} can be compared with the other" if halves else ""
        said.append(
            f"Samples are {'halves' if halves else 'sets'} of {count:,} trajectories{why}: two samples of "
            f"{reference} differ by {short(effect.sampling)} on average. A model with the same law would get "
            "that, not 0, and less with more trajectories."
        )
    if math.isfinite(effect.high):
        again = math.sqrt(2) * (effect.high - effect.mean)
        said.append(
            "The intervals (95 %, jackknife over the trajectories of both models) contain the scatter of "
            "samples of this size: repeated with other random numbers on the same data, the study would "
            f"give {first} a mean effect within {short(again)} of this one, in 95 % of cases (more than half "
            "the interval, since both would scatter). They contain neither what sampling adds to every "
            "effect nor errors of the integrator."
        )
    return said


def next_steps(analysis: Findings, directory: str) -> list[str]:
    """Suggest what to do next, from what the analysis found.

    Parameters
    ----------
    analysis
        What was found.
    directory : str
        Name of the run's directory, for commands.

    Returns
    -------
    list of str
        Sentences, the most useful first.
    """
    names, said = ranking(analysis), []
    count = min(one.trajectories for one in analysis.models.values())
    if analysis.reference and names:
        tied = nearest_group(analysis)
        same = [name for name in names if verdict(analysis, analysis.reference, name) == "indistinguishable"]
        more = f"fastsde run {directory}/study.toml -o {directory} --trajectories {4 * count}"
        if len(tied) > 1:
            said.append(
                f"To learn which of {enumerated(tied)} is closer, run four times as many trajectories: "
                f"`{more}`. That halves the intervals, and nothing is computed again."
            )
        elif same:
            said.append(
                f"{enumerated(same)} may still differ by less than this sample shows: `{more}` halves the "
                "smallest difference that can be found."
            )
        if shuffles(analysis) and not sampling_control(analysis):
            said.append(
                f"Add a control: a model with the keys of {analysis.reference} and "
                'sampling = "replacement", whose noise is independent at every step like that of an SDE.'
            )
    often = [
        name
        for name, one in analysis.models.items()
        if one.trajectories and one.diverged / one.trajectories > OFTEN_DIVERGES
    ]
    if often:
        said.append(
            "See whether divergence is due to the model or to the length of the integrator step: run "
            f"{enumerated(often)} with more substeps, or with lighter tails."
        )
    if Study.from_toml(analysis.study).data is not None:
        said.append("See whether the answer holds on another data set: `seed = 1`, into another directory.")
    return said


def _far(analysis: Findings, name: str) -> float:
    return effect_of(analysis, name).mean


def _closest(analysis: Findings, known: list[str]) -> str:
    """Say which model is closest, by how much, and which are not significantly farther."""
    first, reference = known[0], analysis.reference
    effect, tied = effect_of(analysis, first), nearest_group(analysis)
    relation = "is the closest to" if len(known) > 1 else "is compared with"
    start = f"{_titled(analysis, first)} {relation} {reference}"
    notes = []
    if math.isfinite(effect.high):
        notes.append(f"95 % interval {short(effect.low)} to {short(effect.high)}")
    if math.isfinite(effect.sampling):
        notes.append(f"a perfect model would get about {short(effect.sampling)}")
    span = f" ({'; '.join(notes)})" if notes else ""
    unsure = ""
    if len(tied) > 1:
        are = "is" if len(tied) == 2 else "are"
        unsure = f"; {_named(tied[1:])} {are} not significantly farther"
    return f"{start}, at a mean effect of {short(effect.mean)}{span}: {_parts(analysis, effect)}{unsure}."


def _parts(analysis: Findings, effect: Effect) -> str:
    """Say what an effect is made of; a small difference of the loss as a factor."""
    course = f"averaged over the {analysis.objective.vocabulary.course}, "
    if not 0 < effect.loss < 3:
        return course + differences(analysis, effect)
    parts = [analysis.objective.vocabulary.modes_differ.format(short(effect.modes))]
    loss = f"its loss by a factor of {10**effect.loss:.3g}"
    return course + enumerated([*(parts if math.isfinite(effect.modes) else []), loss])


def _others(analysis: Findings, known: list[str]) -> str:
    """Say how far the other models are."""
    rest = [name for name in known if name not in nearest_group(analysis)]
    if not rest:
        return ""
    if len(rest) == 1:
        return f"{rest[0]} is farther, at {short(_far(analysis, rest[0]))}."
    effects = [f"{name} at {short(_far(analysis, name))}" for name in rest]
    if len(effects) > MANY:
        effects = [*effects[:3], f"{len(effects) - 4} others in between", effects[-1]]
    return f"The others are farther: {enumerated(effects)}."


def _told_apart(analysis: Findings) -> str:
    """Say which models differ significantly from the reference, and which diverge."""
    names = ranking(analysis)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(verdict(analysis, analysis.reference, name), []).append(name)
    told, same = (groups.get(word, []) for word in ("distinguishable", "indistinguishable"))
    size = f"with {analysis.effects.count:,} trajectories per sample"
    parts = []
    if told:
        every = len(told) == len(names)
        who = _every(told) if every else _differ(told)
        parts.append(f"{who} significantly from {analysis.reference} {size}")
    if same:
        do, where = "does" if len(same) == 1 else "do", "" if told else f" {size}"
        parts.append(f"{_named(same)} {do} not differ significantly from {analysis.reference}{where}")
    if unknown := groups.get("undetermined", []):
        parts.append(f"{_named(unknown)} could not be tested ({reason_undetermined(analysis, unknown[0])})")
    gone = [name for name in names if analysis.models[name].diverged]
    if gone:
        share = [100 * analysis.models[name].diverged / analysis.models[name].trajectories for name in gone]
        own = analysis.models[analysis.reference]
        low, high = f"{min(share):.2g}", f"{max(share):.2g}"
        span = low if low == high else f"{low} to {high}"
        parts.append(
            f"{span} % of the trajectories of {_named(gone)} diverge, "
            f"{100 * own.diverged / own.trajectories:.2g} % of those of {analysis.reference}"
        )
    return f"{'; '.join(parts)}."


def _every(names: list[str]) -> str:
    if len(names) > 2:
        return f"All {len(names)} models differ"
    return "Both models differ" if len(names) == 2 else f"{names[0]} differs"


def _differ(names: list[str]) -> str:
    return f"{_named(names)} differ{'s' if len(names) == 1 else ''}"


def _titled(analysis: Findings, name: str) -> str:
    """Write the name of a model with its title, unless that says the same."""
    title = titles(analysis)[name]
    same = name.replace("_", " ").casefold() == title.casefold()
    return name if same or not title else f"{name} ({title})"


def _named(names: list[str]) -> str:
    """Name a few models, or count them."""
    return enumerated(names) if len(names) <= FEW else f"{len(names)} models"

"""The report as one self-contained HTML page."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from html import escape

from fastsde.analysis import Analysis
from fastsde.analysis.law import branches_of
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.ranking import ranking
from fastsde.analysis.views import FAR
from fastsde.report import tables
from fastsde.report.css import CSS
from fastsde.report.spec import FIGURES, FigureSpec, said
from fastsde.report.words import study_sentences
from fastsde.storage.layout import PARTIAL_FILE
from fastsde.study.study import Study


def page(analysis: Analysis, study: Study, title: str, images: Mapping[str, bytes]) -> str:
    """Write the page.

    Parameters
    ----------
    analysis : Analysis
        What was found.
    study : Study
        The study, for the description in words.
    title : str
        Name of the run.
    images : mapping of str to bytes
        PNG files by figure name; figures without one are left out.

    Returns
    -------
    str
        HTML with the figures inside.
    """
    shown = [
        spec
        for spec in FIGURES.values()
        if spec.name in images or (spec.draw is None and spec.applies(analysis))
    ]
    parts = [
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="sub">{_subtitle(analysis)}</p>',
        _finding(analysis, study, shown),
        "<h2>Results</h2>",
        tables.results(analysis),
        _reading(analysis, study),
        *(_part_of_page(spec, analysis, images.get(spec.name)) for spec in shown),
        "<h2>The study</h2>",
        _study(analysis, study),
        "<h2>Provenance</h2>",
        _provenance(analysis, study),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _subtitle(analysis: Analysis) -> str:
    models = len(analysis.models)
    trajectories = sum(one.trajectories for one in analysis.models.values())
    return (
        f"{models} model{'s' if models > 1 else ''}, {trajectories:,} trajectories, "
        f"{analysis.step[-1]:,.0f} learning-rate steps"
    )


def _finding(analysis: Analysis, study: Study, specs: Sequence[FigureSpec]) -> str:
    diverged = [
        f"{escape(name)} {one.diverged:,} of {one.trajectories:,}"
        for name, one in analysis.models.items()
        if one.diverged
    ]
    positive = f"Once its loss stays above {FAR:g} times the largest initial loss, such"
    far = positive if analysis.objective.positive else "Such"
    note = (
        f"<p>Trajectories that diverged: {', '.join(diverged)}. {far} a trajectory is a separate state for "
        "the MMD and left out of all other estimates; for "
        f"{analysis.objective.vocabulary.passage_times} divergence is a competing event.</p>"
        if diverged
        else ""
    ) + _stopped(analysis, study)
    answers = [(spec, spec.finding(analysis)) for spec in specs if spec.answers]
    listed = "".join(
        f'<li><a href="#{spec.name}">{said(spec.title, analysis)}</a>: {answer}</li>'
        for spec, answer in answers
        if answer
    )
    more = f"<ul>{listed}</ul>" if listed else ""
    return (
        f'<div class="finding"><b>{escape(analysis.headline())}</b>{more}{_part(analysis, study)}{note}'
        f"{_quick(analysis)}</div>"
    )


def _stopped(analysis: Analysis, study: Study) -> str:
    """Say who was stopped at an event, and what that means for what is shown."""
    stopped = [
        f"{escape(name)} {one.stopped:,} of {one.trajectories:,}" for name, one in analysis.models.items()
    ]
    if not study.events.stops:
        return ""
    times = analysis.objective.vocabulary.passage_times
    return (
        f"<p>Trajectories that were stopped at an event ({escape(', '.join(study.events.stops))}): "
        f"{', '.join(stopped)}. They did not diverge; what happens after the event is not computed. At a "
        "later snapshot the MMD counts a stopped trajectory as a state of its own (as a diverged one), and "
        "all other estimates are of the trajectories still followed there, to which the event has not "
        f"happened. For {times} of other events the stop is censoring, as if it were independent of "
        "them.</p>"
    )


def _quick(analysis: Analysis) -> str:
    """Say what a quick analysis reduces."""
    return f"<p>{analysis.settings.quick_words()}</p>" if analysis.settings.quick else ""


def _part(analysis: Analysis, study: Study) -> str:
    """Say which part of its study an analysis covers, unless it is all of it."""
    notes = []
    if analysis.source == PARTIAL_FILE:
        notes.append(
            f"{PARTIAL_FILE}, the part of a run up to step {analysis.step[-1]:,.0f}; the run may continue"
        )
    wanted = study.trajectories
    fewer = {name: one.trajectories for name, one in analysis.models.items() if one.trajectories < wanted}
    if fewer:
        there = ", ".join(f"{escape(name)} {count:,}" for name, count in fewer.items())
        notes.append(f"of {wanted:,} trajectories per model: {there}")
    without = [escape(name) for name in study.models if name not in analysis.models]
    notes += [f"without {enumerated(without)}"] if without else []
    return f"<p>Partial results: {'; '.join(notes)}.</p>" if notes else ""


def _reading(analysis: Analysis, study: Study) -> str:
    if not analysis.reference or not ranking(analysis):
        return ""
    settings, words = analysis.settings, analysis.objective.vocabulary
    paired = (
        " The models of this study share their starting points; different trajectories are compared, so the "
        "samples are still independent."
        if study.start == "paired"
        else ""
    )
    data = (
        ""
        if study.data is None or study.data.samples == "population"
        else " All trajectories share one data set: the results hold for this data set."
    )
    branches = branches_of(study)
    unit = "the trajectory"
    if branches > 1:
        unit = (
            f"the state, of {branches} trajectories each (here, in shapes and in the variance explained "
            "by the initial state; elsewhere intervals take trajectories for independent, and "
            "are too narrow while "
            "states matter)"
        )
    return (
        f"<p>Models are in order of their <b>effect</b>, the nearest to {escape(analysis.reference)} first: "
        "the Wasserstein-1 distance of the marginal laws over the central 90&nbsp;% of their quantiles, mean "
        f"over the {words.compared}, averaged over the {words.course}. "
        "Snapshots are weighted by their share of the path of the reference (that of its medians), "
        "not by time. The effect exists for every law and is measured among surviving trajectories; its "
        "interval is by the jackknife. <b>By sampling alone</b>: the mean effect between two samples of the "
        "reference of the "
        "same size; an effect of that size may be due to sampling alone, and a larger one includes some of "
        "it.</p><p>Whether a model is <b>distinguishable</b> is another question: one permutation test of "
        "all distances at all snapshots together (5&nbsp;% false alarms for each model), diverged "
        "trajectories being a separate state for the MMD. A small effect can be significant and a large "
        "one need not be; <b>indistinguishable</b> does not mean equal, since a larger ensemble may find a "
        f"difference. The unit is {unit}; both samples have the same size: the first half of the reference "
        "and the second half of the model; for the effect also the other two halves."
        f"{paired}{data}</p>"
        "<p>MMD is the unbiased squared maximum mean discrepancy (mean of three Gaussian kernels: a quarter, "
        "once and four times as wide as the median distance of the points of all models at each snapshot; by "
        f"{settings.frequencies} random features). The sliced Wasserstein distance W<sub>2</sub> is measured "
        "among survivors, and does not exist where there is no variance.</p>"
    )


def _part_of_page(spec: FigureSpec, analysis: Analysis, image: bytes | None) -> str:
    """Write heading, finding, figure with its caption, and table."""
    title = said(spec.title, analysis)
    figure = "" if image is None else _figure(spec, analysis, image)
    finding = _sentence(spec.finding(analysis))
    return f'<h2 id="{spec.name}">{title}</h2>\n{finding}{figure}{spec.beside(analysis)}'


def _figure(spec: FigureSpec, analysis: Analysis, image: bytes) -> str:
    title, caption, source = (said(text, analysis) for text in (spec.title, spec.caption, spec.source))
    data = base64.b64encode(image).decode("ascii")
    source = f"From {source} " if source else ""
    return (
        f'<figure>\n<img alt="{escape(title)}" src="data:image/png;base64,{data}">\n'
        f"<figcaption>{caption}"
        f'<div class="source">{source}File: <code>figures/{spec.name}.png</code>.</div>'
        "</figcaption>\n</figure>\n"
    )


def _sentence(finding: str) -> str:
    return f"<p><b>{finding}</b></p>\n" if finding else ""


def _study(analysis: Analysis, study: Study) -> str:
    sentences = " ".join(escape(sentence) for sentence in study_sentences(study))
    models = "".join(
        f"<li><b>{escape(name)}</b>: {escape(one.summary)}</li>" for name, one in analysis.models.items()
    )
    return f"<p>{sentences}</p>\n<ul>{models}</ul>\n<pre>{escape(_compact(analysis.study))}</pre>"


def _compact(toml: str) -> str:
    """Put each array of a TOML text on one line."""
    joined = re.sub(r"\[\n((?:    [^\n]*,\n)+)\]", lambda found: f"[{' '.join(found[1].split())}]", toml)
    return joined.replace(",]", "]")


def _provenance(analysis: Analysis, study: Study) -> str:
    settings = analysis.settings
    facts = {
        "study fingerprint": analysis.fingerprint,
        "seed of the study": str(study.seed),
        "seed of the analysis": str(settings.seed),
        "distances": (
            f"{settings.permutations:,} shuffles, {settings.directions:,} directions; at most "
            f"{settings.sliced_limit:,} trajectories per sample for W2, all for the MMD by random features"
        ),
        "analysed": analysis.created,
        "versions": ", ".join(f"{name} {version}" for name, version in analysis.versions.items()),
        "data": "ensemble.h5 (trajectories), analysis.h5 (all numbers of this page)",
    }
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f"<dl>{listed}</dl>"

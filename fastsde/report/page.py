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
from fastsde.report.sheet import chosen, first_sheet
from fastsde.report.spec import FIGURES, FigureSpec, said
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
    first = chosen(shown)
    sections = _sections(shown)
    figures = "".join(_figure(spec, analysis, images[spec.name]) for spec in first)
    parts = [
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(readable(title))}</title>\n<style>{CSS}</style>\n</head>\n<body>",
        f"<h1>{escape(readable(title))}</h1>",
        f'<p class="sub">{_subtitle(analysis)}</p>',
        first_sheet(analysis, study, title, figures, _notes(analysis, study), _answers(analysis, shown)),
        _contents(sections, analysis),
        *(_section(group, analysis, images, first) for group in sections),
        '<h2 id="results">All results in one table</h2>',
        f"<p><b>{escape(analysis.headline())}</b></p>",
        tables.results(analysis),
        _folded("How to read the table", _reading(analysis, study)),
        '<h2 id="study">The study</h2>',
        _study(analysis, study),
        '<h2 id="provenance">Provenance, and how to cite</h2>',
        _provenance(analysis, study),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def readable(title: str) -> str:
    """Make a title of the name of a directory."""
    return title.replace("_", " ").replace("-", " ") or "study"


def _sections(shown: Sequence[FigureSpec]) -> list[list[FigureSpec]]:
    """Group figures: each that is no detail, with the details that follow it."""
    groups: list[list[FigureSpec]] = []
    for spec in shown:
        if spec.detail and groups:
            groups[-1].append(spec)
        else:
            groups.append([spec])
    return groups


def _contents(sections: Sequence[Sequence[FigureSpec]], analysis: Analysis) -> str:
    """Write the table of contents."""
    last = [
        ("results", "All results in one table"),
        ("study", "The study"),
        ("provenance", "Provenance, and how to cite"),
    ]
    entries = [(group[0].name, said(group[0].title, analysis)) for group in sections]
    items = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title in [*entries, *last])
    return f'<nav><h2 id="contents">Contents</h2>\n<ol>{items}</ol></nav>'


def _subtitle(analysis: Analysis) -> str:
    models = len(analysis.models)
    what = f"{models} model{'s' if models > 1 else ''}"
    if analysis.reference and models > 1:
        what = f"{analysis.reference} and {models - 1} model{'s' if models > 2 else ''} of it"
    trajectories = sum(one.trajectories for one in analysis.models.values())
    return f"{escape(what)}, {trajectories:,} trajectories, {analysis.step[-1]:,.0f} learning-rate steps"


def _notes(analysis: Analysis, study: Study) -> str:
    """Say what an effect is, and what limits the answer.

    Limits are a part of a run, divergence, trajectories that stop at an event, and a quick analysis.
    """
    limits = (_effect, _part, _diverged, _stopped, _quick)
    return "".join(limit(analysis, study) for limit in limits)


def _effect(analysis: Analysis, study: Study) -> str:
    """Say in one sentence what an effect is."""
    if not analysis.reference or not ranking(analysis):
        return ""
    words = analysis.objective.vocabulary
    return (
        f'<p class="note">The mean effect is the distance between the distributions of the {words.compared}, '
        f"averaged over the {words.course}, among trajectories that do not diverge.</p>"
    )


def _answers(analysis: Analysis, specs: Sequence[FigureSpec]) -> str:
    """List the findings that answer a question of the study."""
    found = [(spec, spec.finding(analysis)) for spec in specs if spec.answers]
    listed = "".join(
        f'<li><a href="#{spec.name}">{title}</a>{"" if title.endswith("?") else ":"} {answer}</li>'
        for spec, answer in found
        if answer and (title := said(spec.title, analysis))
    )
    return f"<h3>Other questions</h3>\n<ul>{listed}</ul>" if listed else ""


def _diverged(analysis: Analysis, study: Study) -> str:
    """Say how diverged trajectories are counted, where there are any."""
    if not any(one.diverged for one in analysis.models.values()):
        return ""
    positive = f"once its loss stays above {FAR:g} times the largest initial loss"
    when = positive if analysis.objective.positive else "once its state is no longer finite"
    return (
        f'<p class="note">A trajectory counts as diverged {when}. The test of whether models differ then '
        f"counts it as a state of its own; for {analysis.objective.vocabulary.passage_times} divergence is a "
        "competing event.</p>"
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


def _quick(analysis: Analysis, study: Study) -> str:
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


def _section(
    group: Sequence[FigureSpec],
    analysis: Analysis,
    images: Mapping[str, bytes],
    first: Sequence[FigureSpec],
) -> str:
    """Write a question with its figure and one paragraph; numbers, formulas and more figures are folded."""
    spec = group[0]
    image = images.get(spec.name)
    if spec in first:
        shown = f"{_sentence(spec, analysis)}<p>The figure is on the first sheet.</p>"
    elif image is None:
        shown = _sentence(spec, analysis)
    else:
        shown = _figure(spec, analysis, image)
    inside = [_source(spec, analysis), spec.beside(analysis)]
    for detail in group[1:]:
        figure = _figure(detail, analysis, images[detail.name]) if detail.name in images else ""
        words = "" if figure else _sentence(detail, analysis)
        title = f'<h3 id="{detail.name}">{said(detail.title, analysis)}</h3>'
        inside += [title, words, figure, _source(detail, analysis), detail.beside(analysis)]
    more = [said(detail.title, analysis) for detail in group[1:]]
    label = "Numbers and formulas" if not more else f"Numbers, formulas, and: {'; '.join(more)}"
    heading = f'<h2 id="{spec.name}">{said(spec.title, analysis)}</h2>'
    return f"{heading}\n{shown}{_folded(label, ''.join(inside))}"


def _folded(label: str, inside: str) -> str:
    """Fold something away under a label; nothing where there is nothing."""
    return f"<details><summary>{label}</summary>\n{inside}\n</details>\n" if inside else ""


def _figure(spec: FigureSpec, analysis: Analysis, image: bytes) -> str:
    """Write a figure; its caption begins with what it shows to be so."""
    title, caption = said(spec.title, analysis), said(spec.caption, analysis)
    data = base64.b64encode(image).decode("ascii")
    finding = spec.finding(analysis)
    claim = f"<b>{finding}</b> " if finding else ""
    return (
        f'<figure>\n<img alt="{escape(title)}" src="data:image/png;base64,{data}">\n'
        f"<figcaption>{claim}{caption}</figcaption>\n</figure>\n"
    )


def _source(spec: FigureSpec, analysis: Analysis) -> str:
    """Say where the numbers of a figure are, and its files."""
    source = said(spec.source, analysis)
    origin = f"From {source} " if source else ""
    files = f"Files: <code>figures/{spec.name}.png</code>, <code>.svg</code>." if spec.draw else ""
    return f'<p class="source">{origin}{files}</p>' if origin or files else ""


def _sentence(spec: FigureSpec, analysis: Analysis) -> str:
    finding = spec.finding(analysis)
    return f"<p><b>{finding}</b></p>\n" if finding else ""


def _study(analysis: Analysis, study: Study) -> str:
    seeds = f"Seed {study.seed} determines data, starts and noise."
    return f"<p>{seeds}</p>\n" + _folded("The study file", f"<pre>{escape(_compact(analysis.study))}</pre>")


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
    return f"<dl>{listed}</dl>\n<p>{_citation(analysis, study)}</p>"


def _citation(analysis: Analysis, study: Study) -> str:
    """Say how to cite: the program with its version, and what identifies the study."""
    version = analysis.versions.get("fastsde", "")
    return (
        f"To cite: <i>fastsde {escape(version)}: ensembles of stochastic gradient descent and of its "
        "stochastic differential equations</i> (CITATION.cff in the repository), with the study file, seed "
        f"{study.seed} and fingerprint {escape(analysis.fingerprint[:12])}, which give the same numbers."
    )

"""The first sheet of the page: question, models, answer, two figures, how sure, what next."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from fastsde.analysis import Analysis
from fastsde.analysis.answer import answer, certainty, next_steps, question
from fastsde.analysis.results import ModelResult
from fastsde.analysis.summary import ordered, summary
from fastsde.analysis.titles import titles
from fastsde.report.spec import FigureSpec
from fastsde.report.symbols import meanings
from fastsde.report.tables import effect_cell
from fastsde.report.words import study_sentences
from fastsde.report.writing import NOTHING, number, p_value, table
from fastsde.study.models.model import Model
from fastsde.study.models.sde import Sde
from fastsde.study.noise.stable import StableLaw
from fastsde.study.study import Study

__all__ = ["FIRST", "first_sheet", "formula", "models_table", "symbols"]

FIRST = ("effect", "loss")
"""Figures of the first sheet, where there are any."""

_SIGNS = {
    "d theta": "d&theta;",
    "<-": "&larr;",
    "theta": "&theta;",
    "eta": "&eta;",
    "epsilon": "&epsilon;",
    "grad": "&nabla;",
    "Sigma": "&Sigma;",
    "beta": "&beta;",
    "alpha": "&alpha;",
    "xi": "&xi;",
    "mu": "&mu;",
}


def first_sheet(analysis: Analysis, study: Study, title: str, figures: str, notes: str, others: str) -> str:
    """Write the sheet that stands alone.

    Parameters
    ----------
    analysis, study
        What was found, and the study.
    title : str
        Name of the run's directory.
    figures, notes, others : str
        HTML of two figures with their captions, of what a reader must know with the answer, and of the
        answers to other questions of the study.
    """
    said_first = "".join(f"<p>{escape(sentence)}</p>" for sentence in answer(analysis))
    setting = " ".join(_powers(escape(sentence)) for sentence in study_sentences(study))
    parts = [
        '<section class="sheet">',
        f'<p class="question">{escape(question(analysis))}</p>',
        f'<div class="finding">{said_first}{notes}</div>',
        f"<p>{setting}</p>",
        models_table(analysis, study),
        symbols(analysis, study),
        figures,
        others,
        _listed("How sure", certainty(analysis)),
        _listed("What to do next", next_steps(analysis, title)),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def models_table(analysis: Analysis, study: Study) -> str:
    """Tabulate the models: equation, calibrated numbers, and distance from the reference."""
    rows, called = {row["model"]: row for row in summary(analysis)}, titles(analysis)
    compared = bool(analysis.reference)
    head = (
        "model",
        "equation and calibrated values",
        *(("mean effect", f"differs from {escape(analysis.reference)}?") if compared else ()),
        "diverged",
    )
    cells = []
    for name in ordered(analysis):
        row, reference = rows[name], name == analysis.reference
        numbers = (effect_cell(row, reference), _differs(row, reference)) if compared else ()
        gone = f"{row['diverged']:,} of {row['trajectories']:,}"
        what = (
            f"{escape(name)}<span class='title'>{escape(called[name])}</span>"
            f"<span class='what'>{escape(analysis.models[name].summary)}</span>"
        )
        cells.append([what, _equation(analysis, study, name), *numbers, gone])
    return table(head, cells)


def _differs(row: dict[str, Any], reference: bool) -> str:
    """Answer whether a model differs from the reference, with the p-value."""
    p = "" if row["p_value"] is None else f" <small>p&nbsp;{p_value(row['p_value'], '=&nbsp;')}</small>"
    if reference:
        return f"its own halves: no{p}" if row["distinguishable"] is False and p else NOTHING
    if row["distinguishable"] is None:
        return f"undetermined: {escape(row['undetermined_because'] or 'not tested')}"
    return (
        f'<b class="yes">yes</b>{p}' if row["distinguishable"] else f'<b class="no">not significantly</b>{p}'
    )


def symbols(analysis: Analysis, study: Study) -> str:
    """Explain the letters of the equations in the table."""
    models = (study.models.get(name) for name in ordered(analysis))
    equations = [model.equation() for model in models if isinstance(model, Model)]
    found = meanings(equations, study.objective.vocabulary.loss)
    if any(_of_one_sample(one) for one in analysis.models.values()):
        found.append(("C_1", "the covariance of one sample's gradient"))
    said = "; ".join(f"<i>{formula(letter)}</i> {formula(words)}" for letter, words in found)
    return f'<p class="symbols">In the equations: {said}.</p>' if said else ""


def _equation(analysis: Analysis, study: Study, name: str) -> str:
    """Write the equation of a model, and the numbers that were calibrated for it."""
    one, model = analysis.models[name], study.models.get(name)
    parts = [formula(model.equation())] if isinstance(model, Model) and model.equation() else []
    numbers = [f"&eta; = {number(study.time.learning_rate)}"]
    if one.temperature is not None:
        numbers.append(f"T = {number(one.temperature)}")
    elif one.noise_scale is not None:
        of = "C<sub>1</sub><sup>1/2</sup>" if _of_one_sample(one) else _scaled(one)
        numbers.append(f"&Sigma;<sup>1/2</sup> = {number(one.noise_scale)} {of}")
    if isinstance(model, Sde) and isinstance(model.noise_law, StableLaw):
        numbers.append(f"&alpha; = {model.noise_law.alpha:g}")
    return f"{'<br>'.join(parts)}<span class='what'>{', '.join(numbers)}</span>"


def _of_one_sample(one: ModelResult) -> bool:
    """Whether the noise scale of a model multiplies the root of the covariance of one sample's gradient."""
    return one.temperature is None and one.noise_scale_of.startswith(
        "the square root of the covariance of one sample's gradient"
    )


def _scaled(one: ModelResult) -> str:
    """Say what the noise scale of a model multiplies, without what the law of the noise adds to it."""
    return f"times {escape(one.noise_scale_of.partition(';')[0])}"


def formula(text: str) -> str:
    """Write an equation of the study's words with the letters of mathematics, as HTML.

    Examples
    --------
    >>> formula("d theta = -grad U dt + eta^(1/2) dM")
    'd&theta; = &minus;&nabla;U dt + &eta;<sup>1/2</sup> dM'
    """
    html = escape(text, quote=False).replace("&lt;-", "<-")
    names = "|".join(re.escape(word) for word in _SIGNS)
    html = re.sub(rf"(?<![A-Za-z])(?:{names})(?![A-Za-z])|<-", lambda found: _SIGNS[found[0]], html)
    html = re.sub(r"\^\(([^)]*)\)|\^(\w)", lambda found: f"<sup>{found[1] or found[2]}</sup>", html)
    html = re.sub(r"_(\w+)", r"<sub>\1</sub>", html)
    html = html.replace("&nabla; ", "&nabla;").replace("A0", "A<sub>0</sub>")
    sign = r"(?:^|(?<=[\s=(\[]))-(?=[\w&(])| - "
    return re.sub(sign, lambda found: found[0].replace("-", "&minus;"), html)


def _listed(title: str, sentences: list[str]) -> str:
    """Write sentences as a short list under a small heading; text between backquotes is code."""
    if not sentences:
        return ""
    items = "".join(f"<li>{_code(escape(one))}</li>" for one in sentences)
    return f"<h3>{title}</h3>\n<ul>{items}</ul>"


def _powers(html: str) -> str:
    return re.sub(r"\^(-?[\d.]*\d)", r"<sup>\1</sup>", html)


def _code(html: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html)


def chosen(specs: list[FigureSpec]) -> list[FigureSpec]:
    """Choose the two figures of the first sheet: those of `FIRST`, else the first that there are."""
    drawn = [spec for spec in specs if spec.draw is not None and not spec.detail]
    wanted = [spec for spec in drawn if spec.name in FIRST]
    return [*wanted, *(spec for spec in drawn if spec not in wanted)][:2]

"""What the page says of the law of the iterates, and the tables of its numbers."""

from __future__ import annotations

from html import escape

import numpy as np

from fastsde.analysis import Analysis
from fastsde.analysis.iterates.section import IterateLaw, Iterates
from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.phrases import enumerated
from fastsde.analysis.tails.verdict import MEANING
from fastsde.report.iterates import figures
from fastsde.report.writing import NOTHING, number, p_value, spanned, table, tail_span

__all__ = ["gaussian_finding", "gaussian_table", "tail_finding", "tail_table"]


def tail_finding(analysis: Analysis) -> str:
    """Say which models have iterates with a heavy tail, and where the law still changes."""
    quantity = figures.shown_quantity(analysis)
    found = figures.laws(analysis, quantity)
    title = escape(figures.quantity_title(analysis, quantity))
    verdicts = [f"<i>{law.tails.verdict[0]}</i> in {escape(name)}" for name, law in found.items()]
    said = f"Verdict on the tail of {title} across trajectories at the end: {enumerated(verdicts)}."
    moving = [escape(name) for name, law in found.items() if _changes(law)]
    if moving:
        said += (
            f" In {enumerated(moving)} the index from whole vectors differs between half of the run and its "
            "end by more than the intervals allow: the law is not stationary, and its index is not that of a "
            "stationary law."
        )
    return said


def _changes(law: IterateLaw) -> bool:
    """Whether the intervals of the index halfway and at the end do not touch."""
    early, late = law.halfway.index, law.vector.index
    return bool(late.high < early.low or late.low > early.high)


def tail_table(analysis: Analysis) -> str:
    """Tabulate verdict, moment estimate, Hill's, and the index from vectors halfway and at the end."""
    found: Iterates = analysis.sections["iterates"]
    head = ("model", "quantity", "verdict", "moment estimator", "Hill", "vectors, halfway", "vectors, end")
    rows, used = [], set()
    for quantity in figures.quantities(analysis):
        for name, law in figures.laws(analysis, quantity).items():
            used |= set(law.tails.verdict)
            for column, title in enumerate(law.columns[: figures.SHOWN]):
                moment = law.tails.estimates["moment"]
                span = tail_span(moment.index[column], moment.low[column], moment.high[column])
                ends = (spanned(law.halfway.index), spanned(law.vector.index)) if column == 0 else ("", "")
                rows.append([
                    escape(name),
                    escape(figures.column_title(analysis, title)),
                    f"<b>{law.tails.verdict[column]}</b>",
                    span,
                    number(float(law.tails.estimates["hill"].index[column])),
                    *ends,
                ])  # fmt: skip
    legend = " ".join(f"<b>{word}</b>: {escape(MEANING[word])}." for word in MEANING if word in used)
    half, end = found.steps
    return (
        f"<p>Snapshots at steps {half:,.0f} and {end:,.0f}; of averages, those over the steps before and "
        f"after step {half:,.0f}.</p>{table(head, rows)}<p>{legend}</p>"
    )


def gaussian_finding(analysis: Analysis) -> str:
    """Say in which models the columns are not Gaussian."""
    found = figures.laws(analysis, figures.shown_quantity(analysis))
    parts = []
    for name, law in found.items():
        rejected = np.nanmin(np.where(np.isnan(law.tests.adjusted_p), 1.0, law.tests.adjusted_p), axis=0)
        count, tested = int(np.sum(rejected < SIGNIFICANCE)), int(np.sum(np.isfinite(law.tests.energy_p)))
        parts.append(
            f"{count} of {tested} in {escape(name)}" if tested else f"none to test in {escape(name)}"
        )
    words = analysis.objective.vocabulary.modes
    noun = words if figures.shown_quantity(analysis) == "modes" else "directions"
    return (
        f"{noun.capitalize()} whose law at the end is not Gaussian (5&nbsp;% for all {noun} and both tests "
        f"together): {'; '.join(parts)}."
    )


def gaussian_table(analysis: Analysis) -> str:
    """Tabulate statistics and adjusted p-values of both tests."""
    head = ("model", "quantity", "A<sup>2</sup>", "p", "energy", "p", "p of either, adjusted")
    rows = []
    for quantity in figures.quantities(analysis):
        for name, law in figures.laws(analysis, quantity).items():
            for column, title in enumerate(law.columns):
                tests = law.tests
                adjusted = tests.adjusted_p[:, column]
                least = float(np.min(adjusted)) if np.isfinite(adjusted).all() else np.nan
                rows.append([
                    escape(name),
                    escape(figures.column_title(analysis, title)),
                    number(float(tests.anderson_darling[column])),
                    _p(float(tests.anderson_darling_p[column])),
                    number(float(tests.energy[column])),
                    _p(float(tests.energy_p[column])),
                    f"<b>{p_value(least)}</b>" if np.isfinite(least) else NOTHING,
                ])  # fmt: skip
    return table(head, rows)


def _p(value: float) -> str:
    """Write a p-value that counts 999 samples: none is below 0.001."""
    return "0.001 or less" if value <= 0.001 else p_value(value)

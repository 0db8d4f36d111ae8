"""The tables of a report in LaTeX, for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastsde.analysis import Analysis
from fastsde.analysis.summary import summary

__all__ = ["latex_table", "latex_tables"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def latex_tables(analysis: Analysis) -> dict[str, str]:
    """Return the tables of an analysis as LaTeX with booktabs' rules, by the stem of the file."""
    return {"results": _results(analysis)}


def latex_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Write a table; cells are LaTeX already.

    Examples
    --------
    >>> print(latex_table(["model", "effect"], [["sde", "0.07"]]))
    \begin{tabular}{lr}
    \toprule
    model & effect \\
    \midrule
    sde & 0.07 \\
    \bottomrule
    \end{tabular}
    """
    lines = [" & ".join(row) + r" \\" for row in rows]
    columns = "l" + "r" * (len(head) - 1)
    begin = rf"\begin{{tabular}}{{{columns}}}"
    top = [begin, r"\toprule", " & ".join(head) + r" \\", r"\midrule"]
    return "\n".join([*top, *lines, r"\bottomrule", r"\end{tabular}"])


def escaped(text: str) -> str:
    r"""Escape what LaTeX reads as commands.

    Examples
    --------
    >>> escaped("sgd_gauss at 5 %")
    'sgd\\_gauss at 5 \\%'
    """
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


def _results(analysis: Analysis) -> str:
    head = ["model", "effect", r"95\,\% interval", "by sampling", "$p$", "diverged"]
    return latex_table(head, [_row(row) for row in summary(analysis)]) + "\n"


def _row(row: dict[str, Any]) -> list[str]:
    span = "" if row["effect_low"] is None else f"{row['effect_low']:.2g} to {row['effect_high']:.2g}"
    p = row["p_value"]
    return [
        escaped(row["model"]),
        _number(row["effect"]),
        span,
        _number(row["effect_by_sampling"]),
        "" if p is None else "$<0.001$" if p < 0.001 else f"{p:.2g}",
        f"{row['diverged']} of {row['trajectories']}",
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"

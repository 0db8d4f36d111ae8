"""Numbers, intervals and tables as HTML: what all that the page says is written with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from fastsde.analysis.confidence import Interval

NOTHING = '<span class="none">&ndash;</span>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write an HTML table; cells are HTML already, the first of each row is its heading."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def tables(head: Sequence[str], rows: Sequence[Sequence[str]], across: int = 5) -> str:
    """Write a wide table as several narrow ones, each with the headings of the rows."""
    starts = range(1, max(len(head), 2), across)
    chosen = [slice(start, start + across) for start in starts]
    return "".join(table((head[0], *head[one]), [(row[0], *row[one]) for row in rows]) for one in chosen)


def number(value: float | None) -> str:
    """Write a number with three digits, in HTML; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}&times;10<sup>{int(exponent)}</sup>"


def with_error(value: float, error: float) -> str:
    """Write a number with its standard error, if that is known."""
    return (
        f"{number(value)} <small>&plusmn; {number(error)}</small>" if math.isfinite(error) else number(value)
    )


def spanned(interval: Interval, place: int | None = None) -> str:
    """Write a value with its interval, in HTML."""
    ends = (interval.value, interval.low, interval.high)
    value, low, high = (float(end if place is None else end[place]) for end in ends)
    if not math.isfinite(value):
        return NOTHING
    if not math.isfinite(low):
        return number(value)
    return f"<b>{number(value)}</b> <small>({number(low)} to {number(high)})</small>"


def percent(share: float | None) -> str:
    """Write a share in per cent; a dash where there is none."""
    return NOTHING if share is None or not math.isfinite(share) else f"{100 * share:.0f}&nbsp;%"


def p_value(value: float, sign: str = "") -> str:
    """Write a p-value, with a sign of equality before it if one is wanted; a dash where there is none."""
    return NOTHING if math.isnan(value) else "&lt; 0.001" if value < 0.001 else f"{sign}{value:.2g}"


def tail_span(value: float, low: float, high: float) -> str:
    """Write a tail index with its interval; "none" where there is no power law."""
    if not math.isfinite(low):
        return "none"
    upper = f"to {high:.2g}" if math.isfinite(high) else "upwards"
    return f"{value:.2g} ({low:.2g} {upper})" if math.isfinite(value) else f"none ({low:.2g} {upper})"


def steps(median: float, low: float, high: float) -> str:
    """Write a median step with its interval as HTML, either of which may be never.

    Examples
    --------
    >>> inf = math.inf
    >>> steps(20.0, 15.0, 31.0), steps(inf, 40.0, inf), steps(inf, inf, inf)
    ('<b>20</b> <small>(15 to 31)</small>', '<b>never</b> <small>(40 or later)</small>', '<b>never</b>')
    """
    shown = f"<b>{median:,.0f}</b>" if math.isfinite(median) else "<b>never</b>"
    if not math.isfinite(low):
        return shown
    until = f"to {high:,.0f}" if math.isfinite(high) else "or later"
    return f"{shown} <small>({low:,.0f} {until})</small>"

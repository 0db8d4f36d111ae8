"""The words of a landscape in place of a network's: coordinates for modes, energy for loss."""

from __future__ import annotations

import re

from matplotlib.figure import Figure
from matplotlib.text import Text

__all__ = ["in_landscape_words", "relabel"]

_HTML = {
    " (modes / strength, log<sub>10</sub> loss)": " (coordinates)",
    "u<sub>a</sub><sup>T</sup> W v<sub>a</sub>, divided by the singular value s<sub>a</sub> of the optimal "
    "map (<code>/problem/mode_strength</code>); quantiles": "the coordinates; quantiles",
    " (two digits ab: u<sub>a</sub><sup>T</sup> W v<sub>b</sub>)": "",
    " Saddle levels: optimum loss + (c/2) &Sigma;<sub>k&gt;r</sub> s<sub>k</sub>&sup2;, for white inputs.": (
        ""
    ),
}
"""Sentences with tags inside, as they are on a page."""

_SENTENCES = {
    " Dotted levels are the saddles at which the first r = 0, 1, 2, ... modes are learned and the others are "
    "zero.": "",
    "share of a mode, or decades of loss": "units of the coordinates",
    "share or decade": "units of the coordinates",
    "course of learning": "course of the run",
    "never learned it": "never passed it",
    "Growth of the modes": "Coordinates over time",
    "How much of each mode of the optimal map is learned: 0 is nothing, 1 is all.": (
        "Coordinates of the points."
    ),
    "In a network a trajectory is at rank r from the moment at which the r-th of its modes is learned, in "
    "whatever order it learns them, to the next. ": "",
    "Times count from the arrival, on a landscape from the start.": "Times count from the start.",
    "time since arrival": "time since the start",
    "Learning times": "First passages of the coordinates",
    "learning times": "first-passage times",
    "has not reached the given part of its strength yet": "has not risen above the level yet",
    "A trajectory that has not learned the mode when the run ends is": (
        "A trajectory that is below at the end is"
    ),
    "at which a mode is learned": "at which a coordinate passes the level",
    "learned the mode": "passed the level",
    "share of trajectories that have not learned it": "share of trajectories below the level",
    "modes, share of their strength": "coordinates",
    "modes (as shares of their strength) and the loss (in decades)": "coordinates",
    "shares of a mode's strength or decades of loss": "units of the coordinates",
    "modes / strength": "coordinates",
    "mode / strength": "coordinate",
    "share of strength": "value",
    "modes as shares of their strength": "coordinates",
    "of modes in units of their strength": "of coordinates",
    "end-to-end matrix": "point",
    "Training loss": "Energy",
}
_WORDS = (
    (re.compile(r" \(strength [^)]*\)"), ""),
    (re.compile(r"\bmode (\d+) / strength"), r"coordinate \1"),
    (re.compile(r"\bmode( \d|s?\b)"), r"coordinate\1"),
    (re.compile(r"\bMode( \d|s?\b)"), r"Coordinate\1"),
    (re.compile(r"\bloss(es)?\b"), "energy"),
    (re.compile(r"\bLoss\b"), "Energy"),
)
_KEPT = re.compile(r"(<code>.*?</code>|<pre>.*?</pre>|<[^>]*>)", re.DOTALL)


def in_landscape_words(html: str) -> str:
    """Put the words of a landscape for those of a network, outside tags, code and study files.

    Examples
    --------
    >>> in_landscape_words("<b>mode 1</b> and its loss, <code>modes, loss</code>")
    '<b>coordinate 1</b> and its energy, <code>modes, loss</code>'
    """
    for network, landscape in _HTML.items():
        html = html.replace(network, landscape)
    parts = _KEPT.split(html)
    return "".join(part if number % 2 else _translated(part) for number, part in enumerate(parts))


def relabel(figure: Figure) -> None:
    """Do the same to all text of a figure."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        words = _translated(text.get_text())
        if words != text.get_text():
            text.set_text(words)


def _translated(text: str) -> str:
    for network, landscape in _SENTENCES.items():
        text = text.replace(network, landscape)
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return text

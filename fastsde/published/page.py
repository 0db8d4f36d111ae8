"""The page of published results: what was expected, what was found, and a figure of each."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from fastsde.published.claim import Claim, Verdict, counted
from fastsde.published.reproduction import FIGURE_FILE, REPRODUCTION_FILE, Reproduction
from fastsde.report.css import CSS
from fastsde.report.writing import table
from fastsde.system.atomic import replacing

__all__ = ["write_page"]

PAGE_FILE, RESULTS_FILE = "published.html", "published.json"
_HEAD = ("quantity", "expected", "found", "tolerance", "verdict")


def write_page(directory: Path | str) -> Path:
    """Write ``published.html`` and ``published.json`` of all results reproduced in a directory.

    Parameters
    ----------
    directory : path
        One folder for each result, as ``fastsde reproduce`` makes them.

    Returns
    -------
    Path
        The page. It has the figures inside and can be sent alone.
    """
    directory = Path(directory)
    found = [Reproduction.load(path) for path in sorted(directory.glob(f"*/{REPRODUCTION_FILE}"))]
    with replacing(directory / RESULTS_FILE) as temporary:
        text = json.dumps([one.document() for one in found], indent=2, allow_nan=False, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    target = directory / PAGE_FILE
    with replacing(target) as temporary:
        temporary.write_text(_page(found, directory), encoding="utf-8")
    return target


def _page(found: Sequence[Reproduction], directory: Path) -> str:
    claims = [claim for one in found for claim in one.claims]
    said = ", ".join(counted(claims))
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>Published results</title>\n<style>{CSS}</style>\n</head>\n<body>",
            "<h1>Published results</h1>",
            f'<p class="sub">{len(found)} results, {len(claims)} published numbers</p>',
            f'<div class="finding"><b>{escape(said)}.</b></div>',
            _contents(found),
            *(_section(one, directory / one.name / FIGURE_FILE) for one in found),
            "</body>\n</html>\n",
        ]
    )


def _contents(found: Sequence[Reproduction]) -> str:
    rows = [
        [
            f'<a href="#{escape(one.name)}">{escape(one.name)}</a>',
            escape(one.title) + (" (shortened)" if one.quick else ""),
            "<br>".join(counted(one.claims)),
            f"{one.seconds:,.0f}",
            one.cost,
        ]
        for one in found
    ]
    return table(("result", "what", "verdicts", "seconds", "processor time"), rows)


def _shaded(verdict: Verdict) -> str:
    shade = {Verdict.REPRODUCED: "no", Verdict.FAILED: "yes"}.get(verdict, "none")
    return f'<span class="{shade}">{verdict}</span>'


def _section(one: Reproduction, image: Path) -> str:
    rows = [[*_cells(claim)] for claim in one.claims]
    source = "data:image/png;base64," + base64.b64encode(image.read_bytes()).decode("ascii")
    libraries = ", ".join(f"{name} {version}" for name, version in one.versions.items())
    shortened = " --quick" if one.quick else ""
    return (
        f'<h2 id="{escape(one.name)}">{escape(one.title)}</h2>\n<p>{escape(one.summary)}</p>\n'
        f'{table(_HEAD, rows)}\n<figure>\n<img alt="{escape(one.title)}" src="{source}">\n'
        f'<figcaption><div class="source"><code>fastsde reproduce {escape(one.name)}{shortened}</code>, '
        f"{one.seconds:,.0f} s ({one.cost} of processor time, compiling included) on {escape(one.machine)}, "
        f"{escape(one.created)}; {escape(libraries)}</div></figcaption>\n</figure>"
    )


def _cells(claim: Claim) -> list[str]:
    row = claim.row()
    known = claim.deviation
    notes = [claim.untested, known.why if known is not None and claim.verdict is Verdict.DEVIATES else ""]
    note = "".join(f'<span class="what">{escape(text)}</span>' for text in notes if text)
    return [
        f'{escape(claim.what)}<span class="what">{escape(claim.source)}</span>',
        escape(row["expected"]),
        escape(row["found"]),
        escape(row["tolerance"]),
        _shaded(claim.verdict) + note,
    ]

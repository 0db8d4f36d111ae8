"""The page of a sweep: what each swept value does, and the way to the pages of its cases."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from fastsde.analysis.cases import SweepAnalysis
from fastsde.report.css import CSS
from fastsde.report.escape.effects import effect_finding, effects_table
from fastsde.report.sweep.crossed import crossed_sentence, main_crossed
from fastsde.report.sweep.figures import sweep_image
from fastsde.report.sweep.tables import html_table
from fastsde.storage.layout import SWEEP_FILE
from fastsde.system.atomic import replacing

__all__ = ["write_sweep_report"]


_NOTE = (
    "Times are in units of learning rate times steps; the escape time is that by which half of the "
    "trajectories have escaped, with its 95 % bootstrap interval over trajectories. Where half never "
    "escape in some case, effects compare the times by which a quarter or a tenth have. The tail index is "
    "the moment estimator's for the noise of one step in mode 1; the verdict next to it considers all "
    "estimators. <code>fastsde sweep --csv FILE</code> writes all places and digits."
)


def write_sweep_report(directory: Path | str) -> Path:
    """Write ``sweep.html`` and its figure from the ``sweep.h5`` of a sweep's directory; return the page.

    Raises
    ------
    FastsdeError
        If the sweep has not been analysed.
    """
    directory = Path(directory)
    found = SweepAnalysis.load(directory / SWEEP_FILE)
    image = sweep_image(found)
    if image:
        (directory / "figures").mkdir(exist_ok=True)
        with replacing(directory / "figures" / "sweep.png") as temporary:
            temporary.write_bytes(image)
    target = directory / "sweep.html"
    with replacing(target) as temporary:
        html = _page(found, directory.resolve().name, image)
        temporary.write_text(html, encoding="utf-8", errors="surrogateescape")
    return target


def _page(found: SweepAnalysis, title: str, image: bytes) -> str:
    cases = "".join(f'<li><a href="{escape(c)}/report.html">{escape(c)}</a></li>' for c in found.cases)
    together = main_crossed(found)
    if together is not None:
        said = escape(crossed_sentence(found, together))
    else:
        said = effect_finding(found.effects, found.places)
    figure = f'<figure>\n<img alt="What the swept values do" src="data:image/png;base64,{_text(image)}">\n'
    figure += f"<figcaption>{_caption(found)}</figcaption>\n</figure>\n"
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    return "\n".join(
        [
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>",
            f"<h1>{escape(title)}</h1>",
            f'<p class="sub">{len(found.cases):,} cases of {escape(", ".join(found.swept))}</p>',
            f'<div class="finding"><b>{said}</b></div>',
            (figure if image else "") + html_table(found),
            f"<p>{_NOTE}</p>",
            "<h2>Effects</h2>" if found.effects else "",
            effects_table(found.effects, 1.0, "time units", found.places) if found.effects else "",
            f"<h2>Cases</h2>\n<ul>{cases}</ul>",
            f"<dl><dt>analysed</dt><dd>{found.created}</dd><dt>versions</dt><dd>{escape(versions)}</dd></dl>",
            "</body>\n</html>\n",
        ]
    )


def _text(image: bytes) -> str:
    return base64.b64encode(image).decode("ascii")


def _caption(found: SweepAnalysis) -> str:
    if found.crossed:
        return (
            "All combinations of the swept settings; bars are 95 % intervals by a bootstrap over "
            "trajectories, or Student's over data sets where several are swept. Lines are shifted slightly "
            "so that their bars can be seen; a bar that cannot is shorter than its mark. Level lines, with "
            "bands, are models that have none of the settings of axis and lines."
            f'<div class="source">Escape is known from {escape(found.source)}; '
            "<code>sweep.h5 crossed</code>.</div>"
        )
    return (
        "One line for each model (marks) and each combination of the other swept values (dashes); bars are "
        "95 % intervals by a bootstrap over trajectories, dots the data sets where several are swept (the "
        "line is their geometric mean). Lines are shifted slightly so that their bars can be seen. Cases are "
        f'independent runs.<div class="source">Escape is known from {escape(found.source)}; '
        "<code>sweep.h5 rows</code>.</div>"
    )

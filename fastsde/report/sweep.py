"""The page of a sweep: what each swept value does, and the way to the pages of its cases."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path

import matplotlib

from fastsde.analysis.cases import SWEEP_FILE, SweepAnalysis
from fastsde.atomic import replacing
from fastsde.report import style
from fastsde.report.css import CSS
from fastsde.report.escape import effect_finding, effects_table
from fastsde.report.escape_figures import effect_panels

__all__ = ["write_sweep_report"]


def write_sweep_report(directory: Path | str) -> Path:
    """Write ``sweep.html`` and its figure from the ``sweep.h5`` of a sweep's directory; return the page.

    Raises
    ------
    FastsdeError
        If the sweep has not been analysed.
    """
    directory = Path(directory)
    found = SweepAnalysis.load(directory / SWEEP_FILE)
    image = _figure(found)
    if image:
        (directory / "figures").mkdir(exist_ok=True)
        with replacing(directory / "figures" / "sweep_effects.png") as temporary:
            temporary.write_bytes(image)
    target = directory / "sweep.html"
    with replacing(target) as temporary:
        html = _page(found, directory.resolve().name, image)
        temporary.write_text(html, encoding="utf-8", errors="surrogateescape")
    return target


def _figure(found: SweepAnalysis) -> bytes:
    if not found.effects:
        return b""
    buffer = io.BytesIO()
    with matplotlib.rc_context(style.RC):
        effect_panels(found.effects, 1.0, "time units", found.places).savefig(
            buffer, format="png", dpi=style.DPI
        )
    return buffer.getvalue()


def _page(found: SweepAnalysis, title: str, image: bytes) -> str:
    cases = "".join(f'<li><a href="{escape(c)}/report.html">{escape(c)}</a></li>' for c in found.cases)
    said = effect_finding(found.effects, found.places)
    figure = f'<figure>\n<img alt="Escape times" src="data:image/png;base64,{_text(image)}">\n'
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
            (figure if image else "") + effects_table(found.effects, 1.0, "time units", found.places),
            f"<h2>Cases</h2>\n<ul>{cases}</ul>",
            f"<dl><dt>analysed</dt><dd>{found.created}</dd><dt>versions</dt><dd>{escape(versions)}</dd></dl>",
            "</body>\n</html>\n",
        ]
    )


def _text(image: bytes) -> str:
    return base64.b64encode(image).decode("ascii")


def _caption(found: SweepAnalysis) -> str:
    return (
        "Time by which half of the trajectories have escaped (a quarter or a tenth where half never do) in "
        "units of learning rate times steps, for models that differ in one value and agree in all others; "
        "bars are 95 % intervals, Student's over data sets where they vary, else by a bootstrap over "
        "trajectories. Cases "
        f'are independent runs.<div class="source">From {escape(found.source)}; '
        "<code>sweep.h5 effects</code>.</div>"
    )

"""Write the report of a run's directory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from fastsde.analysis import Analysis
from fastsde.analysis.cost import analysis_seconds, keep_report_time
from fastsde.report import style
from fastsde.report.drawing import draw, files_of
from fastsde.report.latex import latex_tables
from fastsde.report.page import page
from fastsde.report.spec import FIGURES
from fastsde.storage.ensemble import open_ensemble
from fastsde.storage.layout import ANALYSIS_FILE, STUDY_FILE
from fastsde.study.study import Study
from fastsde.system.atomic import present, replacing
from fastsde.system.errors import RequestError, StoreError
from fastsde.system.progress import Progress, by_default
from fastsde.system.threads import default_threads


def write_report(directory: Path | str, *, progress: Progress | None = None, verify: bool = False) -> Path:
    """Write ``report.html``, ``figures/*.png`` and ``figures/*.svg`` from a directory's ``analysis.h5``.

    Parameters
    ----------
    directory : path
        A run that has been analysed.
    progress : fastsde.system.progress.Progress, optional
        Told how many figures are drawn.
    verify
        Compute the checksums of all parts first.

    Returns
    -------
    Path
        The page. It has the figures inside and can be sent alone.

    Raises
    ------
    FastsdeError
        If there is no analysis, or the directory has a run whose ensemble is missing, lacks parts, or has
        grown since it was analysed. An analysis alone, away from its run, is drawn as it is.

    Examples
    --------
    >>> write_report("runs/saddle")  # doctest: +SKIP
    PosixPath('runs/saddle/report.html')
    """
    begun = time.monotonic()
    directory = Path(directory)
    analysis = _checked(directory, verify, progress)
    study = Study.from_toml(analysis.study)
    images = draw(analysis, progress or by_default(), ("png", "svg"), source=directory / ANALYSIS_FILE)
    _write_images(directory / "figures", images)
    inside = {name: image["png"] for name, image in images.items()}
    html = page(analysis, study, directory.resolve().name, inside)
    target = directory / "report.html"
    with replacing(target) as temporary:
        temporary.write_text(html, encoding="utf-8", errors="surrogateescape")
    if _is_whole(analysis, study):
        keep_report_time(study, default_threads(), time.monotonic() - begun)
    return target


def write_paper(directory: Path | str, *, progress: Progress | None = None, verify: bool = False) -> Path:
    """Write the figures and tables of an analysed run in the form that a paper in two columns wants.

    Figures of one panel are one column (3.4 inches) wide, others as wide as the text (7 inches), with letters
    of 6.5 to 7.5 points, as PDF. The table of results is LaTeX (booktabs).

    Parameters
    ----------
    directory, progress, verify
        As of `write_report`.

    Returns
    -------
    Path
        The folder ``paper`` of the directory.

    Examples
    --------
    >>> write_paper("runs/saddle")  # doctest: +SKIP
    PosixPath('runs/saddle/paper')
    """
    directory = Path(directory)
    analysis = _checked(directory, verify, progress)
    folder = directory / "paper"
    _write_images(folder, draw(analysis, progress or by_default(), ("pdf",), True, directory / ANALYSIS_FILE))
    for name, text in latex_tables(analysis).items():
        with replacing(folder / f"{name}.tex") as temporary:
            temporary.write_text(text, encoding="utf-8")
    return folder


def write_figure(directory: Path | str, name: str) -> Path:
    """Draw one figure of an analysed run, and return its path; the others stay as they are.

    Examples
    --------
    >>> write_figure("runs/saddle", "effect")  # doctest: +SKIP
    PosixPath('runs/saddle/figures/effect.png')
    """
    directory = Path(directory)
    analysis = Analysis.load(directory / ANALYSIS_FILE)
    spec = FIGURES[name]
    if spec.draw is None or not spec.applies(analysis):
        raise RequestError(f"this analysis has no figure {name!r}")
    with style.template():
        files = files_of(spec, analysis, ("png",))
    _write_images(directory / "figures", {name: files})
    return directory / "figures" / f"{name}.png"


def _is_whole(analysis: Analysis, study: Study) -> bool:
    """Return whether all models and sections were analysed, as a forecast supposes."""
    return set(analysis.models) == set(study.models) and set(analysis.seconds) >= set(
        analysis_seconds(study, 1)
    )


def _write_images(folder: Path, images: Mapping[str, Mapping[str, bytes]]) -> None:
    folder.mkdir(exist_ok=True)
    for name, files in images.items():
        for kind, content in files.items():
            with replacing(folder / f"{name}.{kind}") as temporary:
                temporary.write_bytes(content)


def _checked(directory: Path, verify: bool, progress: Progress | None) -> Analysis:
    """Return the analysis of a directory, if it is that of the ensemble there."""
    analysis = Analysis.load(directory / ANALYSIS_FILE)
    _check_source(directory, analysis, verify, progress)
    return analysis


def _check_source(directory: Path, analysis: Analysis, verify: bool, progress: Progress | None) -> None:
    """Refuse the analysis of an ensemble that is not there any more, lacks parts, or has become another."""
    source = directory / analysis.source
    if analysis.source and present(source):
        with open_ensemble(source, verify=verify, progress=progress) as ensemble:
            now = ensemble.study.to_toml()
        if now != Study.from_toml(analysis.study).to_toml():
            raise StoreError(
                f"{directory / ANALYSIS_FILE} is of an earlier state of {source}: "
                f"`fastsde analyze {directory}` makes it again"
            )
    elif (directory / STUDY_FILE).is_file():
        raise StoreError(
            f"{directory / ANALYSIS_FILE} is of {analysis.source or 'an ensemble'}, which is missing: "
            f"`fastsde run` and `fastsde analyze {directory}` make both again"
        )

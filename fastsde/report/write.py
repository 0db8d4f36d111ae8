"""Write the report of a run's directory."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib

from fastsde.analysis import Analysis
from fastsde.report import style
from fastsde.report.page import page
from fastsde.report.spec import FIGURES
from fastsde.storage.ensemble import open_ensemble
from fastsde.storage.layout import ANALYSIS_FILE, STUDY_FILE
from fastsde.study.study import Study
from fastsde.system.atomic import present, replacing
from fastsde.system.errors import StoreError
from fastsde.system.progress import Progress, by_default


def write_report(directory: Path | str, *, progress: Progress | None = None, verify: bool = False) -> Path:
    """Write ``report.html`` and ``figures/*.png`` from the ``analysis.h5`` of a directory.

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
    directory = Path(directory)
    analysis = Analysis.load(directory / ANALYSIS_FILE)
    _check_source(directory, analysis, verify, progress)
    images = draw(analysis, progress or by_default())
    folder = directory / "figures"
    folder.mkdir(exist_ok=True)
    for name, image in images.items():
        with replacing(folder / f"{name}.png") as temporary:
            temporary.write_bytes(image)
    html = page(analysis, Study.from_toml(analysis.study), _title(directory), images)
    target = directory / "report.html"
    with replacing(target) as temporary:
        temporary.write_text(html, encoding="utf-8", errors="surrogateescape")
    return target


def draw(analysis: Analysis, progress: Progress) -> dict[str, bytes]:
    """Draw every figure that the analysis has the numbers for; PNG files by name."""
    images = {}
    wanted = [spec for spec in FIGURES.values() if spec.applies(analysis)]
    with matplotlib.rc_context(style.RC), progress.task("report", len(wanted), "figures"):
        for number, spec in enumerate(wanted):
            progress.update(number, spec.name)
            if spec.draw is None:
                continue
            buffer = io.BytesIO()
            figure = spec.draw(analysis)
            figure.savefig(buffer, format="png", dpi=style.DPI)
            images[spec.name] = buffer.getvalue()
        progress.update(len(wanted))
    return images


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


def _title(directory: Path) -> str:
    return directory.resolve().name.replace("_", " ").replace("-", " ") or "study"

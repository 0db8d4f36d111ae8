"""The figure of densities without trajectories, as a file."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from fastsde.analysis.density.solve import Density
from fastsde.report import style
from fastsde.report.density.figures import density_figure
from fastsde.study.study import Study
from fastsde.system.atomic import replacing

__all__ = ["write_density_figure"]


def write_density_figure(path: Path, study: Study, found: dict[str, Density]) -> Path:
    """Draw densities and write the figure, completely or not at all; return the path."""
    with mpl.rc_context(style.RC), replacing(path) as temporary:
        density_figure(found, study.time.learning_rate).savefig(temporary, format="png", dpi=style.DPI)
    return path

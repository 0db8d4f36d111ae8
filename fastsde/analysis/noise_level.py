"""How strong the noise of one step is in each trajectory, where that is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastsde.analysis.law import follows_gradient
from fastsde.analysis.protocols import Floats, Trajectories


def level_variable(view: Trajectories, model: Any) -> str:
    """Variable that holds the square of the noise level; empty if none was recorded.

    The level differs by orders of magnitude between trajectories at different saddles, and a mixture of
    levels has a heavy tail of its own. The exact level of each mode, ``mode_diffusion``, is the best; the
    trace of the covariance of gradient noise takes its place.
    """
    if "mode_diffusion" in view.variables:
        return "mode_diffusion"
    return "noise_trace" if follows_gradient(model) and "noise_trace" in view.variables else ""


def noise_level(view: Trajectories, model: Any, snapshot: int) -> Floats | None:
    """Noise level of each trajectory at a snapshot, up to a factor of the model.

    Returns
    -------
    ndarray, shape (trajectory, mode) or (trajectory, 1), or None
        NaN where there is no noise or its covariance does not exist; None if no level was recorded.
    """
    variable = level_variable(view, model)
    if not variable:
        return None
    square = np.asarray(view.read(variable, snapshot), dtype=np.float64)
    square = square.reshape(len(square), -1)
    return np.sqrt(np.where(square > 0, square, np.nan))

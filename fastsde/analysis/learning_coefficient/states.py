"""The states around which learning coefficients are estimated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.problem.data import build_problem
from fastsde.problem.network import DeepLinearNetwork
from fastsde.problem.saddle_start import SaddleStart
from fastsde.problem.saddles import balanced_point
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["final_states", "states_of"]


def states_of(study: Study, at: str) -> tuple[list[str], Floats]:
    """Return the names and parameters of states, (state, p).

    Parameters
    ----------
    study : Study
    at : str
        "minimum": balanced layers of the optimum of a deep linear network, of its rank. "saddle": where the
        study starts, without the perturbation. "start": the first starting point of a landscape, without the
        spread. Else the name of a file of states, see `fastsde.problem.start_file.read_states`.

    Raises
    ------
    RequestError
        If the study has no such state.
    """
    if at == "start":
        if study.landscape is None:
            raise RequestError(
                '--at start is of landscapes\nFix: take "minimum", "saddle", or a file of states'
            )
        return ["start"], np.asarray(study.landscape.origins(), dtype=np.float64)[:1]
    if at not in ("minimum", "saddle"):
        from fastsde.problem.start_file import read_states

        points = read_states(Path(at), study.widths)
        return [f"state {number}" for number in range(len(points))], points
    if study.network is None or study.data.measured:
        raise RequestError(
            f'--at {at} is known of deep linear networks only\nFix: give a file of states, "start" or "final"'
        )
    network, problem = DeepLinearNetwork(study.widths, study.network.loss_scale), build_problem(study)
    if at == "saddle":
        if study.network.init.kind != "saddle":
            fix = 'Fix: network.init = { kind = "saddle", rank = 1 }'
            raise RequestError(f"the study starts at no saddle\n{fix}")
        return ["saddle"], SaddleStart(network, problem, study.network.init).origin[None]
    rank = int(np.sum(problem.mode_strength > 0))
    if rank > min(network.widths):
        raise RequestError(
            f"a network of widths {list(network.widths)} cannot have the optimum, whose rank is {rank}\n"
            'Fix: widen the hidden layers; or start at its own minimum, the "saddle" of the rank of the '
            "narrowest layer"
        )
    return ["minimum"], balanced_point(network, problem.optimum, rank)[None]


def final_states(source: Path, model: str | None, count: int) -> tuple[Study, list[str], Floats]:
    """Return the study of a run, and the last recorded states of its first trajectories.

    Raises
    ------
    RequestError
        If the run did not record `parameters`, or has no such model.
    """
    from fastsde.storage.ensemble import open_ensemble

    with open_ensemble(source) as ensemble:
        name = model or ensemble.names[0]
        if name not in ensemble.names:
            raise RequestError(f"there is no model {name!r}; the models are {', '.join(ensemble.names)}")
        view = ensemble[name]
        if "parameters" not in view.variables:
            raise RequestError(
                'the states were not recorded\nFix: add "parameters" to record.observables, and run again'
            )
        points = np.asarray(view.read("parameters", -1)[:count], dtype=np.float64)
        names = [f"{name} {number}" for number in range(len(points))]
        finite = np.flatnonzero(np.isfinite(points).all(axis=1))
        return ensemble.study, [names[k] for k in finite], points[finite]

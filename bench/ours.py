"""Runs of fastsde with the interface of a peer: ``run(seed)`` returns the final parameters and losses."""

from functools import partial

from fastsde.benchmark.cases import MODEL
from fastsde.integrate.integration import integrate
from fastsde.problem.data import build_problem

__all__ = ["run_of"]


def run_of(case, trajectories, steps, threads):
    """Return the run of a case; the problem is built here, and initial states are drawn in the run."""
    problem = build_problem(case.study(steps))
    return partial(_run, case, trajectories, steps, threads, problem)


def _run(case, trajectories, steps, threads, problem, seed):
    losses = []
    outcome = integrate(
        case.study(steps, seed),
        MODEL,
        0,
        trajectories,
        problem=problem,
        threads=threads,
        on_snapshot=lambda index, values: losses.append(values["loss"]),
    )
    return outcome.parameters, losses[-1]

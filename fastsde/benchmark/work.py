"""The arithmetic operations and random numbers of a step, counted from its formulas.

This is the cost model of the benchmark. Widths are ``d_0 .. d_L``, input first; ``p_l = d_l d_(l-1)`` is the
number of parameters of layer l, ``p`` their sum, ``m = d_0 d_L`` the number of entries of the end-to-end
matrix, n that of samples, b the batch size. A fused multiply-add is two flop; inputs are white if their
covariance is I. One integrator step of one trajectory takes:

=======================  ===========================  =======================  =======
part of a step           flop                         normals                  updates
=======================  ===========================  =======================  =======
descent                  ``6 d_0 (p - p_1)``                                   ``p_1``
residual, not white      ``2 d_0 m``
isotropic noise                                       ``p``
noise of finite data     ``4 m n``                    ``n``
noise of a population    ``2 d_0 m``                  ``d_0 (d_0 + 1)/2 + m``
the same, not white      ``6 d_0 m``                  ``d_0 (d_0 + 1)/2 + m``
SGD, batch of one        ``2 (2 p - p_1)``                                     ``p``
SGD, larger batch        ``2 b (3 p - p_1)``
fresh samples            ``2 b m``                    ``b (d_0 + d_L)``
the same, not white      ``2 b (m + d_0^2)``          ``b (d_0 + d_L)``
=======================  ===========================  =======================  =======

Descent is three products per layer except the first: a prefix product ``W_l ... W_1``, a step of
back-propagation, and a gradient; the gradient of the first layer is the back-propagated residual. Gradient
noise is added to the end-to-end residual, and back-propagated by the same products. SGD on finite data may
instead weight all samples, which takes descent and ``4 m n``; the method that the kernels use is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from fastsde.integrate.lowering import goes_by_samples
from fastsde.study.models import Sde, Sgd

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["Work", "step_work"]


@dataclass(frozen=True)
class Work:
    """The indispensable operations of one integrator step of one trajectory.

    Parameters
    ----------
    flops : int
        Multiplications and additions of matrix products, two per fused multiply-add.
    normals : int
        Standard normal random numbers.
    updates : int
        Parameters updated one by one, ``w <- w + a b``, outside of matrix products.
    """

    flops: int
    normals: int
    updates: int

    def seconds(self, flop_rate: float, normal_rate: float, update_rate: float) -> float:
        """Return the total time if each operation runs at its own rate, in units per second.

        Examples
        --------
        >>> Work(flops=100, normals=10, updates=0).seconds(1e2, 1e1, 1.0)
        2.0
        """
        return self.flops / flop_rate + self.normals / normal_rate + self.updates / update_rate


def step_work(study: Study, name: str, problem: Problem) -> Work:
    """Count the operations of a step: Langevin, gradient noise, gradient descent or SGD.

    Not counted, so that the fraction of the limit shows their cost: the subordinators of stable and tempered
    noise, the trace that a temperature matched at the current state needs, and the check for divergence.

    Parameters
    ----------
    study : Study
    name : str
        Name of the model.
    problem : Problem
        The study's problem.

    Returns
    -------
    Work

    Examples
    --------
    Six products of 10x10 matrices and one normal per parameter:

    >>> from fastsde.benchmark.cases import Case, LANGEVIN, MODEL
    >>> from fastsde.problem.data import build_problem
    >>> study = Case("small", "", (10, 10, 10, 10), LANGEVIN).study(1)
    >>> step_work(study, MODEL, build_problem(study))
    Work(flops=12000, normals=300, updates=100)
    """
    model, widths = study.models[name], study.network.widths
    d_in, size = widths[0], widths[0] * widths[-1]
    samples = study.objective.samples or 0
    white = problem.white
    if isinstance(model, Sgd):
        if goes_by_samples(study, model, problem):
            return _chains(widths, model.batch, fresh=not samples, white=white)
        descent, updates = _descent(widths)
        return Work(descent + 4 * size * samples, 0, updates)
    descent, updates = _descent(widths)
    if not isinstance(model, Sde) or model.noise == "isotropic":
        normals = _parameters(widths) if isinstance(model, Sde) else 0
        return Work(descent + (0 if white else 2 * size * d_in), normals, updates)
    if samples:
        return Work(descent + 4 * size * samples, samples, updates)
    normals = d_in * (d_in + 1) // 2 + size
    return Work(descent + 2 * size * d_in * (1 if white else 3), normals, updates)


def _parameters(widths: tuple[int, ...]) -> int:
    return sum(below * above for below, above in pairwise(widths))


def _descent(widths: tuple[int, ...]) -> tuple[int, int]:
    """Count flop and updates of a step of descent along a given end-to-end residual."""
    first = widths[0] * widths[1]
    return 6 * widths[0] * (_parameters(widths) - first), first


def _chains(widths: tuple[int, ...], batch: int, *, fresh: bool, white: bool) -> Work:
    """Count a step of SGD by chains over the samples of a batch."""
    parameters, first = _parameters(widths), widths[0] * widths[1]
    d_in, size = widths[0], widths[0] * widths[-1]
    if batch == 1:
        flops, updates = 2 * (2 * parameters - first), parameters
    else:
        flops, updates = 2 * batch * (3 * parameters - first), 0
    if not fresh:
        return Work(flops, 0, updates)
    drawing = 2 * batch * (size if white else size + d_in * d_in)
    return Work(flops + drawing, batch * (d_in + widths[-1]), updates)

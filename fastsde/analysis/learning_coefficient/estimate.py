"""Estimates of the local learning coefficient, with error bars over chains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.stats import t as student

from fastsde.analysis.arrays.shown import Shown, number, span
from fastsde.analysis.learning_coefficient.exact import exact_learning_coefficient
from fastsde.analysis.learning_coefficient.gibbs import gibbs
from fastsde.analysis.learning_coefficient.langevin import metropolis, stochastic_gradient
from fastsde.analysis.learning_coefficient.posterior import Posterior
from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats
from fastsde.problem.data import build_problem
from fastsde.problem.network import DeepLinearNetwork
from fastsde.problem.objective import objective_of
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["SAMPLERS", "LearningCoefficient", "Sampler", "learning_coefficient"]

Sampler = Literal["gibbs", "mala", "sgld"]
SAMPLERS = ("gibbs", "mala", "sgld")
POPULATION = 1e4
"""``n_beta`` where there are infinitely many samples."""


@dataclass(frozen=True, repr=False)
class LearningCoefficient(Shown):
    """Local learning coefficients of several states, one row for each state, n_beta and gamma.

    Attributes
    ----------
    state : tuple of str
    n_beta, gamma : ndarray, shape (row,)
    value : ndarray, shape (row,)
        ``n_beta (E L(w) - L(w_0))``, the mean over chains.
    low, high : ndarray, shape (row,)
        95 % interval, Student's over chains.
    drift : ndarray, shape (row,)
        Mean of the second half of the chains less that of the first, over its standard error: beyond 3 the
        chains have not settled.
    accepted : ndarray, shape (row,)
        Share of proposals accepted by "mala"; NaN of the other samplers.
    exact : ndarray, shape (row,)
        `exact_learning_coefficient` of the network and the rank of its optimum, where the state has the map
        of the optimum: its loss is less than ``1 / n_beta`` above the least. It is the least coefficient of
        all states with this map. NaN elsewhere, and of other objectives.
    sampler : str
    chains, steps : int
    """

    state: tuple[str, ...]
    n_beta: Floats
    gamma: Floats
    value: Floats
    low: Floats
    high: Floats
    drift: Floats
    accepted: Floats
    exact: Floats
    sampler: str
    chains: int
    steps: int

    def sentence(self) -> str:
        """Return the estimate of the largest n_beta in a sentence."""
        best = int(np.argmax(self.n_beta))
        known = f"; exact {self.exact[best]:g}" if math.isfinite(self.exact[best]) else ""
        told = f"{self.value[best]:.3f} ({self.low[best]:.3f} to {self.high[best]:.3f})"
        where = f"{self.state[best]}: {told} at n_beta {self.n_beta[best]:g}"
        return f"Local learning coefficient of {where}{known}."

    def rows(self) -> list[dict[str, str]]:
        """Return one row for each state, n_beta and gamma."""
        return [
            {
                "state": self.state[k],
                "n_beta": f"{self.n_beta[k]:g}",
                "gamma": f"{self.gamma[k]:g}",
                "coefficient": f"{self.value[k]:.4g}",
                "95 % interval": span(self.low[k], self.high[k]),
                "exact": number(self.exact[k]),
                "drift": f"{self.drift[k]:.1f}",
                "note": self.note(k),
            }
            for k in range(len(self.state))
        ]

    def note(self, row: int) -> str:
        """Say what is wrong with a row; empty if nothing is known to be."""
        if not math.isfinite(self.value[row]):
            return "diverged: take a smaller step"
        if self.high[row] < 0:
            return "no minimum: chains find a lower loss"
        return "not settled: take more steps" if abs(self.drift[row]) > 3 else ""


def learning_coefficient(
    study: Study,
    states: Floats,
    *,
    names: Sequence[str] | None = None,
    n_beta: Sequence[float] | float | None = None,
    gamma: Sequence[float] | float = 1.0,
    sampler: Sampler | None = None,
    chains: int = 64,
    steps: int = 2000,
    burn_in: int | None = None,
    step: float | None = None,
    batch: int | None = None,
    seed: int | None = None,
) -> LearningCoefficient:
    """Estimate the local learning coefficient of states (Lau et al. 2023, arXiv 2308.12108).

    ``lambda = n_beta (E L(w) - L(w_0))``, where w has the density ``exp(-n_beta L(w) - gamma/2 |w - w_0|^2)``
    and L is the loss of the study.

    Parameters
    ----------
    study : Study
        Its objective is sampled.
    states : ndarray, shape (state, p)
    names : sequence of str, optional
        Of the states.
    n_beta : float or sequence of float, optional
        Samples times inverse temperature; ``n / log n`` by default (Watanabe 2013), of a population 10,000.
    gamma : float or sequence of float
        Strength of the confinement.
    sampler : {"gibbs", "mala", "sgld"}, optional
        "gibbs", the default for deep linear networks: layers in turn from their exact laws. "mala", the
        default elsewhere: Langevin proposals with Metropolis's rule, with a tuned step. "sgld": Langevin
        steps as they are, of a batch if one is given, as in the paper.
    chains : int
        Independent chains, which start at the state.
    steps, burn_in : int
        Of each chain, and before them; as many as `steps` by default.
    step : float, optional
        Of "sgld", where it is required, and the first of "mala".
    batch : int, optional
        Samples of a step of "sgld".
    seed : int, optional
        That of the study by default.

    Returns
    -------
    LearningCoefficient

    Raises
    ------
    RequestError
        If the sampler does not fit the objective, or numbers are missing.

    Examples
    --------
    >>> import fastsde, numpy as np
    >>> study = fastsde.Study.from_mapping({
    ...     "trajectories": 1,
    ...     "landscape": {"kind": "quadratic", "eigenvalues": [1.0, 2.0, 4.0]},
    ...     "time": {"learning_rate": 0.1, "steps": 1},
    ...     "models": {"gd": {"kind": "gd"}},
    ... })
    >>> found = fastsde.learning_coefficient(study, np.zeros((1, 3)), n_beta=1e4, steps=500)
    >>> bool(found.low[0] < 1.5 < found.high[0])  # half the dimension
    True
    """
    if study.dtype != "float64":
        study = study.replace(dtype="float64")
    chosen = _sampler(study, sampler, step, batch)
    if chains < 2 or steps < 4:
        raise RequestError("an error bar needs two chains or more, of four steps or more")
    points = np.atleast_2d(np.asarray(states, dtype=np.float64))
    labels = [f"state {k}" for k in range(len(points))] if names is None else list(names)
    strengths = np.atleast_1d(_default_n_beta(study) if n_beta is None else np.asarray(n_beta, np.float64))
    ties = np.atleast_1d(np.asarray(gamma, dtype=np.float64))
    if min(strengths.min(), ties.min()) <= 0:
        raise RequestError("n_beta and gamma must be above 0: otherwise there is no law to sample")
    key, many = study.seed if seed is None else seed, steps if burn_in is None else burn_in
    cases = [(k, n, g) for k in range(len(points)) for n in strengths for g in ties]
    table = []
    for place, (state, strength, tie) in enumerate(cases):
        random = np.random.Generator(np.random.Philox(key=[key, place]))
        trace, accepted = _sample(
            study, points[state], (strength, tie), chosen, random, (chains, many, steps), step, batch
        )
        table.append((*_summary(strength * trace), accepted))
    value, low, high, drift, accepted = np.array(table, dtype=np.float64).T
    return LearningCoefficient(
        state=tuple(labels[k] for k, _, _ in cases),
        n_beta=np.array([n for _, n, _ in cases]),
        gamma=np.array([g for _, _, g in cases]),
        value=value,
        low=low,
        high=high,
        drift=drift,
        accepted=accepted,
        exact=np.array([_exact(study, points[k], n) for k, n, _ in cases]),
        sampler=chosen,
        chains=chains,
        steps=steps,
    )


def _sampler(study: Study, sampler: Sampler | None, step: float | None, batch: int | None) -> Sampler:
    """Return the sampler, if it fits."""
    plain = study.network is not None and not study.data.measured
    chosen: Sampler = sampler or ("gibbs" if plain else "mala")
    if chosen not in SAMPLERS:
        raise RequestError(f"no sampler {chosen!r}; the samplers are {', '.join(SAMPLERS)}")
    if chosen == "gibbs" and not plain:
        raise RequestError("gibbs samples deep linear networks only\nFix: take mala")
    if chosen == "sgld" and step is None:
        raise RequestError("sgld needs a step\nFix: give one, such as a tenth of 1 / (n_beta curvature)")
    if batch is not None and (chosen != "sgld" or not 0 < batch <= (objective_of(study).samples or 0)):
        raise RequestError("batches are of sgld, and of finite data, up to the number of samples")
    return chosen


def _default_n_beta(study: Study) -> float:
    count = objective_of(study).samples
    if count and count < 3:
        raise RequestError("n / log n needs three samples or more\nFix: give n_beta")
    return count / math.log(count) if count else POPULATION


def _sample(
    study: Study,
    centre: Floats,
    law: tuple[float, float],
    sampler: Sampler,
    random: np.random.Generator,
    sizes: tuple[int, int, int],
    step: float | None,
    batch: int | None,
) -> tuple[Floats, float]:
    """Return ``L(w) - L(w_0)`` of chains, (steps, chain), and the share of accepted proposals."""
    chains, burn_in, steps = sizes
    start = np.repeat(centre[None], chains, axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        if sampler == "gibbs":
            network = DeepLinearNetwork(study.widths, study.network.loss_scale)
            problem = build_problem(study)
            return gibbs(network, problem, centre, law, start, random, burn_in, steps), math.nan
        posterior = Posterior(objective_of(study), centre, *law)
        if sampler == "sgld":
            assert step is not None
            return stochastic_gradient(posterior, start, random, burn_in, steps, step, batch), math.nan
        trace, accepted, _ = metropolis(posterior, start, random, burn_in, steps, step or 1 / law[0])
        return trace, float(accepted.mean())


def _summary(trace: Floats) -> tuple[float, float, float, float]:
    """Return the mean over chains with its interval, and the drift between the halves of the chains."""
    each, half = trace.mean(axis=0), len(trace) // 2
    error = float(each.std(ddof=1) / math.sqrt(len(each)))
    reach = float(student.ppf(0.5 + CONFIDENCE / 2, len(each) - 1)) * error
    moved = trace[half:].mean(axis=0) - trace[:half].mean(axis=0)
    spread = float(moved.std(ddof=1) / math.sqrt(len(each)))
    middle = float(each.mean())
    return middle, middle - reach, middle + reach, float(moved.mean() / spread) if spread else 0.0


def _exact(study: Study, state: Floats, n_beta: float) -> float:
    """Return the exact coefficient of a network's minimum, if the state has its map; else NaN."""
    if study.network is None or study.data.measured:
        return math.nan
    network, problem = DeepLinearNetwork(study.widths, study.network.loss_scale), build_problem(study)
    off = (network.end_to_end(state) - problem.optimum) @ problem.factor
    rank = int(np.sum(problem.mode_strength > 0))
    if n_beta * network.loss_scale / 2 * np.sum(off**2) > 1 or rank > min(study.widths):
        return math.nan
    return exact_learning_coefficient(study.widths, rank).value

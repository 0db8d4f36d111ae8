"""Tail index of the iterates of online SGD, one parameter (Gurbuzbalaban, Simsekli and Zhu 2021)."""

import math
from itertools import pairwise

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from fastsde.analysis.tails.estimators import hill
from fastsde.published import Claim

QUICK = {"trajectories": 20_000, "sweep": {"time.learning_rate": [0.5, 0.8]}}
BATCHES = {"b1": 1, "b2": 2}
LARGEST = 4.0
"""Larger indices need more runs than there are."""
FIRST = 200
"""Step from which the law is taken to be stationary; snapshots are 50 steps apart."""
SHARE = 0.001
"""Of the values that Hill's estimate uses: with more, it shows that the tail is no exact power law."""
SOURCE = "Gurbuzbalaban et al. 2021, E|1 - rate/b sum a_i^2|^alpha = 1"


def exact(rate, batch):
    """Return the positive solution alpha of ``E|1 - (rate / b) sum a_i^2|^alpha = 1``, a_i normal."""
    scale = 2 ** (batch / 2) * math.gamma(batch / 2)

    def excess(alpha):
        def integrand(total):
            density = total ** (batch / 2 - 1) * math.exp(-total / 2) / scale
            return abs(1 - rate * total / batch) ** alpha * density

        ends = (0.0, 1e-3, batch / rate, 8 * batch / rate + 40, 400.0)
        pieces = pairwise(ends)
        return sum(quad(integrand, *piece, limit=400)[0] for piece in pieces) - 1

    return brentq(excess, 0.05, 12.0)


def estimate(ensemble, model):
    """Return Hill's estimate of the index of the late states less the optimum."""
    view = ensemble[model]
    late = [view.read("parameters", k)[:, 0] for k in np.flatnonzero(view.step >= FIRST)]
    values = np.concatenate(late) - float(np.asarray(ensemble.problem.optimum).ravel()[0])
    return hill.estimate(values, k=int(SHARE * len(values)))


def claims(runs):
    """Compare the index at each learning rate and batch with the solution of their equation."""
    listed = []
    for values, ensemble in runs:
        rate = values["time.learning_rate"]
        for model, batch in BATCHES.items():
            alpha = exact(rate, batch)
            if alpha <= LARGEST:
                found = estimate(ensemble, model)
                tolerance = (0.3 if runs.quick else 0.12) * alpha
                what = f"index at rate {rate:.3g}, batch {batch}"
                listed.append(Claim(what, alpha, found.index, tolerance, SOURCE))
    return listed


def figure(runs, axes):
    """Draw found and exact indices against the learning rate."""
    for number, (model, batch) in enumerate(BATCHES.items()):
        rates = np.array([values["time.learning_rate"] for values, _ in runs])
        fine = np.linspace(rates.min(), rates.max(), 15)
        colour = f"C{number}"
        axes[0].plot(fine, [exact(rate, batch) for rate in fine], color=colour, label=f"exact, batch {batch}")
        found = [estimate(ensemble, model) for _, ensemble in runs]
        ends = [[max(0.0, one.index - one.low), max(0.0, one.high - one.index)] for one in found]
        known = np.array([math.isfinite(one.index + one.high) for one in found])
        index = np.array([one.index for one in found])
        bars = np.array(ends).T[:, known]
        label = f"found, batch {batch}"
        axes[0].errorbar(rates[known], index[known], yerr=bars, fmt="o", color=colour, label=label)
    axes[0].axhline(2, color="0.5", linewidth=0.8, linestyle=":", label="infinite variance below")
    axes[0].set(xlabel="learning rate", ylabel="tail index of the iterates", ylim=(1, 8))

"""Tail index of SGD on linear regression against the learning rate (Pavasovic, Durmus and Simsekli 2023)."""

import numpy as np
from scipy.special import roots_hermitenorm
from scipy.stats import chi2

from fastsde.analysis.iterates.section import window_average
from fastsde.analysis.tails.vector_index import vector_index
from fastsde.published import Claim, Deviation

QUICK = {
    "trajectories": 400,
    "sweep": {"time.learning_rate": [0.0247, 0.0374], "data.samples": [10_000]},
}
PANELS = 2
LARGE = {0.0205: 1.998, 0.0247: 1.854, 0.0289: 1.592, 0.0332: 1.297, 0.0374: 1.035, 0.0395: 0.935}
"""Their index by learning rate for their largest n."""
SMALL = {0.0289: 1.553, 0.0374: 1.015}
"""The same for n = 10."""
OURS = {0.0289: 0.208, 0.0374: 0.171}
SOURCE = "Pavasovic et al. 2023, figure 2, data file of the authors' public code"
DIMENSION = 100


def averages(ensemble):
    """Return the means of the second halves less the optimum, (trajectory, parameter)."""
    view = ensemble["sgd"]
    middle = int(np.flatnonzero(view.step == view.step[-1] // 2)[0])
    optimum = np.asarray(ensemble.problem.optimum).ravel()
    return window_average(view, middle, len(view.step) - 1) - optimum


def growth(rate):
    """Return the mean of ``ln(|x'| / |x|)`` of a noiseless step on a fresh sample: their Lyapunov exponent.

    ``|x'|^2 / |x|^2 = (1 - rate g^2)^2 + rate^2 g^2 c``, g the input along x, c the square of the others.
    """
    nodes, weights = roots_hermitenorm(120)
    square = nodes[:, None] ** 2
    others = chi2.ppf((np.arange(400) + 0.5) / 400, DIMENSION - 1)
    ratio = (1 - rate * square) ** 2 + rate**2 * square * others
    return float(weights @ np.log(ratio).mean(axis=1) / weights.sum() / 2)


def claims(runs):
    """Compare indices with theirs, and say what diverges."""
    listed = []
    for values, ensemble in runs:
        rate, samples = values["time.learning_rate"], values["data.samples"]
        index = float(vector_index(averages(ensemble)).index.value)
        what = f"index at rate {rate:g}, {samples:,} samples"
        if samples > DIMENSION and rate in LARGE:
            listed.append(Claim(what, LARGE[rate], index, 0.2 if runs.quick else 0.1, SOURCE))
        elif samples == 10 and rate in SMALL:
            why = "their code repeats 10 sequences of fresh samples; with 10 samples SGD diverges faster"
            listed.append(Claim(what, SMALL[rate], index, 0.1, SOURCE, Deviation(OURS[rate], 0.05, why)))
    return listed


def figure(runs, axes):
    """Draw indices against the learning rate, and the size of what they are estimated from."""
    for samples in sorted({values["data.samples"] for values, _ in runs}):
        chosen = [(v["time.learning_rate"], averages(e)) for v, e in runs if v["data.samples"] == samples]
        rates = np.array([rate for rate, _ in chosen])
        found = [vector_index(x).index for _, x in chosen]
        middle = np.array([float(one.value) for one in found])
        ends = np.abs(np.array([[float(one.low), float(one.high)] for one in found]).T - middle)
        label = f"{samples:,} samples"
        axes[0].errorbar(rates, middle, yerr=ends, fmt="o-", markersize=4, label=label)
        size = [np.median(np.linalg.norm(x, axis=1)) for _, x in chosen]
        axes[1].semilogy(rates, size, "o-", markersize=4, label=label)
    axes[0].plot(list(LARGE), list(LARGE.values()), "kx", label="published, large n")
    axes[0].set(xlabel="learning rate", ylabel="group log-moment index", ylim=(0, 2.2))
    rates = np.linspace(0.0185, 0.0395, 22)
    grown = np.array([growth(rate) for rate in rates])
    second_half = np.exp(np.outer(np.arange(501, 1001), grown)).mean(axis=0)
    axes[1].semilogy(
        rates, 30 * second_half, "k:", label="30 exp(Lyapunov exponent x step), mean of the second half"
    )
    axes[1].set(xlabel="learning rate", ylabel="median distance from the optimum")

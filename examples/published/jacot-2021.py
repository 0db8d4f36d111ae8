"""Lazy and saddle-to-saddle learning of Jacot, Ged, Simsek, Hongler and Gabriel (2021)."""

import numpy as np

from fastsde.published import Claim
from fastsde.report.style import mode_line

QUICK = {"trajectories": 2, "time": {"snapshots": {"count": 400}}}
WIDTH, STRENGTHS = 50, np.array([8.0, 4.0, 2.0, 1.0])
PLATEAUS = [0.5 * np.sum(STRENGTHS[rank:] ** 2) for rank in range(1, 4)]
"""Losses of the saddles of rank 1, 2 and 3."""
PAPER = "Jacot et al. 2021"


def gamma(values):
    """Return the exponent of the variance w^-gamma of a case."""
    return -2.0 * np.log(values["network.init.std"]) / np.log(WIDTH)


def saddles(view, trajectory):
    """Return the losses at which the gradient passes a minimum of less than a third of its next maximum."""
    norm, loss = view["gradient_norm"][:, trajectory], view["loss"][:, trajectory]
    dips = np.flatnonzero((norm[1:-1] < norm[:-2]) & (norm[1:-1] <= norm[2:])) + 1
    return [loss[k] for k in dips if loss[k] > 1e-3 and norm[k] < norm[k:].max() / 3.0]


def claims(runs):
    """Count saddles, and compare the losses there."""
    lazy, _, small = (ensemble["descent"] for ensemble in runs.ensembles)
    abstract = f"{PAPER}, abstract"
    passed = [saddles(small, k) for k in range(small.count)]
    late = [[loss for loss in losses if loss < 2.0 * PLATEAUS[0]] for losses in passed]  # not the origin
    least = min(map(len, late))
    what = "saddles passed after the origin, gamma = 2.5, least"
    listed = [Claim(what, 3.0, least, 0.0, f"{abstract}: small variance")]
    for rank in range(3):
        found = [losses[rank] for losses in late if len(losses) > rank]
        median = float(np.median(found)) if found else np.nan
        what = f"loss at the saddle of rank {rank + 1}, gamma = 2.5"
        listed.append(
            Claim(what, PLATEAUS[rank], median, 0.05 * PLATEAUS[rank], f"{abstract}: saddles of rising rank")
        )
    most = max(len(saddles(lazy, k)) for k in range(lazy.count))
    listed.append(Claim("saddles passed, gamma = 0.5, most", 0.0, most, 0.0, f"{abstract}: large variance"))
    return listed


def figure(runs, axes):
    """Draw the loss for each variance, with the losses of the saddles."""
    for number, (values, ensemble) in enumerate(runs):
        view, line = ensemble["descent"], mode_line(number)
        label = f"gamma = {gamma(values):.2g}"
        axes[0].loglog(view.step[1:], view["loss"][1:, 0], color=line.color, label=label)
    for loss in PLATEAUS:
        axes[0].axhline(loss, color="#6b6b6b", linestyle=":", linewidth=0.9)
    axes[0].set(xlabel="step", ylabel="loss", ylim=(1e-3, None), title="dotted: saddles of rank 1, 2, 3")

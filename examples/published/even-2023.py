"""Test loss against the learning rate on a diagonal network, of Even et al. (2023)."""

import numpy as np

from fastsde.published import Claim

QUICK = {"time": {"steps": 10_000}, "sweep": {"time.learning_rate": [0.1, 1.0, 4.0]}}
PANELS = 2
SOURCE = "Even, Pesme, Gunasekar and Flammarion 2023, abstract and figure 1"
HALF = 2.0
"""Our losses are half of the authors', and our learning rates twice theirs."""


def course(runs, name, variable):
    """Return learning rates at which all trajectories stay finite, and the median at the end of each."""
    rates, values = [], []
    for swept, ensemble in runs:
        model = ensemble[name]
        if np.isfinite(model["loss"][-1]).all():
            rates.append(swept["time.learning_rate"] / HALF)
            values.append(np.median(model[variable][-1]))
    return np.array(rates), np.array(values)


def claims(runs):
    """Compare the directions in which test losses and gains go with the learning rate."""
    listed = []
    for name, words, better in (("sgd", "SGD", True), ("gd", "gradient descent", False)):
        rates, losses = course(runs, name, "test_loss")
        _, gains = course(runs, name, "log_gain")
        pair = f"at rate {rates[-1]:g} over that at {rates[0]:g}"
        bounds = (0.0, 1.0) if better else (1.0, np.inf)
        listed += [
            Claim(f"{words}: test loss {pair}", bounds, losses[-1] / losses[0], 0.0, SOURCE),
            Claim(
                f"{words}: least ratio of the gain at one rate to that at the rate below",
                (1.0, np.inf),
                (gains[1:] / gains[:-1]).min(),
                0.0,
                SOURCE,
            ),
        ]
    rates, losses = course(runs, "sgd", "test_loss")
    steps = (losses[1:] / losses[:-1]).max()
    listed.append(
        Claim("SGD: largest ratio of the test loss at one rate to that below", (0.0, 1.0), steps, 0.0, SOURCE)
    )
    return listed


def figure(runs, axes):
    """Draw test loss and gain against the rate."""
    for name, words in (("gd", "gradient descent"), ("sgd", "SGD, one sample per step")):
        rates, losses = course(runs, name, "test_loss")
        axes[0].plot(rates, HALF * losses, "o-", label=words)
        axes[1].plot(*course(runs, name, "log_gain"), "o-")
    for panel, words in ((0, "test loss"), (1, "gain (l1 norm)")):
        axes[panel].set(xscale="log", yscale="log", xlabel="learning rate", ylabel=words)

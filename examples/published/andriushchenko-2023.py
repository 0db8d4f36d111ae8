"""Sparse features by large steps on a diagonal network, of Andriushchenko et al. (2023)."""

import numpy as np

from fastsde.published import Claim, Deviation

QUICK = {
    "trajectories": 16,
    "time": {"snapshots": {"count": 7}},
    "sweep": {"time.schedule.every": [50_001], "time.schedule.drop": [0.66666667]},
}
PANELS = 2
SOURCE = "code of Andriushchenko et al. 2023, diag_nets_level_set_stabilization.ipynb, printed output"
HALF = 2.0
"""Our losses are half of the authors'."""

# Steps at the large rate, as a share; factor of the rate afterwards; test loss and support printed.
PUBLISHED = (
    (0.1, 1 / 4.8, 6.594051602101788e-4, 156),
    (0.3, 1 / 3.4, 2.847392808476946e-4, 89),
    (0.5, 1 / 1.5, 1.5373111459504016e-4, 71),
)


def case_of(runs, share, drop):
    """Return the model under a schedule, and which trajectories stayed finite; None in the shortened form."""
    for values, ensemble in runs:
        every, factor = values["time.schedule.every"], values["time.schedule.drop"]
        if abs(every / 100_000 - share) < 0.01 and abs(factor - drop) < 1e-3:
            model = ensemble["sgd"]
            return model, np.isfinite(model["loss"][-1])
    return None


def test_losses(runs, share, drop):
    """Return the test losses at the end, in the authors' units."""
    model, finite = case_of(runs, share, drop)
    return HALF * model["test_loss"][-1][finite]


def supports(runs, share, drop):
    """Return the numbers of coefficients above 1e-50 at the end."""
    model, finite = case_of(runs, share, drop)
    return model["support"][-1][finite]


def claims(runs):
    """Compare test losses and supports, printed for one order of the samples, with those of many."""
    listed = []
    for share, drop, loss, support in reversed(PUBLISHED):
        words = f"rate divided by {1 / drop:.2g} after {share:.0%} of the steps"
        if case_of(runs, share, drop) is None:
            losses = counts = np.array([np.nan])
            untested = "needs the whole form, which has this schedule"
        else:
            losses, counts, untested = test_losses(runs, share, drop), supports(runs, share, drop), ""
        half_width = 0.0 if untested else np.diff(np.quantile(counts, [0.025, 0.975]))[0] / 2
        listed += [
            Claim(f"{words}: median support", support, np.median(counts), half_width, SOURCE, None, untested),
            Claim(
                f"{words}: share of orders whose test loss is below the printed {loss:.3g}",
                (0.025, 0.975),
                (losses < loss).mean(),
                0.0,
                SOURCE,
                untested=untested,
            ),
        ]
    return listed + trends(runs)


def trends(runs):
    """Compare how much lower the test loss is the later the rate drops."""
    untested = "needs the whole form, which has these schedules" if runs.quick else ""
    own = alike = np.nan
    if not runs.quick:
        (first, early, _, _), _, (last, late, _, _) = PUBLISHED
        losses = np.median(test_losses(runs, first, early)), np.median(test_losses(runs, last, late))
        own = losses[0] / losses[1]
        alike = np.median(test_losses(runs, first, late)) / losses[1]
    printed = PUBLISHED[0][2] / PUBLISHED[2][2]
    return [
        Claim(
            "test loss after dropping at 10 % over that at 50 %, each with its own divisor",
            printed,
            own,
            1.0,
            SOURCE,
            Deviation(1.2, 0.5, "one order of the samples is printed, and orders differ more than schedules"),
            untested,
        ),
        Claim(
            "the same ratio with the divisor 1.5 at both times",
            (1.0, np.inf),
            alike,
            0.0,
            SOURCE,
            Deviation(
                0.07,
                0.05,
                "the test loss after 100,000 steps grows with the time at the large rate, since less time is "
                "left to converge: the printed fall is due to the different divisors",
            ),
            untested,
        ),
    ]


def figure(runs, axes):
    """Draw test loss and support over time: the median and the middle half of the orders; printed values."""
    for number, (share, drop, loss, support) in enumerate(PUBLISHED):
        found = case_of(runs, share, drop)
        if found is None:
            continue
        model, finite = found
        color = f"C{number}"
        for panel, values in ((0, HALF * model["test_loss"][:, finite]), (1, model["support"][:, finite])):
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=1)
            axes[panel].fill_between(model.step, low, high, color=color, alpha=0.2, linewidth=0)
            label = f"drop after {share:.0%}" if panel == 0 else None
            axes[panel].plot(model.step, middle, color=color, label=label)
        axes[0].plot(model.step[-1], loss, "x", color=color)
        axes[1].plot(model.step[-1], support, "x", color=color)
    axes[0].set(yscale="log", xlabel="step", ylabel="test loss", title="crosses: printed values")
    axes[1].set(
        xlabel="step", ylabel="coefficients above 1e-50", title="median and middle half of the orders"
    )

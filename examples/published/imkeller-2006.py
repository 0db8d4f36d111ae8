"""Exit times of a well under stable noise (Imkeller and Pavlyukevich 2006)."""

import math

import numpy as np

from fastsde.published import Claim
from fastsde.report.style import model_lines

QUICK = {"trajectories": 256}
RIGHT, LEFT = 1.0, 2.0
SIZES = {"12": (0.025, 0.05, 0.1), "15": (0.025, 0.05, 0.1), "18": (0.05, 0.1)}


def model_name(digits, size):
    """Return the name of the model with this tail index and size of the noise."""
    return f"alpha_{digits}_e_{str(size)[2:]}"


def published_mean(alpha, size):
    """Return the mean exit time in the limit of small noise."""
    measure = math.gamma(1.0 + alpha) * math.sin(math.pi * alpha / 2.0) / math.pi
    return alpha / (measure * size**alpha * (RIGHT**-alpha + LEFT**-alpha))


def exits(ensemble, name):
    """Return mean, number of exits, and all times, infinite for those that have not left."""
    times = ensemble[name].passage_time("interval")[:, 0]
    left = np.isfinite(times)
    end = ensemble[name].time[-1]
    total = times[left].sum() + end * np.sum(~left)
    return total / left.sum(), int(left.sum()), np.where(left, times, np.inf)


def claims(runs):
    """Compare means, exponents in the size of the noise, and one law."""
    ensemble, listed = runs.ensemble, []
    theorem = "Imkeller and Pavlyukevich 2006, theorem on the exit time from (-b, a)"
    for digits, sizes in SIZES.items():
        alpha, means = int(digits) / 10.0, []
        for size in sizes:
            mean, count, _ = exits(ensemble, model_name(digits, size))
            means.append(mean)
            ratio, error = mean / published_mean(alpha, size), 3.0 / math.sqrt(count)
            what = f"mean exit time over the formula, alpha = {alpha:g}, e = {size:g}"
            listed.append(Claim(what, 1.0, ratio, 0.06 + error, theorem))
        slope = float(np.polyfit(np.log(sizes), np.log(means), 1)[0])
        what = f"exponent of the mean exit time in e, alpha = {alpha:g}"
        listed.append(Claim(what, -alpha, slope, 0.3 if runs.quick else 0.1, theorem))
    mean, count, times = exits(ensemble, model_name("15", 0.1))
    survived = float(np.mean(times > mean))
    tolerance = 3.0 * math.sqrt(0.37 * 0.63 / len(times))
    listed.append(
        Claim(
            "share not out after the mean time, alpha = 1.5, e = 0.1",
            math.exp(-1),
            survived,
            tolerance,
            theorem,
        )
    )
    return listed


def figure(runs, axes):
    """Draw mean exit times against the size of the noise, and the formula."""
    lines = model_lines(list(SIZES), "")
    for digits, sizes in SIZES.items():
        alpha = int(digits) / 10.0
        found = [exits(runs.ensemble, model_name(digits, size))[0] for size in sizes]
        fine = np.geomspace(0.02, 0.12, 50)
        axes[0].plot(
            fine,
            [published_mean(alpha, size) for size in fine],
            color=lines[digits].color,
            label=f"formula, alpha = {alpha:g}",
        )
        axes[0].plot(sizes, found, "o", color=lines[digits].color)
    axes[0].set(
        xscale="log", yscale="log", xlabel="size of the noise e", ylabel="mean exit time", title="dots: found"
    )

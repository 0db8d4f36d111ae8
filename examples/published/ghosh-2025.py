"""Period doubling, oscillating modes and balance of Ghosh, Kwon, Wang, Ravishankar and Qu (2025)."""

import math

import numpy as np
from scipy.optimize import fsolve

from fastsde.published import Claim
from fastsde.report.style import mode_line

QUICK = {"time": {"steps": 4000}}
PANELS = 2
DEPTH, LATE = 3, 65
STRENGTHS = np.array([10.0, 9.5, 9.0, 1.0])
THRESHOLDS = 2.0 / (DEPTH * STRENGTHS ** (2.0 - 2.0 / DEPTH))
"""Learning rates above which the modes oscillate: 2 over the least sharpness of a minimum with the mode."""
PAPER = "Ghosh et al. 2025"


def step(factor, rate, strength):
    """Return the next factor x of a balanced mode x^L, by descent on (x^L - s)^2 / 2 in each of L layers."""
    return factor - rate * factor ** (DEPTH - 1) * (factor**DEPTH - strength)


def cycle(rate, strength):
    """Return the two points of the 2-cycle of a mode, x^L, the lower first."""
    middle = strength ** (1.0 / DEPTH)
    low, high = fsolve(
        lambda x: [step(x[0], rate, strength) - x[1], step(x[1], rate, strength) - x[0]],
        [0.93 * middle, 1.05 * middle],
    )
    return low**DEPTH, high**DEPTH


def late(ensemble):
    """Return the last 65 steps of the modes, (step, mode)."""
    return ensemble["descent"]["modes"][-LATE:, 0]


def period(values):
    """Return the period of a series, at most 16; infinite if it has none."""
    for length in (1, 2, 4, 8, 16):
        if np.abs(values[length:] - values[:-length]).max() < 1e-5:
            return length
    return math.inf


def gap(ensemble):
    """Return the difference of the squared factors of last and first layer, (snapshot, mode)."""
    layers = ensemble["descent"]["parameters"][:, 0].reshape(-1, DEPTH, 4, 4)
    factors = np.diagonal(layers, axis1=2, axis2=3)
    return np.abs(factors[:, -1] ** 2 - factors[:, 0] ** 2)


def claims(runs):
    """Count oscillating modes, and compare cycles, periods, sharpness and balance with theory."""
    rates = [values["time.learning_rate"] for values, _ in runs]
    ensembles = list(runs.ensembles)
    listed = []
    for rate, ensemble in zip(rates[3::-1], ensembles[3::-1], strict=True):
        moving = int(np.sum(np.ptp(late(ensemble), axis=0) > 1e-3))
        expected = int(np.sum(rate > THRESHOLDS))
        what = f"modes that oscillate at rate {rate:g}"
        listed.append(Claim(what, expected, moving, 0.0, f"{PAPER}, oscillation subspace"))
    for number, mode in ((1, 0), (2, 0), (2, 1)):
        rate, strength = rates[number], STRENGTHS[mode]
        series = late(ensembles[number])[:, mode]
        for word, expected, found in zip(
            ("lower", "upper"), cycle(rate, strength), (series.min(), series.max()), strict=True
        ):
            what = f"{word} point of the 2-cycle, mode {mode + 1}, rate {rate:g}"
            listed.append(Claim(what, expected, found, 0.01, f"{PAPER}, 2-period orbit of a balanced mode"))
    cascade = f"{PAPER}, figure 1, period doubling"
    listed.append(Claim(f"period at rate {rates[4]:g}", 4.0, period(late(ensembles[4])[:, 0]), 0.0, cascade))
    factors = late(ensembles[5])[:, 0] ** (1.0 / DEPTH)
    slope = 1.0 - rates[5] * (2 * DEPTH - 1) * factors ** (2 * DEPTH - 2)
    slope += rates[5] * (DEPTH - 1) * STRENGTHS[0] * factors ** (DEPTH - 2)
    exponent = np.log(np.abs(slope)).mean()
    what = f"Lyapunov exponent per step at rate {rates[5]:g}"
    listed.append(Claim(what, (0.0, math.inf), exponent, 0.0, f"{PAPER}, abstract, chaos"))
    sharpness = ensembles[0]["descent"]["hessian_max"][-1, 0] * rates[0]
    listed.append(
        Claim("final sharpness times rate 0.0294", (-math.inf, 2.0), sharpness, 1e-3, f"{PAPER}, lemma 1")
    )
    final = gap(ensembles[3])[-1, :3].max()
    balance = f"{PAPER}, abstract, balancing gap"
    listed.append(Claim("balance gap of the oscillating modes, rate 0.0368", 0.0, final, 1e-4, balance))
    return listed


def figure(runs, axes):
    """Draw the late values of mode 1 over the attractor of the scalar map, and the balance gap."""
    scanned = np.linspace(0.9, 1.45, 500) * THRESHOLDS[0]
    factor = np.full_like(scanned, 1.02 * STRENGTHS[0] ** (1.0 / DEPTH))
    for _ in range(3000):
        factor = step(factor, scanned, STRENGTHS[0])
    for _ in range(100):
        factor = step(factor, scanned, STRENGTHS[0])
        axes[0].plot(scanned, factor**DEPTH, ",", color="#b0b0b0")
    for number, (values, ensemble) in enumerate(runs):
        rate, line = values["time.learning_rate"], mode_line(number)
        series = late(ensemble)[:, 0]
        axes[0].plot(np.full_like(series, rate), series, ".", color=line.color, markersize=3)
        descent = ensemble["descent"]
        curve = np.maximum(gap(ensemble)[:, 0], 1e-17)
        axes[1].loglog(descent.step[1:], curve[1:], color=line.color, label=f"rate {rate:g}")
    axes[0].set(
        xlabel="learning rate", ylabel="mode 1, last 65 steps", title="grey: scalar map; colours: network"
    )
    axes[1].set(xlabel="step", ylabel="balance gap of mode 1", title="balance")

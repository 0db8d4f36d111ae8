"""Where the diffusion along a mode peaks (Corlouer, Semler, Strang and Gietelink Oldenziel 2026)."""

import numpy as np

from fastsde.analysis.features.peaks import PeakTracker
from fastsde.published import Claim
from fastsde.report.style import mode_line

QUICK = {"trajectories": 8}
DEPTH = 4
STRENGTHS = np.array([4.0, 3.0, 2.0, 1.0])
PEAK = (2.0 - 2.0 / DEPTH) / (3.0 - 2.0 / DEPTH)
"""Share of a mode at which u^(4 - 4/L) (s - u)^2 is largest."""


def shares(ensemble):
    """Return the share of each mode that is learned when its diffusion peaks, (trajectory, mode)."""
    sde, tracker = ensemble["sde"], PeakTracker()
    modes, diffusion = sde["modes"] / STRENGTHS, sde["mode_diffusion"]
    for time, value, progress in zip(sde.time, diffusion, modes, strict=True):
        tracker.add(float(time), value, progress)
    return tracker.result().progress


def claims(runs):
    """Compare the share with the theory, mode by mode, and the height of the peak."""
    found = shares(runs.ensemble).mean(axis=0)
    tolerance = 0.03 if runs.quick else 0.015
    source = "Corlouer et al. 2026, proposition 3.5: diffusion of a balanced, aligned mode"
    listed = [
        Claim(f"share of mode {k + 1} (s = {s:g}) learned at the peak", PEAK, found[k], tolerance, source)
        for k, s in enumerate(STRENGTHS)
    ]
    sde = runs.ensemble["sde"]
    first = sde["mode_diffusion"][:, :, 0].max(axis=0).mean()
    top = PEAK * STRENGTHS[0]
    rate = runs.ensemble.study.time.learning_rate
    height = 2.0 * rate * (DEPTH * top ** (2.0 - 2.0 / DEPTH) * (STRENGTHS[0] - top)) ** 2
    listed.append(Claim("height of the peak of mode 1", height, first, 0.05 * height, source))
    return listed


def figure(runs, axes):
    """Draw the diffusion of each mode against its share learned, over the theory."""
    sde = runs.ensemble["sde"]
    learned = np.linspace(0.0, 1.0, 200)
    law = learned ** (4.0 - 4.0 / DEPTH) * (1.0 - learned) ** 2
    axes[0].plot(learned, law / law.max(), color="#222222", label="theory")
    for k, strength in enumerate(STRENGTHS):
        diffusion = sde["mode_diffusion"][:, 0, k]
        share, line = sde["modes"][:, 0, k] / strength, mode_line(k)
        scaled = diffusion / diffusion.max()
        axes[0].plot(share[::3], scaled[::3], ".", color=line.color, label=f"one path, s = {strength:g}")
    axes[0].axvline(PEAK, color="#6b6b6b", linestyle=":")
    axes[0].set(xlabel="share of the mode learned", ylabel="diffusion along the mode / largest")

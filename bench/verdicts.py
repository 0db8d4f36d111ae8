"""How often the headline is right: ``python -m bench.verdicts --seeds 300``.

Studies of a two-layer network with two models of SGD with replacement, seed by seed. Equal: the headline must
say "indistinguishable" in 95 % of the seeds. Different: the second model has a momentum of 0.074, so that its
effective learning rate is 8 % larger, and the headline should say "distinguishable". Prints one line for
each; exits with 1 outside 92 to 98 %, or with less than 90 % found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import fastsde
from fastsde.analysis import Analysis, Settings, analyze, sections
from fastsde.study.study import Study

STUDY = """
seed = {seed}
trajectories = {trajectories}
[network]
widths = [2, 3, 2]
init = {{ std = 0.3 }}
[data]
samples = 16
teacher = {{ singular_values = [2.0, 1.0] }}
label_noise = 0.5
[time]
learning_rate = 0.05
steps = 150
snapshots = {{ count = 6, spacing = "log" }}
[record]
observables = ["loss", "modes"]
[models.one]
kind = "sgd"
batch = 5
sampling = "replacement"
[models.two]
kind = "sgd"
batch = 5
sampling = "replacement"
{change}
"""

SETTINGS = Settings(
    permutations=99, chosen=2, directions=10, frequencies=64,
    sliced_limit=256, kernel_limit=128, pair_limit=64, transport_limit=24,
)  # fmt: skip
"""Small samples for the costly distances."""

ASKED = ("distances",)
"""Sections of the analysis that take part in the verdict."""

EQUAL, DIFFERENT = "", "momentum = 0.074"
"""What is different about the second model: 1 / (1 - 0.074) = 1.08."""


def study(seed: int, change: str, trajectories: int) -> Study:
    """Return the study of a seed."""
    return Study.from_toml(STUDY.format(seed=seed, change=change, trajectories=trajectories))


def verdict(seed: int, change: str, trajectories: int) -> str:
    """Return what the headline of one seed says of the second model, in one word."""
    with tempfile.TemporaryDirectory() as directory:
        fastsde.run(study(seed, change, trajectories), Path(directory) / "run")
        with fastsde.open(Path(directory) / "run") as ensemble:
            return _word(analyze(ensemble, "one", settings=SETTINGS))


def _word(analysis: Analysis) -> str:
    said = analysis.headline()
    words = [
        word for word in ("Indistinguishable", "Distinguishable", "Undetermined") if f"{word} from" in said
    ]
    return words[0].lower() if len(words) == 1 else f"unclear: {said}"


def count(seeds: int, change: str, trajectories: int) -> Counter[str]:
    """Count the verdicts of a number of seeds, without the sections that the headline does not need."""
    kept = sections.SECTIONS
    asked = {name: one for name, one in kept.items() if name in ASKED}
    sections.SECTIONS = asked  # type: ignore[assignment]
    try:
        return Counter(verdict(seed, change, trajectories) for seed in range(seeds))
    finally:
        sections.SECTIONS = kept


def main() -> None:
    """Count, print and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    seeds = parser.parse_args().seeds
    equal = count(seeds, EQUAL, 256)
    print(f"equal models, 128 per sample: {dict(equal)}", flush=True)
    different = count(seeds, DIFFERENT, 2048)
    print(f"learning rate 8 % larger, 1,024 per sample: {dict(different)}", flush=True)
    right = 0.92 <= equal["indistinguishable"] / seeds <= 0.98
    sys.exit(0 if right and different["distinguishable"] >= 0.9 * seeds else 1)


if __name__ == "__main__":
    main()

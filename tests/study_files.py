"""Study files for the tests: one that is valid, and ways to spoil it."""

from __future__ import annotations

from fastsde.study.study import Study

TEXT = """\
seed = 3
trajectories = 64

[network]
widths = [3, 5, 2]
init = { kind = "gaussian", gamma = 2.0 }
loss = "mean"

[data]
samples = 12
inputs = { kind = "gaussian", whiten = true }
teacher = { singular_values = [4, 3] }
label_noise = 0.5

[time]
learning_rate = 1e-3
steps = 1_000
snapshots = { count = 16, spacing = "log" }

[models.sgd]
kind = "sgd"
batch = 2
sampling = "replacement"

[models.langevin]
kind = "sde"
noise = "isotropic"

[models.sde]
kind = "sde"
noise = "gradient"
"""

POPULATION = """\
trajectories = 64

[network]
widths = [3, 5, 2]
init = { std = 0.1 }
loss = "half"

[data]
samples = "population"
teacher = { singular_values = [4, 3] }
label_noise = 0.5

[time]
learning_rate = 1e-3
steps = 1_000

[models.sgd]
kind = "sgd"
"""


def spoiled(*changes: tuple[str, str], text: str = TEXT) -> str:
    """Replace each old by its new, which must occur."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def changed(*changes: tuple[str, str], text: str = TEXT) -> Study:
    """Load the text with changes."""
    return Study.from_toml(spoiled(*changes, text=text))

"""Memory of sections on an ensemble that is made up as it is read: it does not grow with the snapshots."""

import tracemalloc

import numpy as np
import pytest
from fakes import STRENGTH, FakeEnsemble, fake_problem, fake_study

from fastsde.analysis import Settings
from fastsde.analysis.context import Context
from fastsde.analysis.features import diffusion, rank, rank_sums
from fastsde.analysis.shape import section as shape
from fastsde.system.progress import Silent

COUNT, WIDTH = 8192, 400


class MadeUp:
    """Logistic growth of the modes, and wide parameters; nothing is kept but a time for each trajectory."""

    attributes = {"dt": 1e-4}  # noqa: RUF012

    def __init__(self, step, seed, variables):
        self.step, self.time, self.count = step, step * 1e-4, COUNT
        self.variables = (*variables, "diverged_step")
        self.rank = np.random.default_rng(seed).random(COUNT)

    def read(self, name, snapshot=None, trajectories=slice(None)):
        if name == "diverged_step":
            return np.full(COUNT, -1)[trajectories]
        rank = self.rank[trajectories, None]
        if name == "parameters":
            return np.broadcast_to(np.float32(rank), (len(rank), WIDTH)).copy()
        late = self.step[snapshot] / (np.array([500.0, 1100.0, 1400.0, 2600.0]) * (0.8 + 0.4 * rank))
        share = 1 / (1 + np.exp(8 - 8 * late))
        if name == "loss":
            return 0.751 + 0.25 * ((STRENGTH * (1 - share)) ** 2).sum(axis=1)
        if name in ("modes", "singular_values"):
            return STRENGTH * (share + 1e-4)
        return share * (1.1 - share)  # drift and diffusion

    def passage_time(self, event):
        return np.full(COUNT, np.nan)


def peak(module, snapshots, variables):
    """Bytes that a section takes at most, the number of snapshots, and the answer."""
    study = fake_study(COUNT, snapshots, ("sgd", "gd", "sgd_gauss")).replace(start="paired")
    step = study.time.snapshot_steps()
    views = {name: MadeUp(step, seed, variables) for seed, name in enumerate(study.models)}
    ensemble = FakeEnsemble(study, fake_problem(), views)
    settings = Settings(bootstrap=20, bootstrap_limit=64, path_limit=200)
    tracemalloc.start()
    found = module.measure(Context(ensemble, views, "sgd", settings, Silent()))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found is not None
    return most, len(step), found


@pytest.mark.parametrize(
    ("module", "variables"),
    [
        (rank, ("loss", "singular_values")),
        (diffusion, ("modes", "mode_drift", "mode_diffusion")),
    ],
)
def test_memory_does_not_grow_with_the_snapshots(module, variables):
    """One number kept of each trajectory and snapshot would be 4 MB more, in each of three models."""
    few, fewer, _ = peak(module, 24, variables)
    many, more, _ = peak(module, 96, variables)
    assert more > 3 * fewer
    assert many < few + 8 * COUNT * (more - fewer) / 10


def test_memory_of_ranks_does_not_grow_with_the_trajectories(monkeypatch):
    """In blocks of an eighth it is below a third; what is left does not depend on the blocks."""
    whole, *_ = peak(rank, 16, ("loss", "singular_values"))
    monkeypatch.setattr(rank_sums, "ROWS", COUNT // 8)
    assert peak(rank, 16, ("loss", "singular_values"))[0] < whole / 3


def test_wide_snapshots_are_never_in_memory_at_once(monkeypatch):
    """The parameters of all trajectories are 26 MB as float64, and each model has a thread."""
    variables = ("modes", "loss", "parameters")
    _, _, whole = peak(shape, 4, variables)
    monkeypatch.setattr(shape, "BLOCK", 2**16)
    most, _, blocks = peak(shape, 4, variables)
    assert most < 8 * COUNT * WIDTH / 2
    assert whole.quantities == blocks.quantities
    for name, one in whole.models.items():
        for kind, found in one.statistics.items():
            other = blocks.models[name].statistics[kind]
            assert np.allclose(found.value, other.value, rtol=1e-9, equal_nan=True)

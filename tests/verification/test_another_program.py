"""SGD of another program, NumPy's or PyTorch's, imported: it is SGD, it is not Langevin, its rate is known.

Fixed seeds. 50 comparisons at a level of 5 % give more than 7 false alarms in 0.3 % of all cases.
"""

from itertools import pairwise

import numpy as np
import pytest

import fastsde
from fastsde.analysis import Settings

WIDTHS, RATE, STEPS, BATCH = (3, 4, 2), 0.02, [0, 25, 50], 2
START = [np.random.default_rng(3).normal(0, 0.5, shape) for shape in ((4, 3), (2, 4))]
"""Where all trajectories start, so that they differ by their batches alone."""
FEW = Settings(permutations=99, kernel_limit=64, pair_limit=64, transport_limit=40, sliced_limit=64)
MANY = Settings(permutations=99, pair_limit=64, transport_limit=40)
STUDY = {
    "seed": 11,
    "trajectories": 3200,
    "network": {
        "widths": list(WIDTHS),
        "init": {"kind": "values", "layers": [one.tolist() for one in START]},
        "loss": "mean",
    },
    "data": {"samples": 8, "teacher": {"singular_values": [2.0, 1.0]}, "label_noise": 0.5},
    "time": {"learning_rate": RATE, "steps": STEPS[-1], "snapshots": {"at": STEPS}},
    "record": {"observables": ["loss", "modes"]},
    "models": {
        "sgd": {"kind": "sgd", "batch": BATCH, "sampling": "replacement"},
        "langevin": {"kind": "sde", "noise": "isotropic", "temperature": "matched", "substeps": 1},
    },
}


def points(values):
    """What is compared: modes, and log loss; (snapshot, trajectory, coordinate), without the start."""
    return np.concatenate([values["modes"], np.log10(values["loss"])[..., None]], axis=2)[1:]


def integrated(study, name):
    kept = []
    fastsde.integrate(study, name, 0, study.trajectories, on_snapshot=lambda _, values: kept.append(values))
    return points({key: np.stack([one[key] for one in kept]) for key in kept[0]})


def trained_by_numpy(problem, count, rate=RATE, seed=0):
    """Parameters of many networks at the snapshots, PyTorch's loss: the square averaged over outputs."""
    rng = np.random.default_rng(seed)
    layers = [np.tile(one, (count, 1, 1)) for one in START]
    kept = []
    for step in range(STEPS[-1] + 1):
        if step in STEPS:
            kept.append(np.concatenate([one.reshape(count, -1) for one in layers], 1))
        index = rng.integers(8, size=(count, BATCH))
        x, y = problem.inputs[index], problem.labels[index]
        hidden = x @ layers[0].swapaxes(1, 2)
        error = (hidden @ layers[1].swapaxes(1, 2) - y) * 2 / (BATCH * WIDTHS[-1])
        slopes = [(error @ layers[1]).swapaxes(1, 2) @ x, error.swapaxes(1, 2) @ hidden]
        layers = [one - rate * slope for one, slope in zip(layers, slopes, strict=True)]
    return np.stack(kept)


def imported(folder, parameters):
    """Give a file of parameters to fastsde, and return what it makes of them."""
    np.savez(folder / "other.npz", parameters=parameters, steps=STEPS)
    models = {"other": {"kind": "imported", "file": str(folder / "other.npz")}}
    study = fastsde.Study.from_mapping(STUDY | {"models": models, "trajectories": parameters.shape[1]})
    return integrated(study, "other")


@pytest.fixture(scope="module")
def study():
    return fastsde.Study.from_mapping(STUDY)


@pytest.fixture(scope="module")
def ours(study):
    return integrated(study, "sgd")


def told(first, second, settings):
    return fastsde.compare(first, second, settings=settings).verdict == "distinguishable"


@pytest.mark.statistics
@pytest.mark.slow
def test_sgd_of_numpy_is_sgd_and_not_langevin_and_a_wrong_rate_is_found(study, ours, tmp_path):
    problem = fastsde.build_problem(study)
    other = imported(tmp_path, trained_by_numpy(problem, 3200))
    blocks = [slice(start, start + 64) for start in range(0, 3200, 64)]
    assert sum(told(ours[:, one], other[:, one], FEW) for one in blocks) <= 7
    langevin = integrated(study, "langevin")
    large = [slice(start, start + 1600) for start in range(0, 3200, 1600)]
    assert all(told(langevin[:, one], other[:, one], MANY) for one in large)
    wrong = imported(tmp_path, trained_by_numpy(problem, 3200, rate=1.05 * RATE))
    assert all(told(ours[:, one], wrong[:, one], MANY) for one in large)


@pytest.mark.statistics
def test_sgd_of_pytorch_is_sgd(study, ours, tmp_path):
    torch = pytest.importorskip("torch")
    problem = fastsde.build_problem(study)
    x, y = (torch.tensor(one) for one in (problem.inputs, problem.labels))
    runs = []
    for seed in range(64):
        torch.manual_seed(seed)
        plain = (torch.nn.Linear(*pair, bias=False, dtype=torch.float64) for pair in pairwise(WIDTHS))
        net = torch.nn.Sequential(*plain)
        net.load_state_dict({f"{k}.weight": torch.tensor(one) for k, one in enumerate(START)})
        descent, saved = torch.optim.SGD(net.parameters(), lr=RATE), []
        for step in range(STEPS[-1] + 1):
            if step in STEPS:
                saved.append(torch.cat([one.detach().ravel() for one in net.parameters()]).numpy().copy())
            index = torch.randint(8, (BATCH,))
            descent.zero_grad()
            torch.nn.functional.mse_loss(net(x[index]), y[index]).backward()
            descent.step()
        runs.append(saved)
    other = imported(tmp_path, np.swapaxes(np.array(runs), 0, 1))
    assert not told(ours[:, :64], other, FEW)  # fails of itself for one seed in twenty; this one is fixed

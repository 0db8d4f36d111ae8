"""SGD on landscapes by the members of a batch: the same as by weights of all samples, and as in NumPy."""

from importlib import import_module
from typing import ClassVar, Literal

import numpy as np
import pytest
from declared import preserved
from landscape_studies import landscape_study, run
from test_minibatch import batches

from fastsde.integrate.lowering import lower
from fastsde.kernels import surface
from fastsde.kernels.lanes import broadcast, fma, lane_count, load, store
from fastsde.kernels.minibatch import DISTINCT, EPOCH, REPLACING
from fastsde.kernels.options import inlined
from fastsde.kernels.steps import MemberSgd, WeightSgd
from fastsde.problem.data import build_problem
from fastsde.study.landscapes import LANDSCAPES, Landscape, Numbers

CODES = {"epoch": EPOCH, "without-replacement": DISTINCT, "replacement": REPLACING}
KINDS = {
    "phase-retrieval": {"size": 3, "samples": 7},
    "diagonal-network": {"features": 3, "samples": 7, "nonzero": 2},
    "superposition": {"features": 4, "hidden": 2, "samples": 7, "decay": 0.9},
}
SGD = {"kind": "sgd", "batch": 3}
SVAG = {"kind": "svag", "batch": 2, "substeps": 2}
MODELS = [
    ("phase-retrieval", {**SGD, "sampling": "epoch"}),
    ("phase-retrieval", {**SGD, "sampling": "without-replacement"}),
    ("phase-retrieval", {**SGD, "sampling": "replacement"}),
    ("phase-retrieval", SVAG),
    ("diagonal-network", {**SGD, "sampling": "epoch"}),
    ("superposition", {**SGD, "sampling": "epoch"}),
]


def starts(landscape, dtype="float64"):
    """One block of points."""
    return np.random.default_rng(3).normal(0, 0.6, (lane_count(dtype), landscape.dimension))


@pytest.mark.parametrize(("kind", "model"), MODELS)
def test_members_and_weights_are_the_same_algorithm(kind, model, monkeypatch):
    """The same batches, to rounding, over two epochs."""
    study = landscape_study({"kind": kind, **KINDS[kind]}, model, steps=6, rate=0.05)
    x = starts(study.landscape)
    by_members = run(study, len(x), start=x)[1].parameters
    monkeypatch.setattr(import_module("fastsde.integrate.lowering.sgd"), "by_members", lambda *_: False)
    by_weights = run(study, len(x), start=x)[1].parameters
    assert np.abs(by_members - x).max() > 1e-2
    np.testing.assert_allclose(by_members, by_weights, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("batch", "noise", "step"), [(1, None, MemberSgd), (5, None, WeightSgd), (5, 0.5, MemberSgd)]
)
def test_the_cheaper_way_is_taken_unless_labels_have_noise(batch, noise, step):
    model = {"kind": "sgd", "batch": batch, "label_noise": noise}
    study = landscape_study({"kind": "phase-retrieval", **KINDS["phase-retrieval"]}, model)
    assert type(lower(study, "m", build_problem(study)).dynamics) is step


@inlined
def linear(m, net, data, i, weight, target):
    """``1/2 sum_q (theta_q . x - y_q)^2``, the misses at ``net.work``."""
    energy = broadcast(m, 0.0)
    for q in range(data.labels.shape[1]):
        miss = load(m, 2 * q) * data.inputs[i, 0] - data.labels[i, q]
        store(m, net.work + q, fma(load(m, 2 * q + 1), data.inputs[i, 1], miss))
    for q in range(data.labels.shape[1]):
        miss = load(m, net.work + q)
        energy = fma(miss, miss * 0.5, energy)
        for k in range(2):
            at = target + 2 * q + k
            store(m, at, fma(weight * miss, data.inputs[i, k], load(m, at)))
    return energy


@pytest.fixture(scope="module")
def plane():
    """A landscape of two labels per sample, whose function needs workspace and may take numbers only."""
    with pytest.MonkeyPatch.context() as patch:
        preserved(patch, LANDSCAPES)
        patch.setattr(surface, "_REGISTERED", dict(surface._REGISTERED))
        register_planes()
        yield


def register_planes():
    """Register the functions and the landscape, once: what they are compiled to serves all tests."""

    @surface.sample_surface("test-plane")
    def lanes(m, net, data, i, weight, target):
        return linear(m, net, data, i, weight, target)

    @surface.sample_surface("test-numbers")
    def numbers(m, net, data, i, weight, target):
        return broadcast(m, 0.0) if data.labels[i, 0] > 1e6 else linear(m, net, data, i, weight, target)

    @LANDSCAPES.register
    class Plane(Landscape):
        """Linear regression with two outputs."""

        mean_over_samples: ClassVar[bool] = True

        kind: Literal["test-plane"] = "test-plane"
        samples: int = 7
        plain: bool = False
        dimension: ClassVar[int] = 4
        workspace: ClassVar[int] = 2
        label_count: ClassVar[int] = 2

        @property
        def surface_name(self):
            return "test-numbers" if self.plain else "test-plane"

        def numbers(self):
            table = np.random.default_rng(0).normal(size=(self.samples, 4))
            return Numbers(table[:, :2], table[:, 2:])


def reference(study, x, indices, eta):
    """Steps of SGD in NumPy, `indices` (steps, batch, trajectories)."""
    numbers = study.landscape.numbers()
    for members in indices:
        inputs, labels = numbers.inputs[members], numbers.labels[members]
        miss = np.einsum("tqk,btk->btq", x.reshape(-1, 2, 2), inputs) - labels
        x = x - eta * np.einsum("btq,btk->tqk", miss, inputs).reshape(len(x), 4) / len(members)
    return x


@pytest.mark.parametrize("sampling", CODES)
@pytest.mark.parametrize("plain", [False, True])
def test_sgd_sees_the_samples_that_were_drawn(plane, sampling, plain):
    """Batches of 1, two labels per sample: NumPy with the same indices; also if numbers are needed."""
    model = {"kind": "sgd", "batch": 1, "sampling": sampling}
    study = landscape_study({"kind": "test-plane", "plain": plain}, model, steps=9, rate=0.1)
    lowered, x = lower(study, "m", build_problem(study)), starts(study.landscape)
    indices, _ = batches(CODES[sampling], 1, 7, 9, key=lowered.key)
    moved = run(study, len(x), start=x)[1].parameters
    np.testing.assert_allclose(moved, reference(study, x, indices, 0.1), rtol=1e-12)


@pytest.mark.statistics
def test_label_noise_has_its_covariance():
    """One step of all samples: mean the gradient, covariance ``sigma^2 sum_i g_i g_i^T``; 5 standard errors.

    g_i is the slope of the gradient of sample i in its label, over n.
    """
    sigma, count, x = 2.0, 100_000, np.array([0.5, -0.8, 0.3])
    model = {"kind": "sgd", "batch": 7, "label_noise": sigma}
    study = landscape_study({"kind": "phase-retrieval", **KINDS["phase-retrieval"]}, model, rate=0.1, steps=1)
    numbers = study.landscape.numbers()
    slopes = (numbers.inputs @ x)[:, None] * numbers.inputs / 7
    mean = ((numbers.inputs @ x) ** 2 - numbers.labels[:, 0]) @ slopes
    exact = (0.1 * sigma) ** 2 * slopes.T @ slopes
    moved = run(study, count, start=np.repeat(x[None], count, axis=0))[0]["parameters"][-1] - x
    assert np.all(np.abs(moved.mean(0) + 0.1 * mean) < 5 * np.sqrt(np.diag(exact) / count))
    products = (moved + 0.1 * mean)[:, :, None] * (moved + 0.1 * mean)[:, None]
    error = products.std(0) / np.sqrt(count)
    assert np.all(np.abs(products.mean(0) - exact) < 5 * error)
    assert np.any(np.abs(products.mean(0) - 1.05 * exact) > 5 * error)  # negative control

"""Starting points: the standard deviation of each layer, and balanced layers of the same product."""

from itertools import pairwise

import numpy as np
import pytest

from fastsde.problem.initial_points import balanced_factors, start_points
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.tables import Initialisation

SHAPES = [(3, 2), (1, 1), (3, 4, 2), (2, 5, 3, 4), (4, 10, 10, 10, 4), (2, 3, 3, 3, 3, 2), (5, 5, 7)]


def normals(widths, count=6, dtype="float64"):
    size = sum(a * b for a, b in pairwise(widths))
    return np.random.default_rng(0).normal(size=(count, size)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("init", [{"std": 0.3}, {"gamma": 2.0}, {"gamma": 0.5}, {"std": 0.0}])
def test_gaussian_layers_are_the_normals_times_their_standard_deviations(init, dtype):
    widths, init = (4, 10, 6, 2), Initialisation(**init)
    given = normals(widths, dtype=dtype)
    kept = given.copy()
    got = start_points(given, init, widths)
    stds = zip(pairwise(widths), init.stds(widths), strict=True)
    scales = np.concatenate([np.full(a * b, std) for (a, b), std in stds])
    assert got.dtype == dtype
    assert np.allclose(got, kept * scales, rtol=1e-6)
    assert np.array_equal(given, kept)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("widths", SHAPES)
def test_a_balanced_start_is_balanced_and_keeps_the_product(widths, dtype):
    given, network = normals(widths, dtype=dtype), DeepLinearNetwork(widths)
    plain = start_points(given, Initialisation(std=0.5), widths)
    balanced = start_points(given, Initialisation(kind="balanced", std=0.5), widths)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    assert balanced.dtype == dtype
    assert np.allclose(network.balance(balanced.astype("f8")), 0, atol=tolerance)
    assert np.allclose(network.end_to_end(balanced), network.end_to_end(plain), atol=tolerance)
    if len(widths) > 2:
        assert network.balance(plain.astype("f8")).min() > 0.01  # negative control


def test_balanced_starts_differ_in_their_hidden_bases():
    widths, network = (3, 6, 3), DeepLinearNetwork((3, 6, 3))
    points = start_points(normals(widths), Initialisation(kind="balanced", std=0.5), widths)
    first, _ = network.unpack(points)
    projectors = first @ np.linalg.pinv(first)
    assert np.linalg.norm(projectors[0] - projectors[1]) > 0.5


def test_each_start_depends_on_its_own_normals_alone():
    widths, init = (3, 4, 2), Initialisation(kind="balanced", gamma=1.0)
    given = normals(widths)
    assert np.array_equal(start_points(given[2:4], init, widths), start_points(given, init, widths)[2:4])


@pytest.mark.parametrize("hidden", [(), (5,), (5, 4, 6)])
def test_factors_share_the_singular_values_evenly(hidden):
    random = np.random.default_rng(1)
    product = random.normal(size=(3, 4))
    frames = [np.linalg.qr(random.normal(size=(width, 3)))[0] for width in hidden]
    layers = balanced_factors(product, frames)
    assert [layer.shape for layer in layers] == list(zip((*hidden, 3), (4, *hidden), strict=True))
    got = layers[0]
    for layer in layers[1:]:
        got = layer @ got
    assert np.allclose(got, product)
    strength = np.linalg.svd(product, compute_uv=False) ** (1 / len(layers))
    assert all(np.allclose(np.linalg.svd(w, compute_uv=False)[:3], strength) for w in layers)


def test_a_narrow_layer_keeps_the_strongest_modes():
    product = np.diag([4.0, 2.0, 1.0])
    first, second = balanced_factors(product, [np.eye(5)[:, :2]])
    assert np.allclose(second @ first, np.diag([4.0, 2.0, 0.0]))
    assert np.allclose(second.T @ second, first @ first.T)

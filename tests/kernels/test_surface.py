"""Landscapes: gradients against differences of energies, samples against NumPy, a user's own function."""

import numpy as np
import pytest
from landscape_studies import landscape_study, run

import fastsde
from fastsde.system.errors import StudyError

LANDSCAPES = {
    "quadratic": {"kind": "quadratic", "matrix": [[2.0, 0.5], [0.5, -1.0]], "centre": [0.3, -0.2]},
    "saddle": {"kind": "saddle", "eigenvalues": [-1.0, 2.0, 3.0]},
    "double-well": {"kind": "double-well", "height": 2.0, "stiffness": [3.0]},
    "monkey-saddle": {"kind": "monkey-saddle"},
    "mueller-brown": {"kind": "mueller-brown", "scale": 0.01},
    "phase-retrieval": {"kind": "phase-retrieval", "size": 3, "samples": 7},
    "diagonal-network": {"kind": "diagonal-network", "features": 3, "samples": 5, "nonzero": 2},
    "superposition": {"kind": "superposition", "features": 4, "hidden": 2, "samples": 9, "decay": 0.9},
    "user": {"kind": "user", "function": "quartic", "size": 2},
    "merged attention": {
        "kind": "linear-attention",
        "spectrum": [1.5, 0.5],
        "heads": 2,
        "context": 3,
        "samples": 6,
    },
    "attention": {
        "kind": "linear-attention",
        "spectrum": [1.5, 1.0, 0.5],
        "heads": 2,
        "rank": 2,
        "context": 3,
        "samples": 6,
    },
}
SEEN = {"record": {"observables": ["loss", "gradient_norm", "parameters"]}}


def quartic(x, gradient):
    """V = (x^2 + 2 y^2)^2."""
    r = x[0] ** 2 + 2 * x[1] ** 2
    gradient[0] = 4 * r * x[0]
    gradient[1] = 8 * r * x[1]
    return r * r


fastsde.user.register("quartic", quartic)


def energies(landscape, points):
    """Energy and gradient norm at each point."""
    s = landscape_study(landscape, {"kind": "gd"}, rate=1.0, steps=1, **SEEN)
    values, outcome = run(s, len(points), start=points)
    return values["loss"][0], values["gradient_norm"][0], points - outcome.parameters


@pytest.mark.parametrize("name", LANDSCAPES)
def test_gradient_is_the_difference_of_energies(name):
    """Central differences, relative error below 1e-7; the norm is that of the gradient."""
    size = len(landscape_study(LANDSCAPES[name], {"kind": "gd"}).landscape.bottom())
    points = np.random.default_rng(0).normal(0, 0.7, (4, size))
    _, norm, gradient = energies(LANDSCAPES[name], points)
    assert np.allclose(norm, np.linalg.norm(gradient, axis=1), rtol=1e-9)
    h = 1e-5
    shifted = points[:, None, None] + h * np.array([1, -1])[:, None, None] * np.eye(size)
    above, below = (energies(LANDSCAPES[name], shifted[:, k].reshape(-1, size))[0] for k in (0, 1))
    differences = ((above - below) / (2 * h)).reshape(4, size)
    assert np.allclose(gradient, differences, rtol=1e-6, atol=1e-6 * np.abs(gradient).max())
    assert np.abs(gradient).max() > 1e-3


def test_known_energies():
    """Closed forms at chosen points: the minimum of Mueller and Brown, barriers, samples in NumPy."""
    assert energies({"kind": "mueller-brown"}, np.array([[-0.5582236, 1.4417258]]))[0][0] == pytest.approx(
        -146.6995
    )
    assert energies({"kind": "double-well"}, np.array([[1.0]]))[0][0] == pytest.approx(-0.25)
    assert energies({"kind": "monkey-saddle"}, np.array([[2.0, 1.0]]))[0][0] == pytest.approx(2.0)
    for name in ("phase-retrieval", "diagonal-network", "superposition"):
        s = landscape_study(LANDSCAPES[name], {"kind": "gd"})
        numbers = s.landscape.numbers()
        x = np.random.default_rng(1).normal(size=s.landscape.dimension)
        a, y = numbers.inputs, numbers.labels[:, 0]
        if name == "phase-retrieval":
            exact = np.mean(((a @ x) ** 2 - y) ** 2) / 4
        elif name == "diagonal-network":
            exact = np.mean((a @ (x[:3] ** 2 - x[3:] ** 2) - y) ** 2) / 4
        else:
            w, b = x[:8].reshape(2, 4), x[8:]
            exact = np.mean(((np.maximum(a @ w.T @ w + b, 0) - a) ** 2) @ (0.9 ** np.arange(4))) / 2
        assert energies(LANDSCAPES[name], x[None])[0][0] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("name", ["attention", "merged attention"])
def test_linear_attention_in_numpy(name):
    landscape = landscape_study(LANDSCAPES[name], {"kind": "gd"}).landscape
    numbers, size = landscape.numbers(), len(landscape.spectrum)
    theta = np.random.default_rng(1).normal(size=landscape.dimension)
    value, rest = theta[:2], theta[2:].reshape(2, -1)
    if landscape.rank is None:
        maps = rest.reshape(2, size, size)
    else:
        key, query = np.moveaxis(rest.reshape(2, 2, 2, size), 1, 0)
        maps = np.swapaxes(key, 1, 2) @ query
    beta, x = numbers.inputs[:, :size], numbers.inputs[:, size:]
    miss = np.einsum("ni,h,hij,nj->n", beta, value, maps, x) - numbers.labels[:, 0]
    assert energies(LANDSCAPES[name], theta[None])[0][0] == pytest.approx(np.mean(miss**2) / 2, rel=1e-12)


@pytest.mark.statistics
def test_the_plateaus_of_linear_attention():
    """Loss with the strongest directions learned, bounds of 5 standard errors; long contexts differ."""
    spectrum, context, count = np.array([2.0, 1.0, 0.5]), 8, 40_000
    table = {"kind": "linear-attention", "spectrum": spectrum.tolist(), "heads": 3, "rank": 1}
    table |= {"context": context, "samples": count}
    landscape = landscape_study(table, {"kind": "gd"}).landscape
    numbers, whole = landscape.numbers(), spectrum.sum()
    best = 1 / (spectrum * (1 + (1 + whole / spectrum) / context))
    theta = np.zeros((4, landscape.dimension))
    for learned in range(4):
        for head in range(learned):
            theta[learned, head] = 1.0
            theta[learned, 3 + 6 * head + head] = best[head]
            theta[learned, 3 + 6 * head + 3 + head] = 1.0
    found = energies(table, theta)[0]
    gain = spectrum / (1 + (1 + whole / spectrum) / context)
    for learned in range(4):
        exact = (whole - gain[:learned].sum()) / 2
        shares = np.where(np.arange(3) < learned, best, 0.0)
        miss = (numbers.inputs[:, :3] * numbers.inputs[:, 3:]) @ shares - numbers.labels[:, 0]
        error = np.std(miss**2 / 2) / np.sqrt(count)
        assert abs(found[learned] - exact) < 5 * error  # false alarm: 6e-7 each
        assert learned == 0 or abs(found[learned] - (whole - spectrum[:learned].sum()) / 2) > 5 * error


@pytest.mark.statistics
@pytest.mark.parametrize(
    "model",
    [
        {"kind": "sgd", "batch": 2, "sampling": "replacement"},
        {"kind": "sde", "noise": "gradient", "batch": 2, "sampling": "replacement", "substeps": 1},
    ],
)
def test_sgd_and_gradient_noise_have_the_covariance_of_the_samples(model):
    """One step from one point: mean the gradient, covariance C / B; bounds of 5 standard errors."""
    landscape = LANDSCAPES["phase-retrieval"]
    s = landscape_study(landscape, model, rate=0.1, steps=1)
    numbers = s.landscape.numbers()
    x = np.array([0.5, -0.8, 0.3])
    dots = numbers.inputs @ x
    samples = ((dots**2 - numbers.labels[:, 0]) * dots)[:, None] * numbers.inputs
    exact = np.cov(samples.T, bias=True) / 2 * 0.01
    count = 200_000
    moved = run(s, count, start=np.repeat(x[None], count, axis=0))[0]["parameters"][-1] - x
    error = np.sqrt(np.diag(exact) / count)
    assert np.all(np.abs(moved.mean(0) + 0.1 * samples.mean(0)) < 5 * error)
    products = (moved - moved.mean(0))[:, :, None] * (moved - moved.mean(0))[:, None]
    assert np.all(np.abs(products.mean(0) - exact) < 5 * products.std(0) / np.sqrt(count))


def test_code_in_a_study_file_needs_permission(monkeypatch):
    """``module:name`` is imported only where the environment allows it; unknown names say what is known."""

    def lowered(function):
        run(landscape_study({"kind": "user", "size": 2, "function": function}, {"kind": "gd"}), 1)

    monkeypatch.delenv("FASTSDE_ALLOW_CODE", raising=False)
    with pytest.raises(StudyError, match="FASTSDE_ALLOW_CODE=1"):
        lowered("os:getcwd")
    with pytest.raises(StudyError, match="registered: quartic"):
        lowered("quintic")
    monkeypatch.setenv("FASTSDE_ALLOW_CODE", "1")
    with pytest.raises(StudyError, match="cannot be imported"):
        lowered("no_such_module:function")
    for function in ("os:getcwd", "os:name", "json:dumps"):
        with pytest.raises(StudyError, match="numba cannot compile it"):
            lowered(function)

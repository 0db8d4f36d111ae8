"""Diagonal networks: every form against NumPy, its start, conserved quantity, test loss, support and gain."""

import numpy as np
import pytest
from landscape_studies import landscape_study, run

from fastsde.problem.objective import objective_of
from fastsde.storage.run_directory import claim
from fastsde.system.errors import StudyError

KIND = "diagonal-network"
FORMS = {
    "deep": {"form": "difference", "depth": 3},
    "power": {"form": "power", "depth": 3},
    "square": {"form": "power"},
    "product": {"form": "product"},
}


def network(**more):
    return {"kind": KIND, "features": 3, "samples": 5, "nonzero": 2, "noise": 0.5, **more}


def beta_of(x, form, depth=2):
    """Coefficients, and the derivative of each in each coordinate, (features, d)."""
    half = 3
    if form == "power":
        return x**depth, np.diag(depth * x ** (depth - 1))
    up, down = x[:half], x[half:]
    if form == "product":
        return up * down, np.hstack([np.diag(down), np.diag(up)])
    first, second = np.diag(depth * up ** (depth - 1)), np.diag(-depth * down ** (depth - 1))
    return up**depth - down**depth, np.hstack([first, second])


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Seven samples in a file of the working directory: three inputs and a label in each row."""
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(1).normal(size=(7, 4))
    np.save("rows.npy", rows)
    return rows


GIVEN = {"kind": KIND, "features": 3, "data": "rows.npy", "form": "product", "truth": [1.0, 0.0, 0.5]}


def test_samples_may_be_given(rows, tmp_path):
    """They are what the loss is a mean over; they count by their values, and a run keeps a copy."""
    study = landscape_study(GIVEN, {"kind": "gd"})
    assert study.landscape.samples == 7
    made = objective_of(study)
    x = np.random.default_rng(0).normal(size=6)
    miss = rows[:, :3] @ (x[:3] * x[3:]) - rows[:, 3]
    assert made.loss(x[None])[0] == pytest.approx((miss**2).mean() / 4)
    claim(study, tmp_path / "run")
    assert np.array_equal(np.load(tmp_path / "run" / "samples.npy"), rows)
    (tmp_path / "rows.npy").rename(tmp_path / "moved.npy")
    moved = landscape_study({**GIVEN, "data": "moved.npy"}, {"kind": "gd"})
    assert moved.fingerprint() == study.fingerprint()
    np.save("other.npy", rows + 1)
    other = landscape_study({**GIVEN, "data": "other.npy"}, {"kind": "gd"})
    assert other.fingerprint() != study.fingerprint()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"features": 4}, "landscape.features"),
        ({"samples": 6}, "landscape.samples"),
        ({"noise": 0.1}, "the labels are given"),
        ({"data": "absent.npy"}, "a file that exists"),
    ],
)
def test_given_samples_must_fit(rows, keys, words):
    with pytest.raises(StudyError, match=words):
        landscape_study({**GIVEN, **keys}, {"kind": "gd"})


@pytest.mark.parametrize("name", FORMS)
def test_loss_gradient_and_sample_gradients_are_those_of_the_definition(name):
    form = FORMS[name]
    made = objective_of(landscape_study(network(**form), {"kind": "gd"}))
    numbers, depth = made.landscape.numbers(), form.get("depth", 2)
    x = np.random.default_rng(0).normal(0, 0.8, made.landscape.dimension)
    beta, slope = beta_of(x, **form)
    miss = numbers.inputs @ beta - numbers.labels[:, 0]
    assert made.loss(x[None])[0] == pytest.approx(np.mean(miss**2) / (2 * depth), rel=1e-12)
    samples = miss[:, None] * (numbers.inputs @ slope) / depth
    assert np.allclose(made.sample_gradients(x[None])[0], samples, rtol=1e-12, atol=1e-14)
    assert np.allclose(made.gradient(x[None])[0], samples.mean(axis=0), rtol=1e-12, atol=1e-14)
    truth = made.landscape.optimum()
    fresh = np.sum((beta - truth) ** 2) / (2 * depth)
    assert made.landscape.test_loss(x[None])[0] == pytest.approx(fresh, rel=1e-12)


def test_given_random_and_plain_truths():
    def truth(**more):
        return landscape_study(network(**more), {"kind": "gd"}).landscape.optimum()

    assert truth().tolist() == [1, 1, 0]
    assert truth(truth=[0.5, -1.0, 2.0]).tolist() == [0.5, -1, 2]
    random = truth(truth="random")
    assert np.count_nonzero(random) == 2
    assert np.linalg.norm(random) == pytest.approx(1)
    assert not np.array_equal(random, truth(truth="random", seed=1))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"truth": [1.0]}, "features = 3 numbers"),
        ({"form": "product", "depth": 3}, '2, which form = "product" has'),
        ({"alpha": 0.1, "start": {"point": [0.0] * 6}}, "start says where to start"),
        ({"features": 2000}, "from 1 to 1024"),
    ],
)
def test_what_does_not_fit_is_refused(more, message):
    with pytest.raises(StudyError, match=message):
        landscape_study(network(**more), {"kind": "gd"})


def test_gradient_descent_shrinks_the_product_of_the_weights_as_theory_says():
    """For D = 2, ``w_+ w_-`` is multiplied by ``1 - eta^2 g^2`` each step (Pesme et al. 2021)."""
    steps, rate, alpha = 200, 0.05, 0.3
    record = {"observables": ["parameters", "beta", "support", "log_gain", "test_loss"]}
    s = landscape_study(
        network(alpha=alpha), {"kind": "gd"}, rate=rate, steps=steps, record=record,
        time={"snapshots": {"at": [0, steps]}},
    )  # fmt: skip
    values, _ = run(s, 1)
    numbers = s.landscape.numbers()
    w, shrunk = np.full(6, alpha), np.zeros(3)
    for _ in range(steps):
        g = numbers.inputs.T @ (numbers.inputs @ (w[:3] ** 2 - w[3:] ** 2) - numbers.labels[:, 0]) / 5
        shrunk += np.log1p(-((rate * g) ** 2))
        w = w * (1 - rate * np.concatenate([g, -g]))
    assert np.allclose(values["parameters"][-1, 0], w, rtol=1e-9)
    assert values["log_gain"][0, 0] == pytest.approx(0, abs=1e-12)
    assert values["log_gain"][-1, 0] == pytest.approx(-shrunk.sum(), rel=1e-8)
    beta = w[:3] ** 2 - w[3:] ** 2
    assert np.allclose(values["beta"][-1, 0], beta)
    assert values["support"][:, 0].tolist() == [0, np.count_nonzero(np.abs(beta) > 0.01)]
    assert values["test_loss"][-1, 0] == pytest.approx(np.sum((beta - [1, 1, 0]) ** 2) / 4)


def test_the_gain_of_a_product_is_that_of_the_equal_two_powers():
    """``u = w_+ + w_-, v = w_+ - w_-``: the same coefficients and gain, from the same alpha."""
    powers = landscape_study(network(alpha=0.1), {"kind": "gd"}).landscape
    product = landscape_study(network(alpha=0.1, form="product"), {"kind": "gd"}).landscape
    w = np.random.default_rng(3).normal(size=(4, 6))
    up, down = w[:, :3], w[:, 3:]
    turned = np.hstack([up + down, up - down])
    assert np.allclose(powers.beta(w), product.beta(turned))
    assert np.allclose(powers.log_gain(w), product.log_gain(turned) + 3 * np.log(2))
    assert product.log_gain(product.bottom()[None])[0] == pytest.approx(0)


def test_the_gain_needs_the_start_of_alpha():
    record = {"observables": ["log_gain"]}
    with pytest.raises(StudyError, match=r"landscape.alpha"):
        landscape_study(network(), {"kind": "gd"}, record=record)
    with pytest.raises(StudyError, match=r"diagonal-network"):
        landscape_study({"kind": "monkey-saddle"}, {"kind": "gd"}, record=record)

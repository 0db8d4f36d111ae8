"""Starts at a saddle: critical points, their lowest eigenvalue, and the directions in which they are left."""

import numpy as np
import pytest
from studies import study

from fastsde.problem.data import build_problem
from fastsde.problem.network import DeepLinearNetwork
from fastsde.problem.objective import objective_of
from fastsde.problem.saddle_start import SaddleStart, lowest_eigenvector
from fastsde.problem.saddles import mode_parts, next_size, saddle_map
from fastsde.report.words import study_sentences
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

DEPTHS = {2: (3, 4, 3), 3: (4, 5, 6, 3), 4: (3, 4, 5, 4, 3)}
KEPT = ({"rank": 0}, {"rank": 1}, {"rank": 2}, {"modes": [2]}, {"modes": [3, 1]})


def at_saddle(widths, spectrum=None, samples="population", **init):
    init = {"kind": "saddle", "perturbation": 1e-2, "direction": "escape", **init}
    return study(widths, samples=samples, spectrum=spectrum, network={"init": init})


def made(a_study):
    problem = build_problem(a_study)
    network = DeepLinearNetwork(a_study.widths, a_study.network.loss_scale)
    return network, problem, SaddleStart(network, problem, a_study.network.init)


def hessian(network, problem, point):
    size = network.size
    return network.hessian_vector(np.broadcast_to(point, (size, size)), np.eye(size), problem)


@pytest.mark.parametrize("samples", ["population", 7])
@pytest.mark.parametrize("spectrum", [None, (0.3, 3.0)])
@pytest.mark.parametrize("depth", DEPTHS)
def test_starts_are_critical_points_and_are_left_along_the_lowest_eigenvalue(depth, spectrum, samples):
    """The gradient vanishes to rounding; with two layers the lowest eigenvalue is ``-|R|_2``, with more it is
    0 at saddles that keep the strongest modes. In the escape direction the curvature is the eigenvalue, and
    the loss falls, by ``|R| (eps / sqrt(L))^L`` where there is no curvature."""
    normals = np.random.default_rng(0).normal(size=(5, 200))
    for kept in KEPT:
        network, problem, start = made(at_saddle(DEPTHS[depth], spectrum, samples, **kept))
        scale = np.linalg.norm(problem.cross)
        assert np.abs(network.gradient(start.origin, problem)).max() < 1e-14 * scale
        np.testing.assert_allclose(network.balance(start.origin), 0, atol=1e-14 * scale)
        matrix, top = hessian(network, problem, start.origin), "rank" in kept
        lowest = np.linalg.eigvalsh(matrix)[0]
        steepest = np.linalg.norm(network.residual(start.origin, problem), 2)
        if depth == 2:
            assert lowest == pytest.approx(-steepest, rel=1e-12)
        else:
            assert (lowest > -1e-12 * scale) == top
        moves = start.directions(normals[:, : network.size])
        np.testing.assert_allclose(np.linalg.norm(moves, axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(np.einsum("ni,ij,nj->n", moves, matrix, moves), lowest, atol=1e-12 * scale)
        assert np.linalg.matrix_rank(moves) > 1 or not top  # several directions, not one
        step = 0.02
        fall = network.loss(start.origin + step * moves, problem) - network.loss(start.origin, problem)
        order = -steepest * (step / np.sqrt(depth)) ** depth if top or depth == 2 else lowest * step**2 / 2
        np.testing.assert_allclose(fall, order, rtol=0.01)


def test_wrong_modes_have_the_eigenvalue_of_the_exchange():
    """White inputs, modes 1 and 3 kept of 2, 1, 1/2: ``-s_3^((L-2)/L) (s_2 - s_3)``; negative control s_1."""
    for depth in (3, 4):
        network, problem, start = made(at_saddle(DEPTHS[depth], modes=[1, 3]))
        lowest = np.linalg.eigvalsh(hessian(network, problem, start.origin))[0]
        assert lowest == pytest.approx(-(0.5 ** ((depth - 2) / depth)) * 0.5, rel=1e-10)
        assert lowest != pytest.approx(-(2.0 ** ((depth - 2) / depth)) * 0.5, rel=0.1)
    network, problem, start = made(at_saddle((3, 2, 3), modes=[1, 3]))  # no hidden unit is left
    assert np.linalg.eigvalsh(hessian(network, problem, start.origin))[0] == pytest.approx(-0.5, rel=1e-10)


def test_a_saddle_has_the_least_loss_of_its_rank_and_the_parts_add_up():
    _, problem, start = made(at_saddle(DEPTHS[3], (0.3, 3.0), 7, rank=1))
    network = DeepLinearNetwork((4, 1, 3))
    np.testing.assert_allclose(mode_parts(problem).sum(axis=0), problem.optimum, atol=1e-12)
    np.testing.assert_allclose(start.map, saddle_map(problem, (0,)), atol=1e-15)
    least = network.loss(network.pack([start.map[:1], start.map[:, :1] / start.map[0, 0]]), problem)
    random = np.random.default_rng(1)
    for _ in range(200):
        other = start.map + 0.1 * random.normal(size=start.map.shape)
        left, strength, right = np.linalg.svd(other)
        rank_one = network.pack([strength[0] * right[:1], left[:, :1]])
        assert network.loss(rank_one, problem) > least


def test_random_perturbations_have_their_size_and_devices_make_them_themselves():
    a_study = at_saddle(DEPTHS[2], rank=1, direction="random", perturbation=0.25)
    objective = objective_of(a_study)
    normals = np.random.default_rng(0).normal(size=(6, 24))
    recipe = objective.affine_start()
    np.testing.assert_array_equal(
        objective.starting_points(normals), recipe.origins + recipe.scales * normals
    )
    np.testing.assert_array_equal(recipe.scales, 0.25)
    along = objective_of(at_saddle(DEPTHS[2], rank=1))
    assert along.affine_start() is None
    points = along.starting_points(normals)
    np.testing.assert_allclose(np.linalg.norm(points - recipe.origins, axis=1), 1e-2, rtol=1e-12)
    np.testing.assert_array_equal(along.starting_points(normals[2:4]), points[2:4])
    exact = objective_of(at_saddle(DEPTHS[2], rank=1, perturbation=0.0))
    np.testing.assert_array_equal(exact.starting_points(normals), np.repeat(recipe.origins, 6, axis=0))


def test_the_lowest_eigenvector_of_a_large_network_is_that_of_the_whole_hessian(monkeypatch):
    _, problem, start = made(at_saddle((4, 3, 3, 3), (0.3, 3.0), modes=[2, 3]))
    narrow = DeepLinearNetwork((4, 2, 2, 3))
    value, vector, _ = lowest_eigenvector(narrow, problem, start.map, 2)
    monkeypatch.setattr("fastsde.problem.saddle_start.DENSE", 1)
    again, other, _ = lowest_eigenvector(narrow, problem, start.map, 2)
    assert again == pytest.approx(value, rel=1e-8)
    assert abs(vector @ other) == pytest.approx(1, abs=1e-6)


def test_the_size_of_the_next_mode_is_its_singular_value_on_white_inputs():
    problem = build_problem(at_saddle(DEPTHS[2], rank=1))
    assert [next_size(problem, kept) for kept in ((), (0,), (1,), (0, 2))] == pytest.approx([2, 1, 2, 1])
    assert next_size(problem, (0, 1, 2)) == np.inf


def test_a_teacher_of_lower_rank_leaves_units_unused():
    a_study = at_saddle((3, 4, 3), rank=3).replace(data={"teacher": {"singular_values": [2.0]}})
    _, _, start = made(a_study)
    assert start.rank == 1
    with pytest.raises(StudyError, match="no direction in which the loss falls"):
        start.points(np.ones((1, 24)))


@pytest.mark.parametrize(
    ("widths", "init", "words"),
    [
        ((3, 4, 3), {}, "exactly one of rank and modes"),
        ((3, 4, 3), {"rank": 1, "modes": [1]}, "exactly one of rank and modes"),
        ((3, 4, 3), {"modes": [1, 1]}, "each mode once"),
        ((3, 4, 3), {"rank": 4}, "at most 3 modes"),
        ((3, 4, 3), {"modes": [4]}, "numbers from 1 to 3"),
        ((3, 1, 3), {"rank": 2}, "at most 1 modes"),
        ((3, 3), {"rank": 1}, "a network with a hidden layer"),
        ((3, 4, 3), {"rank": 1, "std": 0.1}, "nothing: only with"),
        ((3, 4, 3), {"rank": 1, "direction": "up"}, '"random" or "escape"'),
        ((3, 4, 3), {"rank": 1, "perturbation": -1.0}, "a number from 0"),
    ],
)
def test_saddles_that_are_none_are_refused(widths, init, words):
    with pytest.raises(StudyError, match=words):
        study(widths, network={"init": {"kind": "saddle", **init}})


def test_only_the_origin_is_a_saddle_of_measurements():
    data = {"kind": "sensing", "samples": 9}
    with pytest.raises(StudyError, match="only the origin"):
        study((3, 4, 3), data=data, network={"init": {"kind": "saddle", "rank": 1}})
    a_study = study((3, 4, 3), data=data, network={"init": {"kind": "saddle", "rank": 0}})
    objective = objective_of(a_study)
    assert not objective.gradient(objective.starting_points(np.zeros((1, 24)))).any()


def test_escapes_are_known_only_of_saddles():
    with pytest.raises(StudyError, match=r"events\.escaped.*\n.*\n.*init\.kind = .saddle"):
        study(events={"escaped": [0.5]})
    with pytest.raises(StudyError, match="a start with all modes learned is the minimum"):
        study((3, 4, 3), network={"init": {"kind": "saddle", "rank": 3}}, events={"escaped": [0.5]})


def test_a_study_says_where_it_starts_and_is_read_back():
    a_study = at_saddle((3, 4, 3), modes=[3, 1])
    assert Study.from_toml(a_study.to_toml()) == a_study
    said = study_sentences(a_study)[1]
    assert said.startswith("Trajectories start at the saddle that keeps modes 1 and 3, at the distance 0.01")
    plain = at_saddle((3, 4, 3), rank=0, perturbation=0.0, direction="random")
    assert study_sentences(plain)[1] == "Trajectories start at the saddle at the origin, exactly."

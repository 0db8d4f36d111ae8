"""Which modes saddles keep and how far W is from theirs, against maps that are known, whatever the inputs."""

import dataclasses

import numpy as np
import pytest
from saddle_paths import PATH, context, ensemble, measured, saddle_point

from fastsde.analysis.saddles.basis import basis_of
from fastsde.analysis.saddles.locator import Locator
from fastsde.problem.network import DeepLinearNetwork

BASE = ("loss", "gradient_norm", "modes")
SQUEEZED = {"samples": "population", "inputs": {"kind": "gaussian"}, "spectrum": (4.0, 0.5)}
ROUND = {"samples": "population", "inputs": {"kind": "gaussian"}}
WHOLE = [("end_to_end",), ("mode_matrix",), ("parameters",)]


def locator(found):
    return Locator(context(found), DeepLinearNetwork(found.study.network.widths))


def swapped(network, problem, order):
    """W has the strongest mode, and 0.3 times it between the second and the third mode, both ways."""
    strength = problem.mode_strength
    inner = np.diag([strength[0], 0.0, 0.0])
    inner[1, 2] = inner[2, 1] = 0.3 * strength[0]
    w = problem.mode_left @ inner @ problem.mode_right.T
    theta = network.pack([np.eye(3, 5).T, w @ np.eye(3, 5)])
    assert np.allclose(network.end_to_end(theta), w)
    return np.repeat(theta[None], 4, axis=0)


def gaps(found, snapshot=0):
    place, view = locator(found), found.views["m"]
    kept = place.kept(view, snapshot)
    return place, kept, place.gaps(view, snapshot, kept)


@pytest.mark.parametrize("recorded", [*WHOLE, ("singular_values",), ()])
def test_what_lies_off_the_diagonal_is_seen_where_it_is_recorded(recorded):
    """The distance is 0.3 sqrt(2) of the saddle's size; the diagonal alone has none of it, and says so."""
    place, kept, found = gaps(ensemble(2, [PATH], (*BASE, *recorded), walk=swapped, **ROUND))
    assert np.all(kept == 1)
    if recorded:
        assert np.allclose(found["distance"], 0.3 * np.sqrt(2))
        assert np.allclose(found["rank_distance"], 0.3 * np.sqrt(2))
        assert np.all(found["same_rank"] == 0)  # 0.6 exceeds half of 1 and half of 1/2
    else:
        assert np.allclose(found["distance"], 0)
        assert "lower bound" in place.source
        assert np.isnan(found["rank_distance"]).all()


def test_the_kernels_own_distance_stands_in_where_the_ranks_agree():
    recorded = (*BASE, "rank_index", "rank_distance")
    place, _, found = gaps(ensemble(2, [PATH], recorded, walk=swapped, **ROUND))
    assert "rank_distance" in place.source
    assert np.isnan(found["distance"]).all()  # two large singular values, of one mode kept
    one = ensemble(2, [PATH], recorded, **ROUND)
    got = gaps(one, 24)
    assert np.all(got[1] == 3)
    assert np.allclose(got[2]["distance"], one.views["m"].arrays["rank_distance"][24])
    assert np.all(got[2]["same_rank"] == 1)


@pytest.mark.parametrize("recorded", WHOLE)
def test_off_white_inputs_the_saddles_are_those_of_theory(recorded):
    """Rest at U_r U_r^T W*: no gradient, the stated loss, distance zero; the diagonal alone is off."""
    found = ensemble(2, [PATH], (*BASE, *recorded), **SQUEEZED)
    basis, view = basis_of(found.problem), found.views["m"]
    cross = found.problem.cross @ np.linalg.inv(found.problem.covariance) @ found.problem.cross.T
    left = np.linalg.eigh(cross)[1][:, ::-1]
    for rank in range(4):
        w = left[:, :rank] @ left[:, :rank].T @ found.problem.optimum
        assert np.allclose(basis.maps((1 << rank) - 1), w)
    assert np.max(view.arrays["gradient_norm"][[0, 11, 22]]) < 1e-6
    got = measured(found)
    assert got.kept == ("none", "1", "1+2")
    assert np.allclose(got.plateau, view.arrays["loss"][[0, 11, 22], 0])
    visits = got.models["m"]
    assert visits.visits.tolist() == [6, 6, 6]
    assert np.allclose(visits.distance, 0, atol=1e-6)
    assert np.allclose(visits.rank_distance, 0, atol=1e-6)
    assert np.all(visits.same_rank == 1)
    strength = found.problem.mode_strength
    diagonal = view.arrays["modes"][11, 0] - strength * [1, 0, 0]
    assert np.linalg.norm(diagonal) > 0.04 * strength[0]


def test_off_white_inputs_without_w_the_page_is_told():
    got = measured(ensemble(2, [PATH], BASE, **SQUEEZED))
    assert "diagonal" in got.naming
    assert got.distance_source.startswith("unknown")
    assert np.isnan(got.plateau).all()
    assert np.isnan(got.models["m"].distance).all()
    known = measured(ensemble(2, [PATH], (*BASE, "end_to_end"), **SQUEEZED))
    assert "singular vectors" in known.naming
    assert "not the saddles' own" in known.noise_source


def test_a_multiple_of_the_identity_has_the_modes_of_the_optimum():
    """Saddles as for white inputs, plateaus higher by the multiple."""
    found = ensemble(2, [PATH])
    white = basis_of(found.problem)
    double = basis_of(
        dataclasses.replace(found.problem, covariance=2 * np.eye(3), factor=np.sqrt(2) * np.eye(3))
    )
    assert double.isotropic
    assert np.allclose(double.pieces, white.pieces)
    assert np.allclose(double.levels(1, 0.0, 1.0), 2 * white.levels(1, 0.0, 1.0))


def test_a_saddle_that_keeps_weaker_modes_has_its_own_rank():
    """Only mode 2 of (2, 1, 1/2): its singular value is half of the strongest's, and none is amiss."""
    found = ensemble(2, [[(), (1,), (0, 1), (0, 1, 2)]], (*BASE, "end_to_end"), **ROUND)
    got = measured(found)
    assert "2" in got.kept
    assert got.models["m"].same_rank[got.kept.index("2")] == 1
    assert np.nanmax(got.models["m"].distance) < 1e-6


def test_the_next_mode_off_white_inputs_is_the_saddles_own():
    found = ensemble(2, [PATH], (*BASE, "end_to_end"), **SQUEEZED)
    piece = basis_of(found.problem).pieces[1]
    assert np.allclose(locator(found).direction(1), piece)
    network = DeepLinearNetwork(found.study.network.widths)
    grown = network.end_to_end(saddle_point(network, found.problem, (0, 1)))
    assert np.allclose(grown - network.end_to_end(saddle_point(network, found.problem, (0,))), piece)

"""What `fastsde.integrate` refuses before it computes anything."""

import numpy as np
import pytest
from landscape_studies import landscape_study
from studies import study

import fastsde
from fastsde.system.errors import RequestError

ONE = study((1, 1), steps=2)
LANDSCAPE = landscape_study({"kind": "double-well"}, {"kind": "gd"}, steps=2)


@pytest.mark.parametrize(
    "shape", [(6, 2), (9, 1), (5, 1), (1, 1), (6,), (1, 6), (6, 0), (0, 1), (), (6, 1, 1)]
)
def test_starting_points_have_one_row_per_trajectory_and_all_parameters(shape):
    with pytest.raises(RequestError) as caught:
        fastsde.integrate(ONE, "m", 0, 6, start=np.zeros(shape))
    assert str(caught.value) == (
        "start must be an array of numbers of shape (6, 1): one row per trajectory (count = 6), "
        f"one column per parameter of the network; it is float64 of shape {shape}"
    )


@pytest.mark.parametrize("values", [[["a"]] * 6, [[1j]] * 6, [[None]] * 6, [[1.0]] * 5 + [[1.0, 2.0]]])
def test_starting_points_are_real_numbers(values):
    with pytest.raises(RequestError, match="start must be an array of numbers"):
        fastsde.integrate(ONE, "m", 0, 6, start=values)


def test_starting_points_of_a_landscape_are_its_coordinates():
    size = LANDSCAPE.landscape.dimension
    with pytest.raises(RequestError, match=rf"\(3, {size}\).* column per coordinate of the landscape"):
        fastsde.integrate(LANDSCAPE, "m", 0, 3, start=np.zeros((3, size + 1)))


def test_the_right_shape_is_taken_whatever_holds_it():
    taken = [
        fastsde.integrate(ONE, "m", 2, 3, start=start).parameters
        for start in ([[0.5], [0.25], [1.0]], np.array([[0.5], [0.25], [1.0]], dtype=np.float32))
    ]
    assert np.array_equal(*taken)
    assert np.array_equal(
        fastsde.integrate(ONE, "m", 0, 2, start=[[1], [0]]).parameters,
        fastsde.integrate(ONE, "m", 0, 2, start=[[1.0], [0.0]]).parameters,
    )


def test_unknown_models_and_empty_ranges_are_refused():
    with pytest.raises(RequestError, match="no model 'sgd' in the study; it has m"):
        fastsde.integrate(ONE, "sgd", 0, 2)
    for first, count in ((0, 0), (-1, 2), (0, -3)):
        with pytest.raises(
            RequestError, match=f"first = {first} must be at least 0, and count = {count} at least 1"
        ):
            fastsde.integrate(ONE, "m", first, count)

"""The table of a nonlinear network: starts, sizes, and what is refused."""

from itertools import pairwise

import numpy as np
import pytest
from landscape_studies import landscape_study

from fastsde.kernels.surfaces.mlp import mlp_name, workspace
from fastsde.problem.objective import objective_of
from fastsde.system.errors import StudyError

DATA = {"kind": "arrays", "inputs": [[1.0, 0.0], [0.5, 2.0], [-1.0, 1.0]], "labels": [[1.0], [0.0], [0.5]]}
NETWORK = {"kind": "mlp", "widths": [2, 3, 1], "data": DATA}
CLASSES = {"kind": "arrays", "inputs": DATA["inputs"], "classes": [0, 1, 1]}


def study_of(**changes):
    return landscape_study(NETWORK | changes, {"kind": "sgd"})


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"widths": [3, 3, 1]}, "landscape.widths"),
        ({"widths": [2, 1000, 100, 1]}, "landscape.widths"),
        ({"widths": [2]}, "landscape.widths"),
        ({"loss": "cross-entropy"}, "landscape.loss"),
        ({"widths": [2, 1], "scaling": "mean-field"}, "landscape.scaling"),
        ({"init": {"gamma": 1.0, "std": 0.1}}, "landscape.init"),
        ({"init": {}}, "landscape.init"),
        ({"activation": "sine"}, "landscape.activation"),
        ({"data": DATA | {"labels": [[1.0], [0.0]]}}, "landscape.data.labels"),
        ({"data": DATA | {"classes": [0, 1, 1]}}, "landscape.data"),
        ({"data": DATA | {"inputs": [[1.0, 0.0], [0.5], [1.0, 1.0]]}}, "landscape.data.inputs"),
        ({"data": CLASSES | {"outputs": 1}}, "landscape.data.classes"),
        ({"data": DATA | {"test_labels": [[1.0]]}}, "landscape.data.test_labels"),
        ({"start": {"point": [0.0, 1.0]}}, "landscape.start.point"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(changes, where):
    with pytest.raises(StudyError) as error:
        study_of(**changes)
    assert where in [complaint.where for complaint in error.value.complaints]


def test_sizes_and_names_are_those_of_the_kernels():
    for widths, biases, outputs in (((2, 3, 1), True, 2), ((2, 7, 4, 1), False, 2)):
        s = study_of(widths=list(widths), biases=biases)
        assert s.objective.dimension == sum((below + biases) * above for below, above in pairwise(widths))
        assert s.landscape.workspace == workspace(widths)
        assert s.objective.modes == outputs
    classes = study_of(widths=[2, 3, 2], data=CLASSES, loss="cross-entropy", activation="gelu", probes=5)
    assert classes.landscape.surface_name == mlp_name("gelu", "cross-entropy")
    assert classes.objective.modes == 6
    assert classes.objective.labels == 0


def test_parameters_start_with_the_deviation_of_their_layer():
    """Each normal is multiplied by its layer's standard deviation; points take the place of `init`."""
    s = study_of(init={"gamma": 2.0, "bias_std": 0.1, "scale": 3.0})
    normals = np.random.default_rng(0).normal(size=(4, 13))
    factors = 3 * np.array([0.5] * 6 + [0.1] * 3 + [1.0] * 3 + [0.1])
    assert np.allclose(objective_of(s).starting_points(normals), factors * normals, rtol=1e-14)
    given = study_of(start={"point": [1.0] * 13, "std": 0.5})
    assert np.allclose(objective_of(given).starting_points(normals), 1 + 0.5 * normals, rtol=1e-14)

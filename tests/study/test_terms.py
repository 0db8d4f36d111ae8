"""Landscapes and terms in study files: what is refused, what is filled in, what stays as it was."""

import numpy as np
import pytest
from landscape_studies import free, landscape_study
from studies import study

from fastsde.study.landscapes.double_well import DoubleWell
from fastsde.study.landscapes.mueller_brown import MuellerBrown
from fastsde.study.landscapes.phase_retrieval import PhaseRetrieval
from fastsde.study.landscapes.superposition import Superposition
from fastsde.study.study import Study
from fastsde.study.terms import Covariance, Rotation
from fastsde.system.errors import StudyError

WELL = {"kind": "double-well"}
PHASES = {"kind": "phase-retrieval", "size": 2, "samples": 5}
FEATURES = {"kind": "superposition", "features": 2, "hidden": 1, "samples": 5}


@pytest.mark.parametrize(
    ("landscape", "model", "words"),
    [
        (WELL, {"kind": "sgd"}, "models.m.kind"),
        (WELL, {"kind": "sde", "noise": "gradient"}, "models.m.noise"),
        (WELL, {"kind": "sde", "noise": "isotropic"}, "models.m.temperature"),
        (PHASES, {"kind": "sgd", "batch": 6}, "at most landscape.samples = 5"),
        (FEATURES, {"kind": "sgd", "label_noise": 1.0}, "label_noise"),
        (PHASES, {"kind": "sde", "noise": "isotropic"}, 'temperature\n +found: +"matched"'),
        (PHASES, {"kind": "sgd", "sampling": "fresh"}, "sampling"),
        (free(2), {"kind": "gd", "rotation": {"matrix": [[0.0]]}}, "2 rows"),
        ({"kind": "saddle", "eigenvalues": [1.0]}, {"kind": "gd"}, "below 0"),
        ({"kind": "quadratic", "matrix": [[1.0, 2.0], [0.0, 1.0]]}, {"kind": "gd"}, "symmetric"),
        ({"kind": "quadratic"}, {"kind": "gd"}, "exactly one of matrix and eigenvalues"),
        ({"kind": "double-well", "centre": [0.0, 0.0]}, {"kind": "gd"}, "1 numbers"),
        ({"kind": "mountain"}, {"kind": "gd"}, "landscape.kind"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_on_a_landscape_is_refused(landscape, model, words):
    with pytest.raises(StudyError, match=words):
        landscape_study(landscape, model)


def test_landscape_and_network_exclude_each_other():
    both = study().to_mapping() | {"landscape": WELL}
    with pytest.raises(StudyError, match="the study has a landscape"):
        Study.from_mapping(both)
    with pytest.raises(StudyError, match="network"):
        Study.from_mapping({key: value for key, value in both.items() if key not in ("landscape", "network")})


def test_observables_and_precision_of_landscapes():
    with pytest.raises(StudyError, match="singular_values"):
        landscape_study(WELL, {"kind": "gd"}, record={"observables": ["singular_values"]})
    with pytest.raises(StudyError, match="float32"):
        landscape_study(WELL, {"kind": "gd", "second_order": True}, dtype="float32")
    plain = landscape_study(WELL, {"kind": "gd"}).to_mapping()
    del plain["record"], plain["events"]
    resolved = Study.from_mapping(plain)
    assert resolved.record.observables == ("loss", "gradient_norm", "modes")
    assert resolved.events.mode_learned == ()
    assert Study.from_toml(resolved.to_toml()) == resolved


def test_central_flow_wants_a_constant_learning_rate():
    with pytest.raises(StudyError, match="constant learning rate"):
        study(model={"kind": "gd", "central_flow": 1}, time={"schedule": {"kind": "cosine"}})


def test_a_study_without_new_terms_says_nothing_of_them():
    """Files and fingerprints of studies from before stay as they were."""
    text = study(model={"kind": "sde", "noise": "gradient"}).to_toml()
    for word in ("weight_decay", "landscape", "schedule", "radius", "jumps", "rotation", "covariance"):
        assert word not in text


def test_a_cosine_ties_a_run_to_its_length():
    """Elsewhere a longer study continues a shorter one; with a cosine that ends with the run it cannot."""
    for kind, same in (("cosine", False), ("step", True)):
        more = {"every": 5, "drop": 0.5} if kind == "step" else {}
        one = study(steps=10, time={"schedule": {"kind": kind, **more}})
        assert (one.lineage("m") == one.replace(time={"steps": 20}).lineage("m")) is same


def test_sizes_and_starts():
    assert DoubleWell(stiffness=(1.0, 2.0)).origins().tolist() == [[-1.0, 0.0, 0.0]]
    assert np.allclose(MuellerBrown().origins(), [-0.558, 1.442], atol=1e-3)
    toy = Superposition(features=5, hidden=2, samples=200, sparsity=0.7)
    assert toy.dimension == 15
    assert abs((toy.numbers().inputs == 0).mean() - 0.7) < 0.05
    problem = PhaseRetrieval(size=3, samples=50)
    assert np.all(problem.numbers().labels >= 0)
    assert np.array_equal(problem.numbers().inputs, problem.numbers().inputs)


@pytest.mark.parametrize(
    ("landscape", "bounded"),
    [
        (WELL, True),
        (free(2), True),
        ({"kind": "saddle", "eigenvalues": [-1.0, 1.0]}, False),
        ({"kind": "monkey-saddle"}, False),
        ({"kind": "quadratic", "matrix": [[1.0, 2.0], [2.0, 1.0]]}, False),
        ({"kind": "quadratic", "matrix": [[1.0, 0.5], [0.5, 1.0]]}, True),
    ],
)
def test_energies_without_a_lower_bound(landscape, bounded):
    assert landscape_study(landscape, {"kind": "gd"}).landscape.bounded is bounded


def test_rotation_of_a_layer_and_root_of_a_covariance():
    rows, columns, values = Rotation(layer=2, strength=0.5).entries((2, 3, 2))
    j = np.zeros((12, 12))
    j[rows, columns] = values
    assert np.array_equal(j, -j.T)
    assert np.all(j[:6] == 0)
    assert j[6, 9] == 0.5
    matrix = ((2.0, 0.5), (0.5, 1.0))
    assert np.allclose(Covariance(matrix=matrix).dense(), matrix)
    assert np.allclose(Covariance(diagonal=(1.0, 2.0)).dense(), [[1.0, 0.0], [0.0, 2.0]])

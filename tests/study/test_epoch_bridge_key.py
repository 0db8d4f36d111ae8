"""The key ``epoch_bridge``: what it goes with, what is refused, what is said of it."""

import pytest
from landscape_studies import landscape_study
from studies import study

from fastsde.study.models import MomentumSde, Sde, Sgd
from fastsde.study.notes import notes
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

BRIDGE = {"kind": "sde", "noise": "gradient", "batch": 2, "epoch_bridge": True}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"noise": "isotropic"}, 'noise = "gradient" without trace'),
        ({"trace": 1.0}, 'noise = "gradient" without trace'),
        ({"sampling": "replacement"}, 'batches of sampling = "replacement" are independent'),
        ({"alpha": 1.5}, "Gaussian noise: other laws have no bridge"),
        ({"jumps": {"rate": 1.0, "share": 0.5}}, "Gaussian noise"),
        ({"subordination": {"beta": 0.7}}, "no bridge in fractional time"),
        ({"central_flow": 1}, "no bridge with the central flow"),
        ({"batch": 6}, "a batch below the 6 samples"),
    ],
)
def test_what_has_no_bridge_is_refused(keys, words):
    with pytest.raises(StudyError, match=words) as error:
        study(model={**BRIDGE, **keys})
    assert "models.m." in str(error.value)


def test_a_population_has_no_epochs():
    with pytest.raises(StudyError, match='batches of sampling = "fresh" are independent'):
        study(model=BRIDGE, samples="population")


def test_landscapes_need_samples():
    with pytest.raises(StudyError, match="no mean over any"):
        landscape_study({"kind": "double-well"}, BRIDGE)
    taken = landscape_study({"kind": "phase-retrieval", "size": 2, "samples": 5}, BRIDGE)
    assert taken.models["m"].epoch_bridge


def test_false_is_the_default():
    assert study(model={**BRIDGE, "epoch_bridge": False}).models["m"].terms() == []
    assert study(model=BRIDGE).models["m"].terms()[0][0].name == "epoch_bridge"


def test_it_is_said_and_counted():
    bridge = study(model=BRIDGE).models["m"]
    assert bridge.summary() == (
        "SDE with Gaussian noise of the covariance of SGD's gradient for batch 2 in shuffled epochs, "
        "with the correlations of an epoch: Euler with dt = 1/8 of the learning rate."
    )
    assert "bridge" in bridge.not_shared()


def test_a_study_of_bridges_needs_no_control():
    """The note on independent noise is about models whose noise is independent."""
    assert not Sde(**{k: v for k, v in BRIDGE.items() if k != "kind"}).independent_noise
    assert Sde(noise="gradient").independent_noise
    assert MomentumSde(momentum=0.5).independent_noise
    assert not Sgd().independent_noise
    one = study(model={"kind": "sgd", "batch": 2}).to_mapping()
    one["models"]["bridge"] = BRIDGE
    assert notes(Study.from_mapping(one)) == []
    one["models"]["bridge"] = {**BRIDGE, "epoch_bridge": None}
    assert len(notes(Study.from_mapping(one))) == 1

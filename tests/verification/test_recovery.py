"""Data of the gradient-noise SDE, analysed as if they were SGD's: is the SDE found, and are the others told?

Seeds are fixed. Under the null a model is told by chance with probability 5 %; each of the others lies so far
off that chance does not come into it.
"""

from pathlib import Path

import pytest

import fastsde
from fastsde.analysis import Settings, analyze, sections
from fastsde.analysis.distances.head_to_head import compare
from fastsde.analysis.summary import ranking

EXAMPLE = Path(__file__).parents[2] / "examples" / "recovery.toml"
QUICK = Settings(permutations=199, sliced_limit=384, kernel_limit=384, directions=12, frequencies=64)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    study = fastsde.Study.load(EXAMPLE)
    mapping = study.to_mapping()
    mapping["time"] = {**mapping["time"], "snapshots": {"count": 12, "spacing": "log"}}
    small = fastsde.Study.from_mapping(mapping)
    folder = tmp_path_factory.mktemp("recovery")
    fastsde.run(small, folder)
    with fastsde.open(folder) as ensemble:
        yield ensemble


@pytest.fixture(scope="module")
def analysed(run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sections, "SECTIONS", {})
        return {name: analyze(run, name, settings=QUICK) for name in ("truth", "langevin")}


@pytest.mark.statistics
def test_the_true_model_is_closest_and_inside_the_null_band(analysed):
    found = analysed["truth"]
    assert ranking(found)[0] == "sde"
    told = {name for name, one in found.models.items() if one.significance.distinguishable}
    assert told == {"sgd_gauss", "sgd", "langevin", "levy", "gd"}
    assert all(one.mean_p > 0.025 for one in found.models["sde"].distances.values())
    start = (
        "Nearest to truth, in an order that is not significant, averaged over the course of learning: sde "
    )
    assert found.headline().startswith(start)
    assert "Indistinguishable from truth at 512 trajectories per sample: sde (p = " in found.headline()


@pytest.mark.statistics
def test_with_other_data_the_sde_is_told(analysed):
    """Negative control: were the data Langevin dynamics, neither SDE nor truth would pass."""
    found = analysed["langevin"]
    assert found.models["sde"].significance.distinguishable
    assert found.models["truth"].significance.distinguishable


@pytest.mark.statistics
def test_every_distance_agrees(run):
    """Of twelve correlated tests at level 5 %, more than three are no chance; langevin: all of them."""
    same = compare(run, ["truth", "sde"], settings=QUICK)[0]
    other = compare(run, ["truth", "langevin"], settings=QUICK)[0]
    assert sum(one.p_value[0] < 0.05 for one in same.pair.tests.values()) <= 3
    assert all(one.p_value[0] < 0.05 for one in other.pair.tests.values())
    assert "truth and sde are indistinguishable" in same.sentence(0)
    assert "truth and langevin are distinguishable" in other.sentence(0)

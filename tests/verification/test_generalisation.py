"""The examples on parity and modular addition, shortened: SGD predicts every test example, and not before.

Seeds are fixed, so nothing here can fail by chance.
"""

from pathlib import Path

import numpy as np
import pytest

import fastsde
from fastsde.analysis import Settings
from fastsde.analysis.generalisation.section import SECTION
from fastsde.report.generalisation import figures, text
from fastsde.study.study import Study

EXAMPLES = Path(__file__).parents[2] / "examples"
RECORD = ["loss", "test_loss", "train_accuracy", "test_accuracy", "parameters"]


def shortened(name, models, steps, at):
    """Return an example with few trajectories of some of its models."""
    mapping = Study.load(EXAMPLES / name).to_mapping()
    mapping["models"] = {model: mapping["models"][model] for model in models}
    mapping["time"] |= {"steps": steps, "snapshots": {"at": at}}
    return Study.from_mapping(mapping | {"trajectories": 8, "record": {"observables": RECORD}})


@pytest.fixture(scope="module")
def parity(tmp_path_factory):
    study = shortened("parity.toml", ["sgd"], 2500, [0, 2500])
    return fastsde.run(study, tmp_path_factory.mktemp("parity"), threads=1)


@pytest.fixture(scope="module")
def addition(tmp_path_factory):
    study = shortened("modular_addition.toml", ["sgd", "sgd_no_decay"], 2500, [0, 300, 2500])
    directory = tmp_path_factory.mktemp("addition")
    fastsde.run(study, directory, threads=1)
    return directory


def test_sgd_learns_sparse_parity(parity):
    with fastsde.open(parity) as ensemble:
        sgd = ensemble["sgd"]
        assert np.all(sgd["test_accuracy"][-1] == 1)
        assert np.all(sgd["test_accuracy"][0] < 0.8)


def test_what_is_measured_on_the_host_is_what_the_kernels_descend(parity):
    with fastsde.open(parity) as ensemble:
        learner, sgd = ensemble.study.landscape.learner, ensemble["sgd"]
        for snapshot in range(2):
            rows = np.asarray(sgd["parameters"][snapshot], dtype=float)
            assert learner.loss(rows, learner.training) == pytest.approx(sgd["loss"][snapshot], rel=1e-9)


def test_sgd_fits_addition_before_it_generalises(addition):
    with fastsde.open(addition) as ensemble:
        for name in ("sgd", "sgd_no_decay"):
            assert np.all(ensemble[name]["train_accuracy"][-1] == 1)
        assert np.median(ensemble["sgd"]["train_accuracy"][1]) > 0.9
        assert np.median(ensemble["sgd"]["test_accuracy"][1]) < 0.7
        assert np.all(ensemble["sgd"]["test_accuracy"][-1] == 1)


def test_without_weight_decay_it_generalises_worse(addition):
    with fastsde.open(addition) as ensemble:
        assert np.mean(ensemble["sgd_no_decay"]["test_accuracy"][-1] == 1) < 0.5


def test_the_report_says_so(addition, tmp_path):
    quick = {"settings": Settings.quickly(), "sections": [SECTION.name]}
    analysis = fastsde.analyze(addition, "sgd", **quick)
    analysis.save(tmp_path / "analysis.h5")
    found = SECTION.of(type(analysis).load(tmp_path / "analysis.h5"))
    sgd = found.models["sgd"]
    assert sgd.perfect["test_accuracy"].value.tolist()[-1] == 1
    assert sgd.first["test_accuracy"].tolist() == [2500.0] * 3
    assert np.isinf(found.models["sgd_no_decay"].first["test_accuracy"][1:]).all()
    rows = {row["model"]: row for row in analysis.summary_rows()}
    assert rows["sgd"]["test accuracy"] == "100 %"
    assert "100&nbsp;% (95&nbsp;% interval 68&nbsp;% to 100&nbsp;%) of sgd" in text.accuracy_finding(analysis)
    assert "<b>2,500</b> <small>(quartiles 2,500, 2,500)</small>" in text.times(analysis)
    assert len(figures.accuracies(analysis).axes) == 3
    assert len(figures.losses(analysis).axes) == 2

"""Landscapes that one file of a user's defines, from the study file to the report."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fastsde.cli import main
from fastsde.problem.objective import objective_of
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

OWN = Path(__file__).parents[1] / "own_landscapes.py"
TEXT = """
extensions = ["own_landscapes.py"]
trajectories = 16
landscape = {{ {landscape}, start = {{ std = 0.5 }} }}
time = {{ learning_rate = 0.05, steps = 40, snapshots = {{ count = 6 }} }}
events = {{ mode_learned = [0.1] }}
{models}
"""
LANDSCAPES = {
    "lanes": 'kind = "own-quartic", stiffness = 2.0',
    "samples": 'kind = "own-median", samples = 5',
    "point": 'kind = "own-cosine", frequency = 2.0',
}
MODELS = {
    "samples": 'models.sgd = { kind = "sgd" }\nmodels.sde = { kind = "sde", noise = "gradient" }',
}
PLAIN = 'models.gd = { kind = "gd" }\nmodels.hot = { kind = "sde", noise = "isotropic", temperature = 0.05 }'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the user's file, and the permission to run it."""
    monkeypatch.setenv("FASTSDE_ALLOW_CODE", "1")
    monkeypatch.chdir(tmp_path)
    shutil.copy(OWN, tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _forgotten():
    """Forget the user's file after a test: the next one has it in another folder."""
    yield
    from extension_files import forget_imports

    from fastsde.kernels import surface
    from fastsde.study.landscapes import LANDSCAPES as REGISTRY

    forget_imports()
    for name in [name for name in REGISTRY._declared if name.startswith("own-")]:
        del REGISTRY._declared[name], REGISTRY._file[name]
    for name in [name for name in surface._REGISTERED if name.startswith("own-")]:
        del surface._REGISTERED[name]


def text(name, **changes):
    return TEXT.format(landscape=LANDSCAPES[name], models=MODELS.get(name, PLAIN))


@pytest.mark.parametrize("name", LANDSCAPES)
@pytest.mark.usefixtures("folder")
def test_its_gradient_is_that_of_its_energy(name):
    objective = objective_of(Study.from_toml(text(name)))
    size, h = objective.traits.dimension, 1e-5
    points = np.random.default_rng(0).normal(0, 0.7, (3, size))
    moved = points[:, None] + h * np.eye(size), points[:, None] - h * np.eye(size)
    above, below = (objective.loss(one.reshape(-1, size)).reshape(3, size) for one in moved)
    np.testing.assert_allclose(objective.gradient(points), (above - below) / (2 * h), rtol=1e-6, atol=1e-9)
    each = objective.sample_gradients(points)
    if objective.samples:
        np.testing.assert_allclose(each.mean(axis=1), objective.gradient(points))
        np.testing.assert_allclose(objective.noise_trace(points), each.var(axis=1).sum(axis=-1))
    else:
        assert each is None
        assert objective.noise_trace(points) is None


@pytest.mark.parametrize("name", ["lanes", "samples", "point"])
def test_it_runs_from_the_study_file_to_the_report(name, folder):
    (folder / "study.toml").write_text(text(name))
    analyze = ["analyze", "run", "--quick", *["--sections", "distances"] * (name != "lanes")]
    for words in (["run", "study.toml", "-o", "run"], analyze, ["report", "run"]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
    page = (folder / "run" / "report.html").read_text()
    equation = {"lanes": "stiffness sum_k x_k^4 / 4", "samples": "(x - a_i)^4", "point": "cos(frequency x)"}
    assert equation[name] in page.replace("<sup>4</sup>", "^4")
    assert "oordinate 1" in page


@pytest.mark.usefixtures("folder")
def test_its_fields_are_checked_and_its_kind_is_suggested():
    with pytest.raises(StudyError, match=r"(?s)stiffness.*a number above 0"):
        Study.from_toml(text("lanes").replace("2.0", "-1.0"))
    with pytest.raises(StudyError, match='did you mean "own-quartic"'):
        Study.from_toml(text("lanes").replace("own-quartic", "own-quartik"))

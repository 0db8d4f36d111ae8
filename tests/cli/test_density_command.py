"""``fastsde density``."""

import json

import pytest

from fastsde.analysis.density.file import read_densities

WELL = """
trajectories = 1
landscape = { kind = "double-well" }
time = { learning_rate = 0.1, steps = 400, snapshots = { at = [0, 10, 400] } }
models.flow = { kind = "gd" }
models.langevin = { kind = "sde", noise = "isotropic", temperature = 0.2 }
"""


@pytest.fixture
def well(tmp_path):
    path = tmp_path / "well.toml"
    path.write_text(WELL)
    return path


def test_densities_are_written_and_printed(invoke, well, tmp_path):
    result = invoke("density", well, "-o", tmp_path / "out", "--cells", "60", "--domain", "-2", "2", "--json")
    found = json.loads(result.stdout)
    assert list(found) == ["langevin"]
    assert "skipped: models.flow" in result.stderr
    assert abs(found["langevin"]["mean"][-1][0]) < 0.01
    density = read_densities(tmp_path / "out" / "density.h5")["langevin"]
    assert density.mass.shape == (3, 60)
    assert (tmp_path / "out" / "density.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "flow"), "has no noise"),
        (("--model", "none"), "no model 'none'"),
        (("--domain", "-2", "2", "--domain", "0", "1"), "2 intervals, and the landscape 1"),
    ],
)
def test_what_has_no_density_is_bad_input_and_writes_nothing(invoke, well, tmp_path, arguments, words):
    result = invoke("density", well, "-o", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (tmp_path / "out").exists()

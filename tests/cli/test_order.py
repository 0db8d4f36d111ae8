"""``fastsde order``, and a study of a landscape from file to report."""

import json

import pytest

LANDSCAPE = """
trajectories = 32
landscape = { kind = "quadratic", eigenvalues = [1.0, 2.0], start = { point = [1.0, -1.0] } }
time = { learning_rate = 0.2, steps = 5, snapshots = { count = 3 } }
models.flow = { kind = "gd" }
models.langevin = { kind = "sde", noise = "isotropic", temperature = 0.1, substeps = 1 }
models.heavy = { kind = "sde", noise = "isotropic", temperature = 0.1, alpha = 1.5 }
"""


@pytest.fixture
def landscape(tmp_path):
    """A study file of a landscape."""
    path = tmp_path / "bowl.toml"
    path.write_text(LANDSCAPE)
    return path


def test_order_prints_the_orders_of_the_models_that_have_one(invoke, landscape):
    found = json.loads(invoke("order", landscape, "--levels", "3", "--json").stdout)
    assert set(found) == {"flow", "langevin"}
    assert abs(found["flow"]["weak_order"] - 1) < 0.2
    assert abs(found["langevin"]["strong_order"] - 1) < 0.2
    text = invoke("order", landscape, "--model", "flow", "--levels", "2").stdout
    assert "flow: strong order" in text


@pytest.mark.parametrize(
    ("name", "words"), [("heavy", "no order can be measured"), ("heavy", "alpha = 1.5"), ("none", "no model")]
)
def test_order_of_what_has_none_is_bad_input(invoke, landscape, name, words):
    result = invoke("order", landscape, "--model", name)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_landscape_goes_from_file_to_report(invoke, landscape, tmp_path, blank_figures):
    result = invoke("study", landscape, "-o", tmp_path / "run")
    assert "report:" in result.stdout
    assert "quadratic" in (tmp_path / "run" / "report.html").read_text()
    info = json.loads(invoke("info", tmp_path / "run", "--json").stdout)
    assert (info["landscape"], info["dimension"]) == ("quadratic", 2)


def test_the_models_without_an_order_are_named_with_the_reason(invoke, landscape):
    result = invoke("order", landscape, "--levels", "2", "--progress", "log")
    assert result.exit_code == 0
    assert "skipped: models.heavy: its stable noise (alpha = 1.5)" in result.stderr
    assert "order: 14 of 14 runs of the coarsest step" in result.stderr
    landscape.write_text(
        LANDSCAPE.replace('kind = "gd"', 'kind = "gd", momentum = 0.5').replace(
            'models.langevin = { kind = "sde", noise = "isotropic", temperature = 0.1, substeps = 1 }\n', ""
        )
    )
    result = invoke("order", landscape)
    assert result.exit_code == 2
    assert "models.flow: momentum" in result.stderr
    assert "models.heavy: its stable noise" in result.stderr

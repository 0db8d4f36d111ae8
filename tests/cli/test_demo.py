"""``fastsde demo``: a study that needs no file; here with the stand-in for the integration."""

from importlib import resources

import pytest

from fastsde.study.study import Study


@pytest.mark.usefixtures("integrated", "blank_figures")
def test_demo_answers_in_sentences_and_names_its_figure(invoke, tmp_path):
    result = invoke("demo", "-o", tmp_path / "demo", "--progress", "none")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "Which of 2 models is closest to sgd (SGD with replacement), by how much, and how sure is that?\n  "
    )
    assert (tmp_path / "demo" / "figures" / "effect.png").is_file()
    text = (tmp_path / "demo" / "demo.toml").read_text(encoding="utf-8")
    assert Study.from_toml(text) == Study.from_toml(
        resources.files("fastsde.cli").joinpath("demo.toml").read_text(encoding="utf-8")
    )

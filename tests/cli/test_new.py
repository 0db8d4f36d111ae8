"""``fastsde new`` writes a study that loads."""

import pytest

from fastsde.study import Study


@pytest.mark.parametrize("name", ["first", "first.toml"])
def test_new_study_loads(invoke, tmp_path, name):
    result = invoke("new", tmp_path / name)
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'first.toml'}\n"
    study = Study.load(tmp_path / "first.toml")
    assert study.network.widths == (4, 10, 10, 10, 4)
    assert study.models["sgd"].kind == "sgd"


def test_new_does_not_replace(invoke, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    result = invoke("new", path)
    assert result.exit_code == 2
    assert path.read_text() == "mine"
    assert invoke("new", path, "--force").exit_code == 0
    assert path.read_text() != "mine"

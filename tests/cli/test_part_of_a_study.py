"""What there is of a study that goes on, and shards computed apart, are analysed like a whole study."""

import json

import pytest

TRAJECTORIES = ("--trajectories", 48)


@pytest.fixture
def half(invoke, study_file, integrated, tmp_path):
    """Return the directory of the first of two shards."""
    result = invoke("run", study_file, "-o", tmp_path / "half", "--shard", "1/2", *TRAJECTORIES)
    assert result.exit_code == 0, result.output
    return tmp_path / "half"


@pytest.mark.slow
@pytest.mark.usefixtures("blank_figures")
def test_a_part_is_analysed_reported_and_compared(invoke, half):
    result = invoke("analyze", half)
    assert result.exit_code == 2
    assert "fastsde run" in result.stderr
    assert invoke("merge", half, "--partial").exit_code == 0
    result = invoke("analyze", half)
    assert result.exit_code == 2
    assert f"{half / 'partial.h5'} has partial results" in result.stderr
    assert not (half / "analysis.h5").exists()
    result = invoke("analyze", half / "partial.h5", "--json", "--quick")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [one["trajectories"] for one in found["models"].values()] == [24, 24]
    assert invoke("report", half).exit_code == 0
    page = (half / "report.html").read_text()
    said = "Partial results: partial.h5, the part of a run up to step 40; the run may continue; "
    assert f"{said}of 48 trajectories per model: sgd 24, sde 24." in page
    result = invoke("compare", half / "partial.h5", "--models", "sgd,sde", "--permutations", 19)
    assert result.exit_code == 0, result.output
    assert "24 trajectories per sample" in result.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("blank_figures")
def test_merged_shards_are_analysed_as_one_run_is(invoke, study_file, half, tmp_path):
    invoke("run", study_file, "-o", tmp_path / "rest", "--shard", "2/2", *TRAJECTORIES)
    merged, whole = tmp_path / "merged", tmp_path / "whole"
    assert invoke("merge", half, tmp_path / "rest", "-o", merged).exit_code == 0
    assert invoke("run", study_file, "-o", whole, *TRAJECTORIES).exit_code == 0
    analyzed = [invoke("analyze", directory, "--json", "--quick") for directory in (merged, whole)]
    found = [json.loads(result.stdout) for result in analyzed]
    for one in found:
        one.pop("created")
        one.pop("seconds")
        one["sections"].get("relevance", {}).pop("distances", None)  # it tells seconds, too
    assert found[0] == found[1]
    assert invoke("report", merged).exit_code == 0
    assert "Partial results" not in (merged / "report.html").read_text()


def test_a_report_needs_an_analysis(invoke, half):
    result = invoke("report", half)
    assert result.exit_code == 2
    assert "fastsde analyze" in result.stderr

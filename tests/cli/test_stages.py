"""``fastsde analyze``, ``report`` and ``study``: the stages in order, what they print and where."""

import json
import sys
from types import SimpleNamespace

import pytest

import fastsde.analysis.requirements  # noqa: F401 (before a stand-in takes the place of its package)
from fastsde.analysis import cost
from fastsde.analysis.settings import Settings

ROWS = [
    {"model": "sde", "question": "distance of the modes at the end", "value": 0.5, "differs": True},
    {"model": "langevin", "question": "time to learn mode 1", "value": float("nan")},
]


class Analysis:
    """What the analysis returns, in two rows."""

    models = {"sde": SimpleNamespace(summary="SDE with Gaussian noise for batch 1 in shuffled epochs.")}  # noqa: RUF012

    def __init__(self, settings):
        self.settings = settings

    def save(self, path):
        path.write_text("analysis")

    def summary(self):
        return ROWS

    def summary_rows(self):
        return [{key: str(value) for key, value in row.items()} for row in ROWS]

    def document(self):
        return {"reference": "sgd"}

    def headline(self):
        return "The SDE differs."


@pytest.fixture
def stages(monkeypatch):
    """Put stand-ins in place of the analysis and the report; return the list of what they were given."""
    calls = []

    def analyze(
        ensemble, reference=None, *, models=None, settings=None, progress=None, sections=None, before=None
    ):
        calls.append(("analyze", ensemble.names, reference))
        with progress.task("analyse", 4, "snapshots"):
            progress.update(1)
        return Analysis(settings)

    def write_report(directory, *, progress, verify=False):
        calls.append(("report", (directory / "analysis.h5").read_text()))
        return directory / "report.html"

    monkeypatch.setattr(cost, "later_seconds", lambda study, threads: (2.0, 1.0))
    monkeypatch.setitem(
        sys.modules,
        "fastsde.analysis",
        SimpleNamespace(analyze=analyze, Analysis=Analysis, Settings=Settings),
    )
    monkeypatch.setitem(sys.modules, "fastsde.report", SimpleNamespace(write_report=write_report))
    return calls


def test_study_runs_all_stages(invoke, study_file, integrated, stages, tmp_path):
    result = invoke("study", study_file, "-o", tmp_path / "out", "--progress", "log")
    assert result.exit_code == 0, result.output
    assert stages == [("analyze", ["sgd", "sde"], None), ("report", "analysis")]
    assert "distance of the modes at the end" in result.stdout
    assert result.stdout.splitlines()[-1] == f"report: {tmp_path / 'out' / 'report.html'}"
    assert "The SDE differs." in result.stdout
    assert "integrate" in result.stderr
    assert "analyse" in result.stderr


def test_study_prints_json(invoke, study_file, integrated, stages, tmp_path):
    result = invoke("study", study_file, "-o", tmp_path / "out", "--json")
    printed = json.loads(result.stdout)
    assert printed["report"] == str(tmp_path / "out" / "report.html")
    assert printed["results"][0] == ROWS[0]
    assert printed["results"][1]["value"] is None


def test_analyze_prints_a_table_or_json(invoke, finished_run, stages):
    result = invoke("analyze", finished_run)
    assert result.exit_code == 0
    assert "0.5" in result.stdout
    assert "langevin" in result.stdout
    assert (finished_run / "analysis.h5").is_file()
    result = invoke("analyze", finished_run, "--json", "--reference", "sde")
    printed = json.loads(result.stdout)
    assert printed["summary"][0] == ROWS[0]
    assert printed["headline"] == "The SDE differs."
    assert printed["reference"] == "sgd"
    assert stages[-1][2] == "sde"


def test_report_prints_the_page(invoke, finished_run, stages):
    (finished_run / "analysis.h5").write_text("analysis")
    assert invoke("report", finished_run).stdout == f"{finished_run / 'report.html'}\n"


def test_analyze_needs_an_ensemble(invoke, tmp_path, stages):
    result = invoke("analyze", tmp_path)
    assert result.exit_code == 2
    assert "no ensemble" in result.stderr


def test_what_the_analysis_will_refuse_is_refused_before_anything_is_written(invoke, study_file, tmp_path):
    text = study_file.read_text()
    observables = '["loss", "modes", "mode_matrix", "singular_values", "balance", "end_to_end", "parameters"]'
    assert observables in text
    study_file.write_text(text.replace(observables, '["balance"]'))
    for command in (["study"], ["submit", "--tasks", "2"]):
        result = invoke(*command, study_file, "-o", tmp_path / "out")
        assert result.exit_code == 2
        assert "record.observables" in result.stderr
        assert "modes or loss" in result.stderr
    study_file.write_text(text)
    result = invoke("study", study_file, "-o", tmp_path / "out", "--reference", "gd")
    assert result.exit_code == 2
    assert "one of sgd, sde" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_quick_analysis_says_so(invoke, finished_run, stages):
    result = invoke("analyze", finished_run, "--quick")
    assert "Quick analysis: 99 permutations instead of 500" in result.stdout
    assert "Quick analysis" not in invoke("analyze", finished_run).stdout


def test_the_models_are_described_with_the_batch_of_their_noise(invoke, finished_run, stages):
    assert "batch 1 in shuffled epochs" in invoke("analyze", finished_run).stdout

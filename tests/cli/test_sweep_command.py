"""``fastsde sweep`` on a real run: cases with directories of their own, and effects over all of them."""

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fastsde.analysis.cases import SweepAnalysis
from fastsde.cli import work
from fastsde.report.sweep.tables import text_rows
from fastsde.storage.ensemble import open_ensemble
from fastsde.system.errors import FastsdeError

SWEEP = """
seed = 2
trajectories = 64
[network]
widths = [2, 3, 2]
init = { std = 0.05 }
loss = "half"
[data]
samples = 12
inputs = { kind = "gaussian", whiten = true }
teacher = { singular_values = [4.0, 1.5] }
label_noise = 0.1
[time]
learning_rate = 0.01
steps = 400
snapshots = { count = 5, spacing = "linear" }
[record]
observables = ["loss", "modes"]
[models.sgd]
kind = "sgd"
[models.sde]
kind = "sde"
noise = "gradient"
substeps = 2
[sweep]
"network.init.std" = [0.01, 0.05]
"data.seed" = [0, 1, 2]
"""


SECTIONS = ("snapshots", "escape")
"""What the tables and effects of a sweep are of."""


def quick_analysis(analyze_source, directory: Path, progress, *, quick: bool = False):
    """Analyse a case quickly, and only what is shown of it, whatever was asked for."""
    return analyze_source(directory, progress, quick=True, sections=SECTIONS)


def page_without_figures(directory: Path, *_: object) -> Path:
    """Stand for the report of a case, of which other tests are."""
    page = directory / "report.html"
    page.touch()
    return page


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep of which the analysis of a case is the quick one, and the report of a case is empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "analyze_source", partial(quick_analysis, work.analyze_source))
        patch.setattr(work, "report_directory", page_without_figures)
        yield _sweep(tmp_path_factory)


def _sweep(tmp_path_factory):
    from click.testing import CliRunner

    from fastsde.cli import main

    folder = tmp_path_factory.mktemp("sweep")
    path = folder / "starts.toml"
    path.write_text(SWEEP)
    arguments = ["sweep", str(path), "-o", str(folder / "out"), "--progress", "none", "--json"]
    arguments += ["--csv", str(folder / "starts.csv")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


@pytest.mark.slow
def test_every_case_is_a_run_like_any_other(swept):
    folder, _ = swept
    names = {f"std0_0{n}-seed{s}" for n in (1, 5) for s in (0, 1, 2)}
    assert {path.name for path in (folder / "out").iterdir() if path.is_dir()} == {*names, "figures"}
    strengths = []
    for name in names:
        assert (folder / "out" / name / "report.html").is_file()
        with open_ensemble(folder / "out" / name) as ensemble:
            strengths.append(tuple(ensemble.problem.mode_strength))
            assert "sweep" not in ensemble.study.to_toml()
    assert len(set(strengths)) == 3


def test_a_smaller_start_escapes_later_by_the_logarithm_of_the_ratio(swept):
    """Growth at rate s1 in both layers: ln(5) / s1 later; unit of the interval are the three data sets."""
    folder, printed = swept
    found = SweepAnalysis.load(folder / "out" / "sweep.h5")
    key = next(k for k in found.effects if k.startswith("rank 0 network.init.std"))
    effect = found.effects[key]
    assert effect.value.tolist() == [0.01, 0.05]
    assert effect.time[0] - effect.time[1] == pytest.approx(np.log(5) / 4.0, rel=0.15)
    assert (effect.unit, effect.units) == ("data set", 3)
    assert effect.ratio_high < 1
    assert found.swept == ("network.init.std", "data.seed")
    assert found.columns == found.swept
    assert printed["sweep"]["effects"][key]["ratio"] == pytest.approx(effect.ratio)
    page = (folder / "out" / "sweep.html").read_text()
    assert "std0_05-seed2/report.html" in page
    assert "3 data sets" in page


def test_the_table_has_every_value_with_units_as_csv_too(swept):
    folder, printed = swept
    with (folder / "starts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 * 2
    assert {row["network.init.std"] for row in rows} == {"0.01", "0.05"}
    assert {row["data.seed"] for row in rows} == {"0", "1", "2"}
    found = SweepAnalysis.load(folder / "out" / "sweep.h5")
    for row in rows:
        one = found.rows[f"{row['case']} {row['model']}"]
        assert float(row["escape_time_rank_0"]) == one.escape_time[0]
        assert one.escape_low[0] <= one.escape_time[0] <= one.escape_high[0]
        assert float(row["final_loss_median"]) == one.final_loss
        assert row["noise_tail_index"] == ""  # update_noise is not recorded
    assert set(printed["sweep"]["rows"]) == set(found.rows)
    (first, *_) = text_rows(found)
    assert "escape from rank 0 to 1, half by (time)" in first
    page = (folder / "out" / "sweep.html").read_text()
    assert page.count("<img ") == 1
    assert [path.name for path in (folder / "out" / "figures").iterdir()] == ["sweep.png"]


def test_a_sweep_goes_on_and_may_grow_but_not_change(swept, invoke):
    folder, _ = swept
    before = {p: p.stat().st_mtime_ns for p in (folder / "out").rglob("parts/*.h5")}
    path = folder / "starts.toml"
    path.write_text(SWEEP.replace('"data.seed" = [0, 1, 2]', '"data.seed" = [0, 1, 2, 3]'))
    result = invoke("sweep", path, "-o", folder / "out", "--progress", "none")
    assert result.exit_code == 0, result.output
    after = {p: p.stat().st_mtime_ns for p in (folder / "out").rglob("parts/*.h5")}
    assert before.items() <= after.items()
    assert len(after) == len(before) * 4 // 3
    path.write_text(SWEEP.replace("0.05]", "0.07]"))
    result = invoke("sweep", path, "-o", folder / "out", "--progress", "none")
    assert result.exit_code == 2
    assert "another sweep" in result.stderr


def test_a_table_that_cannot_be_written_stops_a_sweep_before_it_runs(invoke, tmp_path):
    path = tmp_path / "starts.toml"
    path.write_text(SWEEP)
    result = invoke("sweep", path, "-o", tmp_path / "out", "--csv", tmp_path / "none" / "x.csv")
    assert result.exit_code == 2
    assert "--csv" in result.stderr
    assert "No such file or directory" in result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["starts.toml"]


def test_a_file_without_shared_values_is_no_sweep(invoke, study_file, tmp_path):
    result = invoke("sweep", study_file, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "fastsde study" in result.stderr
    assert not (tmp_path / "out").exists()
    with pytest.raises(FastsdeError, match="fastsde sweep"):
        SweepAnalysis.load(tmp_path / "sweep.h5")

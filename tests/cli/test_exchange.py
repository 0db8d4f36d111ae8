"""Trajectories in from other programs, and results out to them, by the command line."""

import csv

import numpy as np
import pytest

import fastsde
from fastsde.storage.export import export
from fastsde.system.errors import RequestError

STUDY = """
seed = 1
trajectories = 24
network = { widths = [2, 3, 2], init = { std = 0.3 } }
data = { samples = 8, teacher = { singular_values = [2.0, 1.0] } }
time = { learning_rate = 0.05, steps = 40, snapshots = { at = [0, 10, 20, 40] } }
record.observables = ["loss", "modes", "parameters"]
models.sgd = { kind = "sgd", batch = 2 }
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A run, and its study file beside it."""
    folder = tmp_path_factory.mktemp("exchange")
    (folder / "study.toml").write_text(STUDY)
    fastsde.run(fastsde.Study.load(folder / "study.toml"), folder / "run")
    return folder


def test_what_is_imported_is_a_model_like_others(invoke, directory):
    """SGD's own trajectories come back as another model, with the same numbers, and are compared."""
    with fastsde.open(directory / "run") as ensemble:
        theta = ensemble["sgd"]["parameters"]
        loss = ensemble["sgd"]["loss"]
    np.savez(directory / "torch.npz", parameters=theta[:3, :20], steps=[0, 10, 20])
    words = ("import", directory / "torch.npz", "--study", directory / "study.toml", "--model", "torch")
    result = invoke(*words)
    assert result.exit_code == 0, result.output
    made = directory / "study-torch.toml"
    assert str(made) in result.stdout
    assert "all parameters" in result.stderr
    study = fastsde.Study.load(made)
    assert (study.trajectories, study.time.steps) == (20, 20)
    fastsde.run(study, directory / "both")
    with fastsde.open(directory / "both") as ensemble:
        assert np.array_equal(ensemble["torch"]["loss"], loss[:3, :20])
        assert np.array_equal(ensemble["sgd"]["loss"], loss[:3, :20])
    result = invoke("compare", directory / "both", "--models", "torch,sgd")
    assert result.exit_code == 0, result.output
    assert "torch" in result.output
    again = invoke(*words)
    assert again.exit_code == 2
    assert "--force" in again.output


@pytest.mark.parametrize("name", ["sgd", "late"])
def test_what_does_not_fit_writes_no_study(invoke, directory, name):
    np.savez(directory / "late.npz", parameters=np.zeros((1, 30, 12)), steps=[7])
    result = invoke("import", directory / "late.npz", "--study", directory / "study.toml", "--model", name)
    assert result.exit_code == 2
    assert "expected" in result.output
    assert not (directory / f"study-{name}.toml").exists()


def test_tables_and_archives_have_the_numbers_of_the_ensemble(invoke, directory):
    for form in ("csv", "npz", "netcdf"):
        result = invoke("export", directory / "run", "--format", form, "--model", "sgd")
        assert result.exit_code == 0, result.output
    with fastsde.open(directory / "run") as ensemble:
        loss, modes = ensemble["sgd"]["loss"], ensemble["sgd"]["modes"]
    with (directory / "run.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 24
    assert [float(row["loss"]) for row in rows] == loss.ravel().tolist()
    assert [float(row["modes_2"]) for row in rows] == modes[..., 1].ravel().tolist()
    assert {row["step"] for row in rows} == {"0", "10", "20", "40"}
    with np.load(directory / "run.npz") as archive:
        assert np.array_equal(archive["sgd/modes"], modes)
    xarray = pytest.importorskip("xarray")
    with xarray.open_dataset(directory / "run.nc", group="sgd", engine="h5netcdf") as data:
        assert np.array_equal(data["loss"].values, loss)
        assert data["modes"].dims == ("snapshot", "trajectory", "mode")


def test_parquet_is_a_table_of_the_same_columns(directory, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    with fastsde.open(directory / "run") as ensemble:
        export(ensemble, tmp_path / "a.parquet", variables=["loss"])
        table = parquet.read_table(tmp_path / "a.parquet")
        assert table.column("loss").to_pylist() == ensemble["sgd"]["loss"].ravel().tolist()


def test_unknown_names_are_refused_and_nothing_is_written(directory, tmp_path):
    with fastsde.open(directory / "run") as ensemble:
        for options in ({"models": ["no"]}, {"variables": ["no"]}, {"form": "xlsx"}):
            with pytest.raises(RequestError, match="expected one of"):
                export(ensemble, tmp_path / "a.csv", **options)
    assert not list(tmp_path.iterdir())


def test_a_tree_of_xarray_reads_what_is_asked_for(directory):
    pytest.importorskip("xarray")
    with fastsde.open(directory / "run") as ensemble:
        tree = ensemble.to_xarray()
        loss = tree["sgd"]["loss"]
        assert loss.dims == ("snapshot", "trajectory")
        assert np.array_equal(loss[1:3, ::2].values, ensemble["sgd"]["loss"][1:3, ::2])
        assert np.array_equal(loss[-1, 4].values, ensemble["sgd"]["loss"][-1, 4])
        assert tree["sgd"].coords["step"].values.tolist() == [0, 10, 20, 40]
        assert np.array_equal(tree["sgd"]["mode_learned_step"].values, ensemble["sgd"]["mode_learned_step"])
        assert "sgd" in ensemble._repr_html_()

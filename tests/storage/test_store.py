"""Part files and ensembles: whole or absent, equal however they are read."""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from fastsde.problem.data import build_problem
from fastsde.run.run import Part, cover, run
from fastsde.storage import schema
from fastsde.storage.ensemble import Trajectories, open_ensemble
from fastsde.storage.part_writer import PartWriter
from fastsde.system.errors import StoreError


def expected(stand_in, study, name, variable):
    """What a joined variable must be, from the stand-in's formula."""
    numbers = np.arange(study.trajectories)
    snapshots = range(len(study.time.snapshot_steps()))
    return np.stack([stand_in.value(study, name, variable, index, numbers) for index in snapshots])


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_joined_read_equals_what_was_computed(tiny_study, stand_in, tmp_path, copy, dtype):
    study = tiny_study.replace(dtype=dtype)
    run(study, tmp_path, integrate=stand_in, part_size=3, copy=copy)
    assert [call[2] for call in stand_in.calls] == [3, 3, 3, 1] * 2
    with open_ensemble(tmp_path) as ensemble:
        assert ensemble.names == ["sgd", "sde"]
        for name in ensemble:
            view = ensemble[name]
            for variable in study.record.observables:
                values = view[variable]
                assert values.dtype == dtype
                np.testing.assert_array_equal(values, expected(stand_in, study, name, variable).astype(dtype))
            for event, values in stand_in.events(study, np.arange(10)).items():
                np.testing.assert_array_equal(view[event], values)
                assert view[event].dtype == np.int64


def test_copy_needs_no_parts(tiny_study, stand_in, tmp_path):
    path = run(tiny_study, tmp_path / "run", integrate=stand_in, part_size=4, copy=True)
    alone = shutil.move(path, tmp_path / "sent.h5")
    shutil.rmtree(tmp_path / "run")
    with open_ensemble(alone) as ensemble:
        np.testing.assert_array_equal(ensemble["sde"]["loss"], expected(stand_in, tiny_study, "sde", "loss"))


def test_view_describes_its_trajectories(finished_run, tiny_study):
    with open_ensemble(finished_run) as ensemble:
        view = ensemble["sde"]
        assert ensemble.study == tiny_study
        assert view.count == 10
        assert view.model == tiny_study.models["sde"]
        np.testing.assert_array_equal(view.step, [0, 1, 10, 40])
        np.testing.assert_array_equal(view.time, view.step * 0.01)
        assert view.attributes["dt"] == 0.0025
        assert view.attributes["substeps"] == 4
        assert view.attributes["temperature"] == 0.25
        assert list(np.flatnonzero(view.diverged)) == [4]
        assert "loss" in view
        assert "gradient_norm" not in view
        assert ensemble.provenance["versions"]["numpy"] == np.__version__


def test_problem_is_read_back(finished_run, tiny_study):
    problem = build_problem(tiny_study)
    with open_ensemble(finished_run) as ensemble:
        for name, value in vars(problem).items():
            found = getattr(ensemble.problem, name)
            assert type(found) is type(value)
            np.testing.assert_array_equal(found, value)


def test_population_problem_has_no_samples(tiny_study, stand_in, tmp_path):
    data = {"samples": "population", "inputs": {"kind": "gaussian"}}
    models = {"sgd": {"kind": "sgd"}}
    mapping = tiny_study.to_mapping()
    study = tiny_study.from_mapping({**mapping, "data": {**mapping["data"], **data}, "models": models})
    run(study, tmp_path, integrate=stand_in)
    with open_ensemble(tmp_path) as ensemble:
        assert ensemble.problem.inputs is None
        assert ensemble.problem.noise_sd == pytest.approx(0.1)


def test_passage_times_are_censored_by_nan(finished_run):
    with open_ensemble(finished_run) as ensemble:
        times = ensemble["sde"].passage_time("mode_learned")
        assert times.shape == (10, 2, 2)
        np.testing.assert_array_equal(times[:, 0, 0], 2 * np.arange(10) * 0.0025)
        assert np.isnan(times[:, 1]).all()
        assert ensemble["sde"].passage_time("loss_below").shape == (10, 0)
        assert ensemble["sde"].passage_time("radius_above").shape == (10, 0)
        with pytest.raises(StoreError, match=r"no event 'learned'.* mode_learned, radius_above"):
            ensemble["sde"].passage_time("learned")


def test_the_events_of_passage_time_are_those_of_the_file_format():
    said = set(re.findall(r'- "(\w+)":', Trajectories.passage_time.__doc__))
    assert {f"{event}_step" for event in said} == set(schema.EVENTS)


def test_one_snapshot_and_a_range_of_trajectories(finished_run):
    with open_ensemble(finished_run) as ensemble:
        view = ensemble["sgd"]
        np.testing.assert_array_equal(view.read("modes", snapshot=-1), view["modes"][-1])
        chosen = view.read("modes", 2, slice(3, 7))
        np.testing.assert_array_equal(chosen, view["modes"][2, 3:7])
        np.testing.assert_array_equal(view.read("diverged_step", trajectories=slice(3, 7)), [-1, 7, -1, -1])
        with pytest.raises(IndexError):
            view.read("modes", snapshot=4)
        with pytest.raises(StoreError, match="no snapshots"):
            view.read("diverged_step", snapshot=0)


def test_unknown_names_are_explained(finished_run):
    with open_ensemble(finished_run) as ensemble:
        with pytest.raises(StoreError, match="its models are sgd, sde"):
            ensemble["levy"]
        with pytest.raises(StoreError, match=r"not recorded.*loss, modes(.|\n)*record.observables"):
            ensemble["sgd"]["gradient_norm"]


def test_variables_over_an_empty_dimension_are_empty(tiny_study, stand_in, tmp_path):
    study = tiny_study.replace(network={"widths": [3, 2]}, events={"mode_learned": []})
    run(study, tmp_path, integrate=stand_in)
    with open_ensemble(tmp_path) as ensemble:
        assert ensemble["sgd"]["balance"].shape == (4, 10, 0)
        assert ensemble["sgd"].read("balance", 1).shape == (10, 0)
        assert ensemble["sgd"]["mode_learned_step"].shape == (10, 0, 2)
        events = {"loss_below_step", "mode_learned_step", "radius_above_step"}
        assert not {"balance", *events} & set(ensemble["sgd"].variables)
        assert "diverged_step" in ensemble["sgd"]
        for name in ensemble["sgd"].variables:
            assert ensemble["sgd"][name].size
    with xarray.open_dataset(tmp_path / "ensemble.h5", group="sgd") as data:
        assert "balance" not in data


@pytest.mark.parametrize("copy", [False, True])
def test_xarray_reads_an_ensemble(tiny_study, stand_in, tmp_path, copy):
    path = run(tiny_study, tmp_path, integrate=stand_in, part_size=4, copy=copy)
    with xarray.open_dataset(path, group="sde") as data:
        assert data["loss"].dims == ("snapshot", "trajectory")
        assert data["mode_matrix"].dims == ("snapshot", "trajectory", "mode", "mode_in")
        assert data["mode_learned_step"].dims == ("trajectory", "fraction", "mode")
        assert set(data.coords) == {"trajectory", "mode", "fraction", "step", "time", "mode_strength"}
        np.testing.assert_array_equal(data["fraction"], [0.5, 0.9])
        np.testing.assert_array_equal(data["mode"], [1, 2])
        assert data["loss"].attrs["long_name"] == schema.observables()["loss"].long_name
        assert data["time"].attrs["units"] == "1"
        np.testing.assert_array_equal(data["loss"], expected(stand_in, tiny_study, "sde", "loss"))
        np.testing.assert_array_equal(data["modes"].sel(trajectory=7)[-1], data["modes"][-1, 7])
        assert data.attrs["kind"] == "sde"
    with xarray.open_dataset(path, group="problem") as data:
        assert data["teacher"].dims == ("output", "input")
        assert data.attrs["loss_scale"] == 1.0
    with xarray.open_dataset(path) as data:
        assert data.attrs["format"] == "fastsde-ensemble"


def test_xarray_reads_a_part(finished_run):
    with xarray.open_dataset(finished_run / "parts" / "sgd-000000000004.h5", group="sgd") as data:
        np.testing.assert_array_equal(data["trajectory"], [4, 5, 6, 7])


def test_moved_directory_works_from_anywhere(finished_run, tmp_path, monkeypatch, stand_in, tiny_study):
    moved = shutil.move(finished_run, tmp_path / "elsewhere")
    monkeypatch.chdir("/")
    with open_ensemble(moved) as ensemble:
        loss = ensemble["sgd"]["loss"]
    np.testing.assert_array_equal(loss, expected(stand_in, tiny_study, "sgd", "loss"))


def test_missing_part_is_detected(finished_run):
    (finished_run / "parts" / "sde-000000000004.h5").unlink()
    with pytest.raises(StoreError, match=r"missing: parts/sde-000000000004\.h5\nFix: restore"):
        open_ensemble(finished_run)


def test_what_is_no_ensemble_is_refused(tmp_path, finished_run):
    with pytest.raises(StoreError, match="no ensemble"):
        open_ensemble(tmp_path)
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(StoreError, match="HDF5"):
        open_ensemble(tmp_path / "text.h5")
    with pytest.raises(StoreError, match="is not a fastsde-ensemble"):
        open_ensemble(finished_run / "parts" / "sgd-000000000000.h5")
    with h5py.File(finished_run / "ensemble.h5", "r+") as file:
        file.attrs["format_version"] = [2, 0]
    with pytest.raises(StoreError, match="format version 2"):
        open_ensemble(finished_run)


def test_chunks_are_one_snapshot_by_a_block_of_trajectories(finished_run):
    with h5py.File(finished_run / "parts" / "sgd-000000000000.h5") as file:
        assert file["sgd/parameters"].chunks == (1, 4, 20)
        assert file["sgd/loss"].compression is None
    sizes = {"snapshot": 9, "trajectory": 8192, "parameter": 280}
    assert schema.chunks(schema.observables()["parameters"], sizes, 8) == (1, 468, 280)


def test_long_study_text_fits(tiny_study, stand_in, tmp_path):
    levels = list(np.geomspace(1e-6, 1.0, 6000))
    study = tiny_study.replace(events={"loss_below": levels}, trajectories=2)
    run(study, tmp_path, integrate=stand_in)
    with open_ensemble(tmp_path) as ensemble:
        assert len(ensemble.study.to_toml()) > 1 << 16
        assert ensemble["sgd"]["loss_below_step"].shape == (2, 6000)


class TestPartWriter:
    @pytest.fixture
    def writer(self, tiny_study, tmp_path):
        return PartWriter(tmp_path / "sgd-0.h5", tiny_study, build_problem(tiny_study), "sgd", 0, 4)

    def values(self, stand_in, study, index=0):
        return {
            name: stand_in.value(study, "sgd", name, index, np.arange(4)) for name in study.record.observables
        }

    def write(self, writer, study, stand_in, snapshots, then=lambda: None):
        with writer:
            for index in range(snapshots):
                writer.snapshot(index, self.values(stand_in, study, index))
            then()

    def test_nothing_is_left_by_an_exception(self, writer, tiny_study, stand_in, tmp_path):
        def fail():
            raise RuntimeError("no more")

        with pytest.raises(RuntimeError, match="no more"):
            self.write(writer, tiny_study, stand_in, 1, fail)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("snapshots", [3, 4])
    def test_an_unfinished_part_is_refused(self, writer, tiny_study, stand_in, tmp_path, snapshots):
        with pytest.raises(StoreError, match=f"incomplete: {snapshots} of 4 snapshots, events missing"):
            self.write(writer, tiny_study, stand_in, snapshots)
        assert list(tmp_path.iterdir()) == []

    def test_snapshots_come_in_order(self, writer, tiny_study, stand_in):
        with pytest.raises(StoreError, match="snapshot 1 was given"), writer:
            writer.snapshot(1, self.values(stand_in, tiny_study))

    def test_names_and_shapes_are_checked(self, writer, tiny_study, stand_in):
        values = self.values(stand_in, tiny_study)
        with pytest.raises(StoreError, match=r"'loss' has shape \(3,\), expected \(4,\)"), writer:
            writer.snapshot(0, values | {"loss": np.zeros(3)})

    def test_a_lacking_variable_is_named(self, writer, tiny_study, stand_in):
        values = self.values(stand_in, tiny_study)
        del values["modes"]
        with pytest.raises(StoreError, match="'modes' is missing"), writer:
            writer.snapshot(0, values)

    def test_a_refusing_disk_is_an_error_and_leaves_nothing(
        self, tiny_study, stand_in, tmp_path, monkeypatch
    ):
        def refuse(path):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("fastsde.storage.netcdf.open_new", refuse)
        with pytest.raises(StoreError, match="No space left"):
            run(tiny_study, tmp_path / "run", integrate=stand_in)
        assert list((tmp_path / "run" / "parts").iterdir()) == []

    def test_buffers_may_be_used_again(self, writer, tiny_study, stand_in, tmp_path):
        with writer:
            for index in range(4):
                values = self.values(stand_in, tiny_study, index)
                writer.snapshot(index, values)
                for array in values.values():
                    array[...] = -5
            writer.events(stand_in.events(tiny_study, np.arange(4)))
        with h5py.File(tmp_path / "sgd-0.h5") as file:
            np.testing.assert_array_equal(file["sgd/loss"][2], self.values(stand_in, tiny_study, 2)["loss"])

    def test_computing_does_not_wait_for_the_disk(self, writer, tiny_study, stand_in, monkeypatch):
        """The disk waits for the snapshots: if they waited for the disk too, both would for a minute."""
        defined, computed, before = PartWriter._define, threading.Event(), []

        def define(self, file):
            before.append(computed.wait(60))
            return defined(self, file)

        monkeypatch.setattr(PartWriter, "_define", define)
        with pytest.raises(StoreError, match="incomplete"):
            self.write(writer, tiny_study, stand_in, 2, computed.set)
        assert before == [True]


def test_killed_writer_leaves_no_part_and_is_swept(tiny_study, stand_in, tmp_path):
    run(tiny_study, tmp_path, integrate=stand_in, part_size=10)
    (tmp_path / "parts" / "sde-000000000000.h5").unlink()
    script = textwrap.dedent(
        f"""
        import os, signal, time
        import numpy as np
        from pathlib import Path
        from fastsde.problem.data import build_problem
        from fastsde.study.study import Study
        from fastsde.storage.part_writer import PartWriter
        study = Study.load({str(tmp_path / "study.toml")!r})
        path = Path({str(tmp_path)!r}) / "parts" / "sde-000000000000.h5"
        with PartWriter(path, study, build_problem(study), "sde", 0, 10):
            while not list(path.parent.glob(".*.tmp")):
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    parts = tmp_path / "parts"
    left = [name for name in os.listdir(parts) if name != "sgd-000000000000.h5"]
    assert len(left) == 1
    assert left[0].endswith(".tmp")
    run(tiny_study, tmp_path, integrate=stand_in, part_size=10)
    assert sorted(os.listdir(parts)) == ["sde-000000000000.h5", "sgd-000000000000.h5"]


def test_two_writers_of_one_part_do_not_meet(tiny_study, stand_in, tmp_path):
    problem = build_problem(tiny_study)
    path = Part("sgd", 0, 10).path(tmp_path)
    path.parent.mkdir()
    numbers = np.arange(10)
    with (
        PartWriter(path, tiny_study, problem, "sgd", 0, 10) as one,
        PartWriter(path, tiny_study, problem, "sgd", 0, 10) as two,
    ):
        for index in range(4):
            for writer in (one, two):
                names = tiny_study.record.observables
                writer.snapshot(
                    index, {v: stand_in.value(tiny_study, "sgd", v, index, numbers) for v in names}
                )
        for writer in (one, two):
            writer.events(stand_in.events(tiny_study, numbers))
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["sgd/loss"], expected(stand_in, tiny_study, "sgd", "loss"))


def test_cover_trims_overlapping_parts(tiny_study, stand_in, tmp_path):
    run(tiny_study, tmp_path, integrate=stand_in, part_size=4)
    wide = Part("sgd", 2, 6)
    with PartWriter(wide.path(tmp_path), tiny_study, build_problem(tiny_study), "sgd", 2, 6) as writer:
        for index in range(4):
            writer.snapshot(
                index,
                {
                    v: stand_in.value(tiny_study, "sgd", v, index, np.arange(2, 8))
                    for v in tiny_study.record.observables
                },
            )
        writer.events(stand_in.events(tiny_study, np.arange(2, 8)))
    chain = cover(tiny_study, tmp_path)["sgd"]
    assert [(piece.first, piece.count, piece.offset) for piece in chain] == [(0, 4, 0), (4, 4, 2), (8, 2, 0)]
    run(tiny_study, tmp_path, integrate=stand_in)
    with open_ensemble(tmp_path) as ensemble:
        np.testing.assert_array_equal(ensemble["sgd"]["loss"], expected(stand_in, tiny_study, "sgd", "loss"))


def test_format_document_has_the_schema():
    text = (Path(__file__).parents[2] / "docs" / "format.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line]
    documented = {(row[0], row[1]) for row in rows}
    tables = (
        schema.observables() | schema.EVENTS | schema.COORDINATES | schema.AUXILIARY,
        schema.PROBLEM,
        schema.CHECKPOINT,
        schema.STATES,
    )
    for table in tables:
        for name, variable in table.items():
            assert (f"`{name}`", ", ".join(variable.dims)) in documented
    assert "version **{}.{}**".format(*schema.FORMAT_VERSION) in text

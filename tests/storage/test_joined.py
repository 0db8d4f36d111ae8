"""An ensemble and the parts it was joined of: others are refused, whoever moved them; none reads as NaN."""

import os
import resource
import shutil

import h5py
import numpy as np
import pytest
from stand_in import StandIn

from fastsde.run.merge import merge
from fastsde.run.run import run
from fastsde.storage import joined
from fastsde.storage.checksum import write_seal
from fastsde.storage.ensemble import open_ensemble
from fastsde.storage.plan import Part
from fastsde.storage.schema import FORMER_NAMES
from fastsde.system.errors import StoreError, UnreadableError

PART = Part("sgd", 4, 4)


@pytest.fixture
def other(tiny_study, tmp_path):
    """The run of another seed, in parts of the same lengths."""
    run(tiny_study.replace(seed=4), tmp_path / "other", integrate=StandIn(), part_size=4)
    return tmp_path / "other"


def flip(path, times=True):
    """Change a byte in the middle of a file; without `times`, as a failing disk does."""
    there = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    if not times:
        os.utime(path, ns=(there.st_atime_ns, there.st_mtime_ns))


def without(path, *columns):
    """Leave columns out of an ensemble's table, as older versions do."""
    path.write_bytes(path.read_bytes()[:-115])
    with h5py.File(path, "a") as file:
        for model in file["Parts"].values():
            for column in columns:
                del model[column]
    write_seal(path)


def formerly_named(path):
    """Give variables the names that they had in files of older versions."""
    path.write_bytes(path.read_bytes()[:-115])
    with h5py.File(path, "a") as file:
        for group in file.values():
            for name, former in FORMER_NAMES.items():
                if name in group:
                    group.move(name, former)
    write_seal(path)


def loss(directory, **options):
    with open_ensemble(directory, **options) as ensemble:
        return ensemble["sgd"]["loss"]


class TestOpening:
    def test_parts_of_another_run_are_refused(self, finished_run, other):
        loss(finished_run)
        shutil.copy2(PART.path(other), PART.path(finished_run))
        with pytest.raises(StoreError, match=r"sgd-000000000004\.h5 is a different file") as caught:
            loss(finished_run)
        for word in ("found", "expected", "SHA-256", "Fix:", "fastsde merge"):
            assert word in str(caught.value)
        assert caught.value.exit_code == 2

    def test_a_changed_byte_is_found(self, finished_run):
        flip(PART.path(finished_run))
        with pytest.raises(StoreError, match=r"sgd-000000000004\.h5 .*SHA-256"):
            loss(finished_run)

    def test_what_a_disk_changes_is_found_by_checksums_only(self, finished_run):
        flip(PART.path(finished_run), times=False)
        loss(finished_run)
        with pytest.raises(StoreError, match=r"sgd-000000000004\.h5 .*SHA-256"):
            loss(finished_run, verify=True)

    def test_large_changed_parts_are_not_read_whole_but_named_by_their_checksums(
        self, finished_run, other, monkeypatch
    ):
        monkeypatch.setattr(joined, "READ_BYTES", 0)
        flip(PART.path(finished_run))
        loss(finished_run)
        shutil.copy(PART.path(other), PART.path(finished_run))
        with pytest.raises(StoreError, match="a different file"):
            loss(finished_run)

    @pytest.mark.parametrize("read_bytes", [0, joined.READ_BYTES])
    def test_copies_without_times_are_the_same(self, finished_run, tmp_path, monkeypatch, read_bytes):
        monkeypatch.setattr(joined, "READ_BYTES", read_bytes)
        shutil.copytree(finished_run, tmp_path / "copy", copy_function=shutil.copy)
        for path in (tmp_path / "copy").rglob("*"):
            os.utime(path, (1e9, 1e9))
        np.testing.assert_array_equal(loss(tmp_path / "copy"), loss(finished_run))
        np.testing.assert_array_equal(loss(tmp_path / "copy", verify=True), loss(finished_run))

    @pytest.mark.parametrize("columns", [["modified"], ["modified", "sha256", "bytes"]])
    def test_older_ensembles_are_opened(self, finished_run, other, columns):
        expected = loss(finished_run)
        without(finished_run / "ensemble.h5", *columns)
        np.testing.assert_array_equal(loss(finished_run), expected)
        np.testing.assert_array_equal(loss(finished_run, verify=True), expected)
        shutil.copy2(PART.path(other), PART.path(finished_run))
        if "sha256" not in columns:
            with pytest.raises(StoreError, match="a different file"):
                loss(finished_run)

    @pytest.mark.parametrize("copy", [False, True])
    @pytest.mark.parametrize("count", [1, None])
    def test_parts_and_ensembles_with_former_names_are_read(self, finished_run, count, copy):
        with open_ensemble(finished_run) as ensemble:
            expected = {name: ensemble[name].passage_time("diverged") for name in ensemble}
        assert any(np.isfinite(times).any() for times in expected.values())
        for path in sorted((finished_run / "parts").glob("*.h5"))[:count]:
            formerly_named(path)
        merge([finished_run], copy=copy)
        with open_ensemble(finished_run) as ensemble:
            for name, times in expected.items():
                np.testing.assert_array_equal(ensemble[name].passage_time("diverged"), times)
        if count is None:
            formerly_named(finished_run / "ensemble.h5")
            with open_ensemble(finished_run) as ensemble:
                assert all("diverged_step" in ensemble[name].variables for name in ensemble)

    def test_a_partial_ensemble_is_checked_too(self, finished_run, other):
        PART.path(finished_run).unlink()
        partial = merge([finished_run], partial=True)
        assert loss(partial).shape == (4, 6)
        shutil.copy2(Part("sgd", 8, 2).path(other), Part("sgd", 8, 2).path(finished_run))
        with pytest.raises(StoreError, match=r"partial\.h5 have changed(.|\n)*sgd-000000000008"):
            loss(partial)

    def test_a_copy_has_no_parts_to_check(self, finished_run, tiny_study, stand_in):
        run(tiny_study, finished_run, integrate=stand_in, copy=True)
        shutil.rmtree(finished_run / "parts")
        assert np.isfinite(loss(finished_run, verify=True)).all()

    def test_joining_again_takes_what_is_there(self, finished_run):
        PART.path(finished_run).write_bytes(PART.path(finished_run).read_bytes())
        merge([finished_run])
        with h5py.File(finished_run / "ensemble.h5") as file:
            modified = file["Parts/sgd/modified"][1]
        assert modified == PART.path(finished_run).stat().st_mtime_ns


class TestReading:
    def test_a_part_that_goes_is_an_error(self, finished_run):
        with open_ensemble(finished_run) as ensemble:
            assert np.isfinite(ensemble["sgd"].read("loss", 1)).all()
            PART.path(finished_run).unlink()
            with pytest.raises(StoreError, match=r"sgd-000000000004\.h5 was removed"):
                ensemble["sgd"].read("loss", 1)
            assert np.isfinite(ensemble["sgd"].read("loss", 1, slice(0, 4))).all()

    @pytest.mark.parametrize("in_place", [False, True])
    def test_a_part_that_is_replaced_is_an_error(self, finished_run, other, in_place):
        path = PART.path(finished_run)
        with open_ensemble(finished_run) as ensemble:
            ensemble["sgd"].read("loss", 1)
            if in_place:
                path.write_bytes(PART.path(other).read_bytes())
            else:
                shutil.copy(PART.path(other), path.with_suffix(".tmp"))
                path.with_suffix(".tmp").replace(path)
            with pytest.raises(StoreError, match="a different file"):
                ensemble["sgd"].read("loss", 1)

    def test_a_part_that_is_replaced_by_itself_is_none(self, finished_run):
        path = PART.path(finished_run)
        with open_ensemble(finished_run) as ensemble:
            before = ensemble["sgd"]["loss"]
            shutil.copy(path, path.with_suffix(".tmp"))
            path.with_suffix(".tmp").replace(path)
            np.testing.assert_array_equal(ensemble["sgd"]["loss"], before)

    def test_a_part_that_keeps_changing_is_an_error(self, finished_run, monkeypatch):
        path, look = PART.path(finished_run), joined.netcdf.open_old

        def touching(there):
            os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
            return look(there)

        with open_ensemble(finished_run) as ensemble:
            monkeypatch.setattr(joined.netcdf, "open_old", touching)
            with pytest.raises(StoreError, match="changed while"):
                ensemble["sgd"]["loss"]

    def test_more_parts_than_are_kept_open(self, tiny_study, stand_in, tmp_path, monkeypatch):
        run(tiny_study, tmp_path, integrate=stand_in, part_size=1)
        monkeypatch.setattr(joined, "OPEN_FILES", 2)
        with open_ensemble(tmp_path) as ensemble, h5py.File(tmp_path / "ensemble.h5") as file:
            for name in ("modes", "parameters", "mode_learned_step"):
                np.testing.assert_array_equal(ensemble["sde"][name], file["sde"][name])
            for rows in (slice(3), slice(2, 9), slice(-1, None), slice(4, 4), slice(20, 30)):
                np.testing.assert_array_equal(
                    ensemble["sde"].read("modes", 2, rows), file["sde/modes"][2, rows]
                )
            with pytest.raises(StoreError, match="step 1"):
                ensemble["sde"].read("modes", 2, slice(0, 8, 2))

    def test_too_many_open_files_never_read_as_nan(self, tiny_study, stand_in, tmp_path):
        """HDF5 reads the parts that it cannot open as fill values, as the control shows."""
        run(tiny_study.replace(trajectories=40), tmp_path, integrate=stand_in, part_size=1)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)

        def room_for(files):
            free = os.open(os.devnull, os.O_RDONLY)  # the lowest number that is free
            os.close(free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (free + files, limits[1]))

        try:
            with h5py.File(tmp_path / "ensemble.h5") as file:
                room_for(10)
                assert np.isnan(file["sgd/loss"][1]).any()
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            with open_ensemble(tmp_path) as ensemble:
                room_for(10)
                assert np.isfinite(ensemble["sgd"].read("loss", 1)).all()
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            with open_ensemble(tmp_path) as ensemble:
                room_for(0)
                with pytest.raises(UnreadableError, match=r"EMFILE.*ulimit"):
                    ensemble["sgd"].read("loss", 1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

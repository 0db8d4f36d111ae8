"""Damage, full and forbidden disks, company, moved folders, clocks that jump, and stopping in time."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from killing import STUDY, numbers

import fastsde
from fastsde.integrate import integration, pace
from fastsde.run import resources
from fastsde.run.status import status
from fastsde.storage import part_writer, recorder, snapshot_files
from fastsde.storage.checksum import broken, read_seal
from fastsde.storage.in_progress import Unfinished, folder_of
from fastsde.storage.plan import Part
from fastsde.study.study import Study
from fastsde.system.errors import DiskError, Interrupted, StoreError

S = Study.from_toml(STUDY).replace(time={"steps": 120, "learning_rate": 0.04})
"""Where slices are short each step is one: few steps."""
WHOLE = os.environ.get("FASTSDE_TESTS") == "all"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("undisturbed")
    fastsde.run(S, directory, part_size=16)
    return directory


@pytest.fixture
def directory(undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def short_slices(monkeypatch):
    monkeypatch.setattr(integration, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(integration, "FIRST_SLICE", 1)


def stopping_after(polls):
    """Return a `stop` that turns True after so many questions."""
    asked = []
    return lambda: asked.append(None) or len(asked) > polls


def stopped(directory, polls=40, **options):
    with pytest.raises(Interrupted):
        fastsde.run(S, directory, part_size=16, stop=stopping_after(polls), **options)


def ends_the_same(directory, undisturbed, **options):
    fastsde.run(S, directory, part_size=16, **options)
    assert numbers(directory) == numbers(undisturbed)
    assert not (directory / "unfinished").exists()
    assert not list(directory.rglob("*.tmp"))


class TestDamage:
    def test_every_kind_is_found_named_and_mended_on_request(self, directory, undisturbed):
        part = Part("sde", 16, 16).path(directory)
        whole = part.read_bytes()
        middle = len(whole) // 2
        damages = {
            "cut": whole[:middle],
            "cut by a byte": whole[:-1],
            "no seal": whole[:-115],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1 :],
            "flipped at the beginning": bytes([whole[0] ^ 4]) + whole[1:],
            "flipped in the seal": whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:],
            "added to": whole + b"x",
            "no end": whole[:-600] + bytes(600),
            "empty": b"",
            "something else": b"# not HDF5\n" * 100,
        }
        for what, content in damages.items():
            part.write_bytes(content)
            with pytest.raises(StoreError, match=r"sde-000000000016\.h5") as caught:
                fastsde.run(S, directory)
            assert "--repair" in str(caught.value), what
            assert len(status(directory, verify=True).broken) == 1, what
        ends_the_same(directory, undisturbed, repair=True)

    def test_a_glance_finds_what_is_cut_short_and_only_a_checksum_what_is_flipped(self, directory):
        part = Part("sgd", 0, 16).path(directory)
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 1
        part.write_bytes(content)
        assert not status(directory).broken
        assert "SHA-256" in status(directory, verify=True).broken[0]
        part.write_bytes(content[:-500])
        assert len(status(directory).broken) == 1

    @pytest.mark.parametrize("file", ["state.h5", "snapshots-000000.h5"])
    @pytest.mark.parametrize("flip", [True, False])
    def test_a_damaged_checkpoint_costs_time_only(self, tmp_path, undisturbed, short_slices, file, flip):
        stopped(tmp_path, checkpoint_seconds=0.0)
        path = folder_of(tmp_path, Part("sgd", 0, 16)) / file
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 8
        path.write_bytes(content if flip else content[: len(content) // 2])
        ends_the_same(tmp_path, undisturbed)

    def test_a_missing_segment_costs_time_only(self, tmp_path, undisturbed, short_slices):
        stopped(tmp_path, checkpoint_seconds=0.0)
        (folder_of(tmp_path, Part("sgd", 0, 16)) / "snapshots-000001.h5").unlink()
        ends_the_same(tmp_path, undisturbed)

    def test_a_checkpoint_is_used(self, tmp_path, monkeypatch, short_slices):
        """Without this the tests above would pass with checkpoints that are never read."""
        stopped(tmp_path, checkpoint_seconds=0.0)
        seen = []
        load = Unfinished.load

        def note(self, *arguments):
            result = load(self, *arguments)
            seen.append(result[0])
            return result

        monkeypatch.setattr(Unfinished, "load", note)
        fastsde.run(S, tmp_path, part_size=16)
        assert seen[0].step > 0
        assert seen[1] is None


def test_at_most_the_interval_between_checkpoints_is_lost(tmp_path, monkeypatch):
    """Of a process that dies, the work since its last checkpoint; the clock ticks with the slices."""
    from fastsde.integrate import pace

    now = [0.0]
    monkeypatch.setattr(pace.Pace.__init__, "__defaults__", (lambda: now[0],))
    steps, saved = [], []
    advance, save = integration.Blocks.advance, Unfinished.save

    def tick(self, to):
        advance(self, to)
        now[0] += 1.0
        steps.append(self.step)
        if len(steps) == 57:
            raise KeyboardInterrupt

    def note(self, study, checkpoint):
        save(self, study, checkpoint)
        saved.append(len(steps))

    monkeypatch.setattr(integration.Blocks, "advance", tick)
    monkeypatch.setattr(Unfinished, "save", note)
    monkeypatch.setattr(integration, "FIRST_SLICE", 1)
    monkeypatch.setattr(integration, "SLICE_SECONDS", 1.0)
    with pytest.raises(KeyboardInterrupt):
        fastsde.run(S, tmp_path, part_size=40, checkpoint_seconds=5.0)
    assert saved == list(range(5, 57, 5))


MANY = S.replace(trajectories=4, time={"steps": 200, "snapshots": {"count": 201, "spacing": "linear"}})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole")
    fastsde.run(MANY, directory)
    return directory


class TestManySnapshots:
    """A run of 201 snapshots with a checkpoint every ten slices, which leaves about twenty segments."""

    @pytest.fixture
    def many_segments(self, monkeypatch, short_slices):
        turns = itertools.count(1)
        monkeypatch.setattr(pace.Pace, "save_due", lambda self: next(turns) % 10 == 0)

    def test_segments_are_read_in_blocks(self, whole, many_segments, tmp_path, monkeypatch):
        opened, blocks = [], []
        source, read = snapshot_files.Source.__init__, snapshot_files.Sources._read
        monkeypatch.setattr(
            snapshot_files.Source,
            "__init__",
            lambda self, path: opened.append(path.name) or source(self, path),
        )
        monkeypatch.setattr(
            snapshot_files.Sources, "_read", lambda self, *rows: blocks.append(rows) or read(self, *rows)
        )
        fastsde.run(MANY, tmp_path)
        assert len(opened) > 30
        assert len(blocks) == len(opened)
        assert numbers(tmp_path) == numbers(whole)

    def test_joining_stops_and_loses_nothing(self, whole, many_segments, tmp_path, monkeypatch):
        finish = recorder.Recorder.finish
        monkeypatch.setattr(
            recorder.Recorder,
            "finish",
            lambda self, outcome, stop: finish(self, outcome, stopping_after(7)),
        )
        with pytest.raises(Interrupted, match="0 of 2 parts are finished"):
            fastsde.run(MANY, tmp_path)
        assert not list(tmp_path.rglob("*.tmp"))
        assert [(item.part.model, item.done) for item in status(tmp_path).running] == [("sgd", 1.0)]
        monkeypatch.setattr(recorder.Recorder, "finish", finish)
        fastsde.run(MANY, tmp_path)
        assert numbers(tmp_path) == numbers(whole)


def test_a_clock_that_jumps_changes_nothing(tmp_path, undisturbed, monkeypatch):
    begun = time.time()
    jumps = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: begun + (-1) ** next(jumps) * 1e8)
    stopped(tmp_path, 2)
    os.utime(tmp_path, (0, 0))
    for path in tmp_path.rglob("*"):
        os.utime(path, (4e9, 4e9))
    ends_the_same(tmp_path, undisturbed)


def test_a_folder_may_move_in_the_middle(tmp_path, undisturbed, short_slices):
    stopped(tmp_path / "here", 60, checkpoint_seconds=0.0)
    shutil.copytree(tmp_path / "here", tmp_path / "there" / "deep")
    shutil.rmtree(tmp_path / "here")
    ends_the_same(tmp_path / "there" / "deep", undisturbed)
    (tmp_path / "there" / "deep").rename(tmp_path / "again")
    assert numbers(tmp_path / "again") == numbers(undisturbed)


def mounted(folder, options):
    """Mount a small disk of memory; skip where that is not allowed."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")


class TestDisk:
    SIZES = (24, 64, 100, 150, 210, 300)
    MORE = (48, 80, 130, 180, 250)

    @pytest.mark.parametrize("kilobytes", SIZES + MORE * WHOLE)
    def test_a_disk_that_fills_up(self, tmp_path, undisturbed, monkeypatch, kilobytes):
        """The program is made to believe that there is room; wherever it ends, what stands is sound."""
        room = SimpleNamespace(free=10**18)
        monkeypatch.setattr(resources.shutil, "disk_usage", lambda path: room)
        mounted(tmp_path / "small", f"size={kilobytes}k")
        try:
            with pytest.raises(DiskError, match="No space left on device"):
                fastsde.run(S, tmp_path / "small" / "run", part_size=16, checkpoint_seconds=0.0)
            assert not list((tmp_path / "small").rglob("*.tmp"))
            for path in (tmp_path / "small").rglob("*.h5"):
                assert broken(path) is None
                assert read_seal(path) is not None
            subprocess.run(["mount", "-o", "remount,size=8m", str(tmp_path / "small")], check=True)
            ends_the_same(tmp_path / "small" / "run", undisturbed)
        finally:
            subprocess.run(["umount", "-l", str(tmp_path / "small")], check=True)

    def test_too_small_a_disk_is_refused_before_anything_is_written(self, tmp_path):
        mounted(tmp_path / "small", "size=64k")
        try:
            with pytest.raises(fastsde.system.errors.ResourceError, match="is free in"):
                fastsde.run(S, tmp_path / "small" / "run")
            assert list((tmp_path / "small").iterdir()) == []
        finally:
            subprocess.run(["umount", "-l", str(tmp_path / "small")], check=True)

    def test_a_read_only_disk(self, tmp_path, undisturbed):
        mounted(tmp_path / "fixed", "size=8m")
        try:
            shutil.copytree(undisturbed, tmp_path / "fixed" / "run")
            Part("sgd", 0, 16).path(tmp_path / "fixed" / "run").unlink()
            subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "fixed")], check=True)
            for directory in ("run", "new"):
                with pytest.raises(DiskError, match="Read-only"):
                    fastsde.run(S, tmp_path / "fixed" / directory)
            assert not status(tmp_path / "fixed" / "run").whole
        finally:
            subprocess.run(["umount", "-l", str(tmp_path / "fixed")], check=True)

    def test_a_file_where_the_folder_should_be(self, tmp_path):
        (tmp_path / "run").write_text("mine")
        with pytest.raises(DiskError, match="run"):
            fastsde.run(S, tmp_path / "run")
        assert (tmp_path / "run").read_text() == "mine"


class TestCompany:
    def test_two_processes_share_the_parts(self, tmp_path, undisturbed, monkeypatch):
        computed = []
        integrate = integration.integrate

        def slowly(study, name, first, count, **more):
            computed.append((name, first))
            time.sleep(0.05)
            return integrate(study, name, first, count, **more)

        monkeypatch.setattr(integration, "integrate", slowly)
        failures = []

        def work():
            try:
                fastsde.run(S, tmp_path, part_size=8)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert sorted(computed) == sorted({*computed})
        assert len(computed) == 10
        assert numbers(tmp_path) == numbers(undisturbed)

    def test_without_locks_they_compute_the_same_twice(self, tmp_path, monkeypatch):
        few = S.replace(trajectories=16)
        fastsde.run(few, tmp_path / "alone")
        monkeypatch.setattr("fastsde.system.locks.fcntl", None)
        failures = []

        def work():
            try:
                fastsde.run(few, tmp_path / "run", part_size=8, checkpoint_seconds=0.0)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for error in failures:  # one may find its folder gone: it says so, and what stands is sound
            assert isinstance(error, StoreError), error
        fastsde.run(few, tmp_path / "run")
        assert numbers(tmp_path / "run") == numbers(tmp_path / "alone")

    def test_a_part_taken_by_another_process_is_waited_for(self, tmp_path, undisturbed):
        taken = Unfinished.take(tmp_path, Part("sgd", 0, 16))
        assert Unfinished.take(tmp_path, Part("sgd", 0, 16)) is None
        with pytest.raises(Interrupted, match="5 of 6 parts are finished"):
            fastsde.run(S, tmp_path, part_size=16, stop=lambda: len(list(tmp_path.glob("parts/*.h5"))) == 5)
        alive = [item for item in status(tmp_path).running if item.alive]
        assert [item.part for item in alive] == [Part("sgd", 0, 16)]
        taken.release()
        ends_the_same(tmp_path, undisturbed)


LONG = STUDY.replace("60_000", "2_000_000_000")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.alone
def test_a_signal_saves_and_stops_within_seconds(tmp_path, number):
    (tmp_path / "long.toml").write_text(LONG)
    words = [sys.executable, "-m", "fastsde", "run", str(tmp_path / "long.toml"), "-o", str(tmp_path / "run")]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.glob("run/unfinished/*/progress.json")) and process.poll() is None:
            time.sleep(0.05)
        time.sleep(1.0)
        begun = time.monotonic()
        process.send_signal(number)
        told = process.communicate()[1]
        assert time.monotonic() - begun < 30
    assert process.returncode == 75, told
    assert "0 of 2 parts are finished" in told
    sgd = next(item for item in status(tmp_path / "run").running if item.part.model == "sgd")
    assert not sgd.alive
    assert sgd.done > 0


@pytest.mark.slow
@pytest.mark.alone
def test_a_signal_while_compiling_stops_within_seconds(tmp_path):
    (tmp_path / "long.toml").write_text(LONG)
    words = [sys.executable, "-m", "fastsde", "run", str(tmp_path / "long.toml"), "-o", str(tmp_path / "run")]
    cold = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    with subprocess.Popen(words, env=cold, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.glob("run/unfinished/*/lock")) and process.poll() is None:
            time.sleep(0.05)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        told = process.communicate()[1]
        assert time.monotonic() - begun < 30
    assert process.returncode == 75, told


@pytest.mark.parametrize(
    ("polls", "where"), [(0, "reading"), (5, "reading"), (6, "joining"), (20, "joining")]
)
@pytest.mark.parametrize("copy", [False, True])
def test_whoever_only_looks_or_joins_can_be_stopped_too(directory, undisturbed, polls, where, copy):
    with pytest.raises(Interrupted, match=where):
        fastsde.run(S, directory, stop=stopping_after(polls), copy=copy)
    assert not list(directory.rglob("*.tmp"))
    assert numbers(directory) == numbers(undisturbed)


def test_a_failing_rename_keeps_what_stood(directory, undisturbed, monkeypatch):
    part = Part("sgd", 0, 16).path(directory)
    part.unlink()

    def refuse(temporary, path):
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr(part_writer, "commit", refuse)
    with pytest.raises(DiskError, match="quota"):
        fastsde.run(S, directory)
    monkeypatch.undo()
    ends_the_same(directory, undisturbed)


def test_a_part_knows_how_long_it_took(undisturbed):
    import h5py

    with h5py.File(Part("sgd", 0, 16).path(undisturbed)) as file:
        assert 0 < file["sgd"].attrs["seconds"] < 60

"""Files that the system does not let be read: named with the error, and left as they are."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from killing import STUDY, numbers

import fastsde
from fastsde.integrate import integration
from fastsde.run.status import status
from fastsde.storage.checksum import broken
from fastsde.storage.in_progress import Unfinished, folder_of
from fastsde.storage.plan import Part
from fastsde.study.study import Study
from fastsde.system.errors import Interrupted, StoreError, UnreadableError

S = Study.from_toml(STUDY).replace(time={"steps": 120, "learning_rate": 0.04})
PART = Part("sgd", 16, 16)
REFUSALS = ["OPEN", "READ"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("undisturbed")
    fastsde.run(S, directory, part_size=16)
    return directory


@pytest.fixture
def directory(undisturbed, tmp_path):
    shutil.copytree(undisturbed, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """Return a library whose system calls fail as asked; skip without a compiler or its preloading."""
    library, source = tmp_path_factory.mktemp("shim") / "refusing.so", Path(__file__).with_name("refusing.c")
    words = ["cc", "-w", "-shared", "-fPIC", "-o", library, source, "-ldl"]
    linux = sys.platform.startswith("linux") and shutil.which("cc")
    if not linux or subprocess.run(words, check=False).returncode:
        pytest.skip("no C compiler for the library that makes system calls fail")
    return library


@pytest.fixture
def refused(shim):
    """Run ``fastsde`` while the system refuses something."""

    def command(*words, path="", after=0, **refusals):
        told = {f"REFUSE_{name}": str(number) for name, number in refusals.items()}
        told |= {"LD_PRELOAD": str(shim), "REFUSE_AFTER": str(after)} | (
            {"REFUSE_PATH": path} if path else {}
        )
        return subprocess.run(
            [sys.executable, "-m", "fastsde", *map(str, words)],
            env=os.environ | told, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return command


def identities(directory):
    return {path: path.stat().st_ino for path in directory.rglob("*.h5")}


class TestParts:
    @pytest.mark.parametrize("call", REFUSALS)
    @pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
    def test_repair_leaves_alone_what_it_cannot_read(self, directory, refused, call, number):
        Part("sde", 0, 16).path(directory).write_bytes(b"rubbish")  # broken, beside an unreadable one
        before = identities(directory)
        study = directory / "study.toml"
        done = refused("run", study, "-o", directory, "--repair", path=PART.path("").name, **{call: number})
        assert done.returncode == 1
        assert f"{PART.path(directory)} cannot be read: {errno.errorcode[number]}" in done.stderr
        assert "Traceback" not in done.stderr
        assert identities(directory) == before

    def test_what_is_readable_again_is_taken_as_it_is(self, directory, refused, undisturbed):
        before = identities(directory)
        words = ("run", directory / "study.toml", "-o", directory, "--repair")
        assert refused(*words, path="/parts/", OPEN=errno.EACCES).returncode == 1
        fastsde.run(S, directory, repair=True)
        after = identities(directory)
        assert {path: after[path] for path in before if path.parent.name == "parts"} == {
            path: inode for path, inode in before.items() if path.parent.name == "parts"
        }
        assert numbers(directory) == numbers(undisturbed)

    @pytest.mark.parametrize("call", REFUSALS)
    def test_status_calls_it_unreadable(self, directory, refused, call):
        done = refused("status", directory, "--json", path=PART.path("").name, **{call: errno.EIO})
        assert done.returncode == 1
        told = json.loads(done.stdout)
        assert told["broken"] == []
        assert len(told["unreadable"]) == 1
        assert "EIO" in told["unreadable"][0]
        sgd = next(model for model in told["models"] if model["model"] == "sgd")
        assert (sgd["parts_unreadable"], sgd["parts_missing"]) == (1, 0)
        assert "parts are missing" not in refused("status", directory, path=PART.path("").name, OPEN=5).stdout

    def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(self, directory, monkeypatch):
        def refuse(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        monkeypatch.setattr("fastsde.system.atomic.os.listdir", refuse)
        with pytest.raises(UnreadableError, match="EACCES"):
            status(directory)
        with pytest.raises(UnreadableError, match="EACCES"):
            fastsde.run(S, directory)

    def test_a_link_to_a_part_that_is_away_is_not_removed(self, directory, tmp_path):
        path = PART.path(directory)
        path.rename(tmp_path / "archive.h5")
        path.symlink_to(tmp_path / "away.h5")
        with pytest.raises(UnreadableError, match="ENOENT"):
            fastsde.run(S, directory, repair=True)
        assert path.is_symlink()


class TestRepair:
    def test_a_broken_file_is_kept_until_the_new_one_is_whole(self, directory, undisturbed):
        path = PART.path(directory)
        path.write_bytes(b"rubbish")
        with pytest.raises(Interrupted):
            fastsde.run(S, directory, repair=True, part_size=16, stop=lambda: not path.exists())
        aside = path.with_name(path.name + ".broken")
        assert aside.read_bytes() == b"rubbish"
        fastsde.run(S, directory, part_size=16)
        assert not list(directory.rglob("*.broken"))
        assert numbers(directory) == numbers(undisturbed)

    def test_a_second_look_finds_what_another_process_has_repaired(self, directory, undisturbed, monkeypatch):
        from fastsde.run import run as parts

        path, whole = PART.path(directory), PART.path(directory).read_bytes()
        path.write_bytes(b"rubbish")
        look = parts.take_stock

        def meanwhile(*arguments, **options):
            stock = look(*arguments, **options)
            path.write_bytes(whole)
            return stock

        monkeypatch.setattr(parts, "take_stock", meanwhile)
        inode = path.stat().st_ino
        fastsde.run(S, directory, repair=True)
        assert path.stat().st_ino == inode
        assert numbers(directory) == numbers(undisturbed)


class TestCheckpoints:
    @pytest.fixture
    def stopped(self, tmp_path, monkeypatch):
        """A run with a checkpoint of the first part."""
        monkeypatch.setattr(integration, "SLICE_SECONDS", 0.0)
        monkeypatch.setattr(integration, "FIRST_SLICE", 1)
        asked = []
        with pytest.raises(Interrupted):
            fastsde.run(S, tmp_path / "run", part_size=16, checkpoint_seconds=0.0,
                        stop=lambda: asked.append(0) or len(asked) > 40)  # fmt: skip
        return tmp_path / "run"

    @pytest.mark.parametrize("name", ["state.h5", "snapshots-000000.h5"])
    @pytest.mark.parametrize("call", REFUSALS)
    def test_what_cannot_be_read_is_kept(self, stopped, refused, undisturbed, name, call):
        before = identities(stopped)
        assert any(path.name == name for path in before)
        done = refused("run", stopped / "study.toml", "-o", stopped, path=name, **{call: errno.EIO})
        assert done.returncode == 1, done.stderr
        assert f"{name} cannot be read: EIO" in done.stderr
        assert identities(stopped) == before
        fastsde.run(S, stopped, part_size=16)
        assert numbers(stopped) == numbers(undisturbed)

    def test_status_names_a_checkpoint_that_cannot_be_read(self, stopped, refused):
        done = refused("status", stopped, path="state.h5", OPEN=errno.EACCES)
        assert done.returncode == 1
        assert "state.h5 cannot be read: EACCES" in done.stdout

    def test_letting_go_keeps_a_folder_whose_checkpoint_cannot_be_seen(self, stopped, monkeypatch):
        part = Part("sgd", 0, 16)
        unfinished = Unfinished.take(stopped, part)

        def refuse(path):
            raise OSError(errno.ESTALE, "Stale file handle")

        monkeypatch.setattr("fastsde.storage.in_progress.present", refuse)
        unfinished.release()
        assert (folder_of(stopped, part) / "state.h5").exists()


class TestLocks:
    def test_a_file_system_without_locks_does_for_everything(self, tmp_path, refused, undisturbed):
        study = tmp_path / "study.toml"
        study.write_text(S.to_toml())
        for words in (
            ("run", study, "-o", tmp_path / "run", "--part-size", 16),
            ("analyze", tmp_path / "run"),
            ("report", tmp_path / "run"),
            ("merge", tmp_path / "run", "--copy"),
        ):
            done = refused(*words, LOCK=errno.ENOLCK)
            assert done.returncode == 0, done.stderr
        assert numbers(tmp_path / "run") == numbers(undisturbed)

    def test_the_way_out_is_named_where_locks_are_insisted_on(self, directory, refused, monkeypatch):
        before = identities(directory)
        monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "TRUE")
        done = refused("run", directory / "study.toml", "-o", directory, "--repair", LOCK=errno.ENOLCK)
        assert done.returncode == 1
        assert "ENOLCK" in done.stderr
        assert "HDF5_USE_FILE_LOCKING=FALSE" in done.stderr
        assert identities(directory) == before


def test_damage_is_still_told_from_what_cannot_be_read(directory):
    """The negative control: content that was read and is wrong is broken, and repaired."""
    path = PART.path(directory)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="SHA-256") as caught:
        fastsde.run(S, directory)
    assert not isinstance(caught.value, UnreadableError)
    fastsde.run(S, directory, repair=True)
    assert broken(path) is None

"""Files of compiled GPU kernels: what their names depend on, and that a broken one is the same as none."""

import subprocess
import sys
from functools import partial
from types import FunctionType

import numpy as np
import pytest

from fastsde.kernels import options
from fastsde.kernels.gpu import stored

IMAGE = bytes(range(256)) * 40
ABOUT = {"entry": "kernel", "name": "kernel", "target": [9, 0, "a"]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(options, "CACHE_FOLDER", tmp_path)
    return tmp_path / "cuda"


def test_what_is_written_is_read(folder):
    assert stored.read("abc") is None
    stored.write("abc", ABOUT, IMAGE)
    about, image = stored.read("abc")
    assert image == IMAGE
    assert about["entry"] == "kernel"
    assert [path.name for path in folder.iterdir()] == ["abc.kernel"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda whole: b"",
        lambda whole: whole[:-1],
        lambda whole: whole[:-1] + b"\0",
        lambda whole: b"x" + whole,
        lambda whole: whole[:20],
    ],
)
def test_a_broken_file_is_none_and_is_replaced(folder, harm):
    stored.write("abc", ABOUT, IMAGE)
    path = stored.path_of("abc")
    path.write_bytes(harm(path.read_bytes()))
    assert stored.read("abc") is None
    stored.write("abc", ABOUT, IMAGE)
    assert stored.read("abc")[1] == IMAGE


def test_where_nothing_can_be_written_nothing_is_kept(folder):
    folder.write_text("not a folder")
    stored.write("abc", ABOUT, IMAGE)
    assert stored.read("abc") is None


def test_processes_that_write_at_once_leave_a_whole_file(folder):
    code = (
        f"from fastsde.kernels.gpu import stored; from pathlib import Path;"
        f"stored.options.CACHE_FOLDER = Path({str(folder.parent)!r});"
        f"[stored.write('abc', {ABOUT!r}, bytes([k % 256]) * 100000) for k in range(200)]"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    whole = set()
    while any(writer.poll() is None for writer in writers):
        found = stored.read("abc")
        assert found is not None or not stored.path_of("abc").exists() or not whole
        if found is not None:
            whole.add(len(found[1]))
    assert all(writer.returncode == 0 for writer in writers)
    assert whole == {100000}
    assert len(list(folder.iterdir())) == 1


RATE, SHAPE = 2.0, (3, 4)


def inner(x):
    return x * RATE


def outer(x):
    return inner(x) + SHAPE[0]


def bound(function, **names):
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)


def test_the_hash_follows_code_and_numbers_at_any_depth():
    code = stored.code_hash
    assert code(bound(outer)) == code(outer)
    others = [
        bound(outer, SHAPE=(3, 5)),
        bound(outer, inner=bound(inner, RATE=3.0)),
        bound(outer, inner=bound(inner, RATE=np.float32(2.0))),
        bound(outer, inner=lambda x: x * RATE * 1.0),
    ]
    assert len({code(outer), *map(code, others)}) == 5


def test_the_name_follows_types_capability_and_versions(monkeypatch):
    name = partial(stored.signature_hash, "code")
    names = {name("(int64,)", (9, 0)), name("(int32,)", (9, 0)), name("(int64,)", (8, 0))}
    monkeypatch.setattr(stored, "versions", lambda: {"numba": "0"})
    assert len({*names, name("(int64,)", (9, 0))}) == 4

"""The compile cache: a folder for each version of the kernel sources."""

import shutil

import numba
import pytest

from fastsde.kernels import cpu, options
from fastsde.kernels.kept import KeptCode


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of the kernel sources that `source_hash` reads instead of the installed ones."""
    shutil.copytree(options.FOLDER, tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(options, "FOLDER", tmp_path / "kernels")
    return tmp_path / "kernels"


def test_the_compiled_code_in_use_is_that_of_these_sources():
    assert str(options.cache_folder()) == numba.config.CACHE_DIR
    assert options.source_hash() in numba.config.CACHE_DIR


def test_any_change_of_a_kernel_file_changes_the_hash(sources, monkeypatch):
    monkeypatch.undo()
    before = options.source_hash()
    monkeypatch.setattr(options, "FOLDER", sources)
    assert options.source_hash() == before
    seen = {before}
    for name in ("philox.py", "cpu.py", "steps/descent.py"):
        with open(sources / name, "a") as file:
            file.write("# \n")
        seen.add(options.source_hash())
    (sources / "extra.py").write_text("")
    seen.add(options.source_hash())
    (sources / "extra.py").rename(sources / "other.py")
    seen.add(options.source_hash())
    assert len(seen) == 6


def test_moving_lines_between_neighbouring_files_changes_the_hash(sources):
    before = options.source_hash()
    text = (sources / "chain.py").read_text()
    (sources / "chain.py").write_text(text[:-100])
    (sources / "cpu.py").write_text(text[-100:] + (sources / "cpu.py").read_text())
    assert options.source_hash() != before


def test_the_vector_width_changes_the_hash(sources, monkeypatch):
    before = options.source_hash()
    monkeypatch.setattr(options, "VECTOR_BYTES", 8)
    assert options.source_hash() != before


def test_the_optimisation_changes_the_hash(monkeypatch):
    before = options.source_hash()
    monkeypatch.setattr(numba.config, "OPT", 0 if numba.config.OPT else 3)
    assert options.source_hash() != before


def test_code_is_found_wherever_its_sources_lie(tmp_path):
    """By what it was compiled for, not by the path or the time of its file; another process has no index."""
    function = cpu.draw_start.py_func
    assert cpu.draw_start._cache.cache_path == str(options.CACHE_FOLDER / "cpu")
    real, whole = (numba.float64,), (numba.int64,)
    one, other = (KeptCode(function, tmp_path / "cpu")._cache_file for _ in range(2))
    (tmp_path / "cpu").mkdir()
    one.save((real, "target", "code"), b"real")
    other.save((whole, "target", "code"), b"whole")
    assert one.load((whole, "target", "code")) == b"whole"
    assert other.load((real, "target", "code")) == b"real"
    assert other.load((real, "target", "other code")) is None
    assert other.load((real, "another", "code")) is None
    (path,) = {path for path in (tmp_path / "cpu").iterdir() if b"real" in path.read_bytes()}
    path.write_bytes(next(p for p in path.parent.iterdir() if p != path).read_bytes())
    assert one.load((real, "target", "code")) is None  # of that name, but for other types


def test_the_cache_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "a"))
    assert options.cache_folder().parent == tmp_path / "a"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert options.cache_folder().parent == tmp_path / "b" / "fastsde"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert options.cache_folder().parent == tmp_path / "c" / ".cache" / "fastsde"

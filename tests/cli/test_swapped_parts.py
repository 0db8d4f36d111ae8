"""Commands that open an ensemble, whose parts are not those that were joined."""

import os
import shutil

import pytest

from fastsde.storage.plan import Part

PART = Part("sgd", 4, 4)
READERS = {
    "analyze": [],
    "report": [],
    "info": [],
    "compare": ["--models", "sgd,sde"],
}


@pytest.fixture
def analysed(invoke, study_file, tmp_path):
    for seed in (3, 4):
        study_file.write_text(study_file.read_text().replace("seed = 3", f"seed = {seed}"))
        directory = tmp_path / str(seed)
        done = invoke("run", study_file, "-o", directory, "--part-size", 4, "--progress", "none")
        assert done.exit_code == 0, done.output
    assert invoke("analyze", tmp_path / "3", "--progress", "none").exit_code == 0
    return tmp_path


def test_all_that_open_an_ensemble_refuse_other_parts(invoke, analysed):
    directory = analysed / "3"
    before = (directory / "report.html").exists(), (directory / "analysis.h5").read_bytes()
    shutil.copy2(PART.path(analysed / "4"), PART.path(directory))
    for command, more in READERS.items():
        done = invoke(command, directory, *more)
        assert done.exit_code == 2, (command, done.output)
        assert "sgd-000000000004.h5 is a different file" in done.stderr
    PART.path(directory).unlink()
    for command, more in READERS.items():
        done = invoke(command, directory, *more)
        assert done.exit_code == 2, (command, done.output)
        assert "missing: parts/sgd-000000000004.h5" in done.stderr
    assert ((directory / "report.html").exists(), (directory / "analysis.h5").read_bytes()) == before


def test_all_that_open_an_ensemble_compute_checksums_on_request(invoke, analysed):
    path = PART.path(analysed / "3")
    there, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    os.utime(path, ns=(there.st_atime_ns, there.st_mtime_ns))
    for command, more in READERS.items():
        done = invoke(command, analysed / "3", *more, "--verify")
        assert done.exit_code == 2, (command, done.output)
        assert "SHA-256" in done.stderr
    assert invoke("info", analysed / "3").exit_code == 0

"""The formula of a run's peak memory, against what the system counts."""

import subprocess
import sys

import pytest
from stand_in import TINY

from fastsde.run.options import Options
from fastsde.run.resources import BASE_MEMORY, memory_need
from fastsde.run.run import run
from fastsde.study.study import Study

WIDE = {
    "trajectories": 8192,
    "network": {"widths": [16, 32, 32, 16], "init": {"std": 0.1}},
    "data": {"samples": 64, "teacher": {"singular_values": [2.0, 1.0]}},
    "time": {"learning_rate": 1e-3, "steps": 8, "snapshots": {"count": 9}},
    "record": {"observables": ["loss", "parameters", "end_to_end"]},
    "models": {"sgd": {"kind": "sgd"}},
}
NARROW = WIDE | {"network": {"widths": [4, 10, 10, 4], "init": {"std": 0.1}}}
RUN = """
import sys
from fastsde.run.run import run
from fastsde.study.study import Study
run(Study.load(sys.argv[1]), sys.argv[2], threads=2, part_size=int(sys.argv[3]))
print(int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM:")).split()[1]) * 1024)
"""


def peak(study, directory, size):
    """Return the peak resident bytes of a process that runs a study."""
    directory.mkdir()
    path = directory / "study.toml"
    path.write_text(study.to_toml(), encoding="utf-8")
    command = [sys.executable, "-c", RUN, str(path), str(directory / "out"), str(size)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="bytes are counted as Linux counts them")
def test_the_formula_bounds_the_peak_and_is_near_it(tmp_path):
    wide, narrow = Study.from_mapping(WIDE), Study.from_mapping(NARROW)
    run(narrow.replace(trajectories=1), tmp_path / "compiles")  # which takes memory of its own, once
    for study, size in ((narrow, 512), (narrow, 8192), (wide, 4096)):
        need = memory_need(study, Options(part_size=size), threads=2)
        found = peak(study, tmp_path / f"{study.network.widths[0]}-{size}", size)
        assert need / 1.5 < found < need * 1.1, (study.network.widths, size, need, found)


def test_a_part_counts_by_its_size():
    study = Study.from_mapping(WIDE)
    small, large = (memory_need(study, Options(part_size=size), threads=2) for size in (1024, 4096))
    assert large - small > 3000 * 4 * study.network.widths[1] ** 2
    assert memory_need(Study.from_toml(TINY), Options(), threads=1) < 1.1 * BASE_MEMORY

"""Broken studies and files, and hostile values, end in one message and an exit code, not in a traceback."""

import copy
import math
import random
import shutil
import sys
import tomllib

import pytest
import tomli_w
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stand_in import TINY

from fastsde.run import resources
from fastsde.run.run import run
from fastsde.study.study import Study

ANY = settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))

HOSTILE = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 0, -1, 0.0, -0.0, 1e308, 5e-324]),
    st.sampled_from([10**12, 2**63, -(2**63), True, "", "x"]),
    st.sampled_from([[], {}, [[]], [0], [-1], [math.nan], [10**12] * 3, ["../x"]]),
    st.sampled_from([{"kind": "gd"}, {"": {}}]),
    st.text(max_size=5),
    st.integers(-5, 5),
    st.floats(allow_nan=True),
)
EXTRA = """
trajectories dtype start new data.inputs data.inputs.whiten data.label_noise.scale events.every
network.init.kind network.init.gamma network.init.ensemble models.sde.alpha models.sde.tempering
models.sgd.batch models./tmp/x models.problem models.sde.dt models.sde.temperature
record.observables time.snapshots.count
"""


LANDSCAPE = """
seed = 3
trajectories = 10
[landscape]
kind = "double-well"
centre = [-1.0]
[time]
learning_rate = 0.01
steps = 40
snapshots = { count = 4, spacing = "linear" }
[events]
mode_learned = [0.5]
radius_above = [1.0]
[models.gaussian]
kind = "sde"
noise = "isotropic"
temperature = 0.05
[models.stable]
kind = "sde"
noise = "isotropic"
temperature = 0.05
alpha = 1.5
substeps = 2
"""
MORE = """
landscape.kind landscape.centre landscape.start landscape.start.std landscape.rates landscape.dimension
landscape.samples landscape.hidden landscape.function landscape.decay models.stable.jumps models.stable.drift
events.radius_above events.every record.observables models.stable.tempering models.stable.noise network
"""


def paths(table, before=()):
    """Yield the path of every key of a document, tables included."""
    for key, value in table.items():
        yield (*before, key)
        if isinstance(value, dict):
            yield from paths(value, (*before, key))


PATHS = sorted(paths(tomllib.loads(TINY))) + [tuple(path.split(".")) for path in EXTRA.split()]
PATHS.append(("models", "../x"))
ON_LANDSCAPES = sorted(paths(tomllib.loads(LANDSCAPE))) + [tuple(path.split(".")) for path in MORE.split()]


def changed(document, path, value):
    """Put a value into a document, through tables where there are none."""
    *before, last = path
    table = document
    for key in before:
        if not isinstance(table.get(key), dict):
            table[key] = {}
        table = table[key]
    table[last] = copy.deepcopy(value)  # of the samples some are tables, which would hold themselves


def refused_or_done(result, directory=None):
    """One message and 1 or 2; or 0. A study that is refused leaves nothing."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    assert result.exit_code in (0, 1, 2)
    assert "Traceback" not in result.output
    if result.exit_code:
        assert len(result.stderr) > 10
        assert result.stdout == ""
        if directory is not None and result.exit_code == 2:
            assert not directory.exists(), result.stderr


@ANY
@given(st.lists(st.tuples(st.sampled_from(PATHS), HOSTILE), min_size=1, max_size=3))
@example([(("trajectories",), 10**12)])
@example([(("data", "label_noise"), 1e308)])
@example([(("data", "label_noise"), 1e200), (("data", "samples"), "population")])
@example([(("data", "teacher", "singular_values"), [1e200, 1e200])])
@example([(("data", "inputs"), {"kind": "stable", "alpha": 0.01, "scale": 1e200})])
@example([(("time", "steps"), 10**12)])
@example([(("data", "samples"), 10**12)])
@example([(("network", "widths"), [4096] * 40)])
@example([(("network", "widths"), [10**12, 10**12])])
@example([(("network", "init"), {"kind": "snapshot", "ensemble": "/etc/passwd", "model": "sgd"})])
@example([(("network", "init"), {"kind": "snapshot", "ensemble": "/", "model": "../sgd"})])
@example([(("time", "snapshots"), {"at": [10**9]})])
@example([(("time", "snapshots"), {"count": 10**9})])
def test_a_hostile_study(invoke, integrated, tmp_path_factory, changes):
    runs_or_is_refused(invoke, tmp_path_factory.mktemp("hostile"), TINY, changes)


@ANY
@given(st.lists(st.tuples(st.sampled_from(ON_LANDSCAPES), HOSTILE), min_size=1, max_size=3))
@example([(("landscape",), {"kind": "user", "function": "os:getcwd", "size": 2})])
@example([(("landscape",), {"kind": "user", "function": "antigravity:fly", "size": 2})])
@example([(("landscape",), {"kind": "user", "function": "os:getcwd"})])
@example([(("landscape",), {"kind": "quadratic", "eigenvalues": [math.nan, math.inf]})])
@example([(("landscape",), {"kind": "superposition", "features": 10**6, "hidden": 10**6, "samples": 10**6})])
def test_a_hostile_landscape(invoke, integrated, tmp_path_factory, changes):
    runs_or_is_refused(invoke, tmp_path_factory.mktemp("hostile"), LANDSCAPE, changes)


def runs_or_is_refused(invoke, folder, text, changes):
    """Whatever a study says, it writes into its folder alone, and never runs code it names."""
    document = tomllib.loads(text)
    for path, value in changes:
        changed(document, path, value)
    (folder / "study.toml").write_text(tomli_w.dumps(document), encoding="utf-8", errors="replace")
    result = invoke("run", folder / "study.toml", "-o", folder / "out", "--progress", "none")
    refused_or_done(result, folder / "out")
    assert {path.name for path in folder.iterdir()} <= {"study.toml", "out"}
    assert "antigravity" not in sys.modules


@ANY
@given(st.data())
def test_a_broken_text(invoke, integrated, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("text")
    text = TINY.encode()
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    middle = data.draw(
        st.one_of(st.binary(max_size=8), st.sampled_from([b"[", b'"""', b"\x00", b"a = a", b"=" * 99]))
    )
    (folder / "study.toml").write_bytes(text[:begin] + middle + text[min(end, begin + 40) :])
    for command in ("run", "plan", "submit"):
        more = {"submit": ["--tasks", "2", "--dry-run"], "run": ["-o", folder / "out"]}.get(command, [])
        if command == "plan" and _valid(folder / "study.toml"):
            continue
        refused_or_done(invoke(command, folder / "study.toml", *more), folder / "out")


def _valid(path):
    try:
        Study.load(path)
    except Exception:
        return False
    return True


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    from stand_in import StandIn

    directory = tmp_path_factory.mktemp("whole") / "run"
    run(Study.from_toml(TINY), directory, integrate=StandIn(), part_size=5)
    return directory


FILES = ("parts/sgd-000000000005.h5", "ensemble.h5", "study.toml")


@settings(ANY, max_examples=12)
@given(
    seed=st.integers(0, 2**32),
    what=st.sampled_from(["flip", "cut", "grow", "swap", "empty", "noise", "zero"]),
)
@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_of_a_run(invoke, integrated, whole, tmp_path_factory, name, seed, what):
    directory = tmp_path_factory.mktemp("broken") / "run"
    shutil.copytree(whole, directory)
    path, random_ = directory / name, random.Random(seed)
    content = bytearray(path.read_bytes())
    place = random_.randrange(len(content))
    match what:
        case "flip":
            content[place] ^= 1 << random_.randrange(8)
        case "cut":
            del content[place:]
        case "grow":
            content += random_.randbytes(random_.randrange(1, 200))
        case "swap":
            content = bytearray((directory / "parts/sde-000000000000.h5").read_bytes())
        case "empty":
            content.clear()
        case "noise":
            content[place : place + 100] = random_.randbytes(100)
        case "zero":
            content[place : place + 600] = bytes(600)
    path.write_bytes(content)
    damaged = bytes(content) != (whole / name).read_bytes()
    codes = {
        command: invoke(command, directory, *more)
        for command, more in (("status", ["--verify", "--json"]), ("info", []), ("merge", []))
    }
    for command, result in codes.items():
        assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.output)
        assert result.exit_code in (0, 1, 2)
        assert "Traceback" not in result.output
    if name.startswith("parts") and damaged:
        assert codes["status"].exit_code == 1
        assert codes["merge"].exit_code == 2
        assert "sgd-000000000005.h5" in codes["merge"].stderr
        study = directory / "study.toml"
        assert invoke("run", study, "-o", directory, "--progress", "none").exit_code == 2
        assert invoke("run", study, "-o", directory, "--progress", "none", "--repair").exit_code == 0
        assert invoke("status", directory, "--verify").exit_code == 0


def test_memory_that_is_not_there_is_refused_by_size(invoke, study_file, integrated, tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "available_memory", lambda: 100 << 20)
    result = invoke("run", study_file, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "of memory, but only 100 MiB is free" in result.stderr
    assert not (tmp_path / "out").exists()


def test_disk_that_is_not_there_is_refused_by_size(invoke, study_file, integrated, tmp_path):
    result = invoke("run", study_file, "-o", tmp_path / "out", "--trajectories", 10**12)
    assert result.exit_code == 2
    assert "PiB" in result.stderr
    assert not (tmp_path / "out").exists()

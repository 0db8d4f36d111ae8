"""A noise law and a step of a file outside the package: compiled, in ``float64``, and never stale."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import user_laws
from studies import study
from tools import Case

from fastsde.kernels import lanes, philox, primitive
from fastsde.kernels.box_muller import normals64
from fastsde.kernels.gpu import products, thread
from fastsde.kernels.gpu.arguments import put_on
from fastsde.kernels.gpu.team import works_for
from fastsde.kernels.options import CHOICES, plain
from fastsde.kernels.precision import double_fields
from fastsde.kernels.steps import Subordinated

SDE = {"kind": "sde", "noise": "isotropic", "temperature": 0.3, "substeps": 1}
SMALL = 1e-7
RATE = 0.05


@pytest.fixture
def law(tmp_path):
    return user_laws.load(tmp_path / "my_law.py", user_laws.LAW).LogNormal(small=SMALL, spread=0.3)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_law_of_another_file_works_like_one_of_the_package(law, dtype):
    case = Case(study((3, 2), SDE, samples=6, dtype=dtype))
    dynamics = case.lowered.dynamics._replace(clock=law)
    theta = case.points()
    z, _ = normals64(*case.words(0, philox.SUBORDINATOR))
    lost = (1.0 + SMALL * 1e-3) - 1.0
    factor = np.exp(0.3 * z) + lost * 1e9
    exact = theta - RATE * case.reference.gradient(theta.astype(np.float64), case.problem)
    noise = case.draws(case.reference.size, philox.NOISE)
    exact += np.sqrt(2 * 0.3 * RATE) * factor[:, None] * noise
    close = 2e-5 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(case.advance(theta, dynamics=dynamics), exact, rtol=close, atol=close)


@pytest.mark.parametrize(("dtype", "close"), [("float64", 1e-12), ("float32", 1e-6)])
def test_a_step_of_another_file_works_around_one_of_the_package(tmp_path, dtype, close):
    case = Case(study((3, 2), samples=6, dtype=dtype))
    kind = user_laws.load(tmp_path / "my_step.py", user_laws.STEP, "my_step").Pulled
    inner, theta = case.lowered.dynamics, case.points()
    dynamics = kind(dense=True, dt=inner.dt, inner=inner, strength=0.4)
    exact = case.advance(theta) * (1 - 0.4 * RATE)
    np.testing.assert_allclose(case.advance(theta, dynamics=dynamics), exact, rtol=close)
    assert works_for(dynamics, case.lowered.data)


def test_the_numbers_of_a_law_are_float64_on_a_device_of_float32(law):
    there = put_on(law, "float32", lambda array: array)
    assert there == law
    assert all(type(x) is float for x in there)
    wait = Subordinated(True, 0.1, None, 0.7, -1.0, 5)
    there = put_on(wait, "float32", lambda array: array)
    assert [type(x) for x in (there.dt, there.beta, there.log_wait)] == [np.float32, float, float]


def test_fields_are_marked_as_float64_also_in_a_file_that_keeps_annotations_as_text(tmp_path):
    source = user_laws.STEP.replace("strength: float", "strength: Float64")
    source = "from __future__ import annotations\n" + source
    source += "\nfrom fastsde.kernels.precision import Float64\n"
    kind = user_laws.load(tmp_path / "my_step.py", source, "my_text_step").Pulled
    assert double_fields(kind) == {"strength"}


def test_the_name_of_a_class_follows_the_content_of_its_file(tmp_path):
    first = user_laws.load(tmp_path / "a.py", user_laws.LAW).LogNormal
    again = user_laws.load(tmp_path / "a.py", user_laws.LAW).LogNormal
    other = user_laws.load(tmp_path / "a.py", user_laws.LAW.replace("TWIST = 1.0", "TWIST = 2.0")).LogNormal
    assert first.__name__ == again.__name__ != other.__name__
    assert first.__module__ == "fastsde.kernels.extensions"


def test_what_a_law_imports_from_a_file_of_its_own_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = user_laws.LAW.replace("TWIST = 1.0", "from my_numbers import TWIST, unused")
    names = set()
    for value in (1.0, 2.0):
        (tmp_path / "my_numbers.py").write_text(f"TWIST = {value}\n\n\ndef unused():\n    pass\n")
        sys.modules.pop("my_numbers", None)
        names.add(user_laws.load(tmp_path / "my_law.py", source).LogNormal.__name__)
    assert len(names) == 2


def test_a_draw_with_other_arguments_is_refused(tmp_path):
    source = user_laws.LAW.replace("def log_normal(law, stream)", "def log_normal(law, counter)")
    with pytest.raises(TypeError, match=r"log_normal\(law, counter\) must have .*\(law, stream\)"):
        user_laws.load(tmp_path / "my_law.py", source)


SCRIPT = """
import sys
from pathlib import Path
import numpy as np
import user_laws, probes
from fastsde.kernels.cpu import aligned
from fastsde.kernels.noise import Stable
law = Stable(0.75)
if sys.argv[1] != "none":
    source = user_laws.LAW.replace("TWIST = 1.0", f"TWIST = {sys.argv[1]}")
    law = user_laws.load(Path(sys.argv[2]), source).LogNormal(1e-7, 0.0)
out = aligned(8, "float64")
probes.stretched(out, law, (np.uint64(1), np.uint64(2)))
hits = sum(probes.stretched.stats.cache_hits.values())
print(f"{out[0]:.6f} {hits}")
"""


def test_the_compile_cache_is_never_stale_and_never_breaks_who_does_not_know_an_extension(tmp_path):
    """Each line is a process: the extension's content, and whether the cache has its code already."""

    def run(twist):
        paths = os.pathsep.join(str(Path(__file__).parents[up]) for up in (0, 1))
        environment = dict(os.environ, PYTHONPATH=paths, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
        words = [sys.executable, "-c", SCRIPT, twist, str(tmp_path / "my_law.py")]
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        value, hits = done.stdout.split()
        return float(value), int(hits)

    lost = ((1.0 + 1e-10) - 1.0) * 1e9
    assert run("1.0") == (pytest.approx(1 + lost, abs=1e-5), 0)
    plain_law, hits = run("none")
    assert hits == 0
    assert run("3.0")[0] == pytest.approx(1 + 3 * lost, abs=1e-4)
    assert run("1.0") == (pytest.approx(1 + lost, abs=1e-5), 1)
    assert run("none") == (plain_law, 1)


def test_every_primitive_has_a_form_for_a_device_or_is_compiled_code():
    table, _, _ = thread.primitives("float64", lambda function: function, {lanes.fma: products.fma})
    for function in primitive._MARKED:
        chosen = function in CHOICES  # which a device chooses as a processor does
        assert function in table or chosen or getattr(plain(function), "is_kernel", False), function

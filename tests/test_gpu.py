"""Devices: what is refused and how; and the tests that need numba's simulator, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from landscape_studies import landscape_study
from studies import study

from fastsde.cli import main
from fastsde.integrate import devices
from fastsde.integrate.gpu.placements import classes
from fastsde.run.submit import Job, array_script, merge_script
from fastsde.system.errors import DeviceError

HERE = Path(__file__).parent
OWN = "test_simulated_own_code"
ABSENT = devices.unusable() is not None


def simulated(names, **setting):
    """Run tests of `gpu` in a process that simulates a device."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *(f"gpu/{name}.py" for name in names), "-p", "no:cacheprovider"],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1", **setting},
        cwd=HERE,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]


@pytest.mark.slow
def test_the_simulated_device_agrees_with_processors():
    """Other tests need most of what is compiled for CPUs here, optimised: it is found on disk."""
    found = {path.stem for path in (HERE / "gpu").glob("test_simulated_*.py")}
    simulated(sorted(found - {OWN}))


@pytest.mark.slow
def test_the_simulated_device_runs_code_of_users():
    """No other test compiles it: not optimised it has the same bits, in less than half the time."""
    plain = "NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING"  # a warning in colours begins with those
    simulated([OWN], NUMBA_OPT="0", **{plain: "1"})


@pytest.mark.skipif(not ABSENT, reason="there is a GPU")
def test_without_a_device_cuda_is_refused_and_auto_takes_processors(tmp_path):
    a_study = study()
    with pytest.raises(DeviceError, match=r"no GPU can be used(.|\n)*Fix"):
        devices.choose_device(a_study, "cuda")
    assert devices.choose_device(a_study, "auto") == "cpu"
    path = tmp_path / "study.toml"
    path.write_text(a_study.to_toml())
    result = CliRunner().invoke(main, ["run", str(path), "-o", str(tmp_path / "run"), "--device", "cuda"])
    assert result.exit_code == 2
    assert "fastsde[cuda1" in result.output
    assert not (tmp_path / "run").exists()


def test_a_job_array_asks_for_a_device_a_task_and_the_merge_for_none(tmp_path):
    job = Job(tasks=4, gpu=True)
    script = array_script(tmp_path, "study", job)
    assert "#SBATCH --gpus=1" in script
    assert "--device cuda" in script
    for other in (merge_script(tmp_path, "study", job), array_script(tmp_path, "study", Job(tasks=4))):
        assert "gpus" not in other
        assert "cuda" not in other


def test_an_unknown_device_is_named():
    with pytest.raises(DeviceError, match=r"'tpu'(.|\n)*cpu, cuda, auto"):
        devices.choose_device(study(), "tpu")


def test_a_function_of_the_users_own_cannot_go_to_a_device():
    a_study = landscape_study({"kind": "double-well"}, {"kind": "gd"})
    assert devices.obstacle(a_study) is None

    class Own:
        by_point, kind = True, "user"

    class OwnStudy:
        objective = Own()

    assert "Fix: --device cpu" in devices.obstacle(OwnStudy())


def test_size_classes_follow_the_memory_of_a_trajectory():
    small = landscape_study({"kind": "double-well"}, {"kind": "gd"})
    assert classes(small)["m"].startswith("one thread per trajectory;")
    sgd = {"kind": "sgd"}
    assert "weights in shared memory" in classes(study((4, 10, 10, 4), sgd))["m"]
    langevin = {"kind": "sde", "noise": "isotropic", "temperature": 0.1}
    for width, words in ((10, "4 threads of a warp"), (32, "32 threads of a warp"), (64, "a block of 128")):
        assert classes(study((width, width, width), langevin))["m"].startswith(words)
    assert classes(study((4, 4000, 40), sgd))["m"].endswith("MiB each")
    central = {"kind": "gd", "central_flow": 1}
    assert "global" in classes(study((4, 20, 4), central))["m"]


def test_what_runs_without_a_device_never_imports_numba_cuda():
    modules = "fastsde, fastsde.integrate.gpu.placements, fastsde.integrate.integration, fastsde.kernels.cpu"
    forbidden = {"fastsde.kernels.cuda", "fastsde.kernels.gpu.target", "fastsde.integrate.gpu.resident"}
    code = f"import sys, {modules}; print(bool({forbidden} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"

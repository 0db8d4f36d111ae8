"""The law, the steps and the landscape of docs/extending.md on the simulated device."""

import sys
from pathlib import Path

import numpy as np

import fastsde

sys.path.append(str(Path(__file__).parents[1] / "extensions"))
from pages import write_files


def test_ingredients_of_the_page_agree_with_processors(tmp_path, allowed):
    path = write_files(tmp_path)
    before, _, after = path.read_text().partition("extensions = [")
    files = [f"my_{name}.py" for name in ("noise", "step", "drift", "memory", "landscape")]
    _, _, rest = after.partition("]")
    path.write_text(f"{before}extensions = {files}{rest}".replace(', "state_norm"', ""))
    study = fastsde.Study.load(path).replace(time={"steps": 5, "snapshots": {"at": [0, 5]}})
    for model in ("student", "clipped", "sparse", "averaged"):
        here = fastsde.integrate(study, model, 0, 4, threads=1)
        there = fastsde.integrate(study, model, 0, 4, device="cuda")
        assert np.abs(here.parameters - [1.0, 0.0]).max() > 1e-3
        np.testing.assert_allclose(there.parameters, here.parameters, rtol=1e-11, atol=1e-11)

"""What is compiled ahead of a run is what the run launches, neither less nor more."""

import cases
import pytest
from studies import snapshots

from fastsde.integrate.gpu.ahead import launched
from fastsde.integrate.gpu.programs import model_program
from fastsde.integrate.lowering import lower
from fastsde.kernels.cuda import Program
from fastsde.problem.data import build_problem


@pytest.mark.parametrize(
    ("name", "observables", "measured"),
    [
        ("sgd", ["loss", "noise_trace", "update_noise"], "measure_trace"),
        ("quadratic", ["loss"], "measure"),
    ],
)
def test_a_run_launches_what_is_compiled_ahead(name, observables, measured, monkeypatch):
    study = cases.case(name, steps=2, record={"observables": observables})
    launch, seen = Program.launch, set()

    def noted(self, task, *rest):
        seen.add((task, self.where, self))
        launch(self, task, *rest)

    monkeypatch.setattr(Program, "launch", noted)
    snapshots(study, 3, device="cuda")
    problem = build_problem(study)
    low = lower(study, "m", problem)
    expected = {
        (task, where, model_program(study, low, where, **options))
        for task, where, options in launched(study, "m", problem, low)
    }
    assert seen == expected
    assert measured in {task for task, *_ in seen}

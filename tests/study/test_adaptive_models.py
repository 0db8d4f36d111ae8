"""What study files say of Adam, signs, inertia and their SDEs: defaults, refusals, words."""

import pytest
from landscape_studies import landscape_study
from studies import study

from fastsde.integrate.lowering import lower
from fastsde.problem.data import build_problem
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

ADAPTIVE = ("adam", "rmsprop", "signsgd")
SDES = ("adam-sde", "rmsprop-sde", "signsgd-sde")
WARM = {"kind": "underdamped", "friction": 2.0, "temperature": 0.1}
PHASES = {"kind": "phase-retrieval", "size": 3, "samples": 5}
WELL = {"kind": "double-well"}


@pytest.mark.parametrize(
    ("model", "more", "where", "expected"),
    [
        ({"kind": "adam", "beta1": 1.0}, {}, "beta1", "below 1"),
        ({"kind": "adam", "epsilon": 0.0}, {}, "epsilon", "above 0"),
        ({"kind": "adam", "momentum": 0.9}, {}, "momentum", ""),
        ({"kind": "adam", "batch": 7}, {}, "batch", "at most data.samples = 6"),
        ({"kind": "adam", "gradient": "full", "label_noise": 1.0}, {}, "label_noise", 'gradient = "batch"'),
        ({"kind": "rmsprop", "substeps": 2}, {}, "substeps", ""),
        ({"kind": "signsgd", "sampling": "fresh"}, {}, "sampling", '"replacement"'),
        ({"kind": "adam-sde"}, {"samples": "population"}, "kind", "finite data"),
        ({"kind": "signsgd-sde", "batch": 6}, {}, "batch", "below 6"),
        ({"kind": "rmsprop-sde", "sampling": "fresh"}, {}, "sampling", '"replacement"'),
        ({"kind": "underdamped", "friction": 1.0}, {}, "temperature", "with isotropic noise"),
        (WARM | {"friction": 0.0}, {}, "friction", "above 0"),
        (WARM | {"noise": "gradient"}, {}, "temperature", "only there"),
        ({"kind": "underdamped", "friction": 1.0, "noise": "gradient", "velocity": "equilibrium"}, {},
         "velocity", '"zero"'),
        ({"kind": "momentum-sde", "momentum": 1.0}, {}, "momentum", "below 1"),
        ({"kind": "momentum-sde"}, {}, "momentum", "below 1"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused_by_its_key(model, more, where, expected):
    with pytest.raises(StudyError) as caught:
        study(model=model, **more)
    assert [complaint.where for complaint in caught.value.complaints] == [f"models.m.{where}"]
    assert expected in caught.value.complaints[0].expected


@pytest.mark.parametrize(
    ("kind", "key"),
    [(kind, "gradient") for kind in ADAPTIVE] + [(kind, "kind") for kind in (*SDES, "momentum-sde")],
)
def test_a_landscape_without_samples_has_no_batches(kind, key):
    model = {"kind": kind} | ({"momentum": 0.5} if kind == "momentum-sde" else {})
    with pytest.raises(StudyError) as caught:
        landscape_study(WELL, model)
    assert [complaint.where for complaint in caught.value.complaints] == [f"models.m.{key}"]
    assert landscape_study(PHASES, model | {"batch": 2}).models["m"].batch == 2
    if kind in ADAPTIVE:
        assert "full gradient" in landscape_study(WELL, model | {"gradient": "full"}).models["m"].summary()


def test_an_sde_has_the_batch_of_the_first_algorithm():
    models = {"m": {"kind": "adam", "batch": 3, "sampling": "replacement"}}
    models |= {kind: {"kind": kind} for kind in SDES}
    models |= {"inertia": {"kind": "momentum-sde", "momentum": 0.5}}
    found = study(models=models)
    assert {(model.batch, model.sampling) for model in found.models.values()} == {(3, "replacement")}
    assert Study.from_toml(found.to_toml()) == found
    assert found.models["m"].control() is None
    assert study(model={"kind": "adam"}).models["m"].control().sampling == "replacement"
    assert study(model={"kind": "adam", "gradient": "full"}).models["m"].control() is None


@pytest.mark.parametrize("schedule", [{}, {"schedule": {"kind": "constant", "warm_up": 3}}])
@pytest.mark.parametrize("kind", [*ADAPTIVE, *SDES, "underdamped", "momentum-sde"])
def test_steps_go_around_each_other_in_order(kind, schedule):
    """A schedule around the rule, the rule around decay, decay around the gradient."""
    more = {"momentum-sde": {"momentum": 0.9}, "underdamped": WARM}.get(kind, {})
    a_study = study(model={"kind": kind, "weight_decay": 0.1, **more}, time=schedule)
    low = lower(a_study, "m", build_problem(a_study))
    for step in (low.dynamics, low.quiet):
        names = []
        while step is not None:
            names.append(type(step).__name__)
            step = getattr(step, "inner", None)
        assert ("Scheduled" in names) == bool(schedule)
        assert names[len(schedule)] in ("Adam", "Signs", "AdamSde", "SignSde", "Baoab", "Inertial")
        assert names[len(schedule) + 1] == "Drifted"
    assert names[-1] == "Descent"
    assert low.carried == 20 * a_study.models["m"].carries
    assert low.attributes["summary"].endswith(".")
    assert "decay 0.1" in low.attributes["summary"]

"""Every noise with every drift, clock, schedule and problem: taken or refused by rule, and run through."""

import math
import os
from itertools import product

import numpy as np
import pytest
from landscape_studies import landscape_study
from studies import study

import fastsde
from fastsde.analysis.settings import Settings
from fastsde.integrate.lowering import lower
from fastsde.kernels import shape
from fastsde.study.models import Sde
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

P = 20  # parameters of the network 3-4-2
COVARIANCE = {"diagonal": [0.1] * P, "factor": [[0.2]] * P}
NOISES = {
    "gradient": {"noise": "gradient"},
    "warm": {"noise": "isotropic", "temperature": 0.1},
    "local": {"noise": "isotropic", "temperature": "matched", "match_at": "local"},
    "start": {"noise": "isotropic", "temperature": "matched", "match_at": "start"},
    "given": {"noise": "given", "covariance": COVARIANCE},
    "loss": {"noise": "loss", "strength": 0.5, "floor": -1.0},
    "hessian": {"noise": "hessian", "products": 3},
    "diagonal": {"noise": "gradient-diagonal", "trace": 0.5},
}
SHAPED = ("loss", "hessian", "diagonal")
LAWS = {
    "Gaussian": {},
    "Stable": {"alpha": 1.5},
    "Components": {"alpha": 1.5, "by_component": True, "truncation": 9.0},
    "Truncated": {"alpha": 1.5, "truncation": 9.0},
    "Tempered": {"alpha": 1.5, "tempering": 3.0},
    "Jumps": {"jumps": {"rate": 3.0, "share": 0.5}},
}
TERMS = {"weight_decay": 0.1, "second_order": True}
DRIFTS = {"plain": {}, "terms": TERMS, "central": {"central_flow": 2}}
CLOCKS = {"ordinary": {}, "fractional": {"subordination": {"beta": 0.7}}}
STEPPED = {"kind": "step", "every": 10, "drop": 0.5, "warm_up": 3}
SCHEDULES = {"constant": {}, "stepped": {"schedule": STEPPED}}
DOMAINS = ("samples", "population", "well", "phases")
RECORD = {"observables": ["loss", "modes", "parameters"]}


def on(domain, models, **more):
    """A study of some models on a network of finite data or of a population, or on a landscape."""
    more = {"record": RECORD} | more
    if domain == "samples":
        return study(model=models, **more)
    if domain == "population":
        return study(model=models, samples="population", **more)
    landscape = {"kind": "double-well", "stiffness": [1.0] * (P - 1), "start": {"std": 0.3}}
    if domain == "phases":
        landscape = {"kind": "phase-retrieval", "size": P, "samples": 9, "start": {"std": 0.3}}
    return landscape_study(landscape, models, **more)


def refused(noise, drift, clock, schedule, domain):
    """The keys of what has no meaning, by rule."""
    if domain == "well" and noise in ("gradient", "diagonal"):
        yield "models.m.noise"
    if domain == "population" and noise == "diagonal":
        yield "models.m.noise"
    if domain == "well" and noise in ("local", "start"):
        yield "models.m.temperature"
    if drift == "central" and (clock == "fractional" or schedule == "stepped"):
        yield "models.m.central_flow"


def layers(dynamics):
    """Names of the steps around a step, from the outside."""
    names = [type(dynamics).__name__]
    return names + layers(dynamics.inner) if hasattr(dynamics, "inner") else names


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("noise", NOISES)
def test_every_noise_goes_with_every_law_drift_clock_and_schedule_or_says_why_not(noise, domain, monkeypatch):
    monkeypatch.setattr(shape, "with_routines", lambda made, *_, **__: made)  # nothing is compiled
    problem = fastsde.build_problem(on(domain, {"kind": "gd"}))
    taken = 0
    for law, drift, clock, schedule in product(LAWS, DRIFTS, CLOCKS, SCHEDULES):
        model = {
            "kind": "sde", "substeps": 2, **NOISES[noise], **LAWS[law], **DRIFTS[drift], **CLOCKS[clock]
        }  # fmt: skip
        wrong = list(refused(noise, drift, clock, schedule, domain))
        if wrong:
            with pytest.raises(StudyError) as caught:
                on(domain, model, time=SCHEDULES[schedule])
            for complaint in caught.value.complaints:
                assert complaint.where in wrong
                assert complaint.expected
            assert {complaint.where for complaint in caught.value.complaints} <= set(wrong)
            continue
        s = on(domain, model, time=SCHEDULES[schedule])
        low = lower(s, "m", problem)
        names = layers(low.dynamics)
        assert ("Subordinated" in names) == (clock == "fractional")
        assert ("Scheduled" in names) == (schedule == "stepped")
        assert ("Drifted" in names) == (drift != "plain")
        assert ("StateNoise" in names) == (noise in SHAPED)
        inner = low.dynamics
        while hasattr(inner, "inner"):
            inner = inner.inner
        assert (type(inner.clock).__name__ if inner.clock is not None else "Gaussian") == law
        assert low.carried == (2 if clock == "fractional" else 2 * P if drift == "central" else 0)
        assert 0 < low.attributes["noise_scale"] < math.inf
        assert low.attributes["noise_scale_of"]
        assert isinstance(s.models["m"], Sde)
        assert law != "Jumps" or Study.from_toml(s.to_toml()) == s
        taken += 1
    impossible = domain == "well" and noise in ("gradient", "local", "start", "diagonal")
    impossible |= domain == "population" and noise == "diagonal"
    assert taken == (0 if impossible else 54)


DISCRETE = {
    "sgd": {"kind": "sgd", "batch": 2},
    "gd": {"kind": "gd"},
    "flow": {"kind": "gd", "substeps": 4},
    "svag": {"kind": "svag", "substeps": 4, "batch": 2},
    "adam": {"kind": "adam", "batch": 2},
    "rmsprop": {"kind": "rmsprop", "gradient": "full"},
    "signsgd": {"kind": "signsgd", "beta": 0.9},
    "adam-sde": {"kind": "adam-sde", "batch": 2},
    "rmsprop-sde": {"kind": "rmsprop-sde"},
    "signsgd-sde": {"kind": "signsgd-sde", "substeps": 2},
    "kinetic": {"kind": "underdamped", "friction": 1.0, "noise": "gradient"},
    "momentum-sde": {"kind": "momentum-sde", "momentum": 0.9},
    "underdamped": {"kind": "underdamped", "friction": 1.0, "temperature": 0.1},
}
BY_SAMPLES = ("adam-sde", "rmsprop-sde", "signsgd-sde")
WITHOUT_SAMPLES = ("gd", "flow", "rmsprop", "underdamped")
EXTRAS = {
    "none": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "decay": {"weight_decay": 0.1},
    "labels": {"label_noise": 0.5},
    "second": {"second_order": True},
    "central": {"central_flow": 1},
    "fractional": {"subordination": {"beta": 0.5}},
    "jumps": {"jumps": {"rate": 1.0}},
    "temperature": {"temperature": 0.1},
}
ALLOWED = {
    "sgd": {"none", "momentum", "nesterov", "decay", "labels"},
    "gd": {"none", "momentum", "nesterov", "decay", "second", "central"},
    "flow": {"none", "decay", "second", "central"},
    "svag": {"none"},
    "adam": {"none", "decay", "labels"},
    "rmsprop": {"none", "decay"},
    "signsgd": {"none", "decay", "labels"},
    "underdamped": {"none", "decay", "temperature"},
    "momentum-sde": {"none", "decay", "momentum"},
    **{name: {"none", "decay"} for name in (*BY_SAMPLES, "kinetic")},
}


@pytest.mark.parametrize("domain", DOMAINS)
def test_discrete_algorithms_take_what_the_table_says(domain):
    problem = fastsde.build_problem(on(domain, {"kind": "gd"}))
    for (name, model), (extra, terms), schedule in product(DISCRETE.items(), EXTRAS.items(), SCHEDULES):
        fine = extra in ALLOWED[name] and not (extra == "central" and schedule == "stepped")
        if domain == "well":
            fine = fine and name in WITHOUT_SAMPLES
        if domain not in ("samples", "phases"):
            fine = fine and extra != "labels"
        if domain == "population":
            fine = fine and name not in BY_SAMPLES
        if fine:
            low = lower(on(domain, model | terms, time=SCHEDULES[schedule]), "m", problem)
            assert ("Momentum" in layers(low.dynamics)) == ("momentum" in terms and name != "momentum-sde")
            continue
        with pytest.raises(StudyError, match=r"models\.m"):
            on(domain, model | terms, time=SCHEDULES[schedule])


def sde(*parts):
    model = {"kind": "sde", "substeps": 1}
    for part in parts:
        model |= part
    return model


DENSE = {
    "samples": {
        "everything": sde(NOISES["gradient"], LAWS["Stable"], TERMS, {"rotation": {"layer": 1}},
                          CLOCKS["fractional"]),
    },
    "population": {"entries": sde(NOISES["gradient"], LAWS["Components"], TERMS)},
    "phases": {"adam": {"kind": "adam", "batch": 2, "weight_decay": 0.1}},
    "well": {"central": {"kind": "gd", "central_flow": 2}},
}  # fmt: skip
if os.environ.get("FASTSDE_TESTS") == "all":
    DENSE["samples"]["adam"] = DENSE["phases"]["adam"]
    DENSE["phases"]["svag"] = DISCRETE["svag"]
    DENSE["well"]["given"] = sde(NOISES["given"], LAWS["Truncated"])


@pytest.mark.slow
@pytest.mark.parametrize("domain", DENSE)
def test_many_terms_at_once_go_through_parts_resumption_events_and_analysis(domain, tmp_path):
    """Longer by a second run, in parts of 5, is to the bit what one run gives; the analysis reads it."""
    events = {"every": 3, "mode_learned": [0.3]}

    def of(steps):
        time = {"steps": steps, "snapshots": {"at": [0, 7, 15, steps]}, "learning_rate": 0.02}
        if domain != "well":
            time |= SCHEDULES["stepped"]
        s = on(domain, next(iter(DENSE[domain].values())), time=time, events=events, trajectories=12)
        return Study.from_mapping(s.to_mapping() | {"models": DENSE[domain]})

    fastsde.run(of(20), tmp_path / "run", part_size=5)
    fastsde.run(of(30), tmp_path / "run")
    fastsde.run(of(30), tmp_path / "whole")
    with fastsde.open(tmp_path / "run") as one, fastsde.open(tmp_path / "whole") as other:
        for name in DENSE[domain]:
            assert {"mode_learned_step", "parameters"} <= set(one[name].variables)
            for variable in one[name].variables:
                np.testing.assert_array_equal(one[name][variable], other[name][variable])
            assert np.isfinite(one[name]["parameters"][-1]).any()
            assert len(np.unique(one[name]["parameters"][-1][:, 0])) > 6
    with fastsde.open(tmp_path / "run") as ensemble:
        found = fastsde.analyze(ensemble, settings=Settings(permutations=19, bootstrap=20))
    assert set(found.models) == set(DENSE[domain])

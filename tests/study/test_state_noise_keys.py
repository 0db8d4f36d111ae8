"""Keys of noise that follows the state: refused by rule, resolved, summarised, and kept in the file."""

import pytest
from landscape_studies import landscape_study
from studies import study

from fastsde.integrate.devices import obstacle
from fastsde.problem.user import check_code
from fastsde.study.models import Sde
from fastsde.study.state_noise.base import STATE_NOISES
from fastsde.study.study import Study
from fastsde.system.errors import StudyError

WELL = {"kind": "double-well"}
LONG = {"kind": "double-well", "stiffness": [1.0] * 19}


def on_landscape(model, landscape=WELL, **more):
    return landscape_study(landscape, {"kind": "sde", **model}, **more)


@pytest.mark.parametrize(
    ("model", "where", "words"),
    [
        (
            {"noise": "los"},
            "noise",
            '"gradient", "isotropic" or "given"; or one that follows the state: "loss"',
        ),
        ({"noise": "loss", "zeta": 1.0}, "zeta", 'belongs to noise = "multiplicative"'),
        ({"noise": "loss", "strength": 1.0, "trace": 1.0}, "strength", "one of trace and strength"),
        ({"noise": "multiplicative", "zeta": 1.0, "trace": 1.0}, "zeta", "one of trace and zeta"),
        ({"noise": "hessian", "floor": 1.0}, "floor", '"loss" or "loss-hessian"'),
        ({"noise": "hessian", "temperature": 1.0}, "temperature", "follows the state"),
        ({"noise": "hessian", "products": 8}, "products", "nothing up to 16 parameters"),
        ({"noise": "hessian", "strength": 0.0}, "strength", "above 0"),
        ({"noise": "function"}, "function", "which noise = 'function' needs"),
        ({"noise": "isotropic", "trace": 1.0, "temperature": 1.0}, "temperature", "trace = 2 T p"),
        ({"noise": "given", "covariance": {"diagonal": [1.0]}, "trace": 1.0}, "trace", "a trace of its own"),
        ({"noise": "gradient-diagonal"}, "noise", "no mean over any"),
        ({"noise": "gradient", "trace": 1.0}, "noise", "no mean over any"),
        (
            {"noise": "hessian", "interpretation": "stratonovich"},
            "interpretation",
            '"loss", "multiplicative"',
        ),
        (
            {"noise": "isotropic", "temperature": 1.0, "interpretation": "stratonovich"},
            "interpretation",
            "both forms are the same",
        ),
        (
            {"noise": "loss", "interpretation": "stratonovich", "alpha": 1.5},
            "interpretation",
            "only Gaussian",
        ),
        ({"noise": "loss", "anisotropy": 0.5}, "anisotropy", 'is for noise = "gradient"'),
        ({"noise": "isotropic", "temperature": 1.0, "rotated": True}, "rotated", 'is for noise = "gradient"'),
        ({"noise": "gradient", "anisotropy": 1.5}, "anisotropy", "a number from 0 to 1"),
        (
            {"noise": "gradient", "anisotropy": 0.5, "alpha": 1.5, "by_component": True},
            "by_component",
            "an elliptical law with anisotropy",
        ),
        ({"noise": "gradient", "anisotropy": 0.5}, "noise", "no mean over any"),
        ({"noise": "loss", "interpretation": "both"}, "interpretation", '"ito" or "stratonovich"'),
        ({"noise": "loss", "alpha": 1.5, "batch_scaling": "stable"}, "batch_scaling", "not that of a batch"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_key(model, where, words):
    with pytest.raises(StudyError) as caught:
        on_landscape(model)
    (complaint,) = caught.value.complaints
    assert complaint.where == f"models.m.{where}"
    assert words in complaint.expected


def test_large_and_single_precision_problems_are_refused_where_they_must_be():
    for model, landscape, dtype, where in (
        ({"noise": "hessian", "trace": 1.0}, LONG, "float64", "trace"),
        ({"noise": "hessian"}, WELL, "float32", "noise"),
        ({"noise": "function", "function": "f"}, WELL, "float32", "noise"),
    ):
        with pytest.raises(StudyError, match=rf"models\.m\.{where}"):
            on_landscape(model, landscape, dtype=dtype)
    on_landscape({"noise": "hessian-leading", "trace": 1.0}, LONG)
    on_landscape({"noise": "loss", "trace": 1.0}, dtype="float32")


def test_parts_of_the_gradient_covariance_need_samples():
    with pytest.raises(StudyError, match=r"models\.m\.noise"):
        study(model={"kind": "sde", "noise": "gradient-leading", "sampling": "fresh"}, samples="population")


def test_a_function_is_looked_for_where_those_of_landscapes_are(monkeypatch):
    monkeypatch.delenv("FASTSDE_ALLOW_CODE", raising=False)
    for function, words in (("absent", "no function of that name"), ("module:name", "FASTSDE_ALLOW_CODE=1")):
        s = on_landscape({"noise": "function", "function": function})
        with pytest.raises(StudyError, match=rf"(?s)models\.m\.function.*{words}"):
            check_code(s)
    assert "--device cpu" in obstacle(s)
    assert obstacle(on_landscape({"noise": "hessian"})) is None


def test_a_study_is_what_its_file_says_and_each_form_names_itself():
    summaries = set()
    for name, form in STATE_NOISES.items():
        keys = {key: "f" if key == "function" else 1.0 for key, needed in form.keys.items() if needed}
        model = Sde(noise=name, trace=0.5, **keys)
        assert form.equation
        assert "trace 0.5 at every state" in model.summary()
        summaries.add(model.summary())
    assert len(summaries) == len(STATE_NOISES)
    s = on_landscape({"noise": "loss", "strength": 0.5, "floor": -0.25, "interpretation": "stratonovich"})
    assert Study.from_toml(s.to_toml()) == s


def test_degrees_of_anisotropy_are_swept_and_summarised():
    s = study(
        model={"kind": "sde", "noise": "gradient", "batch": 2, "rotated": True},
        sweep={"models.m.anisotropy": [0, 0.25, 1.0], "models.m.alpha": [1.5, 2.0]},
    )
    assert sorted(model.anisotropy for model in s.models.values()) == [0, 0, 0.25, 0.25, 1, 1]
    found = {name: model.summary() for name, model in s.models.items()}
    assert "of covariance 0.75 tr(C)/p I + 0.25 Q C Q^T, C" in found["m-anisotropy0_25-alpha1_5"]
    assert "of covariance tr(C)/p I, C" in found["m-anisotropy0-alpha2"]
    assert "of covariance Q C Q^T, C" in found["m-anisotropy1-alpha2"]
    assert Study.from_toml(s.to_toml()) == s
    assert not Sde(noise="gradient", anisotropy=1.0).mixed
    assert Sde(noise="gradient", anisotropy=1.0).summary() == Sde(noise="gradient").summary()


def test_noise_of_given_size_keeps_it_under_a_schedule_and_that_of_a_batch_follows():
    assert Sde(noise="hessian").noise_exponent == 0.5
    assert Sde(noise="gradient-diagonal").noise_exponent == 1.0
    assert Sde(noise="gradient-diagonal", trace=1.0).noise_exponent == 0.5
    assert Sde(noise="hessian", alpha=1.5).noise_exponent == 1 / 1.5
    assert all(Sde(noise=name).multiplicative for name in ("loss", "hessian", "multiplicative"))
    assert not Sde(noise="isotropic", trace=1.0).multiplicative

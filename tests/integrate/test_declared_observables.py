"""Observables that a file outside the package declares, from the study to the files."""

import textwrap

import numpy as np
import pytest
from declared import imported, preserved
from studies import snapshots, study

import fastsde
from fastsde.run.description import contents
from fastsde.study.observable import OBSERVABLES, Observable, register
from fastsde.study.study import Study
from fastsde.system.errors import RequestError, StudyError

ONE_FILE = """
import numpy as np
from fastsde.study.observables import Observable, register

register(
    Observable(
        name="weight_norm",
        dims=(),
        units="1",
        long_name="Euclidean norm of all weights",
        measure=lambda snapshot: np.linalg.norm(snapshot.parameters, axis=1),
    )
)
register(
    Observable(
        name="norm_of_layer",
        dims=("layer",),
        sizes={"layer": lambda study: len(study.widths) - 1},
        long_name="Frobenius norm of each layer",
        measure=lambda snapshot: np.stack([np.linalg.norm(w, axis=(1, 2)) for w in snapshot.layers], axis=1),
    )
)
register(
    Observable(
        name="learned_modes",
        dims=(),
        kind="int64",
        long_name="number of modes above half of their strength",
        needs=(),
        measure=lambda snapshot: np.sum(snapshot.modes > snapshot.problem.mode_strength / 2, axis=1),
    )
)
"""


@pytest.fixture
def alone(monkeypatch):
    """Forget afterwards what a test declares."""
    preserved(monkeypatch, OBSERVABLES)


@pytest.fixture
def declared(alone, tmp_path):
    """Import a file of declarations."""
    imported(tmp_path / "norms.py", textwrap.dedent(ONE_FILE))


def test_they_depend_neither_on_the_trajectories_beside_them_nor_on_parts(declared):
    start = np.random.default_rng(1).normal(0, 0.5, (8, 20))
    a_study = study(model={"kind": "gd"}, steps=6, **record("weight_norm", "norm_of_layer"))
    alone, _ = snapshots(a_study, 1, first=3, start=start[3:4])
    beside = np.where(np.arange(8)[:, None] == 2, 1e3 * start, start)
    for starts in (start, beside):
        whole, _ = snapshots(a_study, 8, start=starts)
        for name, values in alone.items():
            np.testing.assert_array_equal(whole[name][:, 3], values[:, 0])


def declare(name, measure, **more):
    return register(Observable(name=name, long_name="a test", measure=measure, **more))


def record(*names):
    return {"record": {"observables": list(names)}}


def test_observables_of_a_file_go_from_the_study_to_the_ensemble(declared, tmp_path):
    file = tmp_path / "study.toml"
    names = ("loss", "weight_norm", "norm_of_layer", "learned_modes", "parameters")
    file.write_text(study(model={"kind": "gd"}, steps=3, **record(*names)).to_toml())
    a_study = Study.load(file)
    fastsde.run(a_study, tmp_path / "run", part_size=3)
    described = contents(tmp_path / "run")["models"]["m"]["variables"]
    assert set(names) <= set(described)
    with fastsde.open(tmp_path / "run") as ensemble:
        view = ensemble["m"]
        theta = view["parameters"]
        assert view["weight_norm"].shape == (4, 8)
        np.testing.assert_array_equal(view["weight_norm"], np.linalg.norm(theta, axis=-1))
        assert view["norm_of_layer"].shape == (4, 8, 2)
        squares = np.sum(view["norm_of_layer"] ** 2, axis=-1)
        np.testing.assert_allclose(squares, view["weight_norm"] ** 2, rtol=1e-12)
        assert view["learned_modes"].dtype == np.int64
        assert view["learned_modes"].min() >= 0


def test_diverged_trajectories_are_marked_in_them_too(declared):
    start = np.full((3, 20), 0.5)
    start[1] *= 1e3
    a_study = study(model={"kind": "gd"}, steps=6, **record("loss", "weight_norm", "learned_modes"))
    values, _ = snapshots(a_study, 3, start=start)
    assert np.isnan(values["weight_norm"][-1]).tolist() == [False, True, False]
    assert (values["learned_modes"][-1] == -1).tolist() == [False, True, False]


def test_landscapes_have_observables_of_parameters(declared):
    from landscape_studies import landscape_study

    a_study = landscape_study({"kind": "double-well"}, {"kind": "gd"}, **record("weight_norm", "parameters"))
    values, _ = snapshots(a_study, 3)
    np.testing.assert_array_equal(values["weight_norm"], np.linalg.norm(values["parameters"], axis=-1))


def test_what_is_not_declared_is_refused_with_the_nearest_name(declared):
    with pytest.raises(StudyError) as caught:
        study(**record("weight_norms"))
    assert "weight_norm, norm_of_layer" in str(caught.value)
    assert 'did you mean "weight_norm"?' in str(caught.value)


def test_values_of_another_shape_are_refused(alone):
    declare("wrong", lambda snapshot: snapshot.parameters)
    with pytest.raises(RequestError, match="wrong has values of shape"):
        snapshots(study(**record("wrong")), 2)


@pytest.mark.parametrize("need", ["noise_trace", "update_noise", "curvature", "rates", "parameters"])
def test_reading_what_is_not_in_needs_is_refused_although_another_observable_needs_it(alone, need):
    declare("greedy", lambda snapshot: getattr(snapshot, need), needs=())
    others = ("noise_trace", "update_noise", "hessian_min", "mode_drift", "parameters")
    with pytest.raises(RequestError, match=rf'needs=\("{need}",\)'):
        snapshots(study(**record(*others, "greedy")), 2)


def test_a_check_of_an_observable_refuses_a_study(alone):
    from fastsde.study.fields import Fault

    def check(a_study):
        if a_study.dtype == "float32":
            yield Fault(("record", "observables"), "picky", "float64")

    declare("picky", lambda snapshot: snapshot.loss, check=check)
    study(**record("picky"))
    with pytest.raises(StudyError, match="float64"):
        study(dtype="float32", **record("picky"))


def test_an_observable_of_networks_is_refused_on_a_landscape(alone):
    from landscape_studies import landscape_study

    declare("of_layers", lambda snapshot: snapshot.loss, objectives=("network",))
    with pytest.raises(StudyError, match="the study has a landscape"):
        landscape_study({"kind": "double-well"}, {"kind": "gd"}, **record("of_layers"))


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("loss", {}, "take another name"),
        ("Norm", {}, "small letters"),
        ("time", {}, "something else"),
        ("diverged_step", {}, "something else"),
        ("norm", {"dims": ("layer",)}, "dims is a tuple of"),
        ("norm", {"dims": ("level",), "sizes": {"level": len}}, "something else"),
        ("norm", {"needs": ("hessian",)}, "needs is a tuple of"),
        ("norm", {"needs": "curvature"}, "needs is a tuple of"),
        ("norm", {"objectives": ("data",)}, "objectives is a tuple of"),
        ("norm", {"objectives": ("network",), "default_for": ("landscape",)}, "default_for is a tuple of"),
        ("norm", {"kind": "float16"}, "kind is one of"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(alone, name, more, message):
    with pytest.raises(ValueError, match=message):
        declare(name, lambda snapshot: snapshot.loss, **more)

"""More steps, trajectories or models: only what is new is computed, and it agrees to the bit."""

import numpy as np
import pytest
from studies import study

import fastsde
import fastsde.system.errors
from fastsde.integrate import integration
from fastsde.run import worker
from fastsde.system.errors import StoreError, StudyError

RECORD = {"observables": ["loss", "modes", "update_noise", "parameters"]}
EVENTS = {"every": 7, "loss_below": [1.5, 1e-3], "mode_learned": [0.3, 0.8]}
MODELS = {
    "sgd": {"kind": "sgd"},
    "sde": {"kind": "sde", "noise": "gradient", "substeps": 2},
    "levy": {"kind": "sde", "noise": "gradient", "alpha": 1.5, "substeps": 2},
}

FEW = ("sgd",)
"""Where it does not matter what a model computes."""


def base(models=("sgd", "sde", "levy"), **more):
    time = {"steps": 40, "snapshots": {"at": [0, 3, 10, 25]}} | more.pop("time", {})
    s = study(rate=0.02, record=RECORD, events=EVENTS, trajectories=20, time=time, **more)
    return fastsde.Study.from_mapping(s.to_mapping() | {"models": {name: MODELS[name] for name in models}})


def same(one, other):
    with fastsde.open(one) as a, fastsde.open(other) as b:
        assert a.names == b.names
        for name in b:
            np.testing.assert_array_equal(a[name].step, b[name].step)
            for variable in b[name].variables:
                np.testing.assert_array_equal(a[name][variable], b[name][variable], err_msg=variable)


@pytest.fixture
def computed(monkeypatch):
    """What is integrated: (model, first, count, step from which it goes on)."""
    calls = []

    def count(study, name, first, number, *, resume=None, **more):
        calls.append((name, first, number, 0 if resume is None else resume.step))
        return integrate(study, name, first, number, resume=resume, **more)

    integrate = integration.integrate
    monkeypatch.setattr(worker, "_integration", lambda: count)
    return calls


def test_more_steps(tmp_path, computed):
    longer = base(time={"steps": 95, "snapshots": {"at": [0, 3, 10, 25, 60]}})
    fastsde.run(base(), tmp_path / "run", part_size=8)
    computed.clear()
    fastsde.run(longer, tmp_path / "run")
    assert sorted(computed) == [
        (name, first, count, 40 * (1 if name == "sgd" else 2))
        for name in ("levy", "sde", "sgd")
        for first, count in ((0, 8), (8, 8), (16, 4))
    ]
    fastsde.run(longer, tmp_path / "alone")
    same(tmp_path / "run", tmp_path / "alone")


def test_fewer_snapshots_than_before(tmp_path):
    longer = base(FEW, time={"steps": 95, "snapshots": {"at": [0, 10, 60]}})
    fastsde.run(base(FEW), tmp_path / "run")
    fastsde.run(longer, tmp_path / "run")
    fastsde.run(longer, tmp_path / "alone")
    same(tmp_path / "run", tmp_path / "alone")


def test_steps_trajectories_and_models_at_once(tmp_path):
    longer = base(time={"steps": 70}).replace(trajectories=33)
    fastsde.run(base(("sgd", "levy")), tmp_path / "run", part_size=8)
    fastsde.run(longer, tmp_path / "run", part_size=8)
    fastsde.run(longer, tmp_path / "alone")
    same(tmp_path / "run", tmp_path / "alone")


def test_a_new_model_is_all_that_is_computed(tmp_path, computed):
    fastsde.run(base(("sgd", "levy")), tmp_path / "run")
    computed.clear()
    fastsde.run(base(), tmp_path / "run")
    assert computed == [("sde", 0, 20, 0)]
    fastsde.run(base(), tmp_path / "alone")
    same(tmp_path / "run", tmp_path / "alone")


def test_divergences_and_passages_at_the_old_end_are_those_of_the_long_run(tmp_path):
    """Around the end of the short run trajectories diverge and levels are passed; it looks every 7th step."""
    wild = {"rate": 0.25, "widths": (3, 4, 2)}
    models = {"sgd": {"kind": "sgd"}, "gd": {"kind": "gd"}}
    for steps in range(6, 13):
        time = {"snapshots": {"at": [0, 3, 6]}}
        short = study(steps=steps, record=RECORD, events=EVENTS, trajectories=60, time=time, **wild)
        short = fastsde.Study.from_mapping(short.to_mapping() | {"models": models})
        longer = short.replace(time={"steps": 20})
        fastsde.run(short, tmp_path / f"run{steps}")
        fastsde.run(longer, tmp_path / f"run{steps}")
        if steps == 6:
            fastsde.run(longer, tmp_path / "alone")
        same(tmp_path / f"run{steps}", tmp_path / "alone")
    with fastsde.open(tmp_path / "alone") as a:
        assert 0 < a["sgd"].diverged.mean() < 1


@pytest.mark.parametrize("spacing", ["log", "linear"])
def test_extended_keeps_the_spacing(tmp_path, spacing):
    short = base(FEW, time={"steps": 40, "snapshots": {"count": 9, "spacing": spacing}})
    longer = short.extended(100)
    steps, before = longer.time.snapshot_steps(), short.time.snapshot_steps()
    np.testing.assert_array_equal(steps[:9], before)
    assert len(steps) > 10
    assert steps[-1] == 100
    if spacing == "linear":
        np.testing.assert_array_equal(np.diff(steps), [5] * 20)
    else:
        ratios = steps[9:-1] / steps[8:-2]
        np.testing.assert_allclose(ratios, 40 ** (1 / 7), rtol=0.02)
    assert short.extended(40) == short
    with pytest.raises(StudyError, match=r"time\.steps(.|\n)*longer, not shorter"):
        short.extended(39)
    fastsde.run(short, tmp_path / "run")
    fastsde.run(longer, tmp_path / "run")
    fastsde.run(longer, tmp_path / "alone")
    same(tmp_path / "run", tmp_path / "alone")


def test_a_snapshot_that_was_not_taken_is_named(tmp_path):
    fastsde.run(base(FEW), tmp_path)
    with pytest.raises(StoreError, match="no snapshot at step 4"):
        fastsde.run(base(FEW, time={"steps": 95, "snapshots": {"at": [0, 4, 60]}}), tmp_path)


def test_a_run_cannot_be_made_shorter(tmp_path):
    fastsde.run(base(FEW), tmp_path)
    with pytest.raises(StoreError, match="extended, but not shortened"):
        fastsde.run(base(FEW, time={"steps": 30}), tmp_path)


def test_parts_without_a_state_cannot_go_on_and_say_so(tmp_path):
    fastsde.run(base(FEW), tmp_path, keep_state=False)
    with pytest.raises(StoreError, match="--keep-state"):
        fastsde.run(base(FEW, time={"steps": 95}), tmp_path)


def test_an_extension_that_is_stopped_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(integration, "SLICE_SECONDS", 0.0)
    two = ("sgd", "levy")
    longer = base(two, time={"steps": 90, "snapshots": {"at": [0, 3, 10, 25, 60]}})
    fastsde.run(base(two), tmp_path / "run", part_size=8)
    for polls in (3, 20, 30):
        stop = iter(range(polls)).__next__

        def asked(stop=stop):
            try:
                stop()
            except StopIteration:
                return True
            return False

        with pytest.raises(fastsde.system.errors.Interrupted):
            fastsde.run(longer, tmp_path / "run", stop=asked, checkpoint_seconds=0.0)
    fastsde.run(longer, tmp_path / "run", checkpoint_seconds=0.0)
    fastsde.run(longer, tmp_path / "alone")
    same(tmp_path / "run", tmp_path / "alone")
    assert not (tmp_path / "run" / "unfinished").exists()

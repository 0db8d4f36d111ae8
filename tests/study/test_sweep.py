"""Sweeps: every combination once, independent seeds, and clear words for what is wrong."""

import pytest
from study_files import TEXT

from fastsde.study.study import Study
from fastsde.study.sweep import cases_of, load_cases
from fastsde.system.errors import StudyError

MODELS = '\n[sweep]\n"models.sde.alpha" = [1.5, 2.0]\n"models.sde.substeps" = [2, 4]\n'
SHARED = """
[sweep]
"time.learning_rate" = [1e-3, 2e-3]
data.seed = [5, 6, 7]
models.langevin.substeps = [1, 2]
"""


def cases(text, tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(TEXT + text)
    return load_cases(path)


def test_models_are_unfolded_in_place_in_the_order_of_their_values():
    study = Study.from_toml(TEXT + MODELS)
    names = [f"sde-alpha{alpha}-substeps{n}" for alpha in ("1_5", "2") for n in (2, 4)]
    assert list(study.models) == ["sgd", "langevin", *names]
    assert [(study.models[n].alpha, study.models[n].substeps) for n in names] == [
        (1.5, 2),
        (1.5, 4),
        (2, 2),
        (2, 4),
    ]
    assert "sweep" not in study.to_toml()
    assert Study.from_toml(study.to_toml()) == study


def test_a_study_without_a_sweep_is_one_case(tmp_path):
    (case,) = cases("", tmp_path)
    assert case.name == ""
    assert case.study == Study.from_toml(TEXT)
    (case,) = cases(MODELS, tmp_path)
    assert case.study == Study.from_toml(TEXT + MODELS)


def test_what_all_models_share_makes_cases_with_seeds_of_their_own(tmp_path):
    found = cases(SHARED, tmp_path)
    assert [c.name for c in found] == [f"learning_rate0_00{r}-seed{s}" for r in (1, 2) for s in (5, 6, 7)]
    assert [(c.study.time.learning_rate, c.study.data.seed) for c in found] == [
        (r, s) for r in (1e-3, 2e-3) for s in (5, 6, 7)
    ]
    assert len({c.study.seed for c in found}) == 6
    assert found[0].values == {"time.learning_rate": 1e-3, "data.seed": 5}
    assert all(
        list(c.study.models) == ["sgd", "langevin-substeps1", "langevin-substeps2", "sde"] for c in found
    )
    again = cases(SHARED, tmp_path)
    assert [c.study for c in again] == [c.study for c in found]


def test_data_keep_the_seed_of_the_file_unless_it_is_swept(tmp_path):
    found = cases('\n[sweep]\n"time.steps" = [500, 600]\n', tmp_path)
    assert {c.study.data.seed for c in found} == {3}
    assert 3 not in {c.study.seed for c in found}
    found = cases("\n[sweep]\nseed = [8, 9]\n", tmp_path)
    assert [c.study.seed for c in found] == [8, 9]


@pytest.mark.parametrize(
    ("table", "where", "expected"),
    [
        ('"models.sde.alpha" = 1.5', "sweep.models.sde.alpha", "a list"),
        ('"models.sde.alpha" = []', "sweep.models.sde.alpha", "a list"),
        ('"models.sde.alpha" = [1.5, 1.5]', "sweep.models.sde.alpha", "distinct"),
        ('"models.nobody.alpha" = [1.5]', "sweep.models.nobody.alpha", "a key in an existing table"),
        ('"models.sde" = [1]', "sweep.models.sde", "a key in an existing table"),
        ('"models.sde.alpha" = [1.5, 2.5]', "models.sde-alpha2_5.alpha", "at most 2"),
        ('"models.sde.alpah" = [1.5]', "sweep.models.sde.alpah", "a valid key"),
        (f'"models.sde.substeps" = {list(range(1, 1002))}', "sweep", "at most 1000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_stands(table, where, expected):
    with pytest.raises(StudyError) as caught:
        Study.from_toml(f"{TEXT}\n[sweep]\n{table}\n")
    assert where in [complaint.where for complaint in caught.value.complaints]
    assert expected in str(caught.value)


def test_what_models_share_needs_its_own_command():
    with pytest.raises(StudyError, match="fastsde sweep"):
        Study.from_toml(TEXT + SHARED)


def test_a_wrong_combination_is_named(tmp_path):
    with pytest.raises(StudyError, match="learning_rate-1"):
        cases('\n[sweep]\n"time.learning_rate" = [1e-3, -1]\n', tmp_path)
    with pytest.raises(StudyError, match=r"sweep\.toml: 1 problem"):
        cases("\nbroken", tmp_path)


def test_a_sweep_of_a_study_without_models():
    with pytest.raises(StudyError, match=r"models\n"):
        Study.from_mapping({"sweep": {}})


def test_a_sweep_that_is_no_table():
    with pytest.raises(StudyError, match="a table of lists"):
        cases_of({"sweep": 3})


BARE = {
    "trajectories": 4,
    "network": {"widths": [2, 3, 2], "init": {"std": 0.1}},
    "data": {"samples": 8, "teacher": {"singular_values": [2.0, 1.0]}},
    "time": {"learning_rate": 0.01, "steps": 100},
    "models": {
        "sgd": {"kind": "sgd", "batch": 2},
        "gd": {"kind": "gd"},
        "sde": {"kind": "sde", "noise": "gradient"},
        "own": {"kind": "sde", "noise": "gradient", "batch": 3},
        "matched": {"kind": "sde", "noise": "isotropic"},
        "warm": {"kind": "sde", "noise": "isotropic", "temperature": 0.1},
        "svag": {"kind": "svag", "substeps": 2},
    },
}


def batches(study):
    return {name: model.batch for name, model in study.models.items() if hasattr(model, "batch")}


def test_models_without_a_batch_follow_that_of_the_reference_also_when_it_is_swept():
    following = ["sgd", "sde", "matched", "warm", "svag"]
    assert batches(Study.from_mapping(BARE)) == dict.fromkeys(following, 2) | {"own": 3}
    found = cases_of(BARE | {"sweep": {"models.sgd.batch": [1, 4]}})
    assert [case.name for case in found] == ["batch1", "batch4"]
    for case, batch in zip(found, (1, 4), strict=True):
        assert batches(case.study) == dict.fromkeys(following, batch) | {"own": 3}
        assert f"batch {batch} " in case.study.models["sde"].summary()
        assert f"batch {batch} " in case.study.models["matched"].summary()
        assert case.swept == ("models.sgd.batch",)
    with pytest.raises(
        StudyError, match=r"models.matched, models.svag would use this batch[^$]*fastsde sweep"
    ):
        Study.from_mapping(BARE | {"sweep": {"models.sgd.batch": [1, 4]}})


def test_a_swept_batch_that_nobody_follows_stays_in_one_study():
    models = {name: BARE["models"][name] for name in ("sgd", "gd", "own", "warm")}
    study = Study.from_mapping(BARE | {"models": models, "sweep": {"models.sgd.batch": [1, 4]}})
    assert list(study.models) == ["sgd-batch1", "sgd-batch4", "gd", "own", "warm"]
    both = {"models.sgd.batch": [1, 4], "models.sde.batch": [1, 4]}
    models = {name: BARE["models"][name] for name in ("sgd", "sde")}
    study = Study.from_mapping(BARE | {"models": models, "sweep": both})
    assert batches(study) == {"sgd-batch1": 1, "sgd-batch4": 4, "sde-batch1": 1, "sde-batch4": 4}


def test_a_star_sets_every_model_that_has_the_key():
    found = cases_of(BARE | {"sweep": {"models.*.batch": [1, 4]}})
    assert [set(batches(case.study).values()) for case in found] == [{1}, {4}]
    found = cases_of(BARE | {"sweep": {"models.*.substeps": [1, 3]}})
    assert {n: m.substeps for n, m in found[1].study.models.items() if n != "sgd"} == dict.fromkeys(
        ["gd", "sde", "own", "matched", "warm", "svag"], 3
    )


@pytest.mark.parametrize(
    ("sweep", "expected"),
    [
        ({"models.*.batch": [1], "models.sde.batch": [2]}, "but not both"),
        ({"models.sde.batch": [2], "models.*.batch": [1]}, "but not both"),
        ({"models.*.bacth": [1]}, "a key in an existing table"),
        ({"models.*": [1]}, "a key in an existing table"),
    ],
)
def test_a_star_that_means_nothing_is_refused(sweep, expected):
    with pytest.raises(StudyError, match=expected):
        cases_of(BARE | {"sweep": sweep})


def test_models_made_in_code_follow_the_batch_as_those_of_a_file_do():
    from fastsde.study.models import Sde, Sgd

    models = {"sgd": Sgd(batch=2), "sde": Sde(noise="gradient"), "own": Sde(noise="gradient", batch=3)}
    assert batches(Study.from_mapping(BARE | {"models": models})) == {"sgd": 2, "sde": 2, "own": 3}

"""Sweeps: every combination once, independent seeds, and clear words for what is wrong."""

import pytest
from study_files import TEXT

from fastsde.errors import StudyError
from fastsde.study import Study
from fastsde.sweep import cases_of, load_cases

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
    ("table", "where", "allowed"),
    [
        ('"models.sde.alpha" = 1.5', "sweep.models.sde.alpha", "a list"),
        ('"models.sde.alpha" = []', "sweep.models.sde.alpha", "a list"),
        ('"models.sde.alpha" = [1.5, 1.5]', "sweep.models.sde.alpha", "different"),
        ('"models.nobody.alpha" = [1.5]', "sweep.models.nobody.alpha", "a key of the study"),
        ('"models.sde" = [1]', "sweep.models.sde", "a key of the study"),
        ('"models.sde.alpha" = [1.5, 2.5]', "models.sde-alpha2_5.alpha", "at most 2"),
        ('"models.sde.alpah" = [1.5]', "sweep.models.sde.alpah", "a key"),
        (f'"models.sde.substeps" = {list(range(1, 1002))}', "sweep", "at most 1000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_stands(table, where, allowed):
    with pytest.raises(StudyError) as caught:
        Study.from_toml(f"{TEXT}\n[sweep]\n{table}\n")
    assert where in [complaint.where for complaint in caught.value.complaints]
    assert allowed in str(caught.value)


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

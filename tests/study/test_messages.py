"""Messages of the study file: what is misspelt, misplaced or absurd, and what to write in its place."""

from __future__ import annotations

import numpy as np
import pytest
from study_files import TEXT, spoiled

from fastsde.storage.schema import observables
from fastsde.study.keys import keys_of, misspelt, nearest, tables, tags_of
from fastsde.study.models import Sde, Sgd
from fastsde.study.study import Study
from fastsde.study.sweep import cases_of
from fastsde.study.tables import Data, Network
from fastsde.system.errors import Complaint, StudyError

LANDSCAPE = """
trajectories = 4
landscape = { kind = "double-well" }
time = { learning_rate = 0.1, steps = 10 }
models.gd = { kind = "gd" }
"""


GAUSSIAN = 'init = { kind = "gaussian", gamma = 2.0 }'


def refused(text: str) -> list[Complaint]:
    with pytest.raises(StudyError) as caught:
        Study.from_toml(text)
    return list(caught.value.complaints)


SPELLING = [
    (('kind = "sgd"', 'knd = "sgd"'), "models.sgd.knd", 'did you mean "kind"?'),
    (('kind = "sgd"', 'kind = "sdg"'), "models.sgd.kind", 'did you mean "sgd"?'),
    (('kind = "sgd"', 'kind = "SGD"'), "models.sgd.kind", 'did you mean "sgd"?'),
    (
        ('kind = "gaussian", gamma', 'kind = "gausian", gamma'),
        "network.init.kind",
        'did you mean "gaussian"?',
    ),
    (('"gaussian", whiten', '"studentt", whiten'), "data.inputs.kind", 'did you mean "student-t"?'),
    (
        ('noise = "gradient"', 'noise = "gradient"\ndt = "learning_rate"'),
        "models.sde.dt",
        'did you mean "learning-rate"?',
    ),
    (
        ('noise = "gradient"', 'noise = "gradient"\ndtt = "learning-rate"'),
        "models.sde.dtt",
        'did you mean "dt"?',
    ),
    (('noise = "gradient"', 'noise = "Gradient"'), "models.sde.noise", 'did you mean "gradient"?'),
    (("trajectories = 64", "trajectries = 64"), "trajectries", 'did you mean "trajectories"?'),
    (("[time]", "[tme]"), "tme", 'did you mean "time"?'),
    (("learning_rate = 1e-3", "learning-rate = 1e-3"), "time.learning-rate", 'did you mean "learning_rate"?'),
]


@pytest.mark.parametrize(("change", "where", "fix"), SPELLING)
def test_what_is_misspelt_is_complained_of_once_with_the_right_spelling(change, where, fix):
    (complaint,) = refused(spoiled(change))
    assert (complaint.where, complaint.fix) == (where, fix)


@pytest.mark.parametrize(
    ("sweep", "where", "fix"),
    [
        ('[sweeps]\n"models.sde.alpha" = [1, 2]', "sweeps", '"sweep"'),
        ('[sweep]\n"models.sde.alhpa" = [1, 2]', "sweep.models.sde.alhpa", '"models.sde.alpha"'),
        ('[sweep]\n"models.sd.alpha" = [1, 2]', "sweep.models.sd.alpha", '"models.sde.alpha"'),
        ('[sweep]\n"modles.sde.alpha" = [1, 2]', "sweep.modles.sde.alpha", '"models.sde.alpha"'),
        ('[sweep]\n"models.sgd.bath" = [1, 2]', "sweep.models.sgd.bath", '"models.sgd.batch"'),
        ('[sweep]\n"time.learning_rat" = [1, 2]', "sweep.time.learning_rat", '"time.learning_rate"'),
        ('[sweep]\n"tim.learning_rate" = [1, 2]', "sweep.tim.learning_rate", '"time.learning_rate"'),
    ],
)
def test_misspelt_sweeps_are_named(sweep, where, fix):
    (complaint,) = refused(f"{TEXT}\n{sweep}")
    assert complaint.where == where
    assert complaint.fix == f"did you mean {fix}?"


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("alpha", 'write "models.langevin.alpha" or "models.*.alpha" for all models that have it'),
        ("learning_rate", 'write "time.learning_rate"'),
        ("samples", 'write "data.samples"'),
    ],
)
def test_a_swept_key_without_its_table_gets_one(key, fix):
    (complaint,) = refused(f"{TEXT}\n[sweep]\n{key} = [1, 2]")
    assert (complaint.where, complaint.fix) == (f"sweep.{key}", fix)


def test_a_sweep_of_a_misspelt_key_is_one_problem_not_one_for_each_value():
    document = {**Study.from_toml(TEXT).to_mapping(), "sweep": {"time.learning_rat": [1.0, 2.0, 3.0]}}
    with pytest.raises(StudyError) as caught:
        cases_of(document)
    assert [complaint.where for complaint in caught.value.complaints] == ["sweep.time.learning_rat"]


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("langevin", 'write kind = "sde", noise = "isotropic"'),
        ("Langevin", 'write kind = "sde", noise = "isotropic"'),
        ("levy", 'write kind = "sde", noise = "gradient", alpha = 1.8'),
        ("gradient-flow", 'write kind = "gd", substeps = 8'),
    ],
)
def test_kinds_by_another_name_are_told_what_to_write(kind, written):
    (complaint,) = refused(spoiled(('kind = "sgd"', f'kind = "{kind}"')))
    assert (complaint.where, complaint.fix) == ("models.sgd.kind", written)


def test_what_the_synonyms_offer_is_valid():
    for path, table in tables(Study):
        if path == ("models", "*"):
            for written in table.synonyms.values():
                lines = written.replace(", ", "\n")
                Study.from_toml(spoiled(('kind = "sde"\nnoise = "gradient"', lines)))


@pytest.mark.parametrize(
    ("change", "where", "fix"),
    [
        (('loss = "mean"', 'activation = "relu"'), "network.activation", "this network is linear"),
        (("seed = 3", 'activation = "relu"'), "activation", 'move it to [landscape] with kind = "mlp"'),
        (("seed = 3", "learning_rate = 1"), "learning_rate", "move it to [time]"),
        (("batch = 2", "batch = 2\nlearning_rate = 1"), "models.sgd.learning_rate", "move it to [time]"),
        (("batch = 2", "batch = 2\nalpha = 1"), "models.sgd.alpha", 'only kind = "sde" has this key'),
        (("batch = 2", "batch = 2\nsubsteps = 4"), "models.sgd.substeps", 'kind = "svag" has'),
        (("batch = 2", "batch = 2\ndt = 1"), "models.sgd.dt", "one time.learning_rate"),
        (("steps = 1_000", "steps = 1_000\nepochs = 3"), "time.epochs", "write steps"),
    ],
)
def test_misplaced_keys_are_told_where_they_belong(change, where, fix):
    (complaint,) = refused(spoiled(change))
    assert complaint.where == where
    assert fix in complaint.fix


def test_a_misspelt_landscape_does_not_ask_for_a_network():
    (complaint,) = refused(spoiled(("landscape =", "landscap ="), text=LANDSCAPE))
    assert (complaint.where, complaint.fix) == ("landscap", 'did you mean "landscape"?')
    missing = refused(spoiled(('landscape = { kind = "double-well" }\n', ""), text=LANDSCAPE))
    assert {one.where: one.fix for one in missing} == dict.fromkeys(
        ("network", "data"), "add it, or a [landscape] in place of network and data"
    )


ABSURD = [
    (("1e-3", "1e30"), "time.learning_rate"),
    (("1_000", "1e30"), "time.steps"),
    (("trajectories = 64", "trajectories = 1e30"), "trajectories"),
    (("samples = 12", "samples = 1e30"), "data.samples"),
    (("[4, 3]", "[1e30, 3]"), "data.teacher.singular_values[0]"),
    (("gamma = 2.0", "std = 1e30"), "network.init.std"),
    (("gamma = 2.0", "gamma = 1e30"), "network.init.gamma"),
    (("[3, 5, 2]", "[3, 1e30, 2]"), "network.widths[1]"),
    (("label_noise = 0.5", "label_noise = 1e30"), "data.label_noise.scale"),
    (("batch = 2", "batch = 1e30"), "models.sgd.batch"),
    (("batch = 2", "batch = 2\nweight_decay = 1e30"), "models.sgd.weight_decay"),
    (('"isotropic"', '"isotropic"\ntemperature = 1e30'), "models.langevin.temperature"),
    (('"isotropic"', '"isotropic"\nsubsteps = 1e30'), "models.langevin.substeps"),
    (('"gradient"', '"gradient"\nalpha = 1.5\ntempering = 1e30'), "models.sde.tempering"),
    (("[time]", "[events]\nloss_below = [1e30]\n[time]"), "events.loss_below[0]"),
]


@pytest.mark.parametrize(("change", "where"), ABSURD)
def test_absurd_magnitudes_are_refused_with_the_bound(change, where):
    (complaint,) = refused(spoiled(change))
    assert complaint.where == where
    assert any(bound in complaint.expected for bound in ("1e15", "2^", "4096", "100"))


@pytest.mark.parametrize("landscape", ['"double-well", height = 1e30', '"saddle", eigenvalues = [-1e30]'])
def test_absurd_landscapes_are_refused(landscape):
    (complaint,) = refused(spoiled(('"double-well"', landscape), text=LANDSCAPE))
    assert "1e15" in complaint.expected


def test_a_matrix_that_is_not_symmetric_points_to_rotation():
    text = spoiled(('"double-well"', '"quadratic", matrix = [[1, 2], [0, 1]]'), text=LANDSCAPE)
    (complaint,) = refused(text)
    assert "[[1.0, 1.0], [1.0, 1.0]]" in complaint.fix
    assert "models.NAME.rotation" in complaint.fix


def test_a_landscape_without_samples_is_not_told_where_to_match_a_temperature():
    text = spoiled(('kind = "gd"', 'kind = "sde", noise = "isotropic"'), text=LANDSCAPE)
    assert [one.where for one in refused(text)] == ["models.gd.temperature"]


def test_a_study_in_code_is_refused_in_the_words_of_a_file():
    wrong = {**Study.from_toml(TEXT).to_mapping(), "trajectories": 0, "bacth": 3}
    with pytest.raises(StudyError) as in_code:
        Study(**wrong)
    with pytest.raises(StudyError) as in_file:
        Study.from_mapping(wrong)
    assert in_code.value.complaints == in_file.value.complaints
    assert {one.where for one in in_code.value.complaints} == {"trajectories", "bacth"}


def test_a_study_in_code_takes_sections_and_numbers_of_numpy():
    plain = Study.from_toml(TEXT).to_mapping()
    made = Study(
        **{
            **plain,
            "trajectories": np.int64(64),
            "network": Network(widths=(3, 5, 2), init={"kind": "gaussian", "gamma": 2.0}),
            "models": {"sgd": Sgd(batch=2, sampling="replacement"), "sde": Sde(noise="gradient")},
        }
    )
    assert (made.models["sde"].batch, made.models["sde"].sampling) == (2, "replacement")
    teacher = {"singular_values": np.array([4.0, 3.0])}
    fresh = Study(**{**plain, "data": Data(samples="population", teacher={"singular_values": [4.0, 3.0]}),
                     "models": {"sgd": Sgd()}})  # fmt: skip
    assert (fresh.models["sgd"].sampling, fresh.data.seed) == ("fresh", 3)
    assert Study(**{**plain, "data": {"samples": 12, "teacher": teacher}}).data.teacher.singular_values == (
        4,
        3,
    )


@pytest.mark.parametrize(("steps", "count"), [(10, 11), (1, 2), (15, 16), (16, 16), (1000, 16)])
def test_more_snapshots_than_steps_are_lowered(steps, count):
    study = Study.from_toml(spoiled(("1_000", str(steps))))
    assert study.time.snapshots.count == count
    assert len(study.time.snapshot_steps()) == count
    default = Study.from_toml(spoiled(("1_000", str(steps)), ("snapshots =", "# snapshots =")))
    assert default.time.snapshots.count == min(64, steps + 1)
    assert Study.from_toml(study.to_toml()) == study


def test_nearest_ignores_case_and_hyphens():
    assert nearest("Learning Rate", ["steps", "learning_rate"]) == "learning_rate"
    assert nearest("zzz", ["steps"]) == ""


def test_every_key_of_every_table_is_found_along_its_path():
    """Negative control: the same path with another last key is not."""
    for path, table in tables(Study):
        where = tuple("sgd" if key == "*" else key for key in path)
        tag = next(iter(tags_of(table)), None)
        document: dict = {}
        here = document
        for key in where:
            here = here.setdefault(key, {})
        if tag is not None:
            here["kind"] = tag
        for key in keys_of(table):
            assert misspelt(Study, document, (*where, key)) is None
        assert misspelt(Study, document, (*where, "zzz")) == ("zzz", "")


@pytest.mark.parametrize(
    "change",
    [
        (("[models.sgd]", "[models.problem]"),),
        ((GAUSSIAN, 'init = { kind = "values", layers = [[[1.0, 2.0]], [[1.0]]] }'),),
    ],
)
def test_no_words_of_a_sentence_are_offered_as_a_spelling(change):
    """What is offered is a value or a key that the file may have, not a piece of what is expected."""
    for complaint in refused(spoiled(*change)):
        assert "did you mean" not in complaint.fix


def test_a_misspelt_observable_gets_its_spelling():
    (complaint,) = refused(spoiled(("seed = 3", 'seed = 3\nrecord = { observables = ["los"] }')))
    assert complaint.fix == 'did you mean "loss"?'


@pytest.mark.parametrize("text", [TEXT, LANDSCAPE], ids=["network", "landscape"])
def test_an_observable_of_another_objective_is_refused_where_it_is_asked_for(text):
    study = Study.from_toml(text)
    recorded, refusals = 0, []
    for name in observables():
        try:
            study.replace(record={"observables": [name]})
            recorded += 1
        except StudyError as error:
            refusals.extend(error.complaints)
    assert recorded
    assert refusals
    assert {complaint.where.split("[")[0] for complaint in refusals} == {"record.observables"}

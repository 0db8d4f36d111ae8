from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from study_files import POPULATION, TEXT, changed, spoiled

from fastsde.study.study import Study
from fastsde.study.sweep import load_cases
from fastsde.system.errors import Complaint, FastsdeError, Interrupted, StudyError

EXAMPLES = Path(__file__).parents[2] / "examples"


def refusals(text: str) -> dict[str, Complaint]:
    with pytest.raises(StudyError) as caught:
        Study.from_toml(text, "x.toml")
    complaints = {complaint.where: complaint for complaint in caught.value.complaints}
    assert len(complaints) == len(caught.value.complaints)
    return complaints


@pytest.mark.parametrize("text", [TEXT, POPULATION])
def test_toml_round_trip_is_identical(text):
    study = Study.from_toml(text)
    again = Study.from_toml(study.to_toml())
    assert again == study
    assert again.to_toml() == study.to_toml()
    assert again.fingerprint() == study.fingerprint()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_examples_are_valid(path):
    for case in load_cases(path):
        assert Study.from_toml(case.study.to_toml()) == case.study


def test_defaults_are_resolved_across_tables():
    study = Study.from_toml(TEXT)
    assert study.data.seed == 3
    assert list(study.models) == ["sgd", "langevin", "sde"]
    assert {(m.batch, m.sampling) for m in study.models.values()} == {(2, "replacement")}
    population = Study.from_toml(POPULATION)
    assert population.data.seed == population.seed == 0
    assert population.models["sgd"].sampling == "fresh"
    assert len(study.record.observables) == 8
    assert study.events.mode_learned == (0.5,)


def test_an_sde_may_differ_from_the_sgd():
    study = changed(('noise = "gradient"', 'noise = "gradient"\nbatch = 5\nsampling = "epoch"'))
    assert (study.models["sde"].batch, study.models["sde"].sampling) == (5, "epoch")
    assert study.models["langevin"].batch == 2


def test_an_sde_without_sgd_models_single_samples():
    table = '[models.sgd]\nkind = "sgd"\nbatch = 2\nsampling = "replacement"\n'
    study = changed((table, ""))
    assert (study.models["sde"].batch, study.models["sde"].sampling) == (1, "epoch")


def test_a_study_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Study.from_toml(TEXT).seed = 1


def test_whole_floats_count_as_integers():
    assert changed(("1_000", "1e3")).time.steps == 1000


def test_fingerprint_ignores_only_the_number_of_trajectories():
    study = Study.from_toml(TEXT)
    assert study.replace(trajectories=65).fingerprint() == study.fingerprint()
    others = [
        study.replace(seed=4),
        study.replace(time={"steps": 1001}),
        study.replace(dtype="float32"),
        study.replace(record={"observables": ["loss"]}),
        study.replace(models={"sde": {"kind": "sde", "noise": "gradient", "substeps": 9}}),
    ]
    assert len({study.fingerprint(), *(other.fingerprint() for other in others)}) == 6


def test_replace_checks_and_leaves_the_original():
    study = Study.from_toml(TEXT)
    assert study.replace(time={"steps": 50}).time.learning_rate == study.time.learning_rate
    assert study.time.steps == 1000
    with pytest.raises(StudyError, match=r"time\.steps"):
        study.replace(time={"steps": 0})


@pytest.mark.parametrize("spacing", ["log", "linear"])
@pytest.mark.parametrize(("count", "steps"), [(2, 1), (3, 2), (16, 15), (16, 17), (64, 20_000), (5, 2**40)])
def test_snapshots_are_as_many_as_asked_and_increase(spacing, count, steps):
    snapshots = f'{{ count = {count}, spacing = "{spacing}" }}'
    study = changed(('{ count = 16, spacing = "log" }', snapshots), ("1_000", str(steps)))
    found = study.time.snapshot_steps()
    assert found.dtype == np.int64
    assert (found[0], found[-1], len(found)) == (0, steps, count)
    assert np.all(np.diff(found) > 0)


def test_snapshots_at_given_steps_include_both_ends():
    study = changed(('{ count = 16, spacing = "log" }', "{ at = [10, 100] }"))
    np.testing.assert_array_equal(study.time.snapshot_steps(), [0, 10, 100, 1000])


UNKNOWN = [
    ("batch = 2", "bacth = 2", "models.sgd.bacth", "batch"),
    ('loss = "mean"', 'lose = "mean"', "network.lose", "loss"),
    ("seed = 3", "sead = 3", "sead", "seed"),
    ("whiten = true", "whitten = true", "data.inputs.whitten", "whiten"),
    ('noise = "gradient"', 'noise = "gradient"\ntemprature = 1', "models.sde.temprature", "temperature"),
    ("gamma = 2.0", "gamma = 2.0, gama = 1", "network.init.gama", "gamma"),
]


@pytest.mark.parametrize(("old", "new", "where", "suggestion"), UNKNOWN)
def test_unknown_keys_get_a_suggestion(old, new, where, suggestion):
    complaint = refusals(spoiled((old, new)))[where]
    assert complaint.found.startswith("the unknown key")
    assert suggestion in complaint.expected.split(", ")
    assert complaint.fix == f'did you mean "{suggestion}"?'


def test_an_unknown_key_without_a_near_one():
    assert "remove it" in refusals(spoiled(("seed = 3", "seed = 3\nzzz = 1")))["zzz"].fix


WRONG = [
    ("seed = 3", "seed = -1", "seed", "-1", "0 to 2^63"),
    ("seed = 3", "seed = true", "seed", "true", "whole number"),
    ("trajectories = 64", "trajectories = 2e15", "trajectories", "2000000000000000.0", "2^40"),
    (
        "trajectories = 64",
        'dtype = "float16"\ntrajectories = 1',
        "dtype",
        '"float16"',
        '"float64" or "float32"',
    ),
    ("trajectories = 64", "start = 1\ntrajectories = 1", "start", "1", '"independent" or "paired"'),
    ("[3, 5, 2]", "[3]", "network.widths", "[3]", "two or more"),
    ("[3, 5, 2]", "3", "network.widths", "3", "two or more"),
    ("[3, 5, 2]", "[3, 0, 2]", "network.widths[1]", "0", "from 1 to 4096"),
    ("[3, 5, 2]", "[3, 4097, 2]", "network.widths[1]", "4097", "from 1 to 4096"),
    ("[3, 5, 2]", '[3, "5", 2]', "network.widths[1]", '"5"', "from 1 to 4096"),
    ("gamma = 2.0", "gamma = 2.0, std = 1.0", "network.init", "gamma = 2.0", "exactly one of gamma and std"),
    (", gamma = 2.0", "", "network.init", "gaussian", "exactly one of gamma and std"),
    ("gamma = 2.0", "gamma = -2.0", "network.init.gamma", "-2.0", "from 0 to 100"),
    ("gamma = 2.0", "gamma = nan", "network.init.gamma", "nan", "from 0 to 100"),
    ('loss = "mean"', 'loss = "sum"', "network.loss", '"sum"', '"mean" or "half"'),
    ("samples = 12", "samples = 1.5", "data.samples", "1.5", '"population"'),
    ("samples = 12", 'samples = "populaton"', "data.samples", '"populaton"', '"population"'),
    ("samples = 12", "samples = 3", "data.samples", "3", "more than the 3 inputs"),
    ("whiten = true", "whiten = 1", "data.inputs.whiten", "1", "true or false"),
    ("whiten = true", "whiten = true, spectrum = [1, 1, 1]", "data.inputs.spectrum", "[1.0", "no spectrum"),
    ("whiten = true", "spectrum = [1, 1]", "data.inputs.spectrum", "[1.0, 1.0]", "3 numbers"),
    ("whiten = true", "spectrum = [1, 0, 1]", "data.inputs.spectrum[1]", "0", "above 0"),
    ('"gaussian", whiten', '"gausian", whiten', "data.inputs.kind", '"gausian"', '"gaussian"'),
    ('kind = "gaussian", whiten', "whiten", "data.inputs.kind", "nothing", "student-t"),
    ('"gaussian", whiten', '"stable", alpha = 2.0, whiten', "data.inputs.alpha", "2.0", "below 2"),
    ('"gaussian", whiten', '"student-t", whiten', "data.inputs.nu", "nothing", "above 0"),
    ("[4, 3]", "[4, 3, 2]", "data.teacher.singular_values", "[4.0, 3.0, 2.0]", "at most 2"),
    ("[4, 3]", "[]", "data.teacher.singular_values", "[]", "one or more"),
    ("[4, 3]", "[4, 0]", "data.teacher.singular_values[1]", "0", "above 0"),
    ("label_noise = 0.5", "label_noise = -1", "data.label_noise.scale", "-1", "from 0"),
    ("label_noise = 0.5", 'label_noise = "big"', "data.label_noise", '"big"', "a table"),
    ("1e-3", "0", "time.learning_rate", "0", "above 0"),
    ("1e-3", "inf", "time.learning_rate", "inf", "above 0"),
    ("1_000", "0", "time.steps", "0", "from 1"),
    ("count = 16", "count = 1", "time.snapshots.count", "1", "at least 2"),
    ("count = 16", "count = 16, at = [1]", "time.snapshots", "count = 16", "exactly one"),
    ('{ count = 16, spacing = "log" }', "{}", "time.snapshots", "{}", "exactly one"),
    ("count = 16", "at = [1]", "time.snapshots.spacing", '"log"', "only with count"),
    ('count = 16, spacing = "log"', "at = [1, 1]", "time.snapshots.at", "[1, 1]", "increasing"),
    ('count = 16, spacing = "log"', "at = [1, 2000]", "time.snapshots.at", "[1, 2000]", "0 to 1000"),
    ("[time]", "[record]\nobservables = ['los']\n[time]", "record.observables[0]", '"los"', "one of loss"),
    ("[time]", "[record]\nobservables = []\n[time]", "record.observables", "[]", "a list"),
    ("[time]", "[record]\nobservables = ['loss', 'loss']\n[time]", "record.observables", '"loss"', "once"),
    ("[time]", "[events]\nmode_learned = [1.5]\n[time]", "events.mode_learned[0]", "1.5", "at most 1"),
    ("[time]", "[events]\nloss_below = 1\n[time]", "events.loss_below", "1", "a list"),
    ("[time]", "[events]\nevery = 0\n[time]", "events.every", "0", "from 1"),
    ("[models.sgd]", "[models.Sgd]", "models.Sgd", '"Sgd"', "a lower-case letter"),
    ("[models.sgd]", "[models.problem]", "models.problem", '"problem"', "not problem"),
    ("batch = 2", "batch = 13", "models.sgd.batch", "13", "at most data.samples = 12"),
    ('"replacement"', '"fresh"', "models.sgd.sampling", '"fresh"', "as the data are finite"),
    ("batch = 2", "batch = 0", "models.sgd.batch", "0", "from 1"),
    ('"replacement"', '"iid"', "models.sgd.sampling", '"iid"', '"epoch"'),
    ('kind = "sgd"', 'kind = "sgf"', "models.sgd.kind", '"sgf"', '"sgd"'),
]


@pytest.mark.parametrize(("old", "new", "where", "got", "expected"), WRONG)
def test_one_wrong_value_is_one_clear_complaint(old, new, where, got, expected):
    complaints = refusals(spoiled((old, new)))
    assert list(complaints) == [where]
    assert got in complaints[where].found
    assert expected in complaints[where].expected


def test_too_many_integrator_steps():
    change = ('noise = "gradient"', 'noise = "gradient"\nsubsteps = 1000')
    assert list(refusals(spoiled(change, ("1_000", "1e14")))) == [
        "models.sgd.substeps",
        "models.langevin.substeps",
        "models.sde.substeps",
    ]


def test_near_misses_of_words_get_a_suggestion():
    assert refusals(spoiled(('"isotropic"', '"isotropc"')))["models.langevin.noise"].fix == (
        'did you mean "isotropic"?'
    )


def test_all_errors_at_once():
    text = spoiled(
        ("seed = 3", "seed = 'x'"), ("batch = 2", "bacth = 2"), ("1_000", "-1"), ("[4, 3]", "[4, -3]")
    )
    with pytest.raises(StudyError) as caught:
        Study.from_toml(text, "bad.toml")
    message = str(caught.value)
    assert message.startswith("bad.toml: 4 problems\n")
    for where in ("seed", "models.sgd.bacth", "time.steps", "data.teacher.singular_values[1]"):
        assert f"\n  {where}\n    found: " in message
    assert message.count("    expected:  ") == 4


def test_an_empty_file_names_all_that_is_missing():
    complaints = refusals("")
    assert set(complaints) == {"trajectories", "network", "data", "time", "models"}
    assert complaints["trajectories"].expected == "a whole number from 1 to 2^40"
    assert "widths" in complaints["network"].expected
    assert "[models.sgd]" in complaints["models"].expected


def test_tables_of_the_wrong_kind():
    complaints = refusals("trajectories = 1\nnetwork = 4\ndata = []\ntime = 'x'\nmodels = { sgd = 1 }")
    assert set(complaints) == {"network", "data", "time", "models.sgd"}
    assert complaints["network"].expected == "a table"


def test_population_needs_fresh_data():
    complaints = refusals(spoiled(("samples = 12", 'samples = "population"')))
    assert list(complaints) == ["models.sgd.sampling"]
    assert '"fresh"' in complaints["models.sgd.sampling"].expected


def test_svag_takes_a_population_and_one_message_says_how():
    fresh = (("samples = 12", 'samples = "population"'), ('sampling = "replacement"\n', ""))
    svag = '\n[models.svag]\nkind = "svag"\nsubsteps = 4\n'
    assert Study.from_toml(spoiled(*fresh) + svag).models["svag"].sampling == "fresh"
    for how in ("replacement", "without-replacement"):
        complaints = refusals(spoiled(*fresh) + svag + f'sampling = "{how}"\n')
        assert list(complaints) == ["models.svag.sampling"]
        assert complaints["models.svag.sampling"].fix.startswith('set sampling = "fresh"')
    finite = refusals(spoiled() + svag + 'sampling = "fresh"\n')["models.svag.sampling"]
    assert finite.expected == '"without-replacement" or "replacement", as the data are finite'


SDES = """
[models.gd]
kind = "gd"
[models.warm]
kind = "sde"
noise = "isotropic"
temperature = 0.1
[models.matched]
kind = "sde"
noise = "isotropic"
[models.sde]
kind = "sde"
noise = "gradient"
"""


@pytest.mark.parametrize(
    ("inputs", "label_noise", "refused"),
    [
        ('"gaussian"', "1.0", set()),
        ('"student-t", nu = 5', "1.0", set()),
        ('"student-t", nu = 4', "1.0", {"matched.temperature", "sde.noise"}),
        ('"student-t", nu = 2', "1.0", {"gd.kind", "warm.kind", "matched.kind", "sde.kind"}),
        ('"stable", alpha = 1.5', "1.0", {"gd.kind", "warm.kind", "matched.kind", "sde.kind"}),
        ('"gaussian"', '{ kind = "student-t", nu = 3, scale = 1 }', set()),
        ('"gaussian"', '{ kind = "student-t", nu = 2, scale = 1 }', {"matched.temperature", "sde.noise"}),
        ('"gaussian"', '{ kind = "stable", alpha = 1.9, scale = 1 }', {"matched.temperature", "sde.noise"}),
        ('"gaussian"', '{ kind = "stable", alpha = 1.9, scale = 0 }', set()),
    ],
)
def test_population_models_need_the_moments_they_use(inputs, label_noise, refused):
    changes = [
        ("teacher =", f"inputs = {{ kind = {inputs} }}\nteacher ="),
        ("label_noise = 0.5", f"label_noise = {label_noise}"),
    ]
    text = spoiled(*changes, text=POPULATION + SDES)
    if refused:
        complaints = refusals(text)
        assert set(complaints) == {f"models.{name}" for name in refused}
        assert all("data.samples a number" in complaint.fix for complaint in complaints.values())
    else:
        Study.from_toml(text)


def test_heavy_tailed_finite_data_is_fine():
    changed(("label_noise = 0.5", 'label_noise = { kind = "stable", alpha = 1.2, scale = 0.1 }'))


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("a = = 3", "line 1, column 5", "a = = 3"),
        ("seed = 1\nx y\n", "line 2, column 3", "x y"),
        ("[data]\nx = [1,", "end of the file", "the end of the file"),
    ],
)
def test_syntax_errors_name_the_line(text, where, got):
    complaint = refusals(text)[where]
    assert complaint.found == got
    assert complaint.expected.startswith("valid TOML (")


def test_unreadable_files(tmp_path):
    with pytest.raises(StudyError, match=r"none\.toml: no such file"):
        Study.load(tmp_path / "none.toml")
    with pytest.raises(StudyError, match="cannot be read"):
        Study.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(StudyError, match="cannot be read"):
        Study.load(tmp_path / "latin.toml")


def test_errors_carry_their_exit_code_and_survive_pickling():
    error = StudyError([Complaint("a.b", "1", "2", "3")], "x.toml")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(error) == "x.toml: 1 problem\n\n  a.b\n    found:     1\n    expected:  2\n    fix:       3"
    assert isinstance(error, FastsdeError)
    assert (FastsdeError.exit_code, error.exit_code, Interrupted.exit_code) == (1, 2, 75)


def test_late_snapshots_are_added_to_the_others():
    spread = changed().time.snapshot_steps()
    table = 'snapshots = { count = 16, spacing = "log", late = { count = 5, every = 2 } }'
    dense = changed(('snapshots = { count = 16, spacing = "log" }', table))
    assert set(dense.time.snapshot_steps()) == set(spread) | {992, 994, 996, 998, 1000}
    assert np.all(np.diff(dense.time.snapshot_steps()) > 0)
    assert dense.from_toml(dense.to_toml()) == dense
    assert "late" not in changed().to_toml()


def test_late_snapshots_fit_into_the_run():
    table = "snapshots = { count = 16, late = { count = 5, every = 300 } }"
    with pytest.raises(StudyError, match=r"time\.snapshots\.late"):
        changed(('snapshots = { count = 16, spacing = "log" }', table))


def test_errors_of_a_file_are_headed_by_its_name(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(TEXT)
    study = Study.load(path)
    with pytest.raises(StudyError, match=r"a\.toml: 1 problem"):
        study.extended(3)
    with pytest.raises(StudyError, match=r"a\.toml: 1 problem"):
        study.replace(trajectories=0)
    with pytest.raises(StudyError, match=r"a\.toml: 1 problem"):
        study.replace(trajectories=8).locate("nowhere.npy", "network.init.file")


def test_a_study_is_shown_in_one_line():
    shown = repr(Study.from_toml(TEXT))
    assert (
        shown
        == str(Study.from_toml(TEXT))
        == "Study(models=sgd, langevin, sde; trajectories=64; steps=1,000)"
    )

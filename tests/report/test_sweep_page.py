"""The table and the figure of a sweep, made up: units, tail index, escape times, one plot, whole titles."""

import math

import numpy as np
import pytest

from fastsde.analysis.cases import SweepAnalysis
from fastsde.analysis.escape.crossed import Crossed
from fastsde.analysis.sweep_rows import Row, columns, value_of
from fastsde.report.sweep.crossed import crossed_figure, crossed_sentence, main_crossed
from fastsde.report.sweep.figures import _across, _draw, _quantity, _series, sweep_image
from fastsde.report.sweep.tables import csv_text, heading, main_place, text_rows

SWEPT = ("time.learning_rate", "models.sgd.batch", "models.levy.alpha", "data.seed")


def one(rate, batch, model, seed, time, alpha=""):
    return Row(
        case=f"learning_rate{rate}-batch{batch}-seed{seed}",
        model=model,
        values=(f"{rate:g}", str(batch), alpha, str(seed)),
        trajectories=100,
        diverged=3,
        escaped=np.array([0.9, 0.2]),
        escape_time=np.array([time, math.inf]),
        escape_low=np.array([0.9 * time, math.nan]),
        escape_high=np.array([1.1 * time, math.inf]),
        tail="stable",
        tail_index=1.7,
        final_loss=0.25,
    )


def swept(times=(1.0, 2.0, 3.0)):
    rows = [
        one(rate, batch, model, seed, time * (1 + 0.1 * seed), alpha)
        for rate, time in zip((0.005, 0.01, 0.02), times, strict=True)
        for batch in (1, 4)
        for model, alpha in (("sgd", ""), ("levy-alpha1_5", "1.5"), ("levy-alpha2", "2"))
        for seed in (0, 1)
    ]
    return SweepAnalysis(
        created="now",
        versions={},
        cases=tuple(dict.fromkeys(row.case for row in rows)),
        swept=SWEPT,
        columns=columns(SWEPT),
        rows={f"{row.case} {row.model}": row for row in rows},
        source="events",
        places=("rank 0", "rank 1"),
        effects={},
    )


def test_every_value_is_a_column_with_its_unit():
    (first, *_) = text_rows(swept())
    assert first["learning rate (time per step)"] == "0.005"
    assert first["batch size (samples)"] == "1"
    assert first["noise tail index (mode 1)"] == "1.7"
    assert first["escape from rank 0 to 1, half by (time)"] == "1 (0.9 to 1.1)"
    assert first["diverged"] == "3 of 100"
    assert heading("alpha") == "tail index of the noise"
    assert heading("substeps") == "integrator steps per learning-rate step"


def test_rows_that_are_alike_have_their_case():
    found = swept()
    assert "case" not in text_rows(found)[0]
    rows = {name: Row(**(vars(row) | {"values": ("", "", "", "0")})) for name, row in found.rows.items()}
    alike = text_rows(SweepAnalysis(**(vars(found) | {"rows": rows})))
    assert len({tuple(row.values()) for row in alike}) == len(alike)
    assert next(iter(alike[0].items())) == ("case", "learning_rate0.005-batch1-seed0")


def test_csv_has_all_digits_and_places():
    head, first, *rest = csv_text(swept()).splitlines()
    assert len(rest) == 35
    assert "escape_time_rank_1" in head
    assert "inf" in first
    assert first.startswith("learning_rate0.005-batch1-seed0,sgd,0.005,1,,0,100,3,stable,1.7,0.25,1.0,")


def test_the_table_is_about_the_first_place_that_half_leave():
    found = swept()
    assert main_place(found) == 0
    for row in found.rows.values():
        row.escape_time[:] = row.escape_time[::-1]
    assert main_place(found) == 1


def test_one_plot_with_a_line_for_each_model_and_other_value():
    found = swept()
    across = _across(found)
    assert found.columns[across] == "time.learning_rate"
    series = _series(found, across)
    assert {(model, dict(rest).get("batch")) for model, rest in series} == {
        (model, batch) for model in ("sgd", "levy") for batch in ("1", "4")
    }
    assert len(series) == 6
    figure = _draw(found, across, _quantity(found))
    (axes,) = figure.axes
    assert axes.get_title() == "Time by which half of the trajectories have escaped from rank 0 to 1"
    assert axes.get_xlabel() == "learning rate (time per step)"
    assert sweep_image(found).startswith(b"\x89PNG")


@pytest.mark.parametrize("times", [(math.nan,) * 3, (math.inf,) * 3])
def test_without_escapes_something_else_is_drawn(times):
    found = swept(times)
    for row in found.rows.values():
        row.escape_time[:] = math.nan
    assert _quantity(found).label == "tail index"
    assert sweep_image(found).startswith(b"\x89PNG")


def test_without_anything_swept_there_is_no_figure():
    found = swept()
    assert sweep_image(SweepAnalysis(**(vars(found) | {"rows": {}}))) == b""


def test_a_value_is_that_of_the_model_or_of_the_study():
    from study_files import changed

    from fastsde.study.sweep import Case

    case = Case("", {}, changed())
    assert value_of(case, "sgd", "batch") == "2"
    assert value_of(case, "sgd", "alpha") == ""
    assert value_of(case, "sde", "alpha") == "2"
    assert value_of(case, "sde", "time.learning_rate") == "0.001"


LEVELS = {
    "anisotropy": np.array([0.0, 0.5, 1.0]),
    "alpha": np.array([1.5, 2.0]),
    "time.learning_rate": np.array([0.005, 0.01, 0.02]),
}


def combined(**changes):
    time = 1.0 + np.arange(18.0).reshape(3, 2, 3)
    one = Crossed(
        model="sde",
        factors=tuple(LEVELS),
        levels=LEVELS,
        share=0.5,
        horizon=20.0,
        time=time,
        low=0.9 * time,
        high=1.1 * time,
        ratio=np.array([3.0, 1.25, 0.99]),
        ratio_low=np.array([2.5, 1.2, 0.9]),
        ratio_high=np.array([3.5, 1.3, 1.1]),
        least=np.array([2.0, 0.8, 0.5]),
        most=np.array([4.0, 1.6, 1.5]),
        unit="trajectory",
        units=100,
        place=0,
    )
    return SweepAnalysis(**(vars(swept()) | {"crossed": {"rank 0 0": Crossed(**(vars(one) | changes))}}))


def test_the_sentence_on_all_combinations_is_made_of_their_numbers():
    found = combined()
    said = crossed_sentence(found, main_crossed(found))
    assert said == (
        "The time by which half have escaped from rank 0 to 1 in sde depends most on the anisotropy of the "
        "noise: raising the anisotropy of the noise from 0 to 1 multiplies it by 3 (95 % interval 2.5 to "
        "3.5), lowering the tail index of the noise from 2 to 1.5 by 0.8 (0.769 to 0.833) and raising the "
        "learning rate from 0.005 to 0.02 has no significant effect, factor 0.99 (0.9 to 1.1); these are "
        "means over the other settings, at single values of which the factors are 2 to 4, 0.625 to 1.25 and "
        "0.5 to 1.5 (100 trajectories per combination)."
    )
    other = combined(
        ratio=np.array([1.1, 1.25, 9.0]),
        ratio_low=np.array([0.9, 1.2, 8.0]),
        ratio_high=np.array([1.3, 1.3, 10.0]),
        share=math.nan,
    )
    said = crossed_sentence(other, main_crossed(other))
    start = "The mean time (up to 20) of escape from rank 0 to 1 in sde depends most on the learning rate: "
    assert said.startswith(start)
    assert "are 0.5 to 1.5, 0.625 to 1.25 and 2 to 4 (100" in said
    none = combined(ratio_low=np.full(3, 0.5), ratio_high=np.full(3, 5.0))
    assert "in sde depends significantly on nothing that is varied: " in crossed_sentence(
        none, main_crossed(none)
    )


def test_the_model_without_the_settings_is_said_to_be_nearest_to_some_of_them():
    found = combined()
    rows, theirs = {}, found.crossed["rank 0 0"].time[1, 0]
    for rate, time in zip(LEVELS["time.learning_rate"], theirs, strict=True):
        values = dict.fromkeys(found.columns, "") | {"time.learning_rate": f"{rate:.12g}"}
        row = one(rate, 1, "sgd", 0, 1.02 * time)
        rows[row.case] = Row(**(vars(row) | {"values": tuple(values.values())}))
    alone = SweepAnalysis(**(vars(found) | {"rows": rows}))
    said = crossed_sentence(alone, main_crossed(alone))
    nearest = "anisotropy of the noise 0.5 and tail index of the noise 1.5, 2 % from them (100 trajectories"
    assert f"; the times of sgd are nearest to those with {nearest}" in said


def test_the_figure_of_all_combinations_has_a_panel_for_each_value_of_the_last():
    found = combined()
    figure = crossed_figure(found, main_crossed(found))
    assert [axes.get_title() for axes in figure.axes] == [f"learning rate {v:g}" for v in (0.005, 0.01, 0.02)]
    for number, axes in enumerate(figure.axes):
        lines = [one for one in axes.get_lines() if len(one.get_ydata()) == 3]
        assert len(lines) == 2
        np.testing.assert_array_equal(
            lines[0].get_ydata(), 1.0 + np.arange(18.0).reshape(3, 2, 3)[:, 0, number]
        )
    assert sweep_image(found) != sweep_image(swept())

"""Data sets for nonlinear networks: their labels by definition, disjoint tests, and what is refused."""

import numpy as np
import pytest

from fastsde.study.datasets import DATASETS, Dataset
from fastsde.study.feedforward import Feedforward
from fastsde.study.random_streams import generator
from fastsde.system.errors import StudyError

SQUARE = [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]
TABLES = {
    "parity": {"bits": 7, "k": 3, "samples": 90},
    "modular-addition": {"p": 7, "share": 0.7},
    "teacher": {"widths": [4, 5, 2], "samples": 30, "test": 20, "label_noise": 0.1},
    "mixture": {"means": SQUARE, "classes": [1, 1, 2, 2], "samples": 41, "test": 20},
}


def data_set(kind, **changes):
    table = TABLES[kind] | changes
    return DATASETS[kind](**{key: value for key, value in table.items() if value is not None})


@pytest.mark.parametrize("kind", TABLES)
def test_examples_have_the_sizes_they_say_and_depend_on_the_seed_alone(kind):
    data = data_set(kind)
    drawn, again, other = data.draw(), data_set(kind).draw(), data_set(kind, seed=1).draw()
    assert drawn.inputs.shape == (data.count, data.input_size)
    assert drawn.labels.shape == (data.count, data.output_size)
    assert drawn.test_inputs.shape == (data.test_count, data.input_size)
    assert drawn.test_labels.shape == (data.test_count, data.output_size)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))
    assert not np.array_equal(drawn.inputs, other.inputs)
    assert Dataset.of_kind({"kind": kind, **TABLES[kind]}) == data


def test_parity_is_the_product_of_the_first_bits_of_each_vertex_once():
    drawn = data_set("parity").draw()
    vertices = np.vstack([drawn.inputs, drawn.test_inputs])
    assert len(np.unique(vertices, axis=0)) == len(vertices) == 2**7
    labels = np.vstack([drawn.labels, drawn.test_labels])[:, 0]
    assert np.array_equal(labels, vertices[:, 0] * vertices[:, 1] * vertices[:, 2])


def test_flips_reverse_training_labels_only():
    clean, noisy = data_set("parity").draw(), data_set("parity", flips=0.25).draw()
    reversed_ = (clean.labels * noisy.labels < 0).mean()
    assert 0.1 < reversed_ < 0.4
    assert np.array_equal(clean.inputs, noisy.inputs)
    assert np.array_equal(clean.test_labels, noisy.test_labels)


def test_modular_addition_has_every_pair_once():
    drawn = data_set("modular-addition").draw()
    inputs = np.vstack([drawn.inputs, drawn.test_inputs])
    first, second = inputs[:, :7].argmax(axis=1), inputs[:, 7:].argmax(axis=1)
    assert sorted(7 * first + second) == list(range(49))
    assert np.array_equal(inputs.sum(axis=1), np.full(49, 2.0))
    classes = np.vstack([drawn.labels, drawn.test_labels]).argmax(axis=1)
    assert np.array_equal(classes, (first + second) % 7)


def test_the_mixture_has_its_means_and_classes():
    drawn = data_set("mixture", spread=1e-3).draw()
    cloud = np.arange(41) % 4
    assert np.abs(drawn.inputs - np.array(SQUARE)[cloud]).max() < 0.01
    assert np.array_equal(drawn.labels.argmax(axis=1), cloud // 2)
    signs = data_set("mixture", spread=1e-3, labels="signs").draw()
    assert np.array_equal(signs.labels[:, 0], np.sign(np.prod(drawn.inputs, axis=1)))
    sphere = DATASETS["mixture"](clouds=3, size=5, radius=2.0, samples=3, spread=1e-9, test=1).draw()
    assert np.linalg.norm(sphere.inputs, axis=1) == pytest.approx(2.0)


def test_a_teacher_labels_by_its_own_network():
    drawn = data_set("teacher", label_noise=0.0, inputs={"kind": "student-t", "nu": 5.0}).draw()
    random = generator(0, "teacher")
    first = random.standard_normal((5, 4)) / np.sqrt(4)
    second = random.standard_normal((2, 5)) / np.sqrt(5)
    for inputs, labels in ((drawn.inputs, drawn.labels), (drawn.test_inputs, drawn.test_labels)):
        assert labels == pytest.approx(np.tanh(inputs @ first.T) @ second.T, abs=1e-14)
    noisy = data_set("teacher", label_noise=0.1, inputs={"kind": "student-t", "nu": 5.0}).draw()
    assert np.array_equal(noisy.test_labels, drawn.test_labels)
    assert 0.05 < (noisy.labels - drawn.labels).std() < 0.15


@pytest.mark.parametrize(
    ("kind", "changes", "found", "expected"),
    [
        ("parity", {"k": 8}, "8", "at most bits = 7"),
        ("parity", {"samples": 129}, "samples = 129", "at most the 2^7 = 128 inputs that there are"),
        ("modular-addition", {"share": 0.001}, "0.001", "so many of the 49 pairs"),
        ("mixture", {"means": None, "size": 3}, "no clouds, radius", "means, or what they are"),
        ("mixture", {"classes": [1, 2]}, "[1, 2]", "4 of them, one per mean"),
        ("mixture", {"classes": [1, 1, 3, 3]}, "[1, 1, 3, 3]", "each from 1 to 3 at least once"),
        (
            "mixture",
            {"means": [[1.0], [2.0], [3.0], [4.0]], "classes": [1, 2, 3, 4], "labels": "signs"},
            "signs",
            '"classes": there are 4 of them',
        ),
        ("teacher", {"activation": "cosine"}, "cosine", "one of linear, tanh"),
        ("teacher", {"inputs": {"kind": "gaussian", "spectrum": [1.0]}}, "[1.0]", "4 numbers, one per input"),
    ],
)
def test_what_cannot_be_is_refused(kind, changes, found, expected):
    with pytest.raises(StudyError) as error:
        data_set(kind, **changes)
    assert expected in str(error.value)
    assert found in str(error.value)


def test_widths_are_compared_with_the_data():
    data = data_set("modular-addition")
    assert not list(data.faults((14, 3, 7)))
    (fault,) = data.faults((7, 3, 7))
    assert fault.expected == "14 first and 7 last: data with p = 7: two one-hot vectors of p, and p classes"
    assert fault.fix == "write widths = [14, 3, 7]"


@pytest.mark.parametrize("biases", [False, True])
def test_a_network_of_rows_is_the_textbook_one(biases):
    network = Feedforward((3, 4, 2), "tanh", biases, (0.5, 2.0))
    rows = generator(0, "inputs").standard_normal((2, network.parameters))
    inputs = generator(1, "inputs").standard_normal((5, 3))
    for row, outputs in zip(rows, network.outputs(rows, inputs), strict=True):
        first, rest = row[:12].reshape(4, 3), row[12:]
        shift, rest = (rest[:4], rest[4:]) if biases else (0.0, rest)
        second = rest[:8].reshape(2, 4)
        units = 0.5 * inputs @ first.T + shift
        expected = 2.0 * np.tanh(units) @ second.T + (rest[8:] if biases else 0.0)
        assert outputs == pytest.approx(expected, abs=1e-14)

"""Teacher and student."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from fastsde.study.datasets.base import DATASETS, Array, Dataset, Examples
from fastsde.study.distributions import GaussianInputs, GaussianNoise, Inputs, LabelNoise
from fastsde.study.feedforward import ACTIVATIONS, Feedforward
from fastsde.study.fields import Count, Expect, Fault, NameIn, Size, listed, refuse
from fastsde.study.random_streams import generator, sample_inputs, sample_noise, whitened


class ActivationName(NameIn):
    """An activation."""

    registry: ClassVar = ACTIVATIONS


Widths = Annotated[
    tuple[Annotated[Count, Field(le=4096), Expect("a whole number from 1 to 4096")], ...],
    listed,
    Field(min_length=2),
    Expect("a list of two or more widths, input first"),
]


@DATASETS.register
class Teacher(Dataset):
    """Labels from another network, the teacher, plus noise (Saad and Solla 1995).

    The teacher has no biases, and independent normal weights of variance one over the number of units below.
    Test inputs are of the same law; test labels have no noise.

    Parameters
    ----------
    widths : list of int
        Of the teacher, input first; the student has the same first and last.
    activation : str
        Of the teacher.
    samples : int
        Training examples.
    test : int, default 1024
        Test examples.
    inputs
        Law of the inputs, as in ``data.inputs`` of a network; standard normal by default. `whiten` is of the
        training inputs alone.
    label_noise
        Law of the noise of training labels, or its standard deviation; 0 by default.
    """

    order: ClassVar[int] = 3
    equation: ClassVar[str] = "y = teacher(x) + noise"
    about: ClassVar[str] = "The labels are those of another network, the teacher."
    source: ClassVar[str] = "Saad and Solla 1995"

    kind: Literal["teacher"] = "teacher"
    widths: Widths
    activation: Annotated[ActivationName, Expect("one of " + ", ".join(ACTIVATIONS))] = ActivationName("tanh")
    samples: Size
    test: Size = 1024
    inputs: Inputs = GaussianInputs()
    label_noise: LabelNoise = GaussianNoise(scale=0.0)

    @property
    def input_size(self) -> int:
        """The teacher's."""
        return self.widths[0]

    @property
    def output_size(self) -> int:
        """The teacher's."""
        return self.widths[-1]

    @property
    def count(self) -> int:
        """Number of training examples."""
        return self.samples

    @property
    def test_count(self) -> int:
        """Number of test examples."""
        return self.test

    def size_words(self) -> str:
        """Say which field determines the sizes."""
        return f"a teacher of widths {list(self.widths)}"

    @model_validator(mode="after")
    def _agree(self) -> Teacher:
        refuse(self._faults_of_inputs())
        return self

    def _faults_of_inputs(self) -> Iterator[Fault]:
        """Check the law of the inputs against their number."""
        law, size = self.inputs, self.input_size
        if law.spectrum is not None and len(law.spectrum) != size:
            yield Fault(("inputs", "spectrum"), list(law.spectrum), f"{size} numbers, one per input")
        if law.whiten and self.samples <= size:
            fix = "take more samples, or set inputs.whiten = false"
            yield Fault(("samples",), self.samples, f"more than the {size} inputs, to whiten", fix)

    def draw(self) -> Examples:
        """Draw the teacher, the inputs and the noise."""
        raw = self._inputs("inputs", self.samples)
        inputs = whitened(raw) if self.inputs.whiten else raw
        clean = self.teacher_outputs(inputs)
        labels = clean + sample_noise(generator(self.seed, "label noise"), self.label_noise, clean.shape)
        test = self._inputs("test", self.test)
        return Examples(inputs, labels, test, self.teacher_outputs(test))

    def teacher_outputs(self, inputs: Array) -> Array:
        """Return the labels without noise, (n, outputs)."""
        random = generator(self.seed, "teacher")
        layers = [
            random.standard_normal(above * below) / np.sqrt(below) for below, above in pairwise(self.widths)
        ]
        network = Feedforward(self.widths, self.activation)
        return np.asarray(network.outputs(np.concatenate(layers)[None], inputs)[0])

    def _inputs(self, purpose: Literal["inputs", "test"], count: int) -> Array:
        drawn = sample_inputs(generator(self.seed, purpose), self.inputs, count, self.input_size)
        scales = 1.0 if self.inputs.spectrum is None else np.sqrt(self.inputs.spectrum)
        return np.asarray(drawn * scales)

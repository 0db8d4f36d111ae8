"""A data set that the study file holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from fastsde.study.datasets.base import DATASETS, Array, Dataset, Examples, Target, one_hot
from fastsde.study.fields import Count, Expect, Fault, listed, refuse
from fastsde.study.terms.matrices import Rows, ragged

MOST_CLASSES = 4096
Classes = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=MOST_CLASSES)], ...],
    listed,
    Field(min_length=1),
    Expect(f"a list of whole numbers from 0 to {MOST_CLASSES - 1}"),
]


@DATASETS.register
class Arrays(Dataset):
    """Inputs and labels as they are, by rows; the seed is not used.

    Parameters
    ----------
    inputs : rows of numbers
        One row per sample.
    labels : rows of numbers, optional
        As many rows.
    classes : tuple of int, optional
        In place of `labels`: the class of each sample, from 0.
    test_inputs, test_labels, test_classes : optional
        The same of the test examples; none by default.
    outputs : int, optional
        Number of classes; by default the largest class plus 1.
    """

    order: ClassVar[int] = 0
    about: ClassVar[str] = "The examples are those of the study file."

    kind: Literal["arrays"] = "arrays"
    inputs: Rows
    labels: Rows | None = None
    classes: Classes | None = None
    test_inputs: Rows | None = None
    test_labels: Rows | None = None
    test_classes: Classes | None = None
    outputs: Count | None = None

    @property
    def input_size(self) -> int:
        """Columns of the inputs."""
        return len(self.inputs[0])

    @property
    def output_size(self) -> int:
        """Columns of the labels, or classes."""
        if self.labels is not None:
            return len(self.labels[0])
        return self.outputs or max((*(self.classes or ()), *(self.test_classes or ()))) + 1

    @property
    def count(self) -> int:
        """Rows of the inputs."""
        return len(self.inputs)

    @property
    def test_count(self) -> int:
        """Rows of the inputs of the test."""
        return len(self.test_inputs or ())

    @property
    def target(self) -> Target:
        """Classes if they are given as such, signs if all labels are 1 or -1, else numbers."""
        if self.labels is None:
            return "classes"
        rows = (*self.labels, *(self.test_labels or ()))
        return "signs" if all(abs(value) == 1 for row in rows for value in row) else "numbers"

    @model_validator(mode="after")
    def _agree(self) -> Arrays:
        refuse(self._faults_of("", self.inputs, self.labels, self.classes))
        if self.test_inputs is not None:
            refuse(self._faults_of("test_", self.test_inputs, self.test_labels, self.test_classes))
        refuse(self._faults_of_kinds())
        return self

    def _faults_of(self, which: str, inputs: Any, labels: Any, classes: Any) -> Iterator[Fault]:
        """Check the shapes of the training or the test examples."""
        if (labels is None) == (classes is None):
            found = "none of them" if labels is None else "both"
            expected = f"exactly one of {which}labels and {which}classes"
            yield Fault((), found, expected, f"write {which}labels = [[1.0], [0.0]]")
            return
        for key, rows, columns in (("inputs", inputs, self.input_size), ("labels", labels, self.output_size)):
            if rows is not None and (ragged(rows) or len(rows[0]) != columns or not columns):
                found = f"rows of {', '.join(sorted({str(len(row)) for row in rows}))} numbers"
                yield Fault((which + key,), found, f"rows of {columns or 'some'} numbers")
        key, given = ("classes", classes) if labels is None else ("labels", labels)
        if len(given) != len(inputs):
            yield Fault((which + key,), f"{len(given)} of them", f"{len(inputs)}, one per row of inputs")
        if classes is not None and max(classes) >= self.output_size:
            yield Fault((which + key,), max(classes), f"classes below outputs = {self.output_size}")

    def _faults_of_kinds(self) -> Iterator[Fault]:
        """Check that training and test examples have labels of one kind."""
        if self.test_inputs is None:
            for key in ("test_labels", "test_classes"):
                if getattr(self, key) is not None:
                    yield Fault((key,), "set", "nothing: there are no test_inputs", "add test_inputs")
        elif (self.labels is None) != (self.test_labels is None):
            yield Fault(("test_inputs",), "labels of another kind", "labels, or classes, in both")
        if self.labels is not None and self.outputs is not None:
            yield Fault(("outputs",), self.outputs, "nothing: only with classes", "remove it")

    def size_words(self) -> str:
        """Say which fields determine the sizes."""
        return f"inputs of {self.input_size} numbers and labels of {self.output_size}"

    def draw(self) -> Examples:
        """Return the arrays."""
        tests = np.array(self.test_inputs or ()).reshape(-1, self.input_size)
        labels = self._labels(self.labels, self.classes)
        return Examples(
            np.array(self.inputs), labels, tests, self._labels(self.test_labels, self.test_classes)
        )

    def _labels(self, labels: Any, classes: Any) -> Array:
        if labels is None and classes is not None:
            return one_hot(np.array(classes), self.output_size)
        return np.array(labels or ()).reshape(-1, self.output_size)

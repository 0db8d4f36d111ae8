"""What all data sets share: their sizes, what their labels are, and the examples themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastsde.study.fields import Fault, Seed
from fastsde.study.kinds import Kind
from fastsde.system.registry import LAST, Registry

__all__ = ["DATASETS", "Array", "Dataset", "Examples", "Target", "one_hot"]

Array = NDArray[np.float64]
Target = Literal["numbers", "signs", "classes"]


class Examples(NamedTuple):
    """Training and test examples, one per row; a class is a row with a single 1."""

    inputs: Array  # (n, inputs)
    labels: Array  # (n, outputs)
    test_inputs: Array
    test_labels: Array


class Dataset(Kind):
    """Inputs and labels to learn, and others to test what was learned.

    A subclass declares ``kind: Literal["its-name"] = "its-name"``, its other fields, and what is said below;
    it is registered with ``@DATASETS.register``. What it draws depends on its fields alone.

    Parameters
    ----------
    seed : int, default 0
        Of the examples.

    Attributes
    ----------
    order : int
        Place among the kinds in messages.
    equation, about, source : str
        The labels in a line of text, a sentence on the data, and where they are from.
    """

    kinds: ClassVar[Registry[Any]] = Registry("data set", "fastsde.study.datasets")
    order: ClassVar[int] = LAST
    equation: ClassVar[str] = ""
    about: ClassVar[str] = ""
    source: ClassVar[str] = ""

    kind: str
    seed: Seed = 0

    @property
    def input_size(self) -> int:
        """Numbers in an input."""
        raise NotImplementedError

    @property
    def output_size(self) -> int:
        """Numbers in a label."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        """Number of training examples."""
        raise NotImplementedError

    @property
    def test_count(self) -> int:
        """Number of test examples; 0 if there are none."""
        return 0

    @property
    def target(self) -> Target:
        """What a label is: "numbers", "signs" (each 1 or -1), or "classes" (one 1, the others 0)."""
        return "numbers"

    def size_words(self) -> str:
        """Say which fields determine the sizes of inputs and labels, for messages."""
        return f'kind = "{self.kind}"'

    def draw(self) -> Examples:
        """Return the examples."""
        raise NotImplementedError

    def faults(self, widths: tuple[int, ...]) -> Iterator[Fault]:
        """Check the widths of a network against the sizes; paths start at the table that has both."""
        if (widths[0], widths[-1]) != (self.input_size, self.output_size):
            hidden = "".join(f"{width}, " for width in widths[1:-1])
            expected = f"{self.input_size} first and {self.output_size} last: data with {self.size_words()}"
            fix = f"write widths = [{self.input_size}, {hidden}{self.output_size}]"
            yield Fault(("widths",), list(widths), expected, fix)


DATASETS: Registry[type[Dataset]] = Dataset.kinds
"""Data sets by kind."""


def one_hot(classes: NDArray[np.int64], count: int) -> Array:
    """Return a row for each class, with a single 1.

    Examples
    --------
    >>> one_hot(np.array([1, 0]), 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    return np.eye(count)[classes]

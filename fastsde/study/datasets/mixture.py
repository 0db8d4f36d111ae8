"""Gaussian mixtures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fastsde.study.datasets.base import DATASETS, Array, Dataset, Examples, Target, one_hot
from fastsde.study.fields import Expect, Fault, Number, Positive, Size, listed, refuse
from fastsde.study.random_streams import generator

Mean = Annotated[tuple[Number, ...], listed, Field(min_length=1), Expect("a list of numbers")]
Means = Annotated[tuple[Mean, ...] | None, listed, Field(min_length=2), Expect("a list of two or more means")]
Classes = Annotated[
    tuple[Annotated[int, Field(ge=1, le=4096), Expect("a class: a whole number from 1 on")], ...] | None,
    listed,
    Expect("a list of classes, one per mean"),
]


@DATASETS.register
class Mixture(Dataset):
    """Gaussian clouds around means, each of one class.

    Example i is from cloud i modulo their number, so that clouds are of equal size; the same for the test.

    Parameters
    ----------
    means : list of points, optional
        The means of the clouds.
    clouds, size, radius : int, int, float, optional
        In place of `means`: so many means in so many dimensions, uniform on the sphere of this radius.
    classes : list of int, optional
        Class of each mean, from 1 on; by default each has its own. ``[1, 1, 2, 2]`` with the means at the
        corners of a square, opposite ones first, is the exclusive or.
    spread : float, default 1
        Standard deviation of each coordinate around the mean.
    labels : {"classes", "signs"}
        One-hot vectors, or, of two classes, the number 1 for the first and -1 for the second.
    samples : int
        Training examples.
    test : int, default 1024
        Test examples.
    """

    order: ClassVar[int] = 4
    equation: ClassVar[str] = "x = mean of its cloud + spread xi, xi standard normal"
    about: ClassVar[str] = "The label is the class of the cloud."

    kind: Literal["mixture"] = "mixture"
    means: Means = None
    clouds: Annotated[int | None, Field(ge=2, le=4096), Expect("a whole number from 2 to 4096")] = None
    size: Annotated[int | None, Field(ge=1, le=4096), Expect("a whole number from 1 to 4096")] = None
    radius: Positive | None = None
    classes: Classes = None
    spread: Positive = 1.0
    labels: Annotated[Literal["classes", "signs"], Expect('"classes" or "signs"')] = "classes"
    samples: Size
    test: Size = 1024

    @property
    def input_size(self) -> int:
        """Dimensions of the means."""
        return int(self.size or 0) if self.means is None else len(self.means[0])

    @property
    def output_size(self) -> int:
        """One per class, or one sign."""
        return 1 if self.labels == "signs" else int(self._classes().max()) + 1

    @property
    def count(self) -> int:
        """Number of training examples."""
        return self.samples

    @property
    def test_count(self) -> int:
        """Number of test examples."""
        return self.test

    @property
    def target(self) -> Target:
        """What the field `labels` says."""
        return self.labels

    def size_words(self) -> str:
        """Say what determines the sizes."""
        labels = "one sign as label" if self.labels == "signs" else f"{self.output_size} classes"
        return f"means of {self.input_size} numbers and {labels}"

    @model_validator(mode="after")
    def _agree(self) -> Mixture:
        refuse(self._faults_of_means())
        refuse(self._faults_of_classes())
        return self

    def _faults_of_means(self) -> Iterator[Fault]:
        """Ask for means, or for what they are drawn from."""
        drawn = {"clouds": self.clouds, "size": self.size, "radius": self.radius}
        if self.means is None:
            missing = [key for key, value in drawn.items() if value is None]
            if missing:
                fix = "write means = [[..], ..], or clouds, size and radius"
                yield Fault((), f"no {', '.join(missing)}", "means, or what they are drawn from", fix)
            return
        for key, value in drawn.items():
            if value is not None:
                yield Fault((key,), value, "nothing: means are given", f"remove {key}, or means")
        for number, mean in enumerate(self.means):
            if len(mean) != len(self.means[0]):
                expected = f"{len(self.means[0])} numbers, as the first mean has"
                yield Fault(("means", number), list(mean), expected)

    def _faults_of_classes(self) -> Iterator[Fault]:
        """Check that every mean has a class, and every class a mean."""
        classes, clouds = self.classes, self._clouds()
        if classes is not None and len(classes) != clouds:
            yield Fault(("classes",), list(classes), f"{clouds} of them, one per mean")
        elif classes is not None and set(classes) != set(range(1, max(classes) + 1)):
            yield Fault(("classes",), list(classes), f"each from 1 to {max(classes)} at least once")
        elif self.labels == "signs" and self._classes().max() != 1:
            yield Fault(("labels",), self.labels, f'"classes": there are {self._classes().max() + 1} of them')

    def _clouds(self) -> int:
        return int(self.clouds or 0) if self.means is None else len(self.means)

    def _classes(self) -> NDArray[np.int64]:
        """Return the class of each cloud, from 0."""
        own = np.arange(self._clouds())
        return own if self.classes is None else np.asarray(self.classes, dtype=np.int64) - 1

    def draw(self) -> Examples:
        """Draw the means, unless they are given, and the examples."""
        centres = self._centres()
        return Examples(
            *self._cloud(centres, "inputs", self.samples), *self._cloud(centres, "test", self.test)
        )

    def _centres(self) -> Array:
        if self.means is not None:
            return np.array(self.means)
        directions = generator(self.seed, "teacher").standard_normal((self._clouds(), self.input_size))
        scale = float(self.radius or 0.0) / np.linalg.norm(directions, axis=1, keepdims=True)
        return np.asarray(directions * scale)

    def _cloud(self, centres: Array, purpose: Literal["inputs", "test"], count: int) -> tuple[Array, Array]:
        of = np.arange(count) % len(centres)
        noise = generator(self.seed, purpose).standard_normal((count, self.input_size))
        classes = self._classes()[of]
        signs: Array = 1.0 - 2.0 * classes[:, None].astype(np.float64)
        labels = signs if self.labels == "signs" else one_hot(classes, self.output_size)
        return centres[of] + self.spread * noise, labels

"""The data of a study file: samples, inputs, teacher and label noise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fastsde.study.distributions import GaussianInputs, GaussianNoise, Inputs, LabelNoise
from fastsde.study.fields import Expect, Positive, Section, Seed, Size, listed

__all__ = ["Data", "Teacher"]

Samples = Annotated[Size | Literal["population"], Expect('a whole number from 1 to 2^32, or "population"')]


class Teacher(Section):
    """A linear teacher with given singular values and random singular vectors.

    Parameters
    ----------
    singular_values : tuple of float
        Above 0; as many as the rank, at most min(inputs, outputs).
    """

    singular_values: Annotated[
        tuple[Positive, ...], listed, Field(min_length=1), Expect("a list of one or more numbers above 0")
    ]


class Data(Section):
    """What is learned from: ``y = W* x + noise``.

    Parameters
    ----------
    samples : int or "population"
        Size of the training set, or the limit of infinitely many.
    seed : int
        Seed of teacher, inputs and label noise; in a study file it defaults to the seed of the study.
    inputs, teacher, label_noise
        The laws; ``label_noise`` in a study file may be a bare number, the standard deviation.
    """

    samples: Samples
    seed: Seed = 0
    inputs: Inputs = GaussianInputs()
    teacher: Teacher
    label_noise: LabelNoise = GaussianNoise(scale=0.0)

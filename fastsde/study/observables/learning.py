"""What a nonlinear network has learned: the accuracies of its training and test examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastsde.study.fields import Fault
from fastsde.study.learner import Learner, learner_of
from fastsde.study.observable import Array, Observable, Snapshot, register

__all__ = ["known_learner", "rows_of", "without_learner", "without_test"]


def known_learner(snapshot: Snapshot) -> Learner:
    """Return the network of a study that has one."""
    learner = learner_of(snapshot.study)
    assert learner is not None
    return learner


def rows_of(snapshot: Snapshot) -> Array:
    """Return the parameters as numbers to compute with."""
    return np.asarray(snapshot.parameters, dtype=np.float64)


def without_learner(study: Any, name: str) -> Iterator[Fault]:
    """Refuse to record `name` of what is no nonlinear network."""
    if learner_of(study) is None:
        kind = study.objective.kind
        expected = f'nothing: only a network of [landscape] kind = "mlp" has it, not {kind}'
        yield Fault(("record", "observables"), name, expected, f"remove {name}")


def without_test(study: Any, name: str) -> Iterator[Fault]:
    """Refuse what needs test examples where there are none."""
    yield from without_learner(study, name)
    learner = learner_of(study)
    if learner is not None and not len(learner.test.inputs):
        expected = "nothing: the data have no test examples"
        yield Fault(("record", "observables"), name, expected, f"leave some for the test, or remove {name}")


def _without_target(study: Any, name: str) -> Iterator[Fault]:
    """Refuse the accuracy of labels that are numbers."""
    learner = learner_of(study)
    if learner is not None and learner.target == "numbers":
        expected = "nothing: an accuracy needs labels that are classes or signs"
        yield Fault(("record", "observables"), name, expected, f"remove {name}; test_loss is of any labels")


def _faults_of_test_accuracy(study: Any) -> Iterator[Fault]:
    yield from without_test(study, "test_accuracy")
    yield from _without_target(study, "test_accuracy")


def _faults_of_train_accuracy(study: Any) -> Iterator[Fault]:
    yield from without_learner(study, "train_accuracy")
    yield from _without_target(study, "train_accuracy")


def _train_accuracy(snapshot: Snapshot) -> Array:
    learner = known_learner(snapshot)
    return learner.accuracy(rows_of(snapshot), learner.training)


def _test_accuracy(snapshot: Snapshot) -> Array:
    learner = known_learner(snapshot)
    return learner.accuracy(rows_of(snapshot), learner.test)


register(
    Observable(
        name="train_accuracy",
        order=24,
        long_name="share of training examples whose class, or sign, is predicted",
        objectives=("landscape",),
        check=_faults_of_train_accuracy,
        measure=_train_accuracy,
    )
)
register(
    Observable(
        name="test_accuracy",
        order=26,
        long_name="share of test examples whose class, or sign, is predicted",
        objectives=("landscape",),
        check=_faults_of_test_accuracy,
        measure=_test_accuracy,
    )
)

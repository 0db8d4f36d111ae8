"""The loss on samples that were not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastsde.study.fields import Fault
from fastsde.study.learner import learner_of
from fastsde.study.observable import Array, Observable, Snapshot, register
from fastsde.study.observables.learning import rows_of, without_test


def _has_test(study: Any) -> Iterator[Fault]:
    data, here = study.data, ("record", "observables")
    if data is not None:
        if data.file is not None and data.test_arrays is None:
            fix = 'set data.test_arrays = ["X_test", "Y_test"], names of arrays in data.file'
            yield Fault(here, "test_loss", "samples to test on for it", fix)
        elif data.file is None and data.measured:
            expected = f'nothing of the kind with data.kind = "{data.kind}"'
            yield Fault(here, "test_loss", expected, "remove test_loss")
        elif data.file is None and not (_has_variance(data.inputs) and np.isfinite(data.label_noise.sd)):
            expected = "nothing: fresh samples of inputs or label noise without a variance have no mean loss"
            yield Fault(here, "test_loss", expected, "remove test_loss")
    elif learner_of(study) is not None or not hasattr(study.landscape, "test_loss"):
        yield from without_test(study, "test_loss")


def _has_variance(inputs: Any) -> bool:
    """Whether a law of inputs has second moments."""
    return bool(inputs.kind == "gaussian" or (inputs.kind == "student-t" and inputs.nu > 2))


def fresh_covariance(inputs: Any, size: int) -> Array:
    """Return the second moments of fresh inputs, (size, size): the identity of those that are whitened.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> fresh_covariance(SimpleNamespace(whiten=False, spectrum=(2.0, 1.0)), 2)
    array([[2., 0.],
           [0., 1.]])
    """
    plain = inputs.whiten or inputs.spectrum is None
    return np.eye(size) if plain else np.diag(np.array(inputs.spectrum, dtype=np.float64))


def _fresh_loss(snapshot: Snapshot) -> Array:
    """Return the mean loss of fresh samples, ``c/2 (tr (W - T) S (W - T)^T + sd^2 d_out)``; T teacher."""
    data, problem = snapshot.study.data, snapshot.problem
    miss = np.asarray(snapshot.end_to_end, dtype=np.float64) - problem.teacher
    outputs, size = problem.teacher.shape
    learned = np.einsum("nij,jk,nik->n", miss, fresh_covariance(data.inputs, size), miss)
    return np.asarray(problem.loss_scale / 2 * (learned + outputs * data.label_noise.sd**2))


def _test_loss(snapshot: Snapshot) -> Any:
    """Return the mean over samples to test on, or over fresh ones; of a landscape what that says."""
    learner = learner_of(snapshot.study)
    if learner is not None:
        return learner.loss(rows_of(snapshot), learner.test)
    if snapshot.study.data is None:
        return snapshot.study.landscape.test_loss(snapshot.parameters)
    if snapshot.study.data.file is None:
        return _fresh_loss(snapshot)
    problem = snapshot.problem
    miss = problem.test_inputs @ np.swapaxes(snapshot.end_to_end, 1, 2) - problem.test_labels
    return problem.loss_scale / 2 * (miss**2).sum(axis=2).mean(axis=1)


register(
    Observable(
        name="test_loss",
        order=22,
        long_name="loss on samples that were not trained on; of drawn data its mean over fresh samples",
        measure=_test_loss,
        check=_has_test,
    )
)

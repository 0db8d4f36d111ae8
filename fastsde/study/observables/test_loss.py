"""The loss on samples that were not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastsde.study.fields import Fault
from fastsde.study.learner import learner_of
from fastsde.study.observable import Observable, Snapshot, register
from fastsde.study.observables.learning import rows_of, without_test


def _has_test(study: Any) -> Iterator[Fault]:
    data, here = study.data, ("record", "observables")
    if data is not None:
        if data.test_arrays is None:
            fix = 'set data.test_arrays = ["X_test", "Y_test"], names of arrays in data.file'
            yield Fault(here, "test_loss", "samples to test on for it", fix)
    elif learner_of(study) is not None or not hasattr(study.landscape, "test_loss"):
        yield from without_test(study, "test_loss")


def _test_loss(snapshot: Snapshot) -> Any:
    """Return the mean over samples of a network; of a landscape what that says of itself."""
    learner = learner_of(snapshot.study)
    if learner is not None:
        return learner.loss(rows_of(snapshot), learner.test)
    if snapshot.study.data is None:
        return snapshot.study.landscape.test_loss(snapshot.parameters)
    problem = snapshot.problem
    miss = problem.test_inputs @ np.swapaxes(snapshot.end_to_end, 1, 2) - problem.test_labels
    return problem.loss_scale / 2 * (miss**2).sum(axis=2).mean(axis=1)


register(
    Observable(
        name="test_loss",
        order=22,
        long_name="loss on samples that were not trained on",
        measure=_test_loss,
        check=_has_test,
    )
)

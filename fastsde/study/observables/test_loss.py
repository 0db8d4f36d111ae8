"""The loss on samples that were not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastsde.study.fields import Fault
from fastsde.study.observable import Observable, Snapshot, register


def _has_test(study: Any) -> Iterator[Fault]:
    data, here = study.data, ("record", "observables")
    if data is not None and data.test_arrays is None:
        fix = 'set data.test_arrays = ["X_test", "Y_test"], names of arrays in data.file'
        yield Fault(here, "test_loss", "samples to test on for it", fix)
    if data is None and not hasattr(study.landscape, "test_loss"):
        yield Fault(here, "test_loss", "a landscape with samples to test on for it")


def _test_loss(snapshot: Snapshot) -> Any:
    """Return ``c/2`` times the mean square of what a network misses; of a landscape what it says."""
    if snapshot.study.data is None:
        return snapshot.study.landscape.test_loss(snapshot.parameters)
    problem = snapshot.problem
    miss = problem.test_inputs @ np.swapaxes(snapshot.end_to_end, 1, 2) - problem.test_labels
    return problem.loss_scale / 2 * (miss**2).sum(axis=2).mean(axis=1)


register(
    Observable(
        name="test_loss",
        order=30,
        long_name="loss on samples that were not trained on",
        measure=_test_loss,
        check=_has_test,
    )
)

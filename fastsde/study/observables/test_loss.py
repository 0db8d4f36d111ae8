"""The loss on samples that were not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastsde.study.fields import Fault
from fastsde.study.observable import Observable, register


def _has_test_loss(study: Any) -> Iterator[Fault]:
    if not hasattr(study.landscape, "test_loss"):
        yield Fault(("record", "observables"), "test_loss", "a landscape with samples to test on for it")


register(
    Observable(
        name="test_loss",
        order=30,
        long_name="loss on samples that were not trained on, without their noise",
        objectives=("landscape",),
        measure=lambda snapshot: snapshot.study.landscape.test_loss(snapshot.parameters),
        check=_has_test_loss,
    )
)

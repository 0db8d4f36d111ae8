"""What is recorded of diagonal networks beyond their weights: coefficients, support, gain, and test loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastsde.study.fields import Fault
from fastsde.study.landscapes.diagonal_network import DiagonalNetwork
from fastsde.study.observable import Observable, Snapshot, register


def _network(study: Any) -> DiagonalNetwork | None:
    """Return the diagonal network of a study."""
    landscape = study.landscape
    return landscape if isinstance(landscape, DiagonalNetwork) else None


def _is_diagonal(name: str) -> Any:
    def check(study: Any) -> Iterator[Fault]:
        if _network(study) is None:
            yield Fault(("record", "observables"), name, 'a landscape of kind "diagonal-network" for it')

    return check


def _has_gain(study: Any) -> Iterator[Fault]:
    """Check that the start is that of alpha, about which the gain is."""
    yield from _is_diagonal("log_gain")(study)
    network = _network(study)
    if network is not None and (network.alpha is None or network.form == "power"):
        yield Fault(
            ("record", "observables"), "log_gain", "landscape.alpha, and two weights per coefficient, for it"
        )


def _support(snapshot: Snapshot) -> Any:
    landscape = snapshot.study.landscape
    return (np.abs(landscape.beta(snapshot.parameters)) > landscape.support_above).sum(axis=1)


register(
    Observable(
        name="beta",
        order=300,
        dims=("feature",),
        long_name="regression coefficients of a diagonal network",
        objectives=("landscape",),
        sizes={"feature": lambda study: study.landscape.features},
        measure=lambda snapshot: snapshot.study.landscape.beta(snapshot.parameters),
        check=_is_diagonal("beta"),
    )
)
register(
    Observable(
        name="support",
        order=310,
        long_name="coefficients of a diagonal network above landscape.support_above in size",
        kind="int64",
        objectives=("landscape",),
        measure=_support,
        check=_is_diagonal("support"),
    )
)
register(
    Observable(
        name="log_gain",
        order=320,
        long_name="sum over coefficients of log(alpha^2 / |w_+ w_-|)",
        objectives=("landscape",),
        measure=lambda snapshot: snapshot.study.landscape.log_gain(snapshot.parameters),
        check=_has_gain,
    )
)

"""What a device must have in common with processors: all that is recorded, and where it ends."""

import cases
import numpy as np
from studies import snapshots

__all__ = ["STEPS", "assert_same"]

STEPS = 6 if cases.WHOLE else 3
"""With a look at passages after two."""


def assert_same(name, dtype, tolerance):
    """Return what processors and a device make of a case, which may differ by rounding only."""
    a_study = cases.case(name, dtype, STEPS)
    here, one = snapshots(a_study, 4, first=5)
    there, other = snapshots(a_study, 4, first=5, device="cuda")
    for variable in here:
        scale = np.nanmax(np.abs(here[variable]), initial=1.0)
        np.testing.assert_allclose(
            there[variable], here[variable], rtol=tolerance, atol=tolerance * scale, err_msg=variable
        )
    for event in one.events:
        np.testing.assert_array_equal(other.events[event], one.events[event], err_msg=event)
    np.testing.assert_allclose(
        other.checkpoint.parameters, one.checkpoint.parameters, rtol=tolerance, atol=tolerance
    )
    return one, other

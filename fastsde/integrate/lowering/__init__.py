"""From a study's words to a kernel's numbers: what each model is to the compiled code."""

from fastsde.integrate.lowering import adaptive as adaptive  # these register the steps of their models
from fastsde.integrate.lowering import descent as descent
from fastsde.integrate.lowering import sde as sde
from fastsde.integrate.lowering import sgd as sgd
from fastsde.integrate.lowering.batches import batch_share, goes_by_samples
from fastsde.integrate.lowering.keys import philox_key
from fastsde.integrate.lowering.lowered import Lowered
from fastsde.integrate.lowering.model import lower
from fastsde.integrate.lowering.plain import Request, plain_step
from fastsde.integrate.lowering.sizes import parameter_count
from fastsde.integrate.lowering.temperature import matched_temperature

__all__ = [
    "Lowered",
    "Request",
    "batch_share",
    "goes_by_samples",
    "lower",
    "matched_temperature",
    "parameter_count",
    "philox_key",
    "plain_step",
]

"""What the models with steps shorter than the learning rate share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fastsde.study.fields import Count, Expect, Positive
from fastsde.study.models.model import Model
from fastsde.study.terms.rotation import Rotation

__all__ = ["DriftingModel", "Switch"]

Directions = Annotated[int | None, Field(ge=1, le=4), Expect("a whole number from 1 to 4")]
Switch = Annotated[bool | None, Expect("true or false")]


class DriftingModel(Model):
    """What the models with steps shorter than the learning rate share: the terms of the drift.

    Parameters
    ----------
    weight_decay : float, optional
        Adds ``weight_decay theta`` to the gradient.
    rotation : Rotation, optional
        Adds ``J grad U``.
    second_order : bool, optional
        Adds ``(eta/2) H grad U``, the gradient of ``(eta/4) |grad U|^2``: the modified equation, of weak
        order 2 in eta (Li, Tai and E 2019), for gradient descent of order 2 as well (Barrett and Dherin
        2021).
    central_flow : int, optional
        Adds the central flow of gradient descent along this number of unstable directions, 1 to 4 (Cohen et
        al. 2025). With noise it is a modelling choice without a derivation.
    """

    kind: str
    substeps: Count
    weight_decay: Positive | None = None
    rotation: Rotation | None = None
    second_order: Switch = None
    central_flow: Directions = None

"""What is known of the saddles of a study: which are visited, by which models, and the noise there."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastsde.analysis.protocols import Floats
from fastsde.analysis.saddles.model_visits import ModelVisits
from fastsde.analysis.saddles.noise_summary import SaddleNoise
from fastsde.analysis.saddles.saddle_types import SaddleTypes

__all__ = ["Saddles", "saddle_name"]


@dataclass(frozen=True)
class Saddles:
    """Saddles that are visited, and the visits.

    Attributes
    ----------
    kept : tuple of str
        Numbers of the modes that each saddle keeps, as "1+2"; "none" for the origin.
    rank : ndarray, shape (saddle,)
    plateau : ndarray, shape (saddle,)
        Its loss; NaN where the saddles' own modes are not known.
    top : ndarray, shape (saddle,)
        1 if it keeps the strongest modes, 0 if it keeps others in their stead.
    gradient_rule, rate_rule, loss_rule, negative_rule : float
        The rules' shares, see `fastsde.analysis.saddles.visits.Rules`.
    gradient_scale, rate_scale : float
        Usual largest gradient norm and relative rate of descent, of which the rules are shares.
    curvature_scale : float
        Largest Hessian eigenvalue at the balanced minimum.
    naming : str
        What the modes are by which saddles are distinguished.
    gradient_source, distance_source, curvature_source, noise_source : str
        "recorded", or what was done instead.
    types : SaddleTypes
        Curvature at the saddles themselves.
    models : dict of str to ModelVisits
        Visits, with the curvature at the visiting states.
    noise : dict of str to SaddleNoise
        Noise near the saddles; models without noise are left out.
    """

    kept: tuple[str, ...]
    rank: Floats
    plateau: Floats
    top: Floats
    gradient_rule: float
    rate_rule: float
    loss_rule: float
    negative_rule: float
    gradient_scale: float
    rate_scale: float
    curvature_scale: float
    naming: str
    gradient_source: str
    distance_source: str
    curvature_source: str
    noise_source: str
    types: SaddleTypes
    models: dict[str, ModelVisits]
    noise: dict[str, SaddleNoise] = field(default_factory=dict)


def saddle_name(kept: int) -> str:
    """Return the modes of a set as text.

    Examples
    --------
    >>> saddle_name(0), saddle_name(5)
    ('none', '1+3')
    """
    return "+".join(str(k + 1) for k in range(kept.bit_length()) if kept >> k & 1) or "none"

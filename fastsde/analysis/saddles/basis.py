"""The modes that saddles keep: the parts of the optimum that are learned one by one, whatever the inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.problem.saddles import is_isotropic, mode_parts

if TYPE_CHECKING:
    from fastsde.problem.data import Problem

__all__ = ["Basis", "basis_of"]


@dataclass(frozen=True)
class Basis:
    """Parts of the optimum that add up to it, and of which every saddle's W is a sum.

    At a saddle ``W = U_K U_K^T W*`` with K a set of eigenvectors of ``Syx S^-1 Syx^T``, equally the left
    singular vectors of ``W* S^(1/2)`` (Baldi and Hornik 1989), S the inputs' second moment. If that is a
    multiple of the identity they are the singular vectors of W*.

    Attributes
    ----------
    pieces : ndarray, shape (mode, d_out, d_in)
        ``u_k u_k^T W*``, strongest first.
    duals : ndarray, shape (mode, d_out, d_in)
        ``u_k u_k^T W* S`` over the strength: its product with W is the amplitude of the mode.
    strength : ndarray, shape (mode,)
        Singular values of ``W* S^(1/2)``: amplitudes at the optimum.
    isotropic : bool
        Whether S is a multiple of the identity.
    """

    pieces: Floats
    duals: Floats
    strength: Floats
    isotropic: bool

    def amplitudes(self, matrices: Floats) -> Floats:
        """Return how much of each mode matrices W have, (n, mode); at a saddle its strength or nothing."""
        flat = self.duals.reshape(len(self.duals), -1)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(matrices.reshape(len(matrices), -1) @ flat.T)

    def maps(self, kept: Any) -> Floats:
        """Return W of the saddles that keep these sets of modes, (n, d_out, d_in)."""
        return np.asarray(np.tensordot(self.share(kept), self.pieces, axes=1))

    def share(self, kept: Any) -> Floats:
        """Return 1 for modes in these sets and 0 for others, (n, mode)."""
        places = np.minimum(np.arange(len(self.strength)), 62)
        bits = np.maximum(np.asarray(kept), 0)[..., None] >> places & 1
        return np.asarray(bits, dtype=np.float64)

    def levels(self, kept: Any, floor: float, scale: float) -> Floats:
        """Return the loss of the saddles that keep these sets, ``floor + scale / 2 sum of squares`` not kept.

        Parameters
        ----------
        kept : int or ndarray of int, shape (n,)
        floor : float
            Loss of the optimum.
        scale : float
            The loss is this times half the mean squared error.
        """
        return np.asarray(floor + scale / 2 * (1 - self.share(kept)) @ self.strength**2)


def basis_of(problem: Problem) -> Basis:
    """Return the modes of the saddles of a problem.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> one = np.eye(2)
    >>> problem = SimpleNamespace(optimum=np.diag([2.0, 1.5]), covariance=np.diag([1.0, 4.0]),
    ...                           factor=np.diag([1.0, 2.0]), mode_left=one, mode_right=one,
    ...                           mode_strength=np.array([2.0, 1.5]))
    >>> basis = basis_of(problem)
    >>> basis.strength  # the second mode of W* is learned first
    array([3., 2.])
    >>> basis.pieces[0] + 0.0
    array([[0. , 0. ],
           [0. , 1.5]])
    """
    covariance = np.asarray(problem.covariance, dtype=np.float64)
    pieces = mode_parts(problem)
    rotated = pieces @ covariance
    strength = np.sqrt(np.maximum(np.sum(rotated * pieces, axis=(1, 2)), 0.0))
    safe = np.where(strength > 0, strength, 1.0)
    return Basis(
        np.asarray(pieces), np.asarray(rotated / safe[:, None, None]), strength, is_isotropic(problem)
    )

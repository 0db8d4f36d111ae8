"""Diagonal linear networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fastsde.study.fields import Expect, Fault, Positive, Real, Seed, Size, listed, refuse
from fastsde.study.landscapes.base import LANDSCAPES, Array, Landscape, Numbers, Point
from fastsde.study.random_streams import generator
from fastsde.study.sample_data import resolved_samples, samples_of
from fastsde.system.errors import Complaint, StudyError

__all__ = ["DiagonalNetwork"]

Truth = Annotated[Point | Literal["random"] | None, listed, Expect('a list of numbers, or "random"')]
Form = Annotated[Literal["difference", "power", "product"], Expect('"difference", "power" or "product"')]
Depth = Annotated[int, Field(ge=2, le=8), Expect("a whole number from 2 to 8")]


@LANDSCAPES.register
class DiagonalNetwork(Landscape):
    """Sparse linear regression on powers or products of the weights.

    ``V = (1/2Dn) sum_i (a_i . beta - y_i)^2``, the a_i standard normal, ``y = a . beta* + noise``. There are
    three forms of beta: the difference ``w_+^D - w_-^D`` of two powers (Woodworth et al. 2020; D = 2: Pesme,
    Pillaud-Vivien and Flammarion 2021), the ``power`` ``v^D`` (HaoChen et al. 2020), and the ``product``
    ``u v`` of two layers (D = 2; Even et al. 2023, Andriushchenko et al. 2023). The factor 1/(2D) makes the
    gradient ``(1/n) sum_i (a_i . beta - y_i) a_i w^(D-1)``.

    Parameters
    ----------
    features : int
        Entries of beta. The coordinates are w_+, then w_-; or u, then v; or v alone.
    samples : int
        n.
    form : {"difference", "power", "product"}, default "difference"
        Of beta.
    depth : int, default 2
        D.
    truth : tuple of float or "random", optional
        beta*: given, or `nonzero` normal entries at random places divided by their norm. By default the first
        `nonzero` entries are 1.
    nonzero : int, default 1
        Entries of beta* that are not 0.
    noise : float, default 0
        Standard deviation of the labels' noise.
    alpha : float, optional
        Balanced start: ``w_+ = w_- = alpha``, so beta = 0; ``v = alpha``; or ``u = sqrt(2) alpha, v = 0``. By
        default the start is ``start.point``, or the origin.
    support_above : float, default 0.01
        Size above which an entry of beta counts for the observable `support`.
    seed : int, default 0
        Of the samples.
    data : str, optional
        The samples themselves, in place of those drawn: a file as for the landscape `samples`, one sample per
        row, the inputs and then the label. `truth` is then what the test loss is measured against.
    sha256 : str, optional
        SHA-256 of the data; resolved when the study is read, like `samples` if there are data.

    Examples
    --------
    >>> network = DiagonalNetwork(features=2, samples=4, alpha=0.1)
    >>> network.bottom().tolist(), network.beta(np.array([[0.5, 0.2, 0.4, 0.2]])).round(2).tolist()
    ([0.1, 0.1, 0.1, 0.1], [[0.09, 0.0]])
    """

    order: ClassVar[int] = 7
    about: ClassVar[str] = "The observed coordinates are the weights: w_+, then w_-; u, then v; or v."
    source: ClassVar[str] = (
        "Pesme, Pillaud-Vivien and Flammarion 2021; Woodworth et al. 2020; HaoChen et al. 2020"
    )
    mean_over_samples: ClassVar[bool] = True

    kind: Literal["diagonal-network"] = "diagonal-network"
    features: Annotated[Size, Field(le=1024), Expect("a whole number from 1 to 1024")]
    samples: Size
    form: Form = "difference"
    depth: Depth = 2
    truth: Truth = None
    nonzero: Size = 1
    noise: Real = 0.0
    alpha: Positive | None = None
    support_above: Positive = 0.01
    seed: Seed = 0
    data: Annotated[str, Field(min_length=1), Expect('a file of NumPy\'s, or "module:name"')] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), Expect("nothing: it is resolved")] | None = None

    @classmethod
    def resolved(cls, table: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fill in the number of samples and the checksum of the data, if they are given."""
        found = resolved_samples(table.get("data"), table.get("sha256"), 1)
        if found:
            columns = samples_of(table["data"], found["sha256"], ()).shape[1]
            said = {"features": columns - 1, "samples": found["samples"]}
            wrong = [key for key, value in said.items() if table.get(key, value) != value]
            if wrong:
                key = wrong[0]
                expected = f"{said[key]}, as {table['data']} has {found['samples']} rows of {columns} numbers"
                fix = "correct it" if key == "features" else "remove it"
                raise StudyError([Complaint(f"landscape.{key}", str(table[key]), expected, fix)])
        return {**table, **found}

    @property
    def places_aside(self) -> tuple[str, ...]:
        """The data count by their checksum."""
        return () if self.data is None else ("data",)

    @property
    def equation(self) -> str:  # type: ignore[override]
        """The energy, in a line of text."""
        depth = self.depth
        forms = {"difference": f"w_+^{depth} - w_-^{depth}", "power": f"v^{depth}", "product": "u v"}
        return f"V = (1/{2 * depth}n) sum_i (a_i . beta - y_i)^2, beta = {forms[self.form]}"

    @property
    def dimension(self) -> int:
        """Twice the features, or as many in the form of one power."""
        return self.features if self.form == "power" else 2 * self.features

    @property
    def surface_name(self) -> str:
        """The compiled function of the form; two powers of degree 2 have one of their own."""
        if self.form == "difference":
            return "diagonal-network" if self.depth == 2 else "diagonal-network-deep"
        return f"diagonal-network-{self.form}"

    @model_validator(mode="after")
    def _sparse(self) -> DiagonalNetwork:
        faults = []
        if self.nonzero > self.features:
            faults.append(Fault(("nonzero",), self.nonzero, f"at most features = {self.features}"))
        if isinstance(self.truth, tuple) and len(self.truth) != self.features:
            faults.append(Fault(("truth",), list(self.truth), f"features = {self.features} numbers"))
        if self.form == "product" and self.depth != 2:
            faults.append(Fault(("depth",), self.depth, '2, which form = "product" has'))
        if self.alpha is not None and (self.start.point is not None or self.start.points is not None):
            faults.append(Fault(("alpha",), self.alpha, "no alpha, as start says where to start"))
        if self.data is not None and self.noise > 0:
            faults.append(Fault(("noise",), self.noise, "nothing: the labels are given", "remove noise"))
        if self.sha256 is not None and self.data is None:
            faults.append(Fault(("sha256",), "set", "nothing: it is that of data", "remove it"))
        refuse(faults)
        return self

    @property
    def label_count(self) -> int:
        """One label."""
        return 1

    def bottom(self) -> Array:
        """Return the balanced start, or the origin."""
        if self.alpha is None:
            return super().bottom()
        if self.form == "product":
            return np.repeat([np.sqrt(2.0) * self.alpha, 0.0], self.features)
        return np.full(self.dimension, self.alpha)

    def optimum(self) -> Array:
        """Return beta*, (features,)."""
        if isinstance(self.truth, tuple):
            return np.array(self.truth)
        if self.truth is None:
            return (np.arange(self.features) < self.nonzero).astype(float)
        random = generator(self.seed, "teacher")
        places = random.permutation(self.features)[: self.nonzero]
        sparse = np.zeros(self.features)
        sparse[places] = random.standard_normal(self.nonzero)
        return sparse / np.linalg.norm(sparse)

    def own_samples(self, places: Sequence[Path]) -> Array | None:
        """Return the samples that the study names, (n, features + 1); None if it names none."""
        return None if self.data is None else samples_of(self.data, self.sha256, places)

    def numbers_in(self, places: Sequence[Path]) -> Numbers:
        """Return the regression problem that is given, or draw it."""
        samples = self.own_samples(places)
        if samples is None:
            return self.numbers()
        return Numbers(samples[:, :-1], samples[:, -1:], vector=np.array([float(self.depth)]))

    def numbers(self) -> Numbers:
        """Draw the regression problem."""
        random = generator(self.seed, "landscape")
        inputs = random.standard_normal((self.samples, self.features))
        labels = inputs @ self.optimum() + self.noise * random.standard_normal(self.samples)
        return Numbers(inputs, labels[:, None], vector=np.array([float(self.depth)]))

    def beta(self, points: NDArray[Any]) -> NDArray[Any]:
        """Return the regression coefficients of points (rows, d), (rows, features)."""
        if self.form == "power":
            return np.asarray(points**self.depth)
        first, second = points[:, : self.features], points[:, self.features :]
        if self.form == "product":
            return np.asarray(first * second)
        return np.asarray(first**self.depth - second**self.depth)

    def test_loss(self, points: NDArray[Any]) -> NDArray[Any]:
        """Return the expected loss on fresh samples without noise, ``|beta - beta*|^2 / (2D)``, (rows,)."""
        miss = self.beta(points) - self.optimum().astype(points.dtype)
        return np.asarray((miss**2).sum(axis=1) / (2 * self.depth))

    def log_gain(self, points: NDArray[Any]) -> NDArray[Any]:
        """Return ``sum_j log(alpha^2 / |w_+ w_-|_j)`` of points (rows, d), (rows,).

        How much smaller than alpha the scale of the start is that gradient flow would need to end where the
        trajectory will (Pesme et al. 2021; Even et al. 2023, the l1 norm of their gain). In the form of a
        product ``(u^2 - v^2) / 2`` takes the place of ``w_+ w_-``.
        """
        first, second = points[:, : self.features], points[:, self.features :]
        product = (first**2 - second**2) / 2 if self.form == "product" else first * second
        assert self.alpha is not None
        with np.errstate(divide="ignore"):
            return np.asarray((2 * np.log(self.alpha) - np.log(np.abs(product))).sum(axis=1))

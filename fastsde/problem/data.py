"""The problem a network learns: a teacher, and a data set or its population limit, reduced to a few matrices.

All of it is a function of the study's ``data`` table and its seed. Every loss is ``c/2 E|Wx - y|^2`` with the
factor ``c`` of the study (`fastsde.study.tables.Network.loss_scale`); for a linear network it depends on the
data only through ``S = E[x x^T]`` and ``Syx = E[y x^T]``, the sample means or the population's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastsde.problem.measured import measured_fields
from fastsde.problem.own_data import Samples, own_samples, own_teacher
from fastsde.study.random_streams import generator, random_frame, sample_inputs, sample_noise, whitened
from fastsde.system.brief import brief
from fastsde.system.errors import Complaint, StudyError, naming

if TYPE_CHECKING:
    from fastsde.study.study import Study
    from fastsde.study.tables import Data

__all__ = ["Problem", "build_problem"]

Array = NDArray[np.float64]

NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class Problem:
    """What a network learns, as C-contiguous float64 arrays; K = min(d_in, d_out).

    Parameters
    ----------
    loss_scale : float
        The factor c of ``c/2 E|Wx - y|^2``.
    teacher : (d_out, d_in) array
        ``W*``.
    covariance : (d_in, d_in) array
        S: the sample mean of ``x x^T``, or the population's. For inputs without a variance (stable; Student-t
        with nu <= 2) the diagonal of squared scales, a yardstick for the loss and no second moment.
    cross : (d_out, d_in) array
        ``Syx``.
    factor : (d_in, d_in) array
        Lower triangular F, ``F F^T = S``; also for singular S.
    inputs : (n, d_in) array or None
    labels : (n, d_out) array or None
        The data set; None for the population.
    optimum : (d_out, d_in) array
        ``Syx S^+``, the least-squares map of smallest norm.
    optimum_loss : float
        The loss there; NaN in a population whose label noise has no variance.
    noise_sd : float
        Standard deviation of the population's label noise in each output; 0 for finite data, inf if none
        exists.
    input_kind, input_tail : str, float
        Law of fresh inputs; nu or alpha, inf when normal.
    t2 : float
        ``E tau^2`` of the elliptical mixture ``x = sqrt(tau) g``: 1 when normal, ``(nu-2)/(nu-4)`` for
        Student-t, inf where it does not exist.
    noise_kind, noise_tail, noise_scale : str, float, float
        Law of fresh label noise: scale times a standard normal, t, or symmetric stable variable.
    mode_left : (d_out, K) array
    mode_strength : (K,) array
    mode_right : (d_in, K) array
        Singular value decomposition of `optimum`, strongest first; the largest entry of each right vector is
        positive; of measurements those of the teacher.
    entries : (n,) array of int or None
        Completion: the place of each sample's entry in the matrix row by row, from 0; of a population the
        entries that it is drawn from.
    matrices : (n, d_out, d_in) array or None
        Sensing: the A_i of finite data.
    measured : (n,) array or None
        The labels of measurements.
    test_inputs, test_labels : arrays or None
        Samples to test on, (n, d_in) and (n, d_out).
    """

    loss_scale: float
    teacher: Array
    covariance: Array
    cross: Array
    factor: Array
    inputs: Array | None
    labels: Array | None
    optimum: Array
    optimum_loss: float
    noise_sd: float
    input_kind: str
    input_tail: float
    t2: float
    noise_kind: str
    noise_tail: float
    noise_scale: float
    mode_left: Array
    mode_strength: Array
    mode_right: Array
    entries: NDArray[np.int64] | None = None
    matrices: Array | None = None
    measured: Array | None = None
    test_inputs: Array | None = None
    test_labels: Array | None = None
    __repr__ = brief

    @property
    def white(self) -> bool:
        """Whether the inputs' second moment is the identity."""
        return bool(np.abs(self.covariance - np.eye(len(self.covariance))).max() < NEGLIGIBLE)


def build_problem(study: Study) -> Problem:
    """Draw teacher and data of a study, and reduce them to what the dynamics need.

    Raises
    ------
    StudyError
        If a moment of the data overflows.

    Examples
    --------
    >>> from fastsde.study.study import Study
    >>> study = Study.from_mapping({
    ...     "trajectories": 1,
    ...     "network": {"widths": [3, 5, 2], "init": {"std": 0.1}},
    ...     "data": {"samples": "population", "teacher": {"singular_values": [2.0, 1.0]}},
    ...     "time": {"learning_rate": 0.1, "steps": 100},
    ...     "models": {"sgd": {"kind": "sgd"}},
    ... })
    >>> build_problem(study).mode_strength.round(12)
    array([2., 1.])
    """
    if study.landscape is not None:
        return landscape_problem(study.landscape.middle(), study.objective.modes)
    with np.errstate(over="ignore", invalid="ignore"), naming(study.source):
        return _build(study)


def _refuse_overflow(*moments: NDArray[np.float64] | float) -> None:
    if not all(np.isfinite(moment).all() for moment in moments):
        expected = "inputs, teacher and label_noise whose squares, summed, are finite numbers"
        fix = "smaller scales, or lighter tails"
        raise StudyError([Complaint("data", "a moment that overflows", expected, fix)])


def _build(study: Study) -> Problem:
    data, widths = study.data, study.network.widths
    own = None if data.file is None else own_samples(study)
    teacher = None if own else given_teacher(study)
    if teacher is not None and (data.measured or not isinstance(data.samples, int)):
        inputs = labels = None
        covariance = np.diag(input_scales(data, widths[0]) ** 2)
        cross, optimum = teacher @ covariance, teacher
        noise_sd = data.label_noise.sd
        residual = noise_sd * noise_sd * widths[-1] if math.isfinite(noise_sd) else math.nan
        _refuse_overflow(covariance, cross, residual if math.isfinite(noise_sd) else 0.0)
    else:
        inputs, labels = _samples(data, own, teacher)
        covariance = inputs.T @ inputs / len(inputs)
        cross = labels.T @ inputs / len(inputs)
        _refuse_overflow(covariance, cross)
        optimum = cross @ np.linalg.pinv(covariance, rcond=NEGLIGIBLE, hermitian=True)
        noise_sd = 0.0
        residual = float(np.sum((inputs @ optimum.T - labels) ** 2)) / len(inputs)
        _refuse_overflow(optimum, residual)
        teacher = optimum if teacher is None else teacher
    left, strength, right = modes(optimum)
    contiguous = np.ascontiguousarray
    problem = Problem(
        loss_scale=study.network.loss_scale,
        teacher=contiguous(teacher),
        covariance=contiguous(covariance),
        cross=contiguous(cross),
        factor=lower_factor(covariance),
        inputs=inputs,
        labels=labels,
        optimum=contiguous(optimum),
        optimum_loss=study.network.loss_scale / 2 * residual,
        noise_sd=noise_sd,
        input_kind=data.inputs.kind,
        input_tail=data.inputs.tail,
        t2=mixture_moment(data),
        noise_kind=data.label_noise.kind,
        noise_tail=data.label_noise.tail,
        noise_scale=data.label_noise.scale,
        mode_left=left,
        mode_strength=strength,
        mode_right=right,
        test_inputs=own.test_inputs if own else None,
        test_labels=own.test_labels if own else None,
    )
    if not data.measured:
        return problem
    return replace(problem, **measured_fields(data, study.network.loss, teacher))


def landscape_problem(centre: Array, modes: int) -> Problem:
    """Give a landscape the form of a problem: the point as a map from one input, its coordinates as modes."""
    size, point = len(centre), np.ascontiguousarray(centre[:, None])
    return Problem(
        loss_scale=1.0,
        teacher=point,
        covariance=np.eye(1),
        cross=point,
        factor=np.eye(1),
        inputs=None,
        labels=None,
        optimum=point,
        optimum_loss=math.nan,
        noise_sd=0.0,
        input_kind="gaussian",
        input_tail=math.inf,
        t2=1.0,
        noise_kind="gaussian",
        noise_tail=math.inf,
        noise_scale=0.0,
        mode_left=np.eye(size, modes),
        mode_strength=np.ones(modes),
        mode_right=np.ones((1, modes)),
    )


def _samples(data: Data, own: Samples | None, teacher: Array | None) -> tuple[Array, Array]:
    """Return the user's own samples, or those drawn of a teacher."""
    if own is not None:
        return own.inputs, own.labels
    assert teacher is not None
    assert isinstance(data.samples, int)
    return draw_samples(data, data.samples, teacher)


def given_teacher(study: Study) -> Array:
    """Return the teacher of a study, drawn, or from its file."""
    teacher = study.data.teacher
    if teacher is not None and teacher.file is not None:
        return own_teacher(study)
    return draw_teacher(study.data, study.widths[0], study.widths[-1])


def draw_teacher(data: Data, d_in: int, d_out: int) -> Array:
    """Draw ``W* = U diag(s) V^T`` with uniformly random orthonormal U and V; (d_out, d_in)."""
    random = generator(data.seed, "teacher")
    assert data.teacher is not None
    strength = np.array(data.teacher.singular_values)
    left = random_frame(random, d_out, strength.size)
    right = random_frame(random, d_in, strength.size)
    return np.asarray((left * strength) @ right.T)


def draw_samples(data: Data, count: int, teacher: Array) -> tuple[Array, Array]:
    """Draw a data set: inputs (count, d_in), whitened if asked for, and labels (count, d_out)."""
    d_out, d_in = teacher.shape
    inputs = sample_inputs(generator(data.seed, "inputs"), data.inputs, count, d_in)
    inputs = whitened(inputs) if data.inputs.whiten else inputs * input_scales(data, d_in)
    noise = sample_noise(generator(data.seed, "label noise"), data.label_noise, (count, d_out))
    return np.ascontiguousarray(inputs), np.ascontiguousarray(inputs @ teacher.T + noise)


def input_scales(data: Data, d_in: int) -> Array:
    """Give the scale of each raw coordinate, the square root of the spectrum; (d_in,)."""
    spectrum = data.inputs.spectrum
    return np.ones(d_in) if spectrum is None else np.asarray(np.sqrt(np.array(spectrum)))


def mixture_moment(data: Data) -> float:
    """Give ``E tau^2`` of the inputs' elliptical mixture, inf where the fourth moment does not exist."""
    tail = data.inputs.tail
    if math.isinf(tail):
        return 1.0
    return (tail - 2) / (tail - 4) if tail > 4 else math.inf


def lower_factor(matrix: Array) -> Array:
    """Give the lower triangular F with non-negative diagonal and ``F F^T = matrix``, positive semidefinite.

    Examples
    --------
    >>> lower_factor(np.array([[4.0, 2.0], [2.0, 1.0]])).round(12) + 0.0
    array([[2., 0.],
           [1., 0.]])
    """
    values, vectors = np.linalg.eigh(matrix)
    _, upper = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T)
    signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
    return np.ascontiguousarray(np.tril((upper * signs[:, None]).T))


def modes(matrix: Array) -> tuple[Array, Array, Array]:
    """Give the singular value decomposition (U, s, V) with the sign fixed; rounding dust in s becomes 0."""
    left, strength, right_t = np.linalg.svd(matrix, full_matrices=False)
    strength = np.where(strength > NEGLIGIBLE * strength.max(), strength, 0.0)
    largest = np.abs(right_t).argmax(axis=1)
    signs = np.where(right_t[np.arange(strength.size), largest] < 0, -1.0, 1.0)
    return np.ascontiguousarray(left * signs), strength, np.ascontiguousarray((right_t * signs[:, None]).T)

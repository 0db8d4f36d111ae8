"""A problem in the form that every peer needs: arrays and numbers, without fastsde objects."""

from dataclasses import dataclass

import numpy as np

from fastsde.benchmark.cases import MODEL, Case
from fastsde.problem.data import build_problem

__all__ = ["Setting", "setting_of", "symmetric"]


@dataclass(frozen=True)
class Setting:
    """A case for the peers.

    The loss is ``c/2 E|W x - y|^2``; `kind` is one of

    - "langevin": ``theta <- theta - eta grad L + sqrt(2 T eta) xi``, population, ``E x x^T = I``;
    - "gradient": ``theta <- theta - eta grad L + eta N``, N one sample's noise made Gaussian, that is
      R = c (D + D H + sigma Z) in place of c D, H symmetric with variance 1 off and 2 on the diagonal;
    - "sgd": batches of one sample of finite data, reshuffled in each epoch.

    All return the parameters and the loss of each trajectory at the end.
    """

    kind: str
    widths: tuple
    dtype: str
    trajectories: int
    steps: int
    learning_rate: float
    temperature: float
    label_sd: float
    scale: float
    floor: float
    std: float
    optimum: np.ndarray
    inputs: np.ndarray | None
    labels: np.ndarray | None
    activation: str | None = None
    """Of a nonlinear network with biases, which start as 0; its parameters are W_1, b_1, W_2, b_2, ..."""

    @property
    def layers(self):
        return len(self.widths) - 1


def setting_of(case: Case, trajectories, steps) -> Setting:
    """Translate a case, with the given numbers of trajectories and steps."""
    study = case.study(steps)
    problem = build_problem(case.replace(activation=None).study(steps))
    model = study.models[MODEL]
    if model.kind == "sde" and (model.substeps != 1 or model.alpha != 2):
        raise ValueError(f"{case.name}: peers take one Gaussian step per learning rate")
    kind = "sgd" if model.kind == "sgd" else {"isotropic": "langevin", "gradient": "gradient"}[model.noise]
    if (kind == "sgd") != (problem.inputs is not None):
        raise ValueError(f"{case.name}: peers take SGD on samples, SDEs on the population")
    finite = problem.inputs is not None
    return Setting(
        kind=kind,
        widths=case.widths,
        dtype=study.dtype,
        trajectories=trajectories,
        steps=steps,
        learning_rate=study.time.learning_rate,
        temperature=model.temperature if kind == "langevin" else 0.0,
        label_sd=problem.noise_sd,
        scale=problem.loss_scale,
        floor=problem.optimum_loss,
        std=(study.network or study.landscape).init.std,
        optimum=problem.optimum.astype(study.dtype),
        inputs=problem.inputs.astype(study.dtype) if finite else None,
        labels=problem.labels.astype(study.dtype) if finite else None,
        activation=case.activation,
    )


def symmetric(width, dtype):
    """Return index and scale, (width, width) each, that make H = scale x[index] of independent normals x.

    There are ``width (width + 1) / 2`` of them, as in fastsde; a matrix plus its transpose needs nearly twice
    as many.
    """
    rows, columns = np.triu_indices(width)
    index = np.zeros((width, width), dtype=np.int64)
    index[rows, columns] = np.arange(len(rows))
    index = np.maximum(index, index.T)
    scale = np.where(np.eye(width, dtype=bool), np.sqrt(2.0), 1.0)
    return index, scale.astype(dtype)

"""The dynamics of a study: gradient descent, SGD and the stochastic differential equations, as plain data.

Time is counted in learning rates: one SGD step of learning rate ``eta`` takes the time ``eta``. Every model
advances by ``dt = eta / substeps``. With ``N`` one draw of the gradient noise of a batch (covariance ``C/B``
of the end-to-end gradient, pushed to the layers by back-propagation), the models are

- `GradientDescent`: ``theta <- theta - dt grad L``;
- `Sgd`: ``theta <- theta - eta (gradient of a batch)``;
- `Sde`, gradient noise: ``theta <- theta - dt grad L + sqrt(eta dt) N``;
- `Sde`, isotropic noise: ``theta <- theta - dt grad L + sqrt(2 T dt) xi``, xi standard normal;
- `Sde`, noise that follows the state (`fastsde.study.state_noise`): ``sqrt(dt) B(theta) xi``.

Others are rules around the same gradients and noise: `Adam`, `Rmsprop`, `SignSgd`, dynamics with inertia
(`Underdamped`, `MomentumSde`), and the SDEs `AdamSde`, `RmspropSde` and `SignSde`.

An `Sde` with ``alpha < 2`` multiplies its Gaussian increment by the square root of a one-sided stable clock
(elliptical stable noise), or of a tempered one (normal tempered stable, the same covariance as the Gaussian).
With ``by_component`` every component of xi, or every sample's weight in N, has a stable number of its own.

The general model is ``d theta = -[(I + J) grad U + (eta/2) H grad U + 1/2 grad <H, Sigma>] dt + dM`` with
``U = L + weight_decay |theta|^2 / 2``, run on the ordinary clock or on an inverse stable subordinator; each
term is a field of the models that may have it. All noise is Ito: the coefficient is taken at the start of the
step. Stratonovich's form, an option of noise that follows the state, adds the drift
``1/2 sum_k (D B_k) B_k``, B_k the columns of the noise's root: nothing for isotropic or given noise, and for
gradient noise terms of order ``eta``, beside which the second-order drift stands.
"""

from fastsde.study.models.adam import Adam
from fastsde.study.models.adam_sde import AdamSde
from fastsde.study.models.batches import Sampling
from fastsde.study.models.gradient_descent import GradientDescent
from fastsde.study.models.model import MODEL_KINDS, Model
from fastsde.study.models.momentum_sde import MomentumSde
from fastsde.study.models.rmsprop import Rmsprop
from fastsde.study.models.rmsprop_sde import RmspropSde
from fastsde.study.models.sde import Sde
from fastsde.study.models.sgd import Sgd
from fastsde.study.models.sign_sde import SignSde
from fastsde.study.models.sign_sgd import SignSgd
from fastsde.study.models.svag import Svag
from fastsde.study.models.underdamped import Underdamped

__all__ = [
    "MODEL_KINDS",
    "Adam",
    "AdamSde",
    "GradientDescent",
    "Model",
    "MomentumSde",
    "Rmsprop",
    "RmspropSde",
    "Sampling",
    "Sde",
    "Sgd",
    "SignSde",
    "SignSgd",
    "Svag",
    "Underdamped",
]

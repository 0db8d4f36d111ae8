"""Ensembles that rest at known saddles, for tests."""

from itertools import pairwise

import numpy as np
from fakes import FakeEnsemble, FakeTrajectories
from studies import study

from fastsde.analysis import Settings
from fastsde.analysis.context import Context
from fastsde.analysis.saddles.basis import basis_of
from fastsde.analysis.saddles.section import measure
from fastsde.problem.data import build_problem
from fastsde.problem.initial_points import balanced_factors
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.observables.saddle_rank import best_maps, rank_distance, rank_index
from fastsde.system.progress import Silent

WIDTHS = {2: (3, 5, 3), 3: (3, 5, 5, 3)}
PATH = [(), (0,), (0, 1), (0, 1, 2)]


def saddle_point(network, problem, keep):
    """Balanced parameters whose W is the sum of these parts of the optimum and no others."""
    pieces = basis_of(problem).pieces
    matrix = sum((pieces[k] for k in keep), np.zeros(pieces.shape[1:]))
    hidden = [np.eye(width)[:, :3] for width in network.widths[1:-1]]
    return network.pack([np.asarray(w) for w in balanced_factors(matrix, hidden)])


def path(network, problem, order, stay=6, move=5):
    """Parameters that rest at each saddle for `stay` snapshots and go straight on in `move`."""
    points = [saddle_point(network, problem, keep) for keep in order]
    steps = [points[0]] * stay
    for one, other in pairwise(points):
        steps += [one + share * (other - one) for share in np.linspace(0, 1, move + 2)[1:-1]] + [other] * stay
    return np.array(steps)


def ensemble(
    layers, orders, recorded=("loss", "gradient_norm", "modes"), count=6, model=None, walk=path, **more
):
    """Trajectories along known saddles, all of `count` copies of each order of modes."""
    data = {"samples": 12, "inputs": {"kind": "gaussian", "whiten": True}}
    s = study(WIDTHS[layers], model or {"kind": "sgd", "batch": 1}, noise=0.1, steps=10, **{**data, **more})
    problem = build_problem(s)
    network = DeepLinearNetwork(s.network.widths, s.network.loss_scale)
    theta = np.concatenate(
        [np.repeat(walk(network, problem, order)[:, None], count, axis=1) for order in orders], axis=1
    )
    w = network.end_to_end(theta)
    everything = {
        "loss": network.loss(theta, problem),
        "gradient_norm": np.linalg.norm(network.gradient(theta, problem), axis=-1),
        "modes": np.einsum("ia,stij,ja->sta", problem.mode_left, w, problem.mode_right),
        "parameters": theta,
        "end_to_end": w,
        "mode_matrix": np.einsum("ia,stij,jb->stab", problem.mode_left, w, problem.mode_right),
        "singular_values": np.linalg.svd(w, compute_uv=False),
    }
    rank = rank_index(everything["singular_values"], problem.mode_strength)
    everything["rank_index"] = rank.astype(np.float64)
    far = rank_distance(w.reshape(-1, *w.shape[2:]), rank.ravel(), best_maps(problem))
    everything["rank_distance"] = far.reshape(rank.shape)
    step = np.arange(len(theta))
    arrays = {name: everything[name] for name in recorded}
    arrays["diverged_step"] = np.full(theta.shape[1], -1)
    view = FakeTrajectories(step, step * s.time.learning_rate, arrays, {"dt": s.time.learning_rate})
    return FakeEnsemble(s, problem, {"m": view})


def measured(found):
    return measure(context(found))


def context(found):
    return Context(found, dict(found.views), "", Settings(), Silent())

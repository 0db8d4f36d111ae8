"""torch, eager: batched in-place products, all normals in one call, hand-written gradients.

The plain loop over one trajectory uses autograd, as is common practice.
"""

import math
from functools import partial

import numpy as np
import torch

from bench.setting import symmetric

__all__ = ["VERSION", "bare_loop", "variants"]

VERSION = torch.__version__
BATCHES = (256, 1024, 8192)


def variants(setting):
    """Return the run with each batch size (trajectories advanced together)."""
    if setting.kind == "sgd":
        return {"one trajectory, autograd": partial(bare_loop, setting)}
    sizes = sorted({min(size, setting.trajectories) for size in BATCHES})
    return {f"batches of {size}": Ensemble(setting, size) for size in sizes}


class Ensemble:
    """Trajectories in batches, each batch from start to end with preallocated tensors."""

    def __init__(self, setting, batch):
        self.setting, self.batch = setting, batch
        dtype = getattr(torch, setting.dtype)
        self.widths, self.layers = setting.widths, setting.layers
        width = self.widths[0]
        assert set(self.widths) == {width}
        self.optimum = torch.from_numpy(setting.optimum)
        make = partial(torch.empty, batch, width, width, dtype=dtype)
        self.theta = torch.empty(self.layers, batch, width, width, dtype=dtype)
        self.weights = list(self.theta.unbind(0))
        self.prefix = [self.weights[0], *(make() for _ in range(self.layers - 1))]
        self.residual, self.back = make(), [make(), make()]
        self.noise = torch.empty_like(self.theta)
        index, scale = symmetric(width, setting.dtype)
        self.index, self.scale = torch.from_numpy(index.ravel()), torch.from_numpy(scale)
        self.pairs = width * (width + 1) // 2
        self.draw = torch.empty(batch * (self.pairs + width * width), dtype=dtype)
        self.symmetric = make()

    @torch.no_grad()
    def __call__(self, seed):
        setting = self.setting
        generator = torch.Generator().manual_seed(seed)
        step = {"langevin": self._langevin, "gradient": self._gradient}[setting.kind]
        losses = np.empty(setting.trajectories, dtype=setting.dtype)
        points = np.empty((setting.trajectories, self.theta[:, 0].numel()), dtype=setting.dtype)
        for first in range(0, setting.trajectories, self.batch):
            self.theta.normal_(0, setting.std, generator=generator)
            for _ in range(setting.steps):
                step(generator)
            last = min(first + self.batch, setting.trajectories)
            losses[first:last] = self._loss()[: last - first]
            points[first:last] = self.theta.transpose(0, 1).flatten(1)[: last - first].numpy()
        return points, losses

    def _langevin(self, generator):
        setting = self.setting
        self._deviate()
        self._descend(setting.scale * setting.learning_rate)
        amplitude = math.sqrt(2 * setting.temperature * setting.learning_rate)
        self.theta.add_(self.noise.normal_(generator=generator), alpha=amplitude)

    def _gradient(self, generator):
        """R = D + D H + sigma Z, H gathered from as many normals as it has free entries."""
        setting = self.setting
        deviation = self._deviate()
        free, z = self.draw.normal_(generator=generator).split(
            [self.batch * self.pairs, self.symmetric.numel()]
        )
        torch.index_select(free.view(self.batch, -1), 1, self.index, out=self.symmetric.view(self.batch, -1))
        self.symmetric.mul_(self.scale)
        torch.baddbmm(deviation, deviation, self.symmetric, out=self.back[0])
        self.residual, self.back[0] = self.back[0], self.residual
        self.residual.add_(z.view_as(self.residual), alpha=setting.label_sd)
        self._descend(setting.scale * setting.learning_rate)

    def _deviate(self):
        for layer in range(1, self.layers):
            torch.bmm(self.weights[layer], self.prefix[layer - 1], out=self.prefix[layer])
        return torch.sub(self.prefix[-1], self.optimum, out=self.residual)

    def _descend(self, rate):
        back, spare = self.residual, self.back
        for layer in range(self.layers - 1, 0, -1):
            torch.bmm(self.weights[layer].transpose(1, 2), back, out=spare[0])
            self.weights[layer].baddbmm_(back, self.prefix[layer - 1].transpose(1, 2), alpha=-rate)
            back, spare = spare[0], spare[::-1]
        self.weights[0].sub_(back, alpha=rate)

    def _loss(self):
        square = self._deviate().square().sum((1, 2))
        return (square * (0.5 * self.setting.scale) + self.setting.floor).numpy()


def bare_loop(setting, seed):
    """SGD, one trajectory after the other on one thread: forward, backward, one in-place update."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        generator = torch.Generator().manual_seed(seed)
        saved = [_trajectory(setting, generator) for _ in range(setting.trajectories)]
        return tuple(np.array(part) for part in zip(*saved, strict=True))
    finally:
        torch.set_num_threads(threads)


def _trajectory(setting, generator):
    x, y = torch.from_numpy(setting.inputs), torch.from_numpy(setting.labels)
    dtype, n = x.dtype, len(x)
    weights = [
        torch.empty(above, below, dtype=dtype).normal_(0, setting.std, generator=generator).requires_grad_()
        for below, above in zip(setting.widths[:-1], setting.widths[1:], strict=True)
    ]
    half = 0.5 * setting.scale
    for step in range(setting.steps):
        if step % n == 0:
            order = torch.randperm(n, generator=generator).tolist()
        i = order[step % n]
        h = x[i]
        for w in weights:
            h = w @ h
        loss = half * (h - y[i]).square().sum()
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            torch._foreach_add_(weights, gradients, alpha=-setting.learning_rate)
    with torch.no_grad():
        h = x.T
        for w in weights:
            h = w @ h
        points = torch.cat([w.flatten() for w in weights]).numpy()
        return points, float(half * (h.T - y).square().sum() / n)

"""The same runs in torch, JAX, NumPy and diffrax, as users of each library would write them for speed.

A peer module has ``variants(setting) -> {name: run}``, where ``run(seed)`` integrates all trajectories and
returns the final parameters and loss of each as NumPy arrays; the fastest variant is compared. Initial states
are drawn inside ``run``, as in fastsde. A library that is not installed is skipped.
"""

from importlib import import_module

__all__ = ["NAMES", "load"]

NAMES = ("torch", "jax", "numpy", "diffrax")


def load(name):
    """Import a peer's module, or return None if its library is not installed."""
    try:
        return import_module(f"bench.peers.{name}_peer")
    except ModuleNotFoundError as absent:
        if absent.name and absent.name.split(".")[0] == name:
            return None
        raise

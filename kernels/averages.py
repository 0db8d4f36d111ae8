"""What steps with exponential averages of gradients share."""

from fastsde.kernels.lanes import broadcast, fma, load, meet, share, store
from fastsde.kernels.options import in_double, inlined

__all__ = ["average", "gain", "keep", "unbiased"]


@inlined
def keep(m, net):
    """Keep the state that a step starts from in `kept`."""
    for k in share(m, net.parameters):
        store(m, net.kept + k, load(m, k))
    meet(m)


@inlined
def average(m, at, weights, newest):
    """Update the average at a place by the weights of the old value and of the newest; return it."""
    value = fma(load(m, at), broadcast(m, weights[0]), newest * weights[1])
    store(m, at, value)
    return value


@inlined
@in_double
def gain(beta):
    """Return the share of the newest value in an exponential average."""
    return 1.0 - beta


@inlined
@in_double
def unbiased(beta, number):
    """Return what makes an average that began as 0 a mean at step `number`, from 0: ``1 / (1 - beta^(k+1))``.

    Examples
    --------
    >>> unbiased(0.5, 1)
    1.3333333333333333
    """
    return 1.0 / (1.0 - beta ** (number + 1.0))

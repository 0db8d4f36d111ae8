"""Threads of the analysis: as many as cores, each with a linear algebra of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread_each"]


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Hold the linear algebra library to one thread while our own threads share the cores.

    Statistics are many small products: the library's own threads would mostly wait for each other, spinning,
    on cores that other snapshots and models need. Its setting is put back at the end.

    Examples
    --------
    >>> with one_thread_each():
    ...     pass
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield

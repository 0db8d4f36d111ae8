"""A user's own function of one point."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fastsde.study.fields import Expect
from fastsde.study.landscapes.base import LANDSCAPES, Dimension, Landscape


@LANDSCAPES.register
class User(Landscape):
    """A function of your own, compiled by numba: ``function(x, gradient)`` fills `gradient` and returns V(x).

    Parameters
    ----------
    function : str
        A name given to `fastsde.user.register`, or ``"module:name"``, which is imported only where the
        environment variable ``FASTSDE_ALLOW_CODE`` is 1: a study file is not trusted to run code. The module
        is looked for beside the study file, in the working directory, then on Python's path.
    size : int
        d.
    """

    order: ClassVar[int] = 9
    about: ClassVar[str] = "Its energy is a function given by the user."

    kind: Literal["user"] = "user"
    function: Annotated[str, Field(min_length=1), Expect('a registered name, or "module:name"')]
    size: Dimension

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.size

    @property
    def code_name(self) -> str:
        """The function's name."""
        return self.function

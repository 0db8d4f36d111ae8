"""Code that exists only inside its callers: optimised and made into machine code there, once.

By itself numba optimises every function and makes it into machine code before any caller exists, and does so
again in each caller. Functions that are compiled into their callers need neither: calls nest up to ten deep,
and a model's kernels would take twice as long to compile.
"""

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

__all__ = ["PartCompiler"]


class Part(JITCodeLibrary):
    """The code of one such function with all that it calls, as it was written."""

    def _optimize_final_module(self):
        """Leave it to the callers."""

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name):
        """Return 0, as of a function that has no wrapper for the interpreter."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self):
        """What numba tells the environment of the function; kernels use nothing of it."""
        return self

    def set_env(self, name, environment):
        """Forget it."""


class PartCompiler(Compiler):
    """Compiles a function as a `Part`."""

    def compile_extra(self, function):
        """Compile the function, of whose class numba has not yet made its own library."""
        self.state.library = Part(self.state.targetctx.codegen(), function.__qualname__)
        return super().compile_extra(function)

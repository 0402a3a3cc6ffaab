"""How kernels are compiled: one place for the flags.

`error_model="numpy"`: a division does not raise, so loops that divide are vectorised.
No fast-math: NaN and infinity keep their meaning, and a result does not depend on its loop.

A loop over the rows of a model with many variables compares many pointers before it goes the SIMD
way, to see that no rows overlap. LLVM gives up above 128 comparisons, which 14 variables exceed;
channel noise then costs three times as much. The comparisons themselves take nanoseconds.
"""

import uuid
import warnings
from contextlib import suppress
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numba as nb
from numba.core import event
from numba.core.caching import FunctionCache

from hh_sde.kernels.cache import folder
from hh_sde.kernels.waiting import WAITING

if not hasattr(llvm, "hh_sde_option"):  # LLVM takes an option once in a process
    llvm.set_option("hh_sde", "-vectorize-memory-check-threshold=100000")
    llvm.hh_sde_option = True

#: A scalar expression, or a part of one function, inlined wherever it is used.
expression = nb.njit(error_model="numpy", inline="always")


class MachineCode(FunctionCache):
    """numba's cache of a function's machine code, in the cache folder.

    numba would keep it beside the source, where it outlives the package and hides the next one.
    What cannot be read there counts as missing; what cannot be written is compiled again next time.
    """

    def __init__(self, function: Any) -> None:
        config: Any = nb.config  # where numba looks for the folder, and only now
        elsewhere, config.CACHE_DIR = config.CACHE_DIR, str(folder())
        try:
            super().__init__(function)
        finally:
            config.CACHE_DIR = elsewhere
        # numba counts a function's files: two processes that begin at once would both take the
        # first name, and one of them find the code of other argument types under it
        file = self._cache_file
        file._data_name_pattern = f"{file._data_name_pattern}.{uuid.uuid4().hex[:8]}"

    def load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return super().load_overload(signature, target)
        except Exception:  # a damaged pickle can raise anything
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        try:
            super().save_overload(signature, data)
        except OSError as error:
            warn_once(f"compiled code cannot be kept in {self.cache_path}: {error}")


@cache
def warn_once(message: str) -> None:
    """A warning the first time that it is to be given."""
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def kernel(function: Any) -> Any:
    """A loop over lanes: releases the GIL, and its machine code is kept."""
    compiled: Any = nb.njit(error_model="numpy", nogil=True)(function)
    compiled._cache = MachineCode(function)
    return compiled


class _Compiling(event.Listener):
    """Tells WAITING of the kernels that numba compiles, not of other code."""

    def on_start(self, event: Any) -> None:
        if isinstance(event.data["dispatcher"]._cache, MachineCode):
            WAITING.begin()

    def on_end(self, event: Any) -> None:
        if isinstance(event.data["dispatcher"]._cache, MachineCode):
            WAITING.end()


event.register("numba:compile", _Compiling())

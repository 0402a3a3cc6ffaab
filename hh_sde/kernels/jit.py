"""How kernels are compiled: one place for the flags.

`error_model="numpy"`: a division does not raise, so loops that divide are vectorised.
No fast-math: NaN and infinity keep their meaning, and a result does not depend on its loop.

A loop over the rows of a model with many variables compares many pointers before it goes the SIMD
way, to see that no rows overlap. LLVM gives up above 128 comparisons, which 14 variables exceed;
channel noise then costs three times as much. The comparisons themselves take nanoseconds.
"""

import llvmlite.binding as llvm
import numba as nb

if not hasattr(llvm, "hh_sde_option"):  # LLVM takes an option once in a process
    llvm.set_option("hh_sde", "-vectorize-memory-check-threshold=100000")
    llvm.hh_sde_option = True

#: A scalar expression, inlined wherever it is used.
expression = nb.njit(error_model="numpy", inline="always")
#: A loop over lanes: cached on disk, releases the GIL.
kernel = nb.njit(error_model="numpy", cache=True, nogil=True)

"""How kernels are compiled: one place for the flags.

`error_model="numpy"`: a division does not raise, so loops that divide are vectorised.
No fast-math: NaN and infinity keep their meaning, and a result does not depend on its loop.
"""

import numba as nb

#: A scalar expression, inlined wherever it is used.
expression = nb.njit(error_model="numpy", inline="always")
#: A loop over lanes: cached on disk, releases the GIL.
kernel = nb.njit(error_model="numpy", cache=True, nogil=True)

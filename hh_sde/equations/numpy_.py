"""Equations in arrays of NumPy: no compilation, and what is not finite stays so."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from hh_sde.equations.expressions import FUNCTIONS
from hh_sde.equations.whole_arrays import Language


@cache
def language() -> Language:
    """NumPy."""

    def array(values: Any) -> np.ndarray:
        return np.asarray(values, dtype=float)

    def sums(values: np.ndarray, places: np.ndarray, n: int) -> np.ndarray:
        found = np.zeros((n, *values.shape[1:]))
        np.add.at(found, places, values)
        return found

    functions = {name: one.value for name, one in FUNCTIONS.items()} | {"where": np.where}
    return Language(
        "NumPy",
        functions,
        array=array,
        constant=array,
        stack=lambda rows: np.stack(np.broadcast_arrays(*rows)),
        join=np.concatenate,
        sums=sums,
        currents=lambda function, t: function(np.array([float(t)])),
        called=lambda function, x, t: function(x, t),
    )

"""Equations in SymEngine's expressions, numpy arrays of them, of which jitcsde makes C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from hh_sde.equations.whole_arrays import Language
from hh_sde.errors import optional

#: Below this |u/(1 - e^-u)| is summed as 1 + u/2 + u^2/12: what is left out is below 1e-15.
_NEAR = 1e-4
_OF_ANGLES = (
    "sin", "cos", "tan", "sinh", "cosh", "tanh",
    "asin", "acos", "atan", "asinh", "acosh", "atanh",
)  # fmt: skip


@cache
def language() -> Language:
    """SymEngine, if it is there.

    Raises
    ------
    ImportError
        If it is not, with what to install.
    """
    symengine = optional("symengine", "jitcsde")

    def where(condition: Any, yes: Any, no: Any) -> Any:
        return symengine.Piecewise((yes, condition), (no, True))

    def linoid(u: Any) -> Any:
        near = 1 + u / 2 + u * u / 12
        return where(symengine.Abs(u) < _NEAR, near, u / (1 - symengine.exp(-u)))

    def root(R: Any) -> Any:
        return symengine.sqrt(symengine.Max(0, R))

    def refuse(*arguments: Any) -> Any:
        raise ValueError("jitcsde takes no tabulated rates; diffrax and torchsde do")

    def of_numbers(function: Callable[..., Any], arguments: int) -> Callable[..., Any]:
        return np.frompyfunc(function, arguments, 1)

    def constant(values: Any) -> np.ndarray:
        return np.array(values, dtype=object)

    def sums(values: Any, places: np.ndarray, n: int) -> np.ndarray:
        found = np.zeros((n, *values.shape[1:]), dtype=object)
        np.add.at(found, places, values)
        return found

    def currents(function: Callable[..., np.ndarray], t: Any) -> np.ndarray:
        raise ValueError(
            "jitcsde takes currents that are the same at all times; diffrax and torchsde take all"
        )

    def called(function: Callable[..., Any], x: np.ndarray, t: float) -> np.ndarray:
        return np.asarray(function(constant(x), t), dtype=float)

    functions = {
        "where": of_numbers(where, 3),
        "exp": of_numbers(symengine.exp, 1),
        "log": of_numbers(symengine.log, 1),
        "sqrt": of_numbers(symengine.sqrt, 1),
        "power": of_numbers(lambda x, k: x**k, 2),
        **{name: of_numbers(getattr(symengine, name), 1) for name in _OF_ANGLES},
        "linoid": of_numbers(linoid, 1),
        "root": of_numbers(root, 1),
        "absolute_root": of_numbers(lambda R: symengine.sqrt(symengine.Abs(R)), 1),
        "table_value": refuse,
    }

    def stack(rows: Sequence[Any]) -> np.ndarray:
        return np.stack(np.broadcast_arrays(*rows))

    return Language(
        "SymEngine", functions, constant, constant, stack, np.concatenate, sums, currents, called
    )

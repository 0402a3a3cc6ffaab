"""Equations in tensors of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from hh_sde.equations.whole_arrays import Language, elementary, tables
from hh_sde.errors import optional
from hh_sde.records import numbers


@cache
def language() -> Language:
    """PyTorch, if it is there.

    Raises
    ------
    ImportError
        If it is not, with what to install.
    """
    torch = optional("torch", "torchsde")

    def array(values: Any) -> Any:
        if isinstance(values, torch.Tensor):
            if values.dtype != torch.float64:
                raise ValueError(f"these equations take float64, got {values.dtype}: x.double()")
            return values
        return constant(numbers(values, "x, t and parameters", "numbers or tensors"))

    def constant(values: Any) -> Any:
        return torch.as_tensor(np.array(values, dtype=float))

    def sums(values: Any, places: np.ndarray, n: int) -> Any:
        none = torch.zeros((n, *values.shape[1:]), dtype=values.dtype)
        return none.index_add(0, torch.as_tensor(places), values)

    def currents(function: Callable[..., np.ndarray], t: Any) -> Any:
        return constant(function(np.array([float(t)])))

    def stack(rows: Sequence[Any]) -> Any:
        tensors = [constant(row) if isinstance(row, float) else row for row in rows]
        return torch.stack(torch.broadcast_tensors(*tensors))

    def called(function: Callable[..., Any], x: np.ndarray, t: float) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(function(constant(x), t))

    functions = elementary(torch) | tables(torch, lambda k: k.long())
    return Language("PyTorch", functions, array, constant, stack, torch.cat, sums, currents, called)

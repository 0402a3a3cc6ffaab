"""Equations in arrays of JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from hh_sde.equations.whole_arrays import Language, elementary, tables
from hh_sde.errors import optional


@cache
def language() -> Language:
    """JAX, if it is there.

    Raises
    ------
    ImportError
        If it is not, with what to install.
    """
    jax = optional("jax", "diffrax")
    jnp = jax.numpy

    def array(values: Any) -> Any:
        found = jnp.asarray(values)
        if found.dtype == jnp.float64:
            return found
        if not jax.config.jax_enable_x64:
            raise ValueError(
                "JAX makes every number one of 32 bits here, in which slopes of V are lost to "
                "rounding; say jax.config.update('jax_enable_x64', True) at the start of the "
                "program, or go on inside `with jax.enable_x64(True):`"
            )
        if jnp.issubdtype(found.dtype, jnp.integer) or isinstance(values, int | float):
            return found.astype(jnp.float64)
        raise ValueError(f"these equations take float64, got {found.dtype}: x.astype('float64')")

    def constant(values: Any) -> Any:
        return np.asarray(values)  # an array of JAX may belong to the function that is traced

    def sums(values: Any, places: np.ndarray, n: int) -> Any:
        return jnp.zeros((n, *values.shape[1:]), values.dtype).at[places].add(values)

    def currents(function: Callable[..., np.ndarray], t: Any) -> Any:
        """By a call out of the program: a stimulus is numpy's, and has no derivative here."""
        if not isinstance(t, jax.core.Tracer):
            return jnp.asarray(function(np.array([float(t)])))
        shape = jax.ShapeDtypeStruct(function(np.zeros(1)).shape, jnp.float64)
        return jax.pure_callback(
            lambda t: np.asarray(function(np.asarray(t, dtype=float).reshape(1))),
            shape,
            jax.lax.stop_gradient(t),
            vmap_method="sequential",
        )

    def stack(rows: Sequence[Any]) -> Any:
        return jnp.stack(jnp.broadcast_arrays(*rows))

    def called(function: Callable[..., Any], x: np.ndarray, t: float) -> np.ndarray:
        with double():
            return np.asarray(function(jnp.asarray(x), t))

    functions = elementary(jnp) | tables(jnp, lambda k: k.astype(int))
    return Language(
        "JAX", functions, array, constant, stack, jnp.concatenate, sums, currents, called
    )


def double() -> Any:
    """A context in which JAX has double precision, in this thread; what was set is set again."""
    jax = optional("jax", "diffrax")
    enable_x64 = getattr(jax, "enable_x64", None)
    if enable_x64 is None:
        enable_x64 = optional("jax.experimental", "diffrax").enable_x64
    return enable_x64(True)

"""f and G of an SDE over all trials at once, whether they are made for that or not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hh_sde.sde import SDE, Function

#: Batches and single calls agree if they differ by rounding alone: products of matrices do.
_ROUNDING = 1e-9
#: States at which they are compared lie this far from x0, and from each other, relative to it.
_APART = 1e-3
#: Displacements of differences, relative to 1 + |x|.
_DISPLACED = 1.5e-8


def over_trials(sde: SDE, trials: int) -> tuple[Function, Function]:
    """f: (d, trials) -> (d, trials) and G: (d, trials) -> (d, m, trials).

    They also take one state, (d,), as those of the SDE do.

    Parameters
    ----------
    sde : SDE
    trials : int
        How many there are. What stands in further columns is a copy of the last one: functions that
        take one state at a time are not called for it.
    """
    f = _over_trials("f", sde, trials)
    if sde.m == 0:
        return f, lambda x, t: np.zeros((sde.d, 0, *np.shape(x)[1:]))
    return f, _over_trials("G", sde, trials)


def takes_batches(name: str, sde: SDE) -> bool:
    """Whether f or G takes the states of several trials, by what is stated or by trying it."""
    return _takes_batches(*_of(name, sde)) if sde.vectorized is None else sde.vectorized


def _of(name: str, sde: SDE) -> tuple[Function, SDE, tuple[int, ...]]:
    """f or G, its equation, and the shape of what it gives."""
    return (sde.f, sde, (sde.d,)) if name == "f" else (sde.G, sde, (sde.d, sde.m))


def _over_trials(name: str, sde: SDE, trials: int) -> Function:
    function, _, shape = _of(name, sde)

    def at_once(x: np.ndarray, t: float) -> np.ndarray:
        if x.ndim == 1:
            return function(x, t)
        try:
            return _spread(function(x, t), shape, x.shape[1])
        except _OtherShape as error:
            raise ValueError(
                f"SDE(vectorized=True) says that {name} takes states (d, trials) = {x.shape} and "
                f"gives {(*shape, x.shape[1])}; it gave {error}"
            ) from None

    def one_by_one(x: np.ndarray, t: float) -> np.ndarray:
        if x.ndim == 1:
            return function(x, t)
        columns = np.ascontiguousarray(x.T)[:trials]
        values = np.stack([np.asarray(function(one, t), dtype=float) for one in columns], axis=-1)
        extra = x.shape[1] - len(columns)
        return values if not extra else np.concatenate([values, values[..., -1:]], axis=-1)

    return at_once if takes_batches(name, sde) else one_by_one


class _OtherShape(Exception):
    """The shape of what a function gave for a batch."""


def _spread(value: np.ndarray, shape: tuple[int, ...], trials: int) -> np.ndarray:
    """What a function gave for a batch, (*shape, trials); from one value for all trials too."""
    value = np.asarray(value, dtype=float)
    if value.shape == shape:
        value = value[..., None]
    if value.shape not in ((*shape, trials), (*shape, 1)):
        raise _OtherShape(value.shape)
    return np.broadcast_to(value, (*shape, trials))


def _takes_batches(function: Function, sde: SDE, shape: tuple[int, ...]) -> bool:
    """Whether batches of 2 and of 3 states give what single calls give.

    Two sizes, so that none is mistaken for d or m.
    """
    steps = _APART * np.arange(1, 6)
    states = sde.x0[:, None] * (1 + steps) + steps * np.linspace(0.5, 1.0, sde.d)[:, None]
    try:
        with np.errstate(all="ignore"):
            return all(_agree(function, x, shape) for x in (states[:, :2], states[:, 2:]))
    except Exception:  # whatever a function may raise that was made for one state
        return False


def _agree(function: Callable[..., np.ndarray], x: np.ndarray, shape: tuple[int, ...]) -> bool:
    try:
        batch = _spread(function(x.copy(), 0.0), shape, x.shape[1])
    except _OtherShape:
        return False
    single = np.stack([function(one.copy(), 0.0) for one in x.T], axis=-1)
    scale = _ROUNDING * np.nanmax(np.abs(single), initial=0.0)
    return np.allclose(batch, single, rtol=_ROUNDING, atol=scale, equal_nan=True)


def resolvent_of(sde: SDE, trials: int) -> Callable[..., np.ndarray]:
    """v (d, columns) with (1 - h J(x, t)) v = r, of (x, t, h, r), J being the derivative of f.

    Of the columns the first `trials` are different, as for `over_trials`. J is `SDE.jac`, for one
    state after another; that of a network solves for all at once. Without it J is by differences.
    """
    of_network = getattr(sde.jac, "solve", None)
    if of_network is not None:
        return of_network
    jacobian = _differences(sde, trials) if sde.jac is None else _one_by_one(sde, trials)
    unit = np.eye(sde.d)

    def solve(x: np.ndarray, t: float, h: float, r: np.ndarray) -> np.ndarray:
        matrices = unit - h * jacobian(x, t)
        found = np.linalg.solve(matrices, r.T[: len(matrices), :, None])[..., 0].T
        return found[:, np.minimum(np.arange(r.shape[1]), trials - 1)]

    return solve


def _one_by_one(sde: SDE, trials: int) -> Function:
    jac = sde.jac
    assert jac is not None

    def jacobian(x: np.ndarray, t: float) -> np.ndarray:
        found = np.stack([np.asarray(jac(one, t), dtype=float) for one in x.T[:trials]])
        if found.shape[1:] != (sde.d, sde.d):
            raise ValueError(f"jac(x, t) must have shape {(sde.d, sde.d)}, got {found.shape[1:]}")
        return found

    return jacobian


def _differences(sde: SDE, trials: int) -> Function:
    """(trials, d, d), by forward differences: of Newton's method they move the speed alone."""
    f, _ = over_trials(sde, trials)

    def jacobian(x: np.ndarray, t: float) -> np.ndarray:
        begin = f(x, t)
        columns = []
        for i in range(sde.d):
            ahead = x.copy()
            ahead[i] += _DISPLACED * (1.0 + np.abs(x[i]))
            columns.append((f(ahead, t) - begin) / (ahead[i] - x[i]))
        return np.stack(columns, axis=-1).swapaxes(0, 1)[:trials]

    return jacobian

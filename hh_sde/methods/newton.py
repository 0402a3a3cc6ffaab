"""Newton's method for the equations of implicit steps, r(y) = 0, in all trials at once.

States are (d, trials). A trial's iterates depend on itself alone, and what it converges to stays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Residual = Callable[[np.ndarray], np.ndarray]
#: The step v from y with residual r: the derivative of -r along v is r.
Step = Callable[[np.ndarray, np.ndarray], np.ndarray]

#: A trial has converged if the step is below this, relative to 1 + |y|, in all components: the
#: error left is about its square.
_CONVERGED = 1e-9
#: Steps, those where they are shortened, and how often one is halved.
_STEPS, _SHORTENED_STEPS, _HALVINGS = 12, 50, 10
#: Rounds of bracketing, each of so many steps and followed by Newton's method.
_ROUNDS, _IN_ROUND = 12, 12
#: What V moves by where no bracket is known, mV; a bracket below `_CLOSED` has lost its root to
#: what other neurons did, and is looked for anew, beginning with `_NEAR`.
_FAR, _CLOSED, _NEAR = 50.0, 1e-3, 1e-2


def newton(residual: Residual, step: Step, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The roots from y on, and which of the trials have one."""
    moves = np.ones(y.shape[1], dtype=bool)
    for _ in range(_STEPS):
        v = step(y, residual(y))
        y, moves = np.where(moves, y + v, y), moves & ~_small(v, y)
        if not moves.any():
            break
    return y, ~moves


def shortened_newton(
    residual: Residual, step: Step, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same where a step is halved as long as it lets the residual grow."""
    moves = np.ones(y.shape[1], dtype=bool)
    for _ in range(_SHORTENED_STEPS):
        r = residual(y)
        v = step(y, r)
        last = _small(v, y)
        part = _not_growing(residual, y, r, v, moves & ~last)
        y, moves = np.where(moves, y + part * v, y), moves & ~last
        if not moves.any():
            break
    return y, ~moves


def _small(v: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.all(np.abs(v) <= _CONVERGED * (1.0 + np.abs(y)), axis=0)


def _not_growing(
    residual: Residual, y: np.ndarray, r: np.ndarray, v: np.ndarray, far: np.ndarray
) -> np.ndarray:
    """The part of v, of the trials that are far, which does not let the residual grow; else 1."""
    size = np.abs(r).max(axis=0)
    part = np.ones(y.shape[1])
    for _ in range(_HALVINGS):
        grows = far & ~(np.abs(residual(y + part * v)).max(axis=0) <= size)
        if not grows.any():
            break
        part = np.where(grows, 0.5 * part, part)
    return part


def bracketed_newton(
    residual: Residual, step: Step, settling: Step, V: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same for a network, in which a spike that begins within a step is a jump.

    All else follows where V is, so that V's residual is a function of one number in each neuron,
    positive far below the root and negative far above: a bracket of the root closes, by Newton's
    step where that stays inside, by halves where it does not. What neurons feel of each other may
    move a root meanwhile; then its bracket is sought anew.

    Parameters
    ----------
    settling : callable
        As `step`, with V held.
    V : (n_neurons,) array of int
        The components that are potentials.
    y : (d, trials) array
    """
    low = np.full((len(V), y.shape[1]), -np.inf)
    high, stride = -low, np.full(low.shape, _FAR)
    found, done = y, np.zeros(y.shape[1], dtype=bool)
    for _ in range(_ROUNDS):
        y = _settled(residual, settling, y)
        for _ in range(_IN_ROUND):
            r = residual(y)
            low, high, stride = _narrowed(low, high, stride, y[V], r[V] > 0.0)
            y = y.copy()
            y[V], stride = _moved(low, high, stride, y[V], r[V] > 0.0, step(y, r)[V])
            y = _settled(residual, settling, y)
        root, converged = newton(residual, step, y)
        found, done = np.where(converged & ~done, root, found), done | converged
        if done.all():
            break
    return found, done


def _settled(residual: Residual, settling: Step, y: np.ndarray) -> np.ndarray:
    """With all but V where its equations have it: gates are linear there, concentrations nearly."""
    for _ in range(2):
        y = y + settling(y, residual(y))
    return y


def _narrowed(
    low: np.ndarray, high: np.ndarray, stride: np.ndarray, V: np.ndarray, up: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The brackets with V as an end of theirs, the root being above V where `up`."""
    low, high = np.where(up, V, low), np.where(up, high, V)
    lost = high - low < _CLOSED
    low, high = np.where(lost & ~up, -np.inf, low), np.where(lost & up, np.inf, high)
    return low, high, np.where(lost, _NEAR, stride)


def _moved(
    low: np.ndarray, high: np.ndarray, stride: np.ndarray, V: np.ndarray, up: np.ndarray,
    v: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """V moved by Newton's step v, or by one that is safe; and the next stride."""
    inside = (V + v > low) & (V + v < high) & (np.abs(v) <= _FAR)
    closed = np.isfinite(high - low)
    safe = np.where(closed, 0.5 * (low + high), V + np.where(up, stride, -stride))
    longer = np.where(inside | closed, stride, np.minimum(2.0 * stride, _FAR))
    return np.where(inside, V + v, safe), longer

"""A solution along the path as expressions of the time and the Wiener processes there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hh_sde.equations.expressions import ONE, Expression, derivative, evaluate, names
from hh_sde.equations.parsing import parsed


@dataclass(frozen=True, eq=False)
class Along:
    """x = F(t, W), as a function of both, and by Ito's formula the equation that it solves.

    Parameters
    ----------
    expressions : tuple of Expression
        One for each variable, of t, of W (or W1, W2, ... of several processes), and of numbers.
    numbers : mapping of name to float

    Examples
    --------
    >>> F = Along.of(["exp(s*W)"], s=0.5)
    >>> F(1.0, np.array([0.0])), F.differential(1.0, np.array([0.0]))
    (array([1.]), (array([0.125]), array([[0.5]])))
    """

    expressions: tuple[Expression, ...]
    numbers: Mapping[str, float]

    @classmethod
    def of(cls, texts: list[str], **numbers: float) -> Along:
        """Of text for each variable."""
        return cls(tuple(parsed(one, "a solution") for one in texts), numbers)

    def __call__(self, t: float, W: np.ndarray) -> np.ndarray:
        """x (d,) where the processes are W (m,); or (d, k) of (m, k)."""
        return self._values(self.expressions, t, W)

    def differential(self, t: float, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ito's f (d,) and G (d, m) there: dF/dt + 1/2 sum d^2F/dW_k^2, and dF/dW_k."""
        by = [_by(self.expressions, name) for name in self._processes(len(W))]
        second = [_by(one, name) for one, name in zip(by, self._processes(len(W)), strict=True)]
        f = self._values(_by(self.expressions, "t"), t, W)
        f = f + 0.5 * sum(self._values(one, t, W) for one in second)
        return f, np.stack([self._values(one, t, W) for one in by], axis=1)

    def _processes(self, m: int) -> list[str]:
        numbered = [f"W{k + 1}" for k in range(m)]
        return ["W"] if any("W" in names(e) for e in self.expressions) else numbered

    def _values(self, of: tuple[Expression, ...], t: float, W: np.ndarray) -> np.ndarray:
        at = {**self.numbers, "t": t, **dict(zip(self._processes(len(W)), W, strict=True))}
        return np.array(np.broadcast_arrays(*(evaluate(e, at) for e in of)), dtype=float)


def _by(expressions: tuple[Expression, ...], name: str) -> tuple[Expression, ...]:
    return tuple(derivative(e, {name: ONE}) for e in expressions)

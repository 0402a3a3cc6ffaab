"""Rates as tables of values, made of any function."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import scipy.interpolate

from hh_sde.kinetics.rates import ONE, WORKING_RANGE, Parameter, Rate
from hh_sde.records import OF_SLOT, frozen, numbers, parameter, record, single

#: Points of a table, 8 bytes each.
MOST_POINTS = 10_000_000


@record
class Tabulated(Rate):
    """Values on an even grid of V, linearly interpolated, and constant beyond its ends.

    Make one from any function with `Tabulated.sample`, which measures the interpolation error.

    Parameters
    ----------
    start, step : float
        First grid point and spacing, mV.
    values : (points,) array
        The rate at the grid points.
    error : float
        Largest difference seen between the function and the interpolation, in the rate's unit.

    Examples
    --------
    >>> import numpy as np
    >>> rate = Tabulated.sample(lambda V: 0.1 * np.exp(V / 40), start=-100.0, stop=60.0)
    >>> rate.error < 1e-6
    True
    """

    units = {"values": OF_SLOT, "start": "mV", "step": "mV", "error": OF_SLOT}
    monotone: ClassVar[bool] = False

    start: float
    step: float
    values: np.ndarray
    error: float = float("nan")

    def __post_init__(self) -> None:
        values = np.atleast_1d(parameter(self.values, "Tabulated.values", nonnegative=True))
        if not 2 <= values.size <= MOST_POINTS:
            raise ValueError(
                f"Tabulated.values needs at least two points and at most {MOST_POINTS}, "
                f"got {values.size}"
            )
        object.__setattr__(self, "values", frozen(values))
        for name, positive in (("start", False), ("step", True)):
            value = single(getattr(self, name), f"Tabulated.{name} (mV)", positive=positive)
            object.__setattr__(self, name, value)
        if not np.isfinite([1 / self.step, self.start + self.step * values.size]).all():
            raise ValueError(
                f"Tabulated: there is no grid from {self.start:g} mV in steps of {self.step:g} mV"
            )
        object.__setattr__(self, "error", float(numbers(self.error, "Tabulated.error").reshape(())))

    @property
    def vanishes(self) -> bool:
        return not np.all(self.values > 0)

    def above_one(self) -> np.ndarray:
        points = self.start + self.step * np.arange(self.values.size)
        V = np.unique(np.clip(np.concatenate([WORKING_RANGE, points]), *WORKING_RANGE))
        return np.where(np.interp(V, points, self.values) > ONE, V, np.nan)

    @property
    def bound(self) -> np.ndarray:
        return self.values.max()

    def scaled(self, factor: Parameter) -> Tabulated:
        one = single(factor, "the factor on a table, which is the same for all neurons, ")
        return self.replace(values=self.values * one, error=self.error * one)

    def shifted(self, V: Parameter) -> Tabulated:
        one = single(V, "V_T of a table, which is the same for all neurons, ")
        return self.replace(start=self.start + one)

    @classmethod
    def sample(
        cls,
        function: Callable[[np.ndarray], np.ndarray],
        *,
        start: float = -150.0,
        stop: float = 150.0,
        step: float = 0.01,
    ) -> Tabulated:
        """Sample `function` (of an array of V in mV) and measure the error between grid points.

        Raises
        ------
        ValueError
            If the function is not finite on the grid, or the grid is empty.
        """
        start, stop = single(start, "start"), single(stop, "stop")
        step = single(step, "step", positive=True)
        points = (stop - start) / step + 1
        if not 2 <= points + 0.5 <= MOST_POINTS:
            raise ValueError(
                f"no grid of 2 to {MOST_POINTS} points from {start} to {stop} mV in steps of {step}"
            )
        V = start + step * np.arange(round(points))
        values = _values_of(function, V)
        middle = V[:-1] + 0.5 * step
        line = scipy.interpolate.make_interp_spline(V, values, k=1)
        error = float(np.max(np.abs(line(middle) - _values_of(function, middle))))
        return cls(start, step, values, error)

    def of_neuron(self, neuron: int) -> Tabulated:
        """Itself: a table is the same for all neurons."""
        return self

    def repeated(self, times: int) -> Tabulated:
        """Itself."""
        return self

    def latex(self) -> str:
        return rf"\text{{tabulated, {self.values.size} points, error {self.error:.1g}}}"


def _values_of(function: Callable[[np.ndarray], np.ndarray], V: np.ndarray) -> np.ndarray:
    """The function's values on a grid of V, checked."""
    with np.errstate(all="ignore"):  # reported below
        values = numbers(function(V), "the function", "one that gives numbers")
    if values.shape not in ((), V.shape):
        raise ValueError(
            f"the function must give an array of the shape of V, {V.shape}, got {values.shape}"
        )
    values = np.broadcast_to(values, V.shape)
    if not np.all(np.isfinite(values)):
        bad = V[~np.isfinite(values)][0]
        raise ValueError(f"the function is not finite at V = {bad:g} mV; define it there too")
    return values

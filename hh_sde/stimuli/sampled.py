"""Currents given by their values at even times."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from hh_sde.records import numbers, record, see_choice, shown, single
from hh_sde.stimuli.base import SAME_TIME, Stimulus, inside, is_pandas

#: Times of samples are even if none is off by more than this part of their spacing.
EVEN = 1e-6
#: Units in which times may come, and what makes ms of them.
_UNITS_OF_TIME = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "1e3"),
    **dict.fromkeys(("us", "usec", "\N{MICRO SIGN}s", "\N{GREEK SMALL LETTER MU}s"), "1e-3"),
    **dict.fromkeys(("ns", "nsec"), "1e-6"),
}
#: A unit at the end of a name, "time (s)", "t [s]", "t/s", "time in s", "time_s", or alone.
_UNIT_IN_NAME = re.compile(r"(?:[(\[/_ ]\s*|^)([^\W\d_]+)\s*[)\]]?\s*$")


@record
class SampledCurrent(Stimulus):
    """A recorded or computed current, given at start, start + dt, start + 2 dt, ...

    Parameters
    ----------
    values : (times,) or (times, n_neurons) array; pandas Series, DataFrame; xarray DataArray
        uA/cm^2. The index of a Series or DataFrame, and the coordinate `time` of a DataArray, are
        the times of the samples (ms, or time differences), which must be even; they give dt and
        start. The columns of a DataFrame, and the dim `neuron` of a DataArray, are the neurons in
        their order.
    dt, start : float, optional
        ms. An array takes dt, and starts at 0 unless another is given.
    interpolation : {"previous", "linear"}
        "previous" holds each value for dt (and the current is 0 from the end of the last one on);
        "linear" joins them (and the current is 0 from the last one on). Before `start` it is 0.
        A run of which less than half lies within the samples warns of it.

    Raises
    ------
    TypeError, ValueError
        If the values are not finite numbers of such a shape, dt is missing, or the times that
        values bring along are not even, not in ms, or not those of dt and start.

    Examples
    --------
    >>> t = np.array([[-1.0], [5.0], [15.0], [20.0]])
    >>> SampledCurrent([1.0, 2.0], dt=10.0).current(t).ravel()
    array([0., 1., 2., 0.])
    >>> import pandas as pd
    >>> SampledCurrent(pd.Series([1.0, 2.0], index=[5.0, 15.0])).start
    5.0
    """

    units = {"values": "uA/cm^2", "dt": "ms", "start": "ms"}

    values: np.ndarray
    dt: float | None = None
    start: float | None = None
    interpolation: str = "previous"

    def __post_init__(self) -> None:
        given, times = _taken_apart(self.values)
        values = numbers(given, "SampledCurrent.values", "numbers")
        if values.ndim not in (1, 2) or 0 in values.shape:
            raise ValueError(
                "SampledCurrent: values must be of shape (times,) or (times, n_neurons), got shape "
                f"{values.shape}"
            )
        if not np.all(np.isfinite(values)):
            raise ValueError(
                f"SampledCurrent: values must be finite, but {_where_not_finite(values)}; fill "
                "them in first, as numpy.nan_to_num(values) does with 0"
            )
        object.__setattr__(self, "values", values)
        start, dt = _grid(times, self.start, self.dt)
        object.__setattr__(self, "dt", single(dt, "SampledCurrent.dt (ms)", positive=True))
        object.__setattr__(self, "start", single(start, "SampledCurrent.start"))
        see_choice(self.interpolation, ("previous", "linear"), "SampledCurrent.interpolation")

    @property
    def _first(self) -> float:
        assert self.start is not None  # __post_init__ saw to it
        return self.start

    @property
    def _spacing(self) -> float:
        assert self.dt is not None
        return self.dt

    @property
    def piecewise_constant(self) -> bool:  # type: ignore[override]
        return self.interpolation == "previous"

    def current(self, t: np.ndarray) -> np.ndarray:
        values = self.values[:, None] if self.values.ndim == 1 else self.values
        with np.errstate(over="ignore"):  # far beyond the last sample
            position = (t[:, 0] - self._first + SAME_TIME) / self._spacing
        sampled = (position >= 0) & (position < self._pieces)
        k = np.where(sampled, position, 0.0).astype(np.int64)
        amplitude = values[k]
        if self.interpolation == "linear" and self._pieces:
            amplitude = amplitude + np.where(sampled, position - k, 0.0)[:, None] * (
                values[k + 1] - amplitude
            )
        return amplitude * sampled[:, None]

    def repeated(self, times: int) -> SampledCurrent:
        """A copy for so many of each neuron: samples of all neurons are those of all of them."""
        return (
            self if self.values.ndim == 1 else self.replace(values=np.repeat(self.values, times, 1))
        )

    @property
    def sampled(self) -> tuple[float, float]:  # type: ignore[override]
        return self._first, self._first + self._spacing * self._pieces

    @property
    def _pieces(self) -> int:
        return len(self.values) - (self.interpolation == "linear")

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        return inside(self._first + self._spacing * np.arange(self._pieces + 1), start, stop)


def _taken_apart(values: Any) -> tuple[Any, Any]:
    """Samples as (times,) or (times, neurons), and the times that they bring along, or None."""
    if is_pandas(values):
        _see_unit_in_name(values.index.name)
        return values.to_numpy(), _in_ms(values.index.to_numpy())
    if not all(hasattr(values, name) for name in ("dims", "coords", "ndim")):
        return values, None
    time = values.dims[0] if values.ndim == 1 else "time"
    if values.ndim > 1 and set(values.dims) != {"time", "neuron"}:
        raise ValueError(
            f"SampledCurrent: a DataArray must have the dims time and neuron, got {values.dims}; "
            "choose one of the others with .sel"
        )
    _see_unit(values, "uA/cm^2", "values")
    if time not in values.coords:
        return values.transpose(time, ...).values, None
    times = values[time].values
    if times.dtype.kind != "m":
        _see_unit(values[time], "ms", f"times ({time})")
    return values.transpose(time, ...).values, _in_ms(times)


def _see_unit(array: Any, unit: str, what: str) -> None:
    given = array.attrs.get("units", unit)
    if given != unit:
        raise ValueError(
            f"SampledCurrent: the {what} must be in {unit}, got {shown(given)}; convert them and "
            f'set .attrs["units"] = "{unit}"'
        )


def _see_unit_in_name(name: Any) -> None:
    """Refuse an index whose name says that its times are in another unit: "time (s)", "t_us"."""
    match = _UNIT_IN_NAME.search(name) if isinstance(name, str) else None
    unit = match[1] if match else "ms"
    if unit in _UNITS_OF_TIME:
        factor = _UNITS_OF_TIME[unit]
        raise ValueError(
            f"SampledCurrent: the times must be in ms, and the index is called {shown(name)}; "
            f"convert it, values.index = {factor} * values.index, and call it 'time (ms)'"
        )


def _in_ms(times: np.ndarray) -> np.ndarray:
    """Times in ms: time differences are converted, numbers are that already."""
    return times / np.timedelta64(1, "ms") if times.dtype.kind == "m" else times


def _where_not_finite(values: np.ndarray) -> str:
    """The first number that is none, and how many there are."""
    places = np.argwhere(~np.isfinite(values))
    place = ", ".join(map(str, places[0]))
    others = f", and {len(places) - 1} others are not finite" if len(places) > 1 else ""
    return f"values[{place}] is {values[tuple(places[0])]}{others}"


def _grid(times: Any, start: float | None, dt: float | None) -> tuple[float, float]:
    """Start and spacing of the samples, from their times and from what is given."""
    if times is None or len(times) == 1:
        if dt is None:
            raise ValueError("SampledCurrent: give dt, the spacing of the samples (ms)")
        first = 0.0 if times is None else single(times[0], "the first time of SampledCurrent")
        return _agreed(start, None if times is None else first, "start", first), dt
    times = numbers(times, "the times of SampledCurrent's values", "numbers (ms)")
    if not np.all(np.isfinite(times)):
        raise ValueError("SampledCurrent: the times of the values must be finite (ms)")
    first, spacing = float(times[0]), float(times[-1] - times[0]) / (len(times) - 1)
    off = np.abs(times - first - spacing * np.arange(len(times)))
    rounding = 4 * np.finfo(float).eps * np.max(np.abs(times))
    if spacing <= 0 or np.max(off) > EVEN * spacing + rounding:
        raise ValueError(
            f"SampledCurrent: the times of the values ({shown(times[:4].tolist())}, ...) must rise "
            "by the same step. Interpolate first: new = np.arange(times[0], times[-1], dt); "
            "SampledCurrent(np.interp(new, times, values), dt=dt, start=new[0])"
        )
    return _agreed(start, first, "start", first), _agreed(dt, spacing, "dt", spacing)


def _agreed(given: Any, found: float | None, name: str, default: float) -> float:
    """What is given, if it is not at odds with what was found."""
    if given is None:
        return default
    given = single(given, f"SampledCurrent.{name}")
    if found is not None and abs(given - found) > EVEN * max(abs(given), abs(found)):
        raise ValueError(
            f"SampledCurrent: {name} = {given:g} ms, but the times of the values say {found:g} ms; "
            f"leave {name} away, or give the values without their times"
        )
    return given

"""Injected currents as data, and the table STIMULI.

A stimulus is a function of time alone. Every number may be a scalar or an array with one value per
neuron. Stimuli form a vector space: `2 * a - b + 3.0` is a stimulus. Times in ms, currents in
uA/cm^2, frequencies in Hz.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.kinetics import Parameter, several
from hh_sde.records import Record, numbers, parameter, record, see_choice, shown, single
from hh_sde.tables import Table, description_of, of_kind

#: Two times closer than this are the same time: k * dt is not exact in floating point. ms.
SAME_TIME = 1e-9
#: Times of samples are even if none is off by more than this part of their spacing.
EVEN = 1e-6
#: Jumps of a current that are listed at once.
MOST_JUMPS = 100_000_000
#: z exp(-z) is 0 from here on in double precision.
_GONE = 1000.0


class Stimulus(Record):
    """Base of the injected currents.

    Examples
    --------
    >>> half = 0.5 * (StepCurrent(4.0, start=10.0) - 1.0)
    >>> half.current(np.array([[0.0], [10.0]])).ravel()
    array([-0.5,  1.5])
    """

    #: numpy leaves `array * stimulus` to the stimulus, for which an array is a value per neuron.
    __array_ufunc__ = None
    #: True where the current does not depend on time.
    constant: bool = False
    #: True where it changes at its breakpoints alone.
    piecewise_constant: bool = False

    def current(self, t: np.ndarray) -> np.ndarray:
        """Current at times `t` of shape (times, 1), as (times, n_neurons) or (times, 1), uA/cm^2.

        At a jump the value is the one after it.
        """
        raise NotImplementedError

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        """Times in (start, stop) at which the current jumps or has a corner, ms."""
        return np.empty(0)

    def __add__(self, other: Stimulus | Parameter) -> Stimulus:
        return StimulusSum((*_terms(self), *_terms(as_stimulus(other))))

    def __radd__(self, other: Parameter) -> Stimulus:
        return as_stimulus(other) + self

    def __mul__(self, factor: Parameter) -> Stimulus:
        return ScaledStimulus(self, factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Parameter) -> Stimulus:
        divisor = parameter(divisor, "the divisor of a stimulus")
        if np.any(divisor == 0):
            raise ValueError(f"a stimulus is not divided by 0, got {shown(divisor)}")
        return self * (1.0 / divisor)

    def __neg__(self) -> Stimulus:
        return -1.0 * self

    def __sub__(self, other: Stimulus | Parameter) -> Stimulus:
        return self + -as_stimulus(other)

    def __rsub__(self, other: Parameter) -> Stimulus:
        return as_stimulus(other) - self


@record
class ConstantCurrent(Stimulus):
    """The same current at all times.

    Examples
    --------
    >>> ConstantCurrent(10.0).current(np.array([[0.0]]))
    array([[10.]])
    """

    units = {"amplitude": "uA/cm^2"}

    amplitude: Parameter
    constant = True
    piecewise_constant = True

    def __post_init__(self) -> None:
        _check(self, "amplitude")

    def current(self, t: np.ndarray) -> np.ndarray:
        return self.amplitude + 0.0 * t


@record
class StepCurrent(Stimulus):
    """`amplitude` from `start` until `stop` (for ever if None), else 0.

    Examples
    --------
    >>> StepCurrent(5.0, start=10.0, stop=20.0).current(np.array([[9.0], [10.0], [20.0]])).ravel()
    array([0., 5., 0.])
    """

    units = {"amplitude": "uA/cm^2", "start": "ms", "stop": "ms"}

    piecewise_constant = True

    amplitude: Parameter
    start: float
    stop: float | None = None

    def __post_init__(self) -> None:
        _check(self, "amplitude")
        _check_scalar(self, "start")
        if self.stop is not None:
            _check_scalar(self, "stop")
            _check_order(self, self.start, self.stop)

    def current(self, t: np.ndarray) -> np.ndarray:
        on = _reached(t, self.start)
        if self.stop is not None:
            on = on & ~_reached(t, self.stop)
        return self.amplitude * on

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        edges = [self.start] if self.stop is None else [self.start, self.stop]
        return _inside(np.array(edges), start, stop)


@record
class PulseTrain(Stimulus):
    """Pulses of `width`, one every `period` from `start` on; `count` of them, or no end.

    Examples
    --------
    >>> train = PulseTrain(3.0, start=0.0, width=1.0, period=10.0, count=2)
    >>> train.current(np.array([[0.5], [1.0], [10.5], [20.5]])).ravel()
    array([3., 0., 3., 0.])
    """

    units = {
        "amplitude": "uA/cm^2",
        "start": "ms",
        "width": "ms",
        "period": "ms",
    }

    piecewise_constant = True

    amplitude: Parameter
    start: float
    width: float
    period: float
    count: int | None = None

    def __post_init__(self) -> None:
        _check(self, "amplitude")
        for name in ("start", "width", "period"):
            _check_scalar(self, name)
        if not 0 < self.width < self.period:
            raise ValueError(
                f"PulseTrain: width must lie between 0 and the period ({self.period} ms), "
                f"got {self.width}"
            )
        if self.count is not None and (
            type(self.count) is not int or not 1 <= self.count <= MOST_JUMPS
        ):
            raise ValueError(
                f"PulseTrain: count must be 1, 2, ..., {MOST_JUMPS} or None, "
                f"got {shown(self.count)}"
            )

    def current(self, t: np.ndarray) -> np.ndarray:
        number = np.floor((t - self.start + SAME_TIME) / self.period)
        on = (number >= 0) & ~_reached(t, self.start + number * self.period + self.width)
        if self.count is not None:
            on = on & (number < self.count)
        return self.amplitude * on

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        first = max(np.floor((start - self.start) / self.period), 0.0)
        last = max(np.ceil((stop - self.start) / self.period) + 1, first)
        if self.count is not None:
            first, last = min(first, self.count), min(last, self.count)
        if not last - first <= MOST_JUMPS:
            raise ValueError(
                f"PulseTrain: {last - first:.3g} pulses between {start:g} and {stop:g} ms are more "
                f"than {MOST_JUMPS}; a current that fast is its mean to a neuron"
            )
        rises = self.start + self.period * np.arange(first, last)
        return _inside(np.sort(np.concatenate([rises, rises + self.width])), start, stop)


@record
class SineCurrent(Stimulus):
    """amplitude * sin(2 pi frequency t + phase), frequency in Hz, phase in radians.

    Examples
    --------
    >>> round(float(SineCurrent(2.0, frequency=50.0).current(np.array([[5.0]]))[0, 0]), 12)
    2.0
    """

    units = {"amplitude": "uA/cm^2", "frequency": "Hz", "phase": "radian"}

    amplitude: Parameter
    frequency: Parameter
    phase: Parameter = 0.0

    def __post_init__(self) -> None:
        for name in ("amplitude", "frequency", "phase"):
            _check(self, name)

    def current(self, t: np.ndarray) -> np.ndarray:
        return self.amplitude * np.sin(2e-3 * np.pi * self.frequency * t + self.phase)


@record
class RampCurrent(Stimulus):
    """0 until `start`, then a straight line to `amplitude` at `stop`, which it keeps.

    Up and down again is ``RampCurrent(a, t0, t1) - RampCurrent(a, t1, t2)``.

    Examples
    --------
    >>> ramp = RampCurrent(8.0, start=10.0, stop=20.0)
    >>> ramp.current(np.array([[9.0], [15.0], [20.0], [30.0]])).ravel()
    array([0., 4., 8., 8.])
    """

    units = {"amplitude": "uA/cm^2", "start": "ms", "stop": "ms"}

    amplitude: Parameter
    start: float
    stop: float

    def __post_init__(self) -> None:
        _check(self, "amplitude")
        _check_scalar(self, "start")
        _check_scalar(self, "stop")
        _check_order(self, self.start, self.stop)

    def current(self, t: np.ndarray) -> np.ndarray:
        return self.amplitude * np.clip((t - self.start) / (self.stop - self.start), 0.0, 1.0)

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        return _inside(np.array([self.start, self.stop]), start, stop)


@record
class AlphaCurrent(Stimulus):
    """The alpha function: amplitude * s/tau * exp(1 - s/tau), s = t - start, and 0 until `start`.

    It rises to `amplitude` at start + tau; its integral is e * amplitude * tau.

    Examples
    --------
    >>> AlphaCurrent(5.0, start=10.0, tau=2.0).current(np.array([[10.0], [12.0]])).ravel()
    array([0., 5.])
    """

    units = {"amplitude": "uA/cm^2", "start": "ms", "tau": "ms"}

    amplitude: Parameter
    start: float
    tau: Parameter

    def __post_init__(self) -> None:
        _check(self, "amplitude")
        _check_scalar(self, "start")
        tau = parameter(self.tau, "AlphaCurrent.tau (ms)", positive=True)
        object.__setattr__(self, "tau", tau)

    def current(self, t: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # long after a pulse that is short
            z = np.clip((t - self.start) / self.tau, 0.0, _GONE)
        return self.amplitude * z * np.exp(1.0 - z)

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        return _inside(np.array([self.start]), start, stop)


@record
class SampledCurrent(Stimulus):
    """A recorded or computed current, given at start, start + dt, start + 2 dt, ...

    Parameters
    ----------
    values : (times,) or (times, n_neurons) array; pandas Series, DataFrame; xarray DataArray
        uA/cm^2. The index of a Series or DataFrame, and the coordinate `time` of a DataArray, are
        the times of the samples (ms), which must be even; they give dt and start. The columns of a
        DataFrame, and the dim `neuron` of a DataArray, are the neurons in their order.
    dt, start : float, optional
        ms. An array takes dt, and starts at 0 unless told otherwise.
    interpolation : {"previous", "linear"}
        "previous" holds each value for dt (and the current is 0 from the end of the last one on);
        "linear" joins them (and the current is 0 from the last one on). Before `start` it is 0.

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
        if values.ndim not in (1, 2) or 0 in values.shape or not np.all(np.isfinite(values)):
            raise ValueError(
                "SampledCurrent: values must be finite, of shape (times,) or (times, n_neurons), "
                f"got shape {values.shape}"
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
        inside = (position >= 0) & (position < self._pieces)
        k = np.where(inside, position, 0.0).astype(np.int64)
        found = values[k]
        if self.interpolation == "linear" and self._pieces:
            found = found + np.where(inside, position - k, 0.0)[:, None] * (values[k + 1] - found)
        return found * inside[:, None]

    @property
    def _pieces(self) -> int:
        return len(self.values) - (self.interpolation == "linear")

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        return _inside(self._first + self._spacing * np.arange(self._pieces + 1), start, stop)


@record
class StimulusSum(Stimulus):
    """The sum of several stimuli (what `a + b` makes).

    Examples
    --------
    >>> (ConstantCurrent(1.0) + StepCurrent(2.0, start=5.0)).current(np.array([[6.0]]))
    array([[3.]])
    """

    terms: tuple[Stimulus, ...]

    def __post_init__(self) -> None:
        terms = several(self.terms, Stimulus, "StimulusSum.terms")
        if not terms:
            raise ValueError("StimulusSum.terms must be one stimulus or more, got none")
        object.__setattr__(self, "terms", terms)

    @property
    def constant(self) -> bool:  # type: ignore[override]
        return all(term.constant for term in self.terms)

    @property
    def piecewise_constant(self) -> bool:  # type: ignore[override]
        return all(term.piecewise_constant for term in self.terms)

    def current(self, t: np.ndarray) -> np.ndarray:
        total = self.terms[0].current(t)
        for term in self.terms[1:]:
            total = total + term.current(t)
        return total

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        return np.unique(np.concatenate([term.breakpoints(start, stop) for term in self.terms]))


@record
class ScaledStimulus(Stimulus):
    """A stimulus times a number, or times one number per neuron (what `2 * a` makes).

    Examples
    --------
    >>> (-2.0 * StepCurrent(3.0, start=5.0)).current(np.array([[6.0]]))
    array([[-6.]])
    """

    stimulus: Stimulus
    factor: Parameter

    def __post_init__(self) -> None:
        if not isinstance(self.stimulus, Stimulus):
            raise TypeError(
                f"ScaledStimulus.stimulus must be a Stimulus, got {shown(self.stimulus)}"
            )
        factor = parameter(self.factor, "the factor of a stimulus")
        if isinstance(self.stimulus, ScaledStimulus):
            factor = parameter(self.stimulus.factor * factor, "the factor of a stimulus")
            object.__setattr__(self, "stimulus", self.stimulus.stimulus)
        object.__setattr__(self, "factor", factor)

    @property
    def constant(self) -> bool:  # type: ignore[override]
        return self.stimulus.constant

    @property
    def piecewise_constant(self) -> bool:  # type: ignore[override]
        return self.stimulus.piecewise_constant

    def current(self, t: np.ndarray) -> np.ndarray:
        return self.factor * self.stimulus.current(t)

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        return self.stimulus.breakpoints(start, stop)


def as_stimulus(value: Any) -> Stimulus:
    """`value` itself if it is a Stimulus, a constant current if it is a number or an array.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if isinstance(value, Stimulus):
        return value
    if callable(value):
        raise TypeError(
            f"a stimulus is data, not a function ({value!r}): sample it, "
            "SampledCurrent(function(t), dt=...), or add up the ones of STIMULI: "
            + ", ".join(STIMULI)
        )
    if _is_pandas(value) or "time" in getattr(value, "dims", ()):
        raise TypeError(
            f"a stimulus of type {type(value).__name__} is a current over time or a value for each "
            "neuron: give SampledCurrent(it), or its .to_numpy()"
        )
    return ConstantCurrent(value)


def _is_pandas(value: Any) -> bool:
    return hasattr(value, "index") and hasattr(value, "iloc")


def _taken_apart(values: Any) -> tuple[Any, Any]:
    """Samples as (times,) or (times, neurons), and the times that they bring along, or None."""
    if _is_pandas(values):
        return values.to_numpy(), values.index.to_numpy()
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
    _see_unit(values[time], "ms", f"times ({time})")
    return values.transpose(time, ...).values, values[time].values


def _see_unit(array: Any, unit: str, what: str) -> None:
    given = array.attrs.get("units", unit)
    if given != unit:
        raise ValueError(
            f"SampledCurrent: the {what} must be in {unit}, got {shown(given)}; convert them and "
            f'set .attrs["units"] = "{unit}"'
        )


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


def _terms(stimulus: Stimulus) -> tuple[Stimulus, ...]:
    return stimulus.terms if isinstance(stimulus, StimulusSum) else (stimulus,)


def _check(stimulus: Stimulus, name: str) -> None:
    value = parameter(getattr(stimulus, name), f"{type(stimulus).__name__}.{name}")
    object.__setattr__(stimulus, name, value)


def _check_scalar(stimulus: Stimulus, name: str) -> None:
    _check(stimulus, name)
    value = getattr(stimulus, name)
    if not isinstance(value, float):
        raise ValueError(f"{type(stimulus).__name__}.{name} must be one number, got {value!r}")


def _check_order(stimulus: Stimulus, start: float, stop: float) -> None:
    if stop <= start:
        name = type(stimulus).__name__
        raise ValueError(f"{name}: stop must come after start ({start} ms), got {stop}")


def _reached(t: np.ndarray, time: float | np.ndarray) -> np.ndarray:
    return t >= time - SAME_TIME


def _inside(times: np.ndarray, start: float, stop: float) -> np.ndarray:
    return times[(times > start + SAME_TIME) & (times < stop - SAME_TIME)]


#: Stimuli by name.
STIMULI = Table(
    "STIMULI",
    "stimulus",
    check=of_kind(Stimulus, "STIMULI"),
    describe=description_of,
    entries={
        "constant": ConstantCurrent,
        "step": StepCurrent,
        "pulses": PulseTrain,
        "sine": SineCurrent,
        "ramp": RampCurrent,
        "alpha": AlphaCurrent,
        "sampled": SampledCurrent,
    },
)

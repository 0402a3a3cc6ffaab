"""Currents that are functions of time with a few parameters."""

from __future__ import annotations

import numpy as np

from hh_sde.kinetics import Parameter
from hh_sde.records import parameter, record, shown
from hh_sde.stimuli.base import (
    SAME_TIME,
    Stimulus,
    check_order,
    check_parameter,
    check_scalar,
    inside,
    reached,
)

#: Jumps of a current that are listed at once.
MOST_JUMPS = 100_000_000
#: z exp(-z) is 0 from here on in double precision.
_GONE = 1000.0


@record
class StepCurrent(Stimulus):
    """`amplitude` from `start` until `stop` (for ever if None), else 0.

    Parameters
    ----------
    amplitude : float or (n_neurons,) array
        uA/cm^2.
    start : float
        When it begins, ms.
    stop : float, optional
        When it ends, ms; later than start.

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
        check_parameter(self, "amplitude")
        check_scalar(self, "start")
        if self.stop is not None:
            check_scalar(self, "stop")
            check_order(self, self.start, self.stop)

    def current(self, t: np.ndarray) -> np.ndarray:
        on = reached(t, self.start)
        if self.stop is not None:
            on = on & ~reached(t, self.stop)
        return self.amplitude * on

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        edges = [self.start] if self.stop is None else [self.start, self.stop]
        return inside(np.array(edges), start, stop)


@record
class PulseTrain(Stimulus):
    """Pulses of `width`, one every `period` from `start` on; `count` of them, or no end.

    Parameters
    ----------
    amplitude : float or (n_neurons,) array
        uA/cm^2.
    start : float
        When the first pulse begins, ms.
    width : float
        Length of a pulse, ms; less than the period.
    period : float
        From the beginning of a pulse to that of the next, ms.
    count : int, optional
        How many there are.

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
        check_parameter(self, "amplitude")
        for name in ("start", "width", "period"):
            check_scalar(self, name)
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
        on = (number >= 0) & ~reached(t, self.start + number * self.period + self.width)
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
        return inside(np.sort(np.concatenate([rises, rises + self.width])), start, stop)


@record
class SineCurrent(Stimulus):
    """amplitude * sin(2 pi frequency t + phase), frequency in Hz, phase in radians.

    Parameters
    ----------
    amplitude : float or (n_neurons,) array
        uA/cm^2.
    frequency : float or (n_neurons,) array
        Hz, 0 or more.
    phase : float or (n_neurons,) array
        At t = 0, radian.
    start, stop : float, optional
        From when until when, ms; it is 0 elsewhere. Default: at all times.

    Examples
    --------
    >>> round(float(SineCurrent(2.0, frequency=50.0).current(np.array([[5.0]]))[0, 0]), 12)
    2.0
    """

    units = {
        "amplitude": "uA/cm^2", "frequency": "Hz", "phase": "radian", "start": "ms", "stop": "ms",
    }  # fmt: skip

    amplitude: Parameter
    frequency: Parameter
    phase: Parameter = 0.0
    start: float | None = None
    stop: float | None = None

    def __post_init__(self) -> None:
        for name in ("amplitude", "phase"):
            check_parameter(self, name)
        frequency = parameter(self.frequency, "SineCurrent.frequency (Hz)", nonnegative=True)
        object.__setattr__(self, "frequency", frequency)
        for name in ("start", "stop"):
            if getattr(self, name) is not None:
                check_scalar(self, name)
        if self.start is not None and self.stop is not None:
            check_order(self, self.start, self.stop)

    def current(self, t: np.ndarray) -> np.ndarray:
        wave = self.amplitude * np.sin(2e-3 * np.pi * self.frequency * t + self.phase)
        if self.start is not None:
            wave = wave * reached(t, self.start)
        if self.stop is not None:
            wave = wave * ~reached(t, self.stop)
        return wave

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        ends = [one for one in (self.start, self.stop) if one is not None]
        return inside(np.array(ends), start, stop)


@record
class RampCurrent(Stimulus):
    """0 until `start`, then a straight line to `amplitude` at `stop`, which it keeps.

    Up and down again is ``RampCurrent(a, t0, t1) - RampCurrent(a, t1, t2)``.

    Parameters
    ----------
    amplitude : float or (n_neurons,) array
        uA/cm^2.
    start : float
        Where the line begins, ms.
    stop : float
        Where it reaches amplitude, ms; later than start.

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
        check_parameter(self, "amplitude")
        check_scalar(self, "start")
        check_scalar(self, "stop")
        check_order(self, self.start, self.stop)

    def current(self, t: np.ndarray) -> np.ndarray:
        return self.amplitude * np.clip((t - self.start) / (self.stop - self.start), 0.0, 1.0)

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        return inside(np.array([self.start, self.stop]), start, stop)


@record
class AlphaCurrent(Stimulus):
    """The alpha function: amplitude * s/tau * exp(1 - s/tau), s = t - start, and 0 until `start`.

    It rises to `amplitude` at start + tau; its integral is e * amplitude * tau.

    Parameters
    ----------
    amplitude : float or (n_neurons,) array
        uA/cm^2.
    start : float
        When it begins, ms.
    tau : float or (n_neurons,) array
        From the start to the peak, ms; positive.

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
        check_parameter(self, "amplitude")
        check_scalar(self, "start")
        tau = parameter(self.tau, "AlphaCurrent.tau (ms)", positive=True)
        object.__setattr__(self, "tau", tau)

    def current(self, t: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # long after a pulse that is short
            z = np.clip((t - self.start) / self.tau, 0.0, _GONE)
        return self.amplitude * z * np.exp(1.0 - z)

    def breakpoints(self, start: float, stop: float) -> np.ndarray:
        return inside(np.array([self.start]), start, stop)

"""The base of the injected currents, and what one does with them: scale them and add them up."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.kinetics import Parameter
from hh_sde.records import Record, parameter, record, several, shown

#: Two times closer than this are the same time: k * dt is not exact in floating point. ms.
SAME_TIME = 1e-9


class Stimulus(Record):
    """Base of the injected currents.

    Examples
    --------
    >>> from hh_sde import StepCurrent
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
    #: From when to when its samples are, ms; None where it is no sampled current.
    sampled: tuple[float, float] | None = None

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

    Parameters
    ----------
    amplitude : float or (n_neurons,) array
        uA/cm^2.

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
        check_parameter(self, "amplitude")

    def current(self, t: np.ndarray) -> np.ndarray:
        return self.amplitude + 0.0 * t


@record
class StimulusSum(Stimulus):
    """The sum of several stimuli (what `a + b` makes).

    Examples
    --------
    >>> from hh_sde import StepCurrent
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

    @property
    def sampled(self) -> tuple[float, float] | None:  # type: ignore[override]
        spans = [term.sampled for term in self.terms if term.sampled]
        return (min(a for a, _ in spans), max(b for _, b in spans)) if spans else None

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
    >>> from hh_sde import StepCurrent
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

    @property
    def sampled(self) -> tuple[float, float] | None:  # type: ignore[override]
        return self.stimulus.sampled

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
            "SampledCurrent(function(t), dt=...), or add up the ones of hh_sde.STIMULI"
        )
    if is_pandas(value) or "time" in getattr(value, "dims", ()):
        raise TypeError(
            f"a stimulus of type {type(value).__name__} is a current over time or a value for each "
            "neuron: give SampledCurrent(it), or its .to_numpy()"
        )
    return ConstantCurrent(value)


def is_pandas(value: Any) -> bool:
    """Whether it is a Series or a DataFrame."""
    return hasattr(value, "index") and hasattr(value, "iloc")


def _terms(stimulus: Stimulus) -> tuple[Stimulus, ...]:
    return stimulus.terms if isinstance(stimulus, StimulusSum) else (stimulus,)


def check_parameter(stimulus: Stimulus, name: str) -> None:
    """See that the field `name` is a number or one per neuron, and keep it as such."""
    value = parameter(getattr(stimulus, name), f"{type(stimulus).__name__}.{name}")
    object.__setattr__(stimulus, name, value)


def check_scalar(stimulus: Stimulus, name: str) -> None:
    """See that the field `name` is one number."""
    check_parameter(stimulus, name)
    value = getattr(stimulus, name)
    if not isinstance(value, float):
        raise ValueError(f"{type(stimulus).__name__}.{name} must be one number, got {value!r}")


def check_order(stimulus: Stimulus, start: float, stop: float) -> None:
    """See that `stop` is later than `start`."""
    if stop <= start:
        name = type(stimulus).__name__
        raise ValueError(f"{name}: stop must come after start ({start} ms), got {stop}")


def reached(t: np.ndarray, time: float | np.ndarray) -> np.ndarray:
    """Whether `time` has come at each of the times `t`."""
    return t >= time - SAME_TIME


def inside(times: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Those of the times that lie in (start, stop)."""
    return times[(times > start + SAME_TIME) & (times < stop - SAME_TIME)]

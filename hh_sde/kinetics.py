"""Ion channels as data: rates, gates, channels, in the vocabulary of NeuroML 2.

A gate x with opening rate alpha(V) and closing rate beta(V) obeys dx/dt = alpha (1 - x) - beta x;
a channel carries g x1^p1 x2^p2 ... (V - E) (Hodgkin & Huxley 1952, J. Physiol. 117, 500,
doi:10.1113/jphysiol.1952.sp004764). Nothing is computed here: the compiled kernels read these
tables, and so do the equations page, the labels and the units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import scipy.interpolate

from hh_sde.records import Record, parameter

Parameter = float | np.ndarray


class Rate(Record):
    """A function of the membrane potential: one of the tables' elementary forms."""

    formula: ClassVar[str] = ""

    def latex(self) -> str:
        """The formula with its numbers, as LaTeX."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class _ThreeParameterRate(Rate):
    units = {"rate": "1/ms", "mid": "mV", "scale": "mV"}
    rate: Parameter
    mid: Parameter
    scale: Parameter

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "rate", parameter(self.rate, f"{name}.rate", nonnegative=True))
        object.__setattr__(self, "mid", parameter(self.mid, f"{name}.mid"))
        object.__setattr__(self, "scale", parameter(self.scale, f"{name}.scale"))
        if not np.all(np.asarray(self.scale) != 0):
            raise ValueError(f"{name}.scale must not be 0 (mV per e-fold), got {self.scale!r}")

    def latex(self) -> str:
        rising = _over("", self.mid, self.scale)
        falling = _over("-", self.mid, self.scale)
        return self.formula.format(rate=_number(self.rate), u=rising, minus_u=falling)


@dataclass(frozen=True, eq=False)
class Exponential(_ThreeParameterRate):
    r"""rate * exp((V - mid)/scale) (NeuroML HHExpRate).

    Parameters
    ----------
    rate : float or (n_neurons,) array
        Value at V = mid, 1/ms.
    mid, scale : float or (n_neurons,) array
        mV.

    Examples
    --------
    >>> Exponential(rate=4.0, mid=-65.0, scale=-18.0).latex()
    '4 \\, e^{-(V + 65)/18}'
    """

    formula = r"{rate} \, e^{{{u}}}"


@dataclass(frozen=True, eq=False)
class Sigmoid(_ThreeParameterRate):
    """rate / (1 + exp(-(V - mid)/scale)) (NeuroML HHSigmoidRate); parameters as `Exponential`.

    Examples
    --------
    >>> Sigmoid(rate=1.0, mid=-35.0, scale=10.0).mid
    -35.0
    """

    formula = r"\frac{{{rate}}}{{1 + e^{{{minus_u}}}}}"


@dataclass(frozen=True, eq=False)
class Linoid(_ThreeParameterRate):
    """rate * u/(1 - exp(-u)), u = (V - mid)/scale, and rate at u = 0 (NeuroML HHExpLinearRate).

    Examples
    --------
    >>> Linoid(rate=1.0, mid=-40.0, scale=10.0).replace(mid=-38.0).mid
    -38.0
    """

    formula = r"{rate} \, \frac{{{u}}}{{1 - e^{{{minus_u}}}}}"


@dataclass(frozen=True, eq=False)
class Constant(Rate):
    """The same value at every V.

    Examples
    --------
    >>> Constant(0.5).latex()
    '0.5'
    """

    units = {"rate": "1/ms"}

    rate: Parameter

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", parameter(self.rate, "Constant.rate", nonnegative=True))

    def latex(self) -> str:
        return _number(self.rate)


@dataclass(frozen=True, eq=False)
class Tabulated(Rate):
    """Values on an even grid of V, joined by straight lines and held constant beyond its ends.

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

    units = {"values": "1/ms"}

    start: float
    step: float
    values: np.ndarray
    error: float = float("nan")

    def __post_init__(self) -> None:
        values = np.atleast_1d(parameter(self.values, "Tabulated.values", nonnegative=True))
        if values.size < 2:
            raise ValueError(f"Tabulated.values needs at least two points, got {values.size}")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        for name in ("start", "step"):
            object.__setattr__(self, name, _scalar(getattr(self, name), f"Tabulated.{name}"))
        if self.step <= 0:
            raise ValueError(f"Tabulated.step must be positive (mV), got {self.step!r}")

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
        points = round((stop - start) / step) + 1
        if points < 2:
            raise ValueError(f"no grid from {start} to {stop} mV in steps of {step}")
        V = start + step * np.arange(points)
        with np.errstate(all="ignore"):  # reported below
            values = np.broadcast_to(np.asarray(function(V), dtype=float), V.shape)
        if not np.all(np.isfinite(values)):
            bad = V[~np.isfinite(values)][0]
            raise ValueError(f"the function is not finite at V = {bad:g} mV; define it there too")
        middle = V[:-1] + 0.5 * step
        line = scipy.interpolate.make_interp_spline(V, values, k=1)
        error = float(np.max(np.abs(line(middle) - function(middle))))
        return cls(start, step, values, error)

    def of_neuron(self, neuron: int) -> Tabulated:
        """Itself: a table is the same for all neurons."""
        return self

    def latex(self) -> str:
        return rf"\text{{tabulated, {self.values.size} points, error {self.error:.1g}}}"


@dataclass(frozen=True, eq=False)
class Gate(Record):
    """A gate x, entering its channel as x^power.

    Give either `alpha` and `beta`, or `x_inf` and `tau` (then dx/dt = (x_inf - x)/tau).

    Parameters
    ----------
    name : str
        Name of the state variable (m, h, n, ...).
    power : int
        Exponent, at least 1.
    alpha, beta : Rate
        Opening and closing rate, 1/ms.
    x_inf, tau : Rate
        Steady state (0 to 1) and time constant, ms.

    Raises
    ------
    ValueError
        If neither or both pairs are given, or the power is not a positive whole number.

    Examples
    --------
    >>> Gate("n", 4, alpha=Linoid(0.1, -55.0, 10.0), beta=Exponential(0.125, -65.0, -80.0)).power
    4
    """

    name: str
    power: int
    alpha: Rate | None = None
    beta: Rate | None = None
    x_inf: Rate | None = None
    tau: Rate | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "a gate")
        if isinstance(self.power, np.integer):
            object.__setattr__(self, "power", int(self.power))
        if not isinstance(self.power, int) or isinstance(self.power, bool) or self.power < 1:
            raise ValueError(f"gate {self.name}: power must be 1, 2, 3, ..., got {self.power!r}")
        given = [k for k in ("alpha", "beta", "x_inf", "tau") if getattr(self, k) is not None]
        if given not in (["alpha", "beta"], ["x_inf", "tau"]):
            raise ValueError(
                f"gate {self.name}: give alpha and beta, or x_inf and tau; got "
                f"{', '.join(given) or 'none of them'}"
            )
        for name in given:
            if not isinstance(getattr(self, name), Rate):
                raise TypeError(
                    f"gate {self.name}: {name} must be a Rate (Exponential, Sigmoid, Linoid, "
                    f"Constant, Tabulated), got {getattr(self, name)!r}"
                )

    @property
    def rates(self) -> tuple[Rate, Rate]:
        """(alpha, beta), or (x_inf, tau) where those are given."""
        if self.alpha is not None and self.beta is not None:
            return self.alpha, self.beta
        assert self.x_inf is not None  # __post_init__ saw to it
        assert self.tau is not None
        return self.x_inf, self.tau


@dataclass(frozen=True, eq=False)
class Channel(Record):
    """An ion channel: current g x1^p1 x2^p2 ... (V - E), outward positive.

    Parameters
    ----------
    name : str
        Ion or channel name (Na, K, L, ...).
    g : float or (n_neurons,) array
        Maximal conductance, mS/cm^2.
    E : float or (n_neurons,) array
        Reversal potential, mV.
    gates : tuple of Gate
        None for a leak.
    density : float or (n_neurons,) array, optional
        Channels per um^2, for channel noise.

    Examples
    --------
    >>> Channel("L", g=0.3, E=-54.387).gates
    ()
    """

    units = {"g": "mS/cm^2", "E": "mV", "density": "1/um^2"}

    name: str
    g: Parameter
    E: Parameter
    gates: tuple[Gate, ...] = field(default=())
    density: Parameter | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "a channel")
        object.__setattr__(self, "g", parameter(self.g, f"g_{self.name}", nonnegative=True))
        object.__setattr__(self, "E", parameter(self.E, f"E_{self.name}"))
        object.__setattr__(self, "gates", tuple(self.gates))
        for gate in self.gates:
            if not isinstance(gate, Gate):
                raise TypeError(f"channel {self.name}: gates must be Gate, got {gate!r}")
        if self.density is not None:
            density = parameter(self.density, f"density of {self.name}", positive=True)
            object.__setattr__(self, "density", density)


def check_name(name: Any, what: str) -> None:
    """Names become variables of a Dataset, so they are Python identifiers.

    Raises
    ------
    ValueError
        If `name` is not one.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"the name of {what} must be letters, digits and _, got {name!r}")


def _scalar(value: Any, name: str) -> float:
    checked = parameter(value, name)
    if isinstance(checked, np.ndarray):
        raise ValueError(f"{name} must be one number, got {value!r}")
    return checked


def _number(value: Parameter) -> str:
    if isinstance(value, np.ndarray):
        return rf"[{value.min():g} \dots {value.max():g}]"
    return f"{value:.10g}"


def _over(sign: str, mid: Parameter, scale: Parameter) -> str:
    """sign (V - mid)/scale, with the scale's own sign in front."""
    if isinstance(scale, float) and scale < 0:
        sign, scale = "" if sign else "-", -scale
    if isinstance(mid, np.ndarray):
        shifted = f"(V - {_number(mid)})"
    elif mid == 0:
        shifted = "V"
    else:
        shifted = f"(V {'-' if mid > 0 else '+'} {abs(mid):g})"
    return f"{sign}{shifted}/{_number(scale)}"

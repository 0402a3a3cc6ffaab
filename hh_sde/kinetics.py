"""Ion channels as data: rates, gates, channels, in the vocabulary of NeuroML 2.

A gate x with opening rate alpha(V) and closing rate beta(V) obeys dx/dt = alpha (1 - x) - beta x;
a channel carries g x1^p1 x2^p2 ... (V - E) (Hodgkin & Huxley 1952, J. Physiol. 117, 500,
doi:10.1113/jphysiol.1952.sp004764). Nothing is computed here: the compiled kernels read these
tables, and so do the equations page, the labels and the units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar

import numpy as np
import scipy.interpolate
import scipy.special

from hh_sde import display
from hh_sde.records import OF_SLOT, Record, frozen, numbers, parameter, record, shown, single

Parameter = float | np.ndarray

#: Potentials that neurons may have, mV: there, what must lie in [0, 1] does.
WORKING_RANGE = (-150.0, 150.0)
#: Values above this are above 1 by more than rounding.
ONE = 1.0 + 1e-9
#: Powers above this belong to no gate that was ever measured (Cole & Moore 1960: 25).
MOST_POWER = 100
#: Points of a table, 8 bytes each.
MOST_POINTS = 10_000_000


class Rate(Record):
    """A function of the membrane potential, never negative: one of the tables' elementary forms.

    Its unit is that of the slot it is given for: 1/ms as alpha and beta, ms as tau, 1 as x_inf and
    as a synapse's block.
    """

    formula: ClassVar[str] = ""
    #: Whether it rises or falls throughout, so that its bounds on an interval of V are at the ends.
    monotone: ClassVar[bool] = True

    @property
    def vanishes(self) -> bool:
        """Whether it is 0 somewhere, in some neuron."""
        raise NotImplementedError

    def above_one(self) -> np.ndarray:
        """Potentials at which it is above 1, mV: where it begins to be, NaN where it is not."""
        raise NotImplementedError

    def latex(self) -> str:
        """The formula with its numbers, as LaTeX."""
        raise NotImplementedError


@record
class _ThreeParameterRate(Rate):
    units = {"rate": OF_SLOT, "mid": "mV", "scale": "mV"}
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

    @property
    def vanishes(self) -> bool:
        return not np.all(np.asarray(self.rate) > 0)

    def above_one(self) -> np.ndarray:
        """All three forms rise with u = (V - mid)/scale."""
        low, high = WORKING_RANGE
        with np.errstate(all="ignore"):  # inf and nan: nowhere
            V = self.mid + self.scale * self._argument_of(ONE / np.asarray(self.rate))
        V = np.where(np.asarray(self.scale) > 0, np.maximum(V, low), np.minimum(V, high))
        return np.where(np.isfinite(V) & (np.clip(V, low, high) == V), V, np.nan)

    def _argument_of(self, y: np.ndarray) -> np.ndarray:
        """u = (V - mid)/scale at which the form is y times its rate."""
        raise NotImplementedError

    def latex(self) -> str:
        rising = _over("", self.mid, self.scale)
        falling = _over("-", self.mid, self.scale)
        return self.formula.format(rate=_number(self.rate), u=rising, minus_u=falling)


@record
class Exponential(_ThreeParameterRate):
    r"""rate * exp((V - mid)/scale) (NeuroML HHExpRate).

    Parameters
    ----------
    rate : float or (n_neurons,) array
        Value at V = mid, in 1/ms as an opening or closing rate.
    mid, scale : float or (n_neurons,) array
        mV.

    Examples
    --------
    >>> Exponential(rate=4.0, mid=-65.0, scale=-18.0).latex()
    '4 \\, e^{-(V + 65)/18}'
    """

    formula = r"{rate} \, e^{{{u}}}"

    def _argument_of(self, y: np.ndarray) -> np.ndarray:
        return np.log(y)


@record
class Sigmoid(_ThreeParameterRate):
    """rate / (1 + exp(-(V - mid)/scale)) (NeuroML HHSigmoidRate); parameters as `Exponential`.

    Examples
    --------
    >>> Sigmoid(rate=1.0, mid=-35.0, scale=10.0).mid
    -35.0
    """

    formula = r"\frac{{{rate}}}{{1 + e^{{{minus_u}}}}}"

    def _argument_of(self, y: np.ndarray) -> np.ndarray:
        return -np.log(1.0 / y - 1.0)


@record
class Linoid(_ThreeParameterRate):
    """rate * u/(1 - exp(-u)), u = (V - mid)/scale, and rate at u = 0 (NeuroML HHExpLinearRate).

    Examples
    --------
    >>> Linoid(rate=1.0, mid=-40.0, scale=10.0).replace(mid=-38.0).mid
    -38.0
    """

    formula = r"{rate} \, \frac{{{u}}}{{1 - e^{{{minus_u}}}}}"

    def _argument_of(self, y: np.ndarray) -> np.ndarray:
        # w = u - y solves w e^w = -y e^-y, as u = 0 does, which is the other branch's solution
        w = np.where(
            y > 1,
            scipy.special.lambertw(-y * np.exp(-y), 0).real,
            scipy.special.lambertw(-y * np.exp(-y), -1).real,
        )
        return y + w


@record
class Constant(Rate):
    """The same value at every V.

    Examples
    --------
    >>> Constant(0.5).latex()
    '0.5'
    """

    units = {"rate": OF_SLOT}

    rate: Parameter

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", parameter(self.rate, "Constant.rate", nonnegative=True))

    @property
    def vanishes(self) -> bool:
        return not np.all(np.asarray(self.rate) > 0)

    def above_one(self) -> np.ndarray:
        return np.where(np.asarray(self.rate) > ONE, WORKING_RANGE[0], np.nan)

    def latex(self) -> str:
        return _number(self.rate)


@record
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

    def latex(self) -> str:
        return rf"\text{{tabulated, {self.values.size} points, error {self.error:.1g}}}"


@record
class _OfTwoRates(Rate):
    units = {"alpha": "1/ms", "beta": "1/ms"}
    monotone: ClassVar[bool] = False

    alpha: Rate
    beta: Rate

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            if not isinstance(getattr(self, name), Rate):
                raise TypeError(
                    f"{type(self).__name__}.{name} must be a Rate, got {shown(getattr(self, name))}"
                )

    def latex(self) -> str:
        return self.formula.format(alpha=self.alpha.latex(), beta=self.beta.latex())


@record
class SteadyState(_OfTwoRates):
    """alpha/(alpha + beta): the steady state of a gate with these rates, as x_inf of another.

    Parameters
    ----------
    alpha, beta : Rate
        1/ms; a common factor changes nothing.

    Examples
    --------
    >>> gate = Gate("m", 3, x_inf=SteadyState(Linoid(1.0, -35.0, 10.0),
    ...                                       Exponential(4.0, -60.0, -18.0)))
    >>> gate.instantaneous
    True
    """

    formula = r"\frac{{{alpha}}}{{{alpha} + {beta}}}"

    @property
    def vanishes(self) -> bool:
        return self.alpha.vanishes

    def above_one(self) -> np.ndarray:
        return np.array(np.nan)


@record
class TimeConstant(_OfTwoRates):
    """1/(alpha + beta): the time constant of a gate with these rates, as tau of another.

    With two exponentials of opposite scales it is 1/cosh.

    Parameters
    ----------
    alpha, beta : Rate
        1/ms.

    Examples
    --------
    >>> tau = TimeConstant(Exponential(0.02, 2.0, 60.0), Exponential(0.02, 2.0, -60.0))
    >>> tau.alpha.scale
    60.0
    """

    formula = r"\frac{{1}}{{{alpha} + {beta}}}"

    @property
    def vanishes(self) -> bool:
        return False

    def above_one(self) -> np.ndarray:
        return np.array(WORKING_RANGE[0])  # a time, which is no fraction


@record
class Gate(Record):
    """A gate x, entering its channel as x^power.

    Give either `alpha` and `beta`, or `x_inf` and `tau` (then dx/dt = (x_inf - x)/tau), or `x_inf`
    alone for an instantaneous gate, which is no variable: x is x_inf(V) at every moment.

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

    units = {"alpha": "1/ms", "beta": "1/ms", "x_inf": "1", "tau": "ms"}

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
            raise ValueError(
                f"gate {self.name}: power must be 1, 2, 3, ..., got {shown(self.power)}"
            )
        if self.power > MOST_POWER:
            raise ValueError(
                f"gate {self.name}: power must not be above {MOST_POWER}, got {shown(self.power)}"
            )
        given = [k for k in ("alpha", "beta", "x_inf", "tau") if getattr(self, k) is not None]
        if given not in (["alpha", "beta"], ["x_inf", "tau"], ["x_inf"]):
            raise ValueError(
                f"gate {self.name}: give alpha and beta, or x_inf and tau, or x_inf alone; got "
                f"{', '.join(given) or 'none of them'}"
            )
        for name in given:
            if not isinstance(getattr(self, name), Rate):
                raise TypeError(
                    f"gate {self.name}: {name} must be a Rate (Exponential, Sigmoid, Linoid, "
                    f"Constant, Tabulated), got {shown(getattr(self, name))}"
                )

        if self.x_inf is not None:
            _see_fraction(self.x_inf, f"x_inf of gate {self.name}")
            if self.tau is not None and self.tau.vanishes:
                raise ValueError(
                    f"tau of gate {self.name} must be positive (ms), got {shown(self.tau)}"
                )

    @property
    def rates(self) -> tuple[Rate, ...]:
        """(alpha, beta), or (x_inf, tau), or (x_inf,): what is given."""
        given = (self.alpha, self.beta, self.x_inf, self.tau)
        return tuple(rate for rate in given if rate is not None)

    @property
    def instantaneous(self) -> bool:
        """Whether it follows V at once, so that it is no variable and has no noise."""
        return self.x_inf is not None and self.tau is None


@record
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

    def __repr__(self) -> str:
        return display.channel_text(self)

    def _repr_html_(self) -> str:
        return f"<b>Channel {self.name}</b>{display.channels_html([self])}"

    @property
    def variable_gates(self) -> tuple[Gate, ...]:
        """Its gates that are variables: all but the instantaneous ones."""
        return tuple(gate for gate in self.gates if not gate.instantaneous)

    def __post_init__(self) -> None:
        check_name(self.name, "a channel")
        object.__setattr__(self, "g", parameter(self.g, f"g_{self.name}", nonnegative=True))
        object.__setattr__(self, "E", parameter(self.E, f"E_{self.name}"))
        gates = several(self.gates, Gate, f"gates of channel {self.name}")
        object.__setattr__(self, "gates", gates)
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
        raise ValueError(f"the name of {what} must be letters, digits and _, got {shown(name)}")


def several(values: Any, kind: type[Record], name: str) -> tuple[Any, ...]:
    """`values` as a tuple, if they are a tuple or list of this kind of record.

    Raises
    ------
    TypeError
        If they are not.
    """
    if not isinstance(values, tuple | list):
        hint = "; write (it,) for one alone" if isinstance(values, kind) else ""
        raise TypeError(
            f"{name} must be {kind.__name__} in a tuple or list, got {shown(values)}{hint}"
        )
    for value in values:
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be {kind.__name__}, got {shown(value)}")
    return tuple(values)


def _see_fraction(rate: Rate, name: str) -> None:
    """See that a rate that stands for a fraction is not above 1 where neurons are."""
    low, high = WORKING_RANGE
    above = rate.above_one()
    if not np.all(np.isnan(above)):
        raise ValueError(
            f"{name} must lie between 0 and 1 at every V from {low:g} to {high:g} mV; it is above "
            f"1 at V = {above[~np.isnan(above)][0]:.6g} mV"
        )


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

"""Rates as functions of the membrane potential, in the forms of NeuroML 2, and their base."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import scipy.special

from hh_sde.records import OF_SLOT, Record, parameter, record, shown

Parameter = float | np.ndarray

#: Potentials that neurons may have, mV: there, what must lie in [0, 1] does.
WORKING_RANGE = (-150.0, 150.0)
#: Values above this are above 1 by more than rounding.
ONE = 1.0 + 1e-9


class Rate(Record):
    """A function of the membrane potential or of concentrations, never negative.

    Its unit is that of the slot it is given for: 1/ms as alpha and beta, ms as tau, 1 as x_inf and
    as a synapse's voltage-dependent block.
    """

    formula: ClassVar[str] = ""
    #: Whether it rises or falls throughout, so that its bounds on an interval of V are at the ends.
    monotone: ClassVar[bool] = True

    @property
    def vanishes(self) -> bool:
        """Whether it is 0 somewhere, in some neuron."""
        raise NotImplementedError

    @property
    def pools(self) -> frozenset[str]:
        """Names of the pools whose concentrations it depends on."""
        return frozenset()

    @property
    def bound(self) -> np.ndarray:
        """A number that it does not exceed, at any V and concentration; infinite: not known."""
        return np.array(np.inf)

    def above_one(self) -> np.ndarray:
        """Potentials at which it is, or may be, above 1, mV: where it begins; NaN: nowhere."""
        return np.where(self.bound > ONE, WORKING_RANGE[0], np.nan)

    def scaled(self, factor: Parameter) -> Rate:
        """The rate times a positive factor."""
        raise NotImplementedError

    def shifted(self, V: Parameter) -> Rate:
        """The rate moved along V, by so many mV to the right."""
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

    def scaled(self, factor: Parameter) -> Rate:
        return self.replace(rate=self.rate * factor)

    def shifted(self, V: Parameter) -> Rate:
        return self.replace(mid=self.mid + V)

    def latex(self) -> str:
        rising = _over("", self.mid, self.scale)
        falling = _over("-", self.mid, self.scale)
        return self.formula.format(rate=number_text(self.rate), u=rising, minus_u=falling)


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

    @property
    def bound(self) -> np.ndarray:
        return np.asarray(self.rate)

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

    @property
    def bound(self) -> np.ndarray:
        return np.asarray(self.rate)

    def scaled(self, factor: Parameter) -> Rate:
        return Constant(self.rate * factor)

    def shifted(self, V: Parameter) -> Rate:
        return self

    def latex(self) -> str:
        return number_text(self.rate)


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

    @property
    def pools(self) -> frozenset[str]:
        return self.alpha.pools | self.beta.pools

    def shifted(self, V: Parameter) -> Rate:
        return self.replace(alpha=self.alpha.shifted(V), beta=self.beta.shifted(V))

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
    >>> from hh_sde import Gate
    >>> gate = Gate("m", 3, x_inf=SteadyState(Linoid(1.0, -35.0, 10.0),
    ...                                       Exponential(4.0, -60.0, -18.0)))
    >>> gate.instantaneous
    True
    """

    formula = r"\frac{{{alpha}}}{{{alpha} + {beta}}}"

    @property
    def vanishes(self) -> bool:
        return self.alpha.vanishes

    @property
    def bound(self) -> np.ndarray:
        return np.array(1.0)


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

    def scaled(self, factor: Parameter) -> Rate:
        return TimeConstant(self.alpha.scaled(1.0 / factor), self.beta.scaled(1.0 / factor))


def number_text(value: Parameter) -> str:
    """A number as LaTeX, or where neurons differ, from where to where they do."""
    if isinstance(value, np.ndarray):
        return rf"[{value.min():g} \dots {value.max():g}]"
    return f"{value:.10g}"


def _over(sign: str, mid: Parameter, scale: Parameter) -> str:
    """sign (V - mid)/scale, with the scale's own sign in front."""
    if isinstance(scale, float) and scale < 0:
        sign, scale = "" if sign else "-", -scale
    if isinstance(mid, np.ndarray):
        shifted = f"(V - {number_text(mid)})"
    elif mid == 0:
        shifted = "V"
    else:
        shifted = f"(V {'-' if mid > 0 else '+'} {abs(mid):g})"
    return f"{sign}{shifted}/{number_text(scale)}"

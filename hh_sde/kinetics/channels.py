"""Gates, and the channels that they open."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from hh_sde import display
from hh_sde.kinetics.pools import Nernst, temperature_of
from hh_sde.kinetics.rates import WORKING_RANGE, Parameter, Rate
from hh_sde.records import Record, check_name, parameter, record, several, shown

#: Powers above this belong to no gate that was ever measured (Cole & Moore 1960: 25).
MOST_POWER = 100


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
    q10 : float or (n_neurons,) array
        Factor on its rates for every 10 degC above the temperature at which they are given.
    reference_temperature : float or (n_neurons,) array, optional
        That temperature, degC.

    Raises
    ------
    ValueError
        If the rates given are none of these, or the power is not a positive whole number.

    Examples
    --------
    >>> from hh_sde import Exponential, Linoid
    >>> Gate("n", 4, alpha=Linoid(0.1, -55.0, 10.0), beta=Exponential(0.125, -65.0, -80.0)).power
    4
    """

    units = {
        "alpha": "1/ms", "beta": "1/ms", "x_inf": "1", "tau": "ms",
        "q10": "1", "reference_temperature": "degC",
    }  # fmt: skip

    name: str
    power: int
    alpha: Rate | None = None
    beta: Rate | None = None
    x_inf: Rate | None = None
    tau: Rate | None = None
    q10: Parameter = 1.0
    reference_temperature: Parameter | None = None

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
        self._see_temperature()

    def _see_temperature(self) -> None:
        name = f"gate {self.name}"
        object.__setattr__(self, "q10", parameter(self.q10, f"q10 of {name}", positive=True))
        if self.reference_temperature is not None:
            reference = temperature_of(self.reference_temperature, f"reference of {name}")
            object.__setattr__(self, "reference_temperature", reference)
        elif not np.all(np.asarray(self.q10) == 1.0):
            raise ValueError(
                f"{name}: q10 = {shown(self.q10)} needs reference_temperature, the temperature "
                "(degC) at which its rates are given"
            )

    def at(self, temperature: Parameter | None, V_T: Parameter = 0.0) -> Gate:
        """The gate with the rates that it has at a temperature, in degC, measured from V_T.

        At None they are as they are given.
        """
        slots = ("alpha", "beta", "x_inf", "tau")
        rates = {slot: getattr(self, slot) for slot in slots if getattr(self, slot) is not None}
        if not np.all(np.asarray(V_T) == 0.0):
            rates = {slot: rate.shifted(V_T) for slot, rate in rates.items()}
        if temperature is not None and self.reference_temperature is not None:
            factor = self.q10 ** ((temperature - self.reference_temperature) / 10.0)
            factors = {"alpha": factor, "beta": factor, "tau": 1.0 / factor}
            rates |= {slot: rates[slot].scaled(factors[slot]) for slot in factors if slot in rates}
        return self.replace(**rates)

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
    E : float or (n_neurons,) array, or Nernst
        Reversal potential, mV, or how it follows a concentration.
    gates : tuple of Gate
        None for a leak.
    from_V_T : bool
        Whether its rates count V from the cell's `V_T`.
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
    E: Parameter | Nernst
    gates: tuple[Gate, ...] = field(default=())
    density: Parameter | None = None
    from_V_T: bool = False

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
        if not isinstance(self.E, Nernst):
            object.__setattr__(self, "E", parameter(self.E, f"E_{self.name}"))
        gates = several(self.gates, Gate, f"gates of channel {self.name}")
        object.__setattr__(self, "gates", gates)
        if self.density is not None:
            density = parameter(self.density, f"density of {self.name}", positive=True)
            object.__setattr__(self, "density", density)
        if not isinstance(self.from_V_T, bool):
            raise TypeError(
                f"from_V_T of channel {self.name} must be True or False, got {shown(self.from_V_T)}"
            )

    def at(self, temperature: Parameter | None, V_T: Parameter = 0.0) -> Channel:
        """The channel with the rates of its gates at a temperature, measured from V_T if it is."""
        moved = tuple(gate.at(temperature, V_T if self.from_V_T else 0.0) for gate in self.gates)
        return self.replace(gates=moved)

    @property
    def pools(self) -> frozenset[str]:
        """Names of the pools that its gates and its reversal potential read."""
        of_E = {self.E.pool} if isinstance(self.E, Nernst) else set()
        return frozenset(of_E).union(*(rate.pools for gate in self.gates for rate in gate.rates))


def _see_fraction(rate: Rate, name: str) -> None:
    """See that a rate that stands for a fraction is not above 1 where neurons are."""
    low, high = WORKING_RANGE
    above = rate.above_one()
    if not np.all(np.isnan(above)):
        raise ValueError(
            f"{name} must lie between 0 and 1 at every V from {low:g} to {high:g} mV; it is above "
            f"1 at V = {above[~np.isnan(above)][0]:.6g} mV"
        )

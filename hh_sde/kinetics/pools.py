"""Concentrations inside a cell, and reversal potentials that follow them."""

from __future__ import annotations

import numpy as np

from hh_sde.kinetics.rates import Parameter
from hh_sde.records import Record, check_name, parameter, record, shown

#: J/(mol K), and C/mol: exact in the SI of 2019.
GAS_CONSTANT, FARADAY_CONSTANT = 8.31446261815324, 96485.33212331001
#: 0 degC, K.
FREEZING = 273.15
#: No cell lives at a higher temperature, degC: one that does was given in kelvin.
HOTTEST = 100.0


@record
class Pool(Record):
    """A concentration c that currents feed: dc/dt = -k I - (c - rest)/tau.

    I is the sum of the currents of `channels`, outward positive (uA/cm^2).

    Parameters
    ----------
    name : str
        Of the variable, and in rates and reversal potentials that read it (Ca, ...).
    channels : tuple of str
        Whose currents carry it.
    k : float or (n_neurons,) array
        What an inward current of 1 uA/cm^2 adds, mM/ms. Of an ion of valence z that enters a shell
        of depth d (um) it is 1.036e-4/(z d), below 0 for an anion.
    rest : float or (n_neurons,) array
        The concentration without current, mM.
    tau : float or (n_neurons,) array
        Time constant of its return, ms.

    Examples
    --------
    >>> Pool("Ca", channels=("CaT", "CaS"), k=4.7e-5, rest=5e-5, tau=200.0).channels
    ('CaT', 'CaS')
    """

    units = {"k": "mM*cm^2/(uA*ms)", "rest": "mM", "tau": "ms"}

    name: str
    channels: tuple[str, ...]
    k: Parameter
    rest: Parameter
    tau: Parameter

    def __post_init__(self) -> None:
        check_name(self.name, "a pool")
        several_names = isinstance(self.channels, tuple | list) and self.channels
        if not several_names or not all(isinstance(name, str) for name in self.channels):
            raise TypeError(
                f"channels of pool {self.name} must be names of channels in a tuple or list, as "
                f"('CaT',), got {shown(self.channels)}"
            )
        object.__setattr__(self, "channels", tuple(self.channels))
        k, rest, tau = (f"{name} of pool {self.name}" for name in ("k", "rest", "tau"))
        object.__setattr__(self, "k", parameter(self.k, k))
        object.__setattr__(self, "rest", parameter(self.rest, rest, nonnegative=True))
        object.__setattr__(self, "tau", parameter(self.tau, tau, positive=True))


@record
class Nernst(Record):
    """The reversal potential of an ion whose concentration is a pool: RT/(zF) ln(outside/c).

    Parameters
    ----------
    pool : str
        Name of the pool, whose concentration is that inside.
    outside : float or (n_neurons,) array
        mM.
    valence : int
        z, not 0.
    temperature : float or (n_neurons,) array, optional
        degC. Default: that of the cell.

    Examples
    --------
    >>> E = Nernst("Ca", outside=3.0, valence=2, temperature=10.0)
    >>> round(E.slope(None), 3)
    12.2
    """

    units = {"outside": "mM", "temperature": "degC"}

    pool: str
    outside: Parameter
    valence: int = 2
    temperature: Parameter | None = None

    def __post_init__(self) -> None:
        check_name(self.pool, "a pool")
        object.__setattr__(
            self, "outside", parameter(self.outside, "Nernst.outside (mM)", positive=True)
        )
        if isinstance(self.valence, np.integer):
            object.__setattr__(self, "valence", int(self.valence))
        if not isinstance(self.valence, int) or isinstance(self.valence, bool) or not self.valence:
            raise ValueError(
                f"Nernst.valence must be a whole number but 0, got {shown(self.valence)}"
            )
        if self.temperature is not None:
            object.__setattr__(self, "temperature", temperature_of(self.temperature, "Nernst"))

    def slope(self, temperature: Parameter | None) -> Parameter:
        """RT/(zF), mV, where the cell has this temperature (degC).

        Raises
        ------
        ValueError
            If neither has one.
        """
        T = temperature if self.temperature is None else self.temperature
        if T is None:
            raise ValueError(
                f"a Nernst potential of {self.pool} needs a temperature: give the cell one, or "
                "Nernst(..., temperature=) in degC"
            )
        return 1e3 * GAS_CONSTANT * (T + FREEZING) / (self.valence * FARADAY_CONSTANT)


def temperature_of(value: Parameter, owner: str) -> Parameter:
    """A checked temperature, degC."""
    T = parameter(value, f"temperature of {owner}")
    if not np.all((np.asarray(T) > -FREEZING) & (np.asarray(T) < HOTTEST)):
        raise ValueError(
            f"temperature of {owner} must be above -273.15 and below {HOTTEST:g} degC, got "
            f"{shown(value)}; of kelvin take off 273.15"
        )
    return T

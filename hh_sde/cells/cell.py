"""A cell: a capacitance, a set of channels, and the concentrations that they feed and read."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from typing import Any

from hh_sde import display
from hh_sde.errors import no_parameter, unknown
from hh_sde.kinetics import Channel, Gate, Nernst, Parameter, Pool
from hh_sde.kinetics.pools import temperature_of
from hh_sde.records import Record, check_name, parameter, record, several


@record
class Cell(Record):
    """A single-compartment conductance-based neuron: C dV/dt = I - sum of channel currents.

    Parameters
    ----------
    name : str
    channels : tuple of Channel
    C : float or (n_neurons,) array
        Membrane capacitance, uF/cm^2.
    V0 : float or (n_neurons,) array
        Potential from which a simulation starts unless `x0=` is given, mV.
    reference : str
        The paper.
    temperature : float or (n_neurons,) array, optional
        degC: rates of gates with a `q10` follow it. None: they are as they are given.
    V_T : float or (n_neurons,) array
        From where the rates of channels with `from_V_T` count V, mV.
    pools : tuple of Pool
        Concentrations that currents feed, and that rates and reversal potentials may read.

    Raises
    ------
    ValueError
        If two channels or two gates share a name, a value is out of range, or a concentration is
        read that no pool has.

    Examples
    --------
    >>> from hh_sde import CELLS
    >>> cell = CELLS["hodgkin_huxley"](E_L=-54.4)
    >>> cell.parameters["E_L"]
    -54.4
    >>> cell.replace(gNa=100.0)
    Traceback (most recent call last):
    ...
    ValueError: hodgkin_huxley has no parameter 'gNa'; it has C, ..., E_L; did you mean g_Na?
    """

    units = {"C": "uF/cm^2", "V0": "mV", "temperature": "degC", "V_T": "mV"}

    name: str
    channels: tuple[Channel, ...]
    C: Parameter = 1.0
    V0: Parameter = -65.0
    reference: str = ""
    temperature: Parameter | None = None
    V_T: Parameter = 0.0
    pools: tuple[Pool, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, "a cell")
        channels = several(self.channels, Channel, f"channels of cell {self.name}")
        object.__setattr__(self, "channels", channels)
        object.__setattr__(self, "C", parameter(self.C, "C", positive=True))
        object.__setattr__(self, "V0", parameter(self.V0, "V0"))
        object.__setattr__(self, "V_T", parameter(self.V_T, "V_T"))
        if self.temperature is not None:
            T = temperature_of(self.temperature, f"cell {self.name}")
            object.__setattr__(self, "temperature", T)
        pools = several(self.pools, Pool, f"pools of cell {self.name}")
        object.__setattr__(self, "pools", pools)
        _no_clash("channels", [channel.name for channel in self.channels])
        gates, concentrations = ([one.name for one in ones] for ones in (self.gates, self.pools))
        _no_clash("gates or pools" if self.pools else "gates", ["V", *gates, *concentrations])
        self._see_pools(concentrations)

    def _see_pools(self, names: list[str]) -> None:
        """See that what is read and what is fed is there."""
        channels = [channel.name for channel in self.channels]
        for pool in self.pools:
            for name in pool.channels:
                if name not in channels:
                    what = unknown("channel", name, channels)
                    raise ValueError(f"pool {pool.name} of cell {self.name}: {what}")
        for channel in self.channels:
            for name in channel.pools:
                if name not in names:
                    raise ValueError(
                        f"channel {channel.name} of cell {self.name} reads the concentration "
                        f"{name}, and the cell has {', '.join(names) or 'no'} pools: give it "
                        f'pools=(Pool("{name}", ...),)'
                    )

    @property
    def channels_in_effect(self) -> tuple[Channel, ...]:
        """Its channels, with the rates that they have at its temperature and with its V_T."""
        return tuple(channel.at(self.temperature, self.V_T) for channel in self.channels)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All gates, channel by channel: those that are variables are so in this order."""
        return tuple(gate for channel in self.channels for gate in channel.gates)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """What `replace` can change: C, V0, and g_X and E_X of every channel X.

        The temperature and V_T too where rates follow them; k_Y, rest_Y and tau_Y of every pool Y.
        An E_X that follows a concentration is no number, but may be replaced by one.
        """
        return {name: value for name, (value, _) in self.quantities.items()}

    @property
    def quantities(self) -> dict[str, tuple[Parameter, str]]:
        """Its parameters with their units."""
        own = {name: getattr(self, name) for name in self._own_numbers}
        found = {
            name: (value, self.units[name]) for name, value in own.items() if value is not None
        }
        for channel in self.channels:
            for name in ("g", "E"):
                value = getattr(channel, name)
                if not isinstance(value, Nernst):
                    found[f"{name}_{channel.name}"] = (value, channel.units[name])
        for pool in self.pools:
            for name, units in pool.units.items():
                found[f"{name}_{pool.name}"] = (getattr(pool, name), units)
        return found

    @property
    def _own_numbers(self) -> list[str]:
        """Names of its numbers that something follows."""
        E = [channel.E for channel in self.channels]
        given_at = any(gate.reference_temperature is not None for gate in self.gates)
        nernst = any(isinstance(one, Nernst) and one.temperature is None for one in E)
        followed = {
            "temperature": given_at or nernst,
            "V_T": any(channel.from_V_T for channel in self.channels),
        }
        return [name for name in self.units if followed.get(name, True)]

    def __call__(self, **changes: Any) -> Cell:
        """A copy with other parameters: the same as `replace`."""
        return self.replace(**changes)

    def __repr__(self) -> str:
        return display.cell_text(self)

    def _repr_html_(self) -> str:
        return display.cell_html(self)

    def replace(self, **changes: Any) -> Cell:
        """A copy with other parameters (see `parameters`) or fields.

        Raises
        ------
        ValueError
            If a name is not one of them.
        """
        reversals = {f"E_{channel.name}" for channel in self.channels}
        known = {field.name for field in fields(self)} | reversals | set(self.parameters)
        known -= {"temperature", "V_T"} - set(self._own_numbers)  # nothing would follow them
        for name in changes:
            if name not in known:
                raise ValueError(no_parameter(self.name, name, self.parameters))
        channels = several(changes.pop("channels", self.channels), Channel, "channels")
        channels = tuple(
            channel.replace(
                g=changes.pop(f"g_{channel.name}", channel.g),
                E=changes.pop(f"E_{channel.name}", channel.E),
            )
            for channel in channels
        )
        pools = several(changes.pop("pools", self.pools), Pool, "pools")
        pools = tuple(
            pool.replace(
                **{
                    name: changes.pop(f"{name}_{pool.name}", getattr(pool, name))
                    for name in pool.units
                }
            )
            for pool in pools
        )
        return replace(self, channels=channels, pools=pools, **changes)


def _no_clash(what: str, names: list[str]) -> None:
    double = [name for name, count in Counter(names).items() if count > 1]
    if double:
        raise ValueError(f"two {what} of one cell are called {', '.join(double)}; rename one")

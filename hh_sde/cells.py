"""Cells: a capacitance and a set of channels, and the table CELLS."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from hh_sde.errors import no_parameter
from hh_sde.kinetics import (
    Channel,
    Exponential,
    Gate,
    Linoid,
    Parameter,
    Sigmoid,
    check_name,
    several,
)
from hh_sde.records import Record, parameter


@dataclass(frozen=True, eq=False)
class Cell(Record):
    """A single-compartment conductance-based neuron: C dV/dt = I - sum of channel currents.

    Parameters
    ----------
    name : str
    channels : tuple of Channel
    C : float or (n_neurons,) array
        Membrane capacitance, uF/cm^2.
    V0 : float or (n_neurons,) array
        Potential from which a simulation starts unless told otherwise, mV.
    source : str
        The paper.

    Raises
    ------
    ValueError
        If two channels or two gates share a name, or a value is out of range.

    Examples
    --------
    >>> cell = CELLS["hodgkin_huxley"].replace(E_L=-54.4)
    >>> cell.parameters["E_L"]
    -54.4
    >>> cell.replace(gNa=100.0)
    Traceback (most recent call last):
    ...
    ValueError: hodgkin_huxley has no parameter 'gNa'; it has C, ..., E_L; did you mean g_Na?
    """

    units = {"C": "uF/cm^2", "V0": "mV"}

    name: str
    channels: tuple[Channel, ...]
    C: Parameter = 1.0
    V0: Parameter = -65.0
    source: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "a cell")
        channels = several(self.channels, Channel, f"channels of cell {self.name}")
        object.__setattr__(self, "channels", channels)
        object.__setattr__(self, "C", parameter(self.C, "C", positive=True))
        object.__setattr__(self, "V0", parameter(self.V0, "V0"))
        _no_clash("channels", [channel.name for channel in self.channels])
        _no_clash("gates", ["V", *(gate.name for gate in self.gates)])

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All gates, channel by channel: the order of the state variables."""
        return tuple(gate for channel in self.channels for gate in channel.gates)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """What `replace` can change: C, V0, and g_X and E_X of every channel X."""
        values: dict[str, Parameter] = {"C": self.C, "V0": self.V0}
        for channel in self.channels:
            values[f"g_{channel.name}"] = channel.g
            values[f"E_{channel.name}"] = channel.E
        return values

    def replace(self, **changes: Any) -> Cell:
        """A copy with other parameters (see `parameters`) or fields.

        Raises
        ------
        ValueError
            If a name is not one of them.
        """
        fields = {"name", "channels", "C", "V0", "source"}
        for name in changes:
            if name not in fields and name not in self.parameters:
                raise ValueError(no_parameter(self.name, name, self.parameters))
        channels = several(changes.pop("channels", self.channels), Channel, "channels")
        channels = tuple(
            channel.replace(
                g=changes.pop(f"g_{channel.name}", channel.g),
                E=changes.pop(f"E_{channel.name}", channel.E),
            )
            for channel in channels
        )
        return replace(self, channels=channels, **changes)


def _no_clash(what: str, names: list[str]) -> None:
    double = [name for name, count in Counter(names).items() if count > 1]
    if double:
        raise ValueError(f"two {what} of one cell are called {', '.join(double)}; rename one")


HODGKIN_HUXLEY = Cell(
    name="hodgkin_huxley",
    channels=(
        Channel(
            name="Na",
            g=120.0,
            E=50.0,
            density=60.0,
            gates=(
                Gate(
                    name="m",
                    power=3,
                    alpha=Linoid(rate=1.0, mid=-40.0, scale=10.0),
                    beta=Exponential(rate=4.0, mid=-65.0, scale=-18.0),
                ),
                Gate(
                    name="h",
                    power=1,
                    alpha=Exponential(rate=0.07, mid=-65.0, scale=-20.0),
                    beta=Sigmoid(rate=1.0, mid=-35.0, scale=10.0),
                ),
            ),
        ),
        Channel(
            name="K",
            g=36.0,
            E=-77.0,
            density=18.0,
            gates=(
                Gate(
                    name="n",
                    power=4,
                    alpha=Linoid(rate=0.1, mid=-55.0, scale=10.0),
                    beta=Exponential(rate=0.125, mid=-65.0, scale=-80.0),
                ),
            ),
        ),
        Channel(name="L", g=0.3, E=-54.387),
    ),
    C=1.0,
    V0=-65.0,
    source=(
        "Hodgkin & Huxley 1952, J. Physiol. 117, 500, doi:10.1113/jphysiol.1952.sp004764, "
        "squid axon at 6.3 degC, potentials shifted so that rest is near -65 mV"
    ),
)

#: Cells by name, as `hh_sde.Network(cell=...)` takes them.
CELLS: dict[str, Cell] = {"hodgkin_huxley": HODGKIN_HUXLEY}

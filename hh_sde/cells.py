"""Cells: a capacitance and a set of channels, and the table CELLS."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hh_sde import display
from hh_sde.errors import no_parameter
from hh_sde.kinetics import (
    Channel,
    Exponential,
    Gate,
    Linoid,
    Parameter,
    Sigmoid,
    SteadyState,
    TimeConstant,
)
from hh_sde.records import Record, check_name, parameter, record, several, shown
from hh_sde.tables import Description, Table


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

    Raises
    ------
    ValueError
        If two channels or two gates share a name, or a value is out of range.

    Examples
    --------
    >>> cell = CELLS["hodgkin_huxley"](E_L=-54.4)
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
    reference: str = ""

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
        """All gates, channel by channel: those that are variables are so in this order."""
        return tuple(gate for channel in self.channels for gate in channel.gates)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """What `replace` can change: C, V0, and g_X and E_X of every channel X."""
        return {name: value for name, (value, _) in self.quantities.items()}

    @property
    def quantities(self) -> dict[str, tuple[Parameter, str]]:
        """Its parameters with their units."""
        values = {name: (getattr(self, name), units) for name, units in self.units.items()}
        for channel in self.channels:
            for name in ("g", "E"):
                value = getattr(channel, name)
                values[f"{name}_{channel.name}"] = (value, channel.units[name])
        return values

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
        fields = {"name", "channels", "C", "V0", "reference"}
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
    reference=(
        "Hodgkin & Huxley 1952, J. Physiol. 117, 500, doi:10.1113/jphysiol.1952.sp004764, "
        "squid axon at 6.3 degC, potentials shifted so that rest is near -65 mV"
    ),
)

_PHI = 5.0  # the factor on the rates of h and n

WANG_BUZSAKI = Cell(
    name="wang_buzsaki",
    channels=(
        Channel(
            name="Na",
            g=35.0,
            E=55.0,
            gates=(
                Gate(
                    name="m",
                    power=3,
                    x_inf=SteadyState(
                        alpha=Linoid(rate=1.0, mid=-35.0, scale=10.0),
                        beta=Exponential(rate=4.0, mid=-60.0, scale=-18.0),
                    ),
                ),
                Gate(
                    name="h",
                    power=1,
                    alpha=Exponential(rate=0.07 * _PHI, mid=-58.0, scale=-20.0),
                    beta=Sigmoid(rate=_PHI, mid=-28.0, scale=10.0),
                ),
            ),
        ),
        Channel(
            name="K",
            g=9.0,
            E=-90.0,
            gates=(
                Gate(
                    name="n",
                    power=4,
                    alpha=Linoid(rate=0.1 * _PHI, mid=-34.0, scale=10.0),
                    beta=Exponential(rate=0.125 * _PHI, mid=-44.0, scale=-80.0),
                ),
            ),
        ),
        Channel(name="L", g=0.1, E=-65.0),
    ),
    C=1.0,
    V0=-64.0,
    reference=(
        "Wang & Buzsaki 1996, J. Neurosci. 16, 6402, doi:10.1523/JNEUROSCI.16-20-06402.1996, "
        "fast-spiking interneuron; m follows V at once"
    ),
)

_PHI_W = 0.04  # 1/ms

MORRIS_LECAR = Cell(
    name="morris_lecar",
    channels=(
        Channel(
            name="Ca",
            g=4.4,
            E=120.0,
            # (1 + tanh((V - V1)/V2))/2 is a sigmoid of scale V2/2
            gates=(Gate(name="m", power=1, x_inf=Sigmoid(rate=1.0, mid=-1.2, scale=9.0)),),
        ),
        Channel(
            name="K",
            g=8.0,
            E=-84.0,
            gates=(
                Gate(
                    name="w",
                    power=1,
                    x_inf=Sigmoid(rate=1.0, mid=2.0, scale=15.0),
                    tau=TimeConstant(  # 1/(phi cosh((V - V3)/(2 V4)))
                        alpha=Exponential(rate=_PHI_W / 2, mid=2.0, scale=60.0),
                        beta=Exponential(rate=_PHI_W / 2, mid=2.0, scale=-60.0),
                    ),
                ),
            ),
        ),
        Channel(name="L", g=2.0, E=-60.0),
    ),
    C=20.0,
    V0=-60.0,
    reference=(
        "Morris & Lecar 1981, Biophys. J. 35, 193, doi:10.1016/S0006-3495(81)84782-0, barnacle "
        "muscle fibre, with the parameters of Rinzel & Ermentrout 1998 (in Methods in Neuronal "
        "Modeling, 2nd ed.) for the Hopf bifurcation; m follows V at once"
    ),
)


def _entry(name: str, cell: Any) -> Cell:
    """A cell as an entry of CELLS."""
    if not isinstance(cell, Cell):
        raise TypeError(f"CELLS[{name!r}] takes a Cell, got {shown(cell)}")
    if cell.name != name:
        raise ValueError(
            f"CELLS[{name!r}] takes a cell of that name, and this one is called {cell.name!r}: "
            f"give it .replace(name={name!r})"
        )
    return cell


def _description(cell: Cell) -> Description:
    numbers = display.parameters((name, *value) for name, value in cell.quantities.items())
    return Description(", ".join(map(_carries, cell.channels)), numbers, cell.reference)


def _carries(channel: Channel) -> str:
    """A channel with its gates, as Na (m^3 h)."""
    gates = [f"{g.name}^{g.power}" if g.power > 1 else g.name for g in channel.gates]
    return f"{channel.name} ({' '.join(gates)})" if gates else channel.name


#: Cells by name, as `hh_sde.Network(cell=...)` takes them. Called with parameters to change, an
#: entry is a cell that has those.
CELLS = Table(
    "CELLS",
    "cell",
    check=_entry,
    describe=_description,
    entries={
        "hodgkin_huxley": HODGKIN_HUXLEY,
        "wang_buzsaki": WANG_BUZSAKI,
        "morris_lecar": MORRIS_LECAR,
    },
)

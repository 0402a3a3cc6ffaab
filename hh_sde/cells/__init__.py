"""Cells: a capacitance and a set of channels, one file for each family, and the table CELLS."""

from __future__ import annotations

from typing import Any

from hh_sde import display
from hh_sde.cells.cell import Cell
from hh_sde.cells.connor_stevens import CONNOR_STEVENS
from hh_sde.cells.morris_lecar import MORRIS_LECAR
from hh_sde.cells.pospischil import (
    POSPISCHIL_FS,
    POSPISCHIL_IB,
    POSPISCHIL_LTS,
    POSPISCHIL_RS,
)
from hh_sde.cells.prinz import PRINZ_ABPD
from hh_sde.cells.squid import HODGKIN_HUXLEY, HODGKIN_HUXLEY_1952
from hh_sde.cells.traub_ca3 import TRAUB_CA3
from hh_sde.cells.traub_miles import TRAUB_MILES
from hh_sde.cells.wang_buzsaki import WANG_BUZSAKI
from hh_sde.kinetics import Channel
from hh_sde.records import shown
from hh_sde.tables import Description, Table

__all__ = ["CELLS", "Cell"]


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
        "hodgkin_huxley_1952": HODGKIN_HUXLEY_1952,
        "wang_buzsaki": WANG_BUZSAKI,
        "morris_lecar": MORRIS_LECAR,
        "connor_stevens": CONNOR_STEVENS,
        "traub_miles": TRAUB_MILES,
        "pospischil_RS": POSPISCHIL_RS,
        "pospischil_FS": POSPISCHIL_FS,
        "pospischil_IB": POSPISCHIL_IB,
        "pospischil_LTS": POSPISCHIL_LTS,
        "traub_ca3": TRAUB_CA3,
        "prinz_abpd": PRINZ_ABPD,
    },
)

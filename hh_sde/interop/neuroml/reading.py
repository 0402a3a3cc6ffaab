"""What a file of NeuroML holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hh_sde.cells import Cell
from hh_sde.interop.neuroml import cells, channels, networks, synapses
from hh_sde.interop.neuroml.files import Element, NeuroMLError, elements_of
from hh_sde.kinetics import Channel
from hh_sde.network import Network

T = TypeVar("T")

#: Elements that others use, or that are settings, and the elements that are taken apart.
_DEFINITIONS = ("ComponentType",)
_PARTS = ("morphology", "biophysicalProperties", *cells.CONCENTRATIONS)
_SETTINGS = ("Target", "Simulation")
TAKEN = (
    *channels.CHANNELS, *cells.CELLS, *synapses.ELEMENTS, *networks.GENERATORS, "network",
    *_DEFINITIONS, *_PARTS, *_SETTINGS,
)  # fmt: skip


class Parts(NamedTuple):
    """What a file holds, by id.

    Attributes
    ----------
    channels : dict of str to Channel
        With the gates of the file; conductance and reversal potential are the cells', here
        1 mS/cm^2 and 0 mV.
    cells : dict of str to Cell
    networks : dict of str to Network
    simulations : dict of str to dict
        Of LEMS: `network`, `t_end` and `dt` (ms).
    refused : tuple of str
        What could not be taken: file, line, element and reason.
    """

    channels: dict[str, Channel]
    cells: dict[str, Cell]
    networks: dict[str, Network]
    simulations: dict[str, dict[str, Any]]
    refused: tuple[str, ...]


def read(path: str | PathLike[str], folder: str | PathLike[str] | None = None) -> Network:
    """The network of a NeuroML 2 file, or of a LEMS file (``pip install hh_sde[neuroml]``).

    Parameters
    ----------
    path : path
    folder : path, optional
        Files below it may be included. Default: those below the folder of `path`.

    Returns
    -------
    Network
        Conductances and currents of whole cells are divided by the surface of their segment; those
        of cells without a shape by the area that has 1 uF/cm^2. A population called `neurons` that
        is the only one is a network without populations.

    Raises
    ------
    ImportError
        If libNeuroML, and lxml with it, is not installed.
    NeuroMLError
        If something cannot be taken, with file, line, element and reason of all of it (see
        `read_parts`), or if there is not one network, which the Target of a LEMS file may choose.
    """
    wanted: list[str] = []
    parts = _parts(path, folder, wanted)
    if parts.refused:
        raise NeuroMLError(
            f"{Path(path).name} holds what is not taken; read_parts reads the rest of it:\n- "
            + "\n- ".join(parts.refused)
        )
    found = parts.networks
    for name in wanted:
        chosen = parts.simulations.get(name, {"network": name})["network"]
        found = {chosen: parts.networks[chosen]} if chosen in parts.networks else found
    if len(found) != 1:
        raise NeuroMLError(
            f"{Path(path).name} holds {len(found)} networks ({', '.join(found) or 'none'}): "
            "read_parts(path) has all that is in it, by id"
        )
    return next(iter(found.values()))


def read_parts(path: str | PathLike[str], folder: str | PathLike[str] | None = None) -> Parts:
    """All that a NeuroML 2 or LEMS file holds and this library has, and what it has not.

    Parameters
    ----------
    path, folder
        As of `read`.

    Returns
    -------
    Parts

    Raises
    ------
    ImportError, NeuroMLError
        If libNeuroML is not installed, or the file is no NeuroML.
    """
    return _parts(path, folder, [])


def _parts(path: Any, folder: Any, wanted: list[str]) -> Parts:
    elements, errors = elements_of(Path(path), None if folder is None else Path(folder))
    every = _ByKind(elements, errors)
    definitions = every.named("ComponentType", by="name")
    kinds = every.each(channels.CHANNELS, lambda one: channels.ion_channel(one, definitions))
    library = cells.Library(
        kinds,
        every.named("morphology"),
        every.named("biophysicalProperties"),
        every.named(*cells.CONCENTRATIONS),
    )
    known = every.each(cells.CELLS, lambda one: cells.cell_type(one, library))
    catalogue = networks.Catalogue(
        known, every.named(*synapses.ELEMENTS), every.named(*networks.GENERATORS)
    )
    found = every.each(("network",), lambda one: networks.network(one, catalogue))
    simulations = every.each(("Simulation",), _simulation)
    for one in every.of(("Target",)):
        one.drop("reportFile", "timesFile")
        wanted.append(one.text("component"))
    every.finish()
    return Parts(
        {name: Channel(name, g=1.0, E=0.0, gates=kind.gates) for name, kind in kinds.items()},
        {name: one.cell for name, one in known.items()},
        found,
        simulations,
        tuple(map(str, every.errors)),
    )


class _ByKind:
    """Elements of files by what they are, and what went wrong with them."""

    def __init__(self, elements: list[Element], errors: list[NeuroMLError]) -> None:
        self.elements, self.errors = elements, errors

    def of(self, tags: Iterable[str]) -> list[Element]:
        """Those of some kinds."""
        return [one for one in self.elements if one.tag in tags]

    def named(self, *tags: str, by: str = "id") -> dict[str, Element]:
        """Those of some kinds by id."""
        return self.each(tags, lambda one: one, by)

    def each(
        self, tags: Iterable[str], make: Callable[[Element], T], by: str = "id"
    ) -> dict[str, T]:
        """What is made of each of some kinds, by id; errors are kept."""
        found: dict[str, T] = {}
        for one in self.of(tags):
            try:
                if one.text(by) in found:
                    one.refuse("a second one of that id")
                found[one.text(by)] = make(one)
            except NeuroMLError as error:
                self.errors.append(error)
        return found

    def finish(self) -> None:
        """Name the elements of all other kinds."""
        for one in self.elements:
            if one.tag not in TAKEN:
                self.errors.append(NeuroMLError(f"{one}: is not taken"))


def _simulation(element: Element) -> dict[str, Any]:
    """What a simulation asks for; what it shows and stores is left to the user."""
    return {
        "network": element.text("target"),
        "t_end": element.value("length", "time"),
        "dt": element.value("step", "time"),
    }

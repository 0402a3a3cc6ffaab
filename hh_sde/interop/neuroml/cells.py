"""Cells of one compartment: membrane, channels, concentrations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from hh_sde.cells import Cell
from hh_sde.interop.neuroml.channels import IonChannel
from hh_sde.interop.neuroml.files import Element
from hh_sde.interop.neuroml.lems import CALCIUM
from hh_sde.interop.neuroml.quantities import UM2, exact, exactly
from hh_sde.kinetics import Channel, Gate, Nernst, Pool
from hh_sde.kinetics.pools import FARADAY_CONSTANT

#: Elements that are cells.
CELLS = ("cell", "pointCellCondBased")
DENSITIES = ("channelDensity", "channelDensityNernst", "channelDensityVShift", "channelPopulation")
CONCENTRATIONS = ("fixedFactorConcentrationModel", "decayingPoolConcentrationModel")


class CellType(NamedTuple):
    """A cell, its area (um^2), its threshold for spikes (mV), the id of its segment."""

    cell: Cell
    area: Decimal
    threshold: float
    segment: str


class Library(NamedTuple):
    """What cells are made of, by id."""

    channels: Mapping[str, IonChannel]
    morphologies: Mapping[str, Element]
    biophysics: Mapping[str, Element]
    concentrations: Mapping[str, Element]


def cell_type(element: Element, library: Library) -> CellType:
    """The cell of an element.

    Raises
    ------
    NeuroMLError
        If it has several compartments, or something that this library has not.
    """
    reading = _Membrane(element, library)
    return reading.point() if element.tag == "pointCellCondBased" else reading.cell()


class _Membrane:
    """A cell while it is read."""

    def __init__(self, element: Element, library: Library) -> None:
        self.element, self.library = element, library
        self.segment, self.groups = "0", {"all"}
        self.area = Decimal(0)
        self.species: dict[str, Element] = {}
        self.carried: dict[str, list[str]] = {}

    def point(self) -> CellType:
        """One without a shape: of the area that has 1 uF/cm^2, to which all is proportional."""
        element = self.element
        with exactly():
            self.area = element.quantity("C", "capacitance") / UM2
        channels = self._channels(element)
        threshold, V0 = (element.value(name, "voltage") for name in ("thresh", "v0"))
        element.finish()
        return self._made(channels, 1.0, V0, threshold)

    def cell(self) -> CellType:
        """One of a segment."""
        element = self.element
        self._shape(self._part("morphology", self.library.morphologies))
        biophysics = self._part("biophysicalProperties", self.library.biophysics)
        membrane = biophysics.only("membraneProperties")
        inside = biophysics.child("intracellularProperties")
        if inside is not None:
            inside.children("resistivity")  # between compartments
            self.species = {one.text("ion", one.id): one for one in inside.children("species")}
            inside.finish()
        channels = self._channels(membrane)
        C = self._of_all(membrane.only("specificCapacitance"), "specificCapacitance")
        V0 = self._of_all(membrane.only("initMembPotential"), "voltage")
        threshold = membrane.child("spikeThresh")
        above = 0.0 if threshold is None else self._of_all(threshold, "voltage")
        for one in (membrane, biophysics, element):
            one.finish()
        return self._made(channels, C, V0, above)

    def _part(self, tag: str, known: Mapping[str, Element]) -> Element:
        """The morphology or biophysicalProperties: inside of the cell, or named by it."""
        if not self.element.has(tag):
            return self.element.only(tag)
        name = self.element.text(tag)
        if name not in known:
            self.element.refuse(f"there is no <{tag} id={name!r}>")
        return known[name]

    def _made(self, channels: list[Channel], C: float, V0: float, threshold: float) -> CellType:
        pools = tuple(self._pool(ion, one) for ion, one in self.species.items())
        with self.element.named():
            cell = Cell(
                self.element.id,
                _with_gates_apart(channels),
                C=C,
                V0=V0,
                reference=self.element.notes,
                pools=pools,
            )
        return CellType(cell, self.area, threshold, self.segment)

    def _shape(self, morphology: Element) -> None:
        segments = morphology.children("segment")
        if len(segments) != 1:
            morphology.refuse(
                f"a cell of {len(segments)} segments; only those of one compartment are taken"
            )
        (segment,) = segments
        self.segment = segment.id
        ends = []
        for tag in ("proximal", "distal"):
            one = segment.only(tag)
            ends.append([one.value(name, "number") for name in ("x", "y", "z", "diameter")])
            one.finish()
        segment.drop("name")
        segment.finish()
        (*start, d_0), (*stop, d_1) = ends
        length = math.dist(start, stop)
        if length == 0 and d_0 != d_1:
            segment.refuse("it is of no length, and its ends differ in diameter")
        # the side of a truncated cone; of no length, a ball
        slant = math.hypot(length, (d_0 - d_1) / 2)
        area = math.pi * d_0 * d_1 if length == 0 else math.pi * (d_0 + d_1) / 2 * slant
        if not 0 < area < math.inf:
            segment.refuse(f"its surface must be positive, got {area:g} um^2")
        self.area = exact(area)
        for group in morphology.children("segmentGroup"):
            self._group(group)
        morphology.finish()

    def _group(self, group: Element) -> None:
        members = [one.text("segment") for one in group.children("member")]
        included = [one.text("segmentGroup") for one in group.children("include")]
        if self.segment in members or self.groups & set(included):
            self.groups.add(group.id)
        group.finish()

    def _everywhere(self, element: Element) -> None:
        """See that it is on the segment that there is."""
        group = element.text("segmentGroup", "all")
        if group not in self.groups:
            element.refuse(f"the segment of the cell is not in the group {group!r}")
        if element.text("segment", self.segment) != self.segment:
            element.refuse(f"the cell's segment is {self.segment}")

    def _of_all(self, element: Element, dimension: str) -> float:
        self._everywhere(element)
        found = element.value("value", dimension)
        element.finish()
        return found

    def _channels(self, element: Element) -> list[Channel]:
        return [self._channel(one) for one in element.children(*DENSITIES)]

    def _channel(self, element: Element) -> Channel:
        name = element.text("ionChannel")
        if name not in self.library.channels:
            element.refuse(f"there is no channel {name!r} that could be taken")
        kind = self.library.channels[name]
        self._everywhere(element)
        ion = element.text("ion", "non_specific")
        if ion in self.species:
            self.carried.setdefault(ion, []).append(element.id)
        with exactly(), element.named():
            g, density = self._conductance(element, kind)
            E: Any = self._nernst(element, ion) if element.tag == "channelDensityNernst" else None
            gates: tuple[Gate, ...] = kind.gates
            if element.tag == "channelDensityVShift":
                gates = tuple(one.at(None, element.value("vShift", "voltage")) for one in gates)
            found = Channel(
                element.id,
                g=float(g),
                E=element.value("erev", "voltage") if E is None else E,
                gates=gates,
                density=None if not density else float(density),
            )
        element.finish()
        return found

    def _conductance(self, element: Element, kind: IonChannel) -> tuple[Decimal, Decimal | None]:
        """Conductance, mS/cm^2, and channels per um^2 where that of one is known."""
        if element.tag != "channelPopulation":
            g = element.quantity("condDensity", "conductanceDensity")
            return g, g * UM2 / kind.conductance if kind.conductance else None
        if not kind.conductance:
            element.refuse("its channel has no conductance, of which there are so many")
        density = element.quantity("number", "number") / self.area
        return density * kind.conductance / UM2, density

    def _nernst(self, element: Element, ion: str) -> Nernst:
        if ion != "ca" or ion not in self.species:
            element.refuse(f"a Nernst potential follows the <species> ca of the cell, not {ion}")
        outside = self.species[ion].value("initialExtConcentration", "concentration")
        return Nernst(CALCIUM, outside=outside, valence=2)

    def _pool(self, ion: str, species: Element) -> Pool:
        name = species.text("concentrationModel")
        self._everywhere(species)
        if ion != "ca":
            species.refuse(f"of concentrations that of ca is taken, not {ion}")
        if name not in self.library.concentrations:
            species.refuse(f"there is no concentration model {name!r} that could be taken")
        model = self.library.concentrations[name]
        rest = model.quantity("restingConc", "concentration")
        if species.quantity("initialConcentration", "concentration") != rest:
            species.refuse(
                "initialConcentration differs from restingConc; where a simulation starts is no "
                "part of a network but x0= of solve"
            )
        species.quantity("initialExtConcentration", "concentration")
        species.finish()
        with model.named(), exactly():
            found = Pool(
                CALCIUM,
                channels=tuple(self.carried.get(ion, ())),
                k=self._entry(model),
                rest=float(rest),
                tau=model.value("decayConstant", "time"),
            )
        model.drop("ion", "type")
        model.finish()
        return found

    def _entry(self, model: Element) -> float:
        """What a current of 1 uA/cm^2 changes, mM/ms."""
        if model.tag == "fixedFactorConcentrationModel":
            return model.value("rho", "rho_factor")
        depth, area = model.value("shellThickness", "length"), float(self.area)
        radius = math.sqrt(area / (4 * math.pi))
        volume = 4 / 3 * math.pi * (radius**3 - max(radius - depth, 0.0) ** 3)
        # uA/cm^2 on um^2 is 1e-8 uA; um^3 are 1e-15 l; C = 1e9 uA ms, mol = 1e3 mmol
        return area * 1e-8 / (2 * FARADAY_CONSTANT * 1e9) * 1e3 / (volume * 1e-15)


def _with_gates_apart(channels: list[Channel]) -> tuple[Channel, ...]:
    """The channels; gates that several of them have under one name get that of the channel too."""
    times = Counter(gate.name for channel in channels for gate in channel.gates)
    return tuple(
        channel.replace(
            gates=tuple(
                gate.replace(name=f"{gate.name}_{channel.name}") if times[gate.name] > 1 else gate
                for gate in channel.gates
            )
        )
        for channel in channels
    )

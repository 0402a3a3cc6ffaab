"""Networks: populations, inputs, projections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from hh_sde.cells import Cell
from hh_sde.interop.neuroml.cells import CellType
from hh_sde.interop.neuroml.files import Element
from hh_sde.interop.neuroml.quantities import PI, UM2, exactly
from hh_sde.interop.neuroml.synapses import SYNAPSES, Edges, synapse
from hh_sde.kinetics import Nernst
from hh_sde.network import Network, Population
from hh_sde.stimuli import ConstantCurrent, SineCurrent, StepCurrent, Stimulus
from hh_sde.synapses import GapJunction

#: A network of one kind of neurons, without populations, is a population of this name.
ONE_KIND = "neurons"
#: A current that lasts so long lasts for ever, ms: eleven days.
FOR_EVER = Decimal("1e9")
#: The elements of each kind of projection, each with what its connections are called.
PROJECTIONS = {
    "projection": ("connection", "connectionWD"),
    "electricalProjection": (
        "electricalConnection", "electricalConnectionInstance", "electricalConnectionInstanceW",
    ),
    "continuousProjection": (
        "continuousConnection", "continuousConnectionInstance", "continuousConnectionInstanceW",
    ),
}  # fmt: skip
GENERATORS = ("pulseGenerator", "sineGenerator")
#: A neuron: of a population, or its number alone.
_NEURON = re.compile(
    r"(?:\.\./)?(?P<population>[A-Za-z_]\w*)(?:\[(?P<index>\d+)\]|/(?P<id>\d+)(?:/[A-Za-z_]\w*)?/?)"
    r"|(?P<number>\d+)"
)


class Group(NamedTuple):
    """A population while a network is read: its cell, the number of each id."""

    kind: CellType
    numbers: dict[str, int]


class Catalogue(NamedTuple):
    """What networks are made of, by id."""

    cells: Mapping[str, CellType]
    synapses: Mapping[str, Element]
    generators: Mapping[str, Element]


def network(element: Element, catalogue: Catalogue) -> Network:
    """The network of an element.

    Raises
    ------
    NeuroMLError
        If it has something that this library has not.
    """
    kind = element.text("type", "network")
    if kind not in ("network", "networkWithTemperature"):
        element.refuse(f"networks of the type {kind} are not taken")
    temperature = None
    if element.has("temperature"):
        temperature = element.value("temperature", "temperature")
    reading = _Reading(element, catalogue)
    with element.named():
        populations = reading.populations(temperature)
        synapses = list(reading.synapses())
        element.finish()
        if list(populations) != [ONE_KIND]:
            return Network(populations, synapses=synapses)
        only = populations[ONE_KIND]
        alone = [one.replace(source=None, target=None) for one in synapses]
        return Network(only.n, only.cell, alone, only.stimulus)


class _Reading:
    """A network while it is read."""

    def __init__(self, element: Element, catalogue: Catalogue) -> None:
        self.element, self.catalogue = element, catalogue
        self.groups: dict[str, Group] = {}
        for one in element.children("population"):
            if one.id in self.groups:
                one.refuse("a second population of that id")
            self.groups[one.id] = self._group(one)

    def _group(self, element: Element) -> Group:
        name = element.text("component")
        if name not in self.catalogue.cells:
            element.refuse(f"there is no cell {name!r} that could be taken")
        element.drop("type")
        instances = element.children("instance")
        ids = [one.id for one in instances]
        for one in instances:
            one.children("location")  # where it is: nothing here depends on it
            one.drop("i", "j", "k")
            one.finish()
        size = int(element.value("size", "number", str(len(ids))))
        if ids and (size != len(ids) or set(ids) != set(map(str, range(size)))):
            element.refuse(f"instances must have the ids 0 to {size - 1}, each once")
        if not 1 <= size < 2**31:
            element.refuse(f"a population has one neuron or more, got {size}")
        element.finish()
        return Group(self.catalogue.cells[name], {str(i): i for i in range(size)})

    def populations(self, temperature: float | None) -> dict[str, Population]:
        """The populations, at a temperature, with what is injected."""
        inputs = _Inputs(self)
        for one in self.element.children("explicitInput"):
            inputs.explicit(one)
        for one in self.element.children("inputList"):
            inputs.several(one)
        return {
            name: Population(
                len(group.numbers),
                _at(group.kind.cell, temperature, self.element),
                inputs.stimulus(name),
            )
            for name, group in self.groups.items()
        }

    def neuron(self, element: Element, attribute: str, of: str | None = None) -> tuple[str, int]:
        """The population and the number of a neuron that an attribute names."""
        text = element.text(attribute)
        found = _NEURON.fullmatch(text)
        if found is None:
            element.refuse(f"{attribute}={text!r} names no neuron, as pop[0] or ../pop/0/cell do")
        name = found["population"] or of
        if name not in self.groups or of not in (None, name):
            element.refuse(f"{attribute}={text!r} is not of a population that it can be of")
        number = found["index"] or found["id"] or found["number"]
        numbers = self.groups[name].numbers
        if number not in numbers:
            element.refuse(f"{attribute}={text!r}: {name} has {len(numbers)} neurons")
        return name, numbers[number]

    def at_segment(self, element: Element, population: str, segment: str, along: str) -> None:
        """See that a place is on the segment that there is; all places on it are one."""
        element.drop(along)
        own = self.groups[population].kind.segment
        if element.text(segment, own) != own:
            element.refuse(f"{segment}: the cell's one segment is {own}")

    def synapses(self) -> Iterator[Any]:
        """The synapses and gap junctions."""
        for one in self.element.children(*PROJECTIONS):
            yield from self._projection(one)

    def _projection(self, element: Element) -> Iterator[Any]:
        ends = [element.text(f"{end}synapticPopulation") for end in ("pre", "post")]
        for name in ends:
            if name not in self.groups:
                element.refuse(f"there is no population {name!r}")
        own = element.text("synapse") if element.tag == "projection" else None
        edges: dict[str, Edges] = {}
        for one in element.children(*PROJECTIONS[element.tag]):
            name, edge = self._connection(one, ends, own)
            edges.setdefault(name, Edges()).add(*edge)
            one.finish()
        element.finish()
        areas = [self.groups[name].kind.area for name in ends]
        for name, found in edges.items():
            kind = self.catalogue.synapses[name]
            with element.named():
                if kind.tag == "gapJunction" and areas[0] != areas[1]:
                    yield self._uneven(kind, ends, found)
                    continue
                yield synapse(
                    kind, ends[0], ends[1], found,
                    sizes=[len(self.groups[one].numbers) for one in ends],
                    area=areas[1],
                    threshold=self.groups[ends[0]].kind.threshold,
                )  # fmt: skip

    def _connection(
        self, element: Element, ends: list[str], own: str | None
    ) -> tuple[str, tuple[int, int, Decimal, Decimal]]:
        """The synapse of a connection; its neurons, its weight and its delay."""
        old = own is not None  # projections are older than the others, which name things anew
        names = ("preCellId", "postCellId") if old else ("preCell", "postCell")
        places = ("SegmentId" if old else "Segment", "FractionAlong")
        numbers = []
        for end, attribute, population in zip(("pre", "post"), names, ends, strict=True):
            numbers.append(self.neuron(element, attribute, population)[1])
            self.at_segment(element, population, *(f"{end}{place}" for place in places))
        if element.tag.startswith("continuous"):
            before = element.text("preComponent")
            if self._synapse(element, before).tag != "silentSynapse":
                element.refuse(f"the component before, {before}, is not a silentSynapse")
            own = element.text("postComponent")
        elif own is None:
            own = element.text("synapse")
        kind = self._synapse(element, own).tag
        accepted = next(tags for start, tags in SYNAPSES.items() if element.tag.startswith(start))
        if kind not in accepted:
            element.refuse(f"a {kind} is no synapse of a <{element.tag}>")
        weight = element.quantity("weight", "number", "1")
        delay = element.quantity("delay", "time", "0 ms")
        return own, (numbers[0], numbers[1], weight, delay)

    def _synapse(self, element: Element, name: str) -> Element:
        if name not in self.catalogue.synapses:
            element.refuse(f"there is no synapse {name!r} that could be taken")
        return self.catalogue.synapses[name]

    def _uneven(self, kind: Element, ends: list[str], edges: Edges) -> GapJunction:
        """Gap junctions between cells that differ in area: one conductance is two per area."""
        first, at = {}, 0
        for name, group in self.groups.items():
            first[name], at = at, at + len(group.numbers)
        both = Edges()
        g = kind.quantity("conductance", "conductance")
        with exactly():
            per_area = [g / (self.groups[name].kind.area * UM2) for name in ends]
        for source, target, weight in zip(edges.source, edges.target, edges.weight, strict=True):
            i, j = first[ends[0]] + source, first[ends[1]] + target
            with exactly():
                both.add(i, j, weight * per_area[1], Decimal(0))
                both.add(j, i, weight * per_area[0], Decimal(0))
        return GapJunction(both.listed(Decimal(1)))


class _Inputs:
    """The currents into each population, by what they are but for their amplitudes."""

    def __init__(self, reading: _Reading) -> None:
        self.reading = reading
        self.found: dict[str, dict[tuple[Any, ...], np.ndarray]] = {
            name: {} for name in reading.groups
        }

    def explicit(self, element: Element) -> None:
        """One <explicitInput>."""
        element.drop("destination")
        name, number = self.reading.neuron(element, "target")
        self._add(element, element.text("input"), name, number, Decimal(1))
        element.finish()

    def several(self, element: Element) -> None:
        """An <inputList>."""
        generator, population = element.text("component"), element.text("population")
        for one in element.children("input", "inputW"):
            name, number = self.reading.neuron(one, "target", population)
            self.reading.at_segment(one, name, "segmentId", "fractionAlong")
            one.drop("destination")
            weight = one.quantity("weight", "number", "1")
            self._add(one, generator, name, number, weight)
            one.finish()
        element.finish()

    def _add(
        self, element: Element, generator: str, name: str, number: int, weight: Decimal
    ) -> None:
        if generator not in self.reading.catalogue.generators:
            element.refuse(f"there is no input {generator!r} that could be taken")
        group = self.reading.groups[name]
        with exactly():
            kind, amplitude = _generator(self.reading.catalogue.generators[generator])
            value = float(amplitude * weight / (group.kind.area * UM2))
        values = self.found[name].setdefault(kind, np.zeros(len(group.numbers)))
        values[number] += value

    def stimulus(self, name: str) -> Stimulus:
        """The sum of what goes into a population."""
        terms = [_stimulus(*kind, values) for kind, values in self.found[name].items()]
        total = terms[0] if terms else ConstantCurrent(0.0)
        for one in terms[1:]:
            total = total + one
        return total


def _generator(element: Element) -> tuple[tuple[Any, ...], Decimal]:
    """What a generator is but for its amplitude, and that, uA."""
    amplitude = element.quantity("amplitude", "current")
    delay, duration = (element.quantity(name, "time") for name in ("delay", "duration"))
    if duration <= 0:
        element.refuse(f"duration must be positive, got {float(duration):g} ms")
    stop = None if duration >= FOR_EVER else float(delay + duration)
    start = None if delay <= 0 and stop is None else float(delay)
    period: Decimal | None = None
    phase = Decimal(0)
    if element.tag == "sineGenerator":
        period = element.quantity("period", "time")
        if period == 0:
            element.refuse("period must not be 0")
        # the generator counts its phase from its start
        phase = element.quantity("phase", "number") - 2 * PI * max(delay, Decimal(0)) / period
    element.finish()
    if period is None:
        return ("pulse", start, stop), amplitude
    return ("sine", start, stop, float(1000 / period), float(phase)), amplitude


def _stimulus(kind: str, start: Any, stop: Any, *rest: Any) -> Stimulus:
    *sine, values = rest
    amplitude = float(values[0]) if np.all(values == values[0]) else values
    if kind == "pulse":
        return ConstantCurrent(amplitude) if start is None else StepCurrent(amplitude, start, stop)
    frequency, phase = sine
    return SineCurrent(amplitude, frequency, phase, start=start, stop=stop)


def _at(cell: Cell, temperature: float | None, element: Element) -> Cell:
    """A cell at a temperature, if anything in it follows that."""
    follows = any(gate.reference_temperature is not None for gate in cell.gates) or any(
        isinstance(channel.E, Nernst) for channel in cell.channels
    )
    if not follows:
        return cell
    if temperature is None:
        element.refuse(
            f"{cell.name} depends on the temperature, and the network has none: "
            'type="networkWithTemperature" temperature="..."'
        )
    return cell.replace(temperature=temperature)

"""A network as a file of NeuroML.

All cells get a surface of 1e5 um^2, on which 1 uA/cm^2 is 1 nA and 1 mS/cm^2 is 1 uS: currents in
nA and conductances in uS have the network's own numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from hh_sde.errors import optional
from hh_sde.interop.neuroml.files import NeuroMLError
from hh_sde.interop.neuroml.from_cells import Cells, follows_temperature
from hh_sde.interop.neuroml.from_synapses import Synapses
from hh_sde.interop.neuroml.networks import FOR_EVER, ONE_KIND
from hh_sde.interop.neuroml.page import Page
from hh_sde.interop.neuroml.quantities import PI, exact, exactly, written
from hh_sde.network import Network
from hh_sde.records import see_kind, shown
from hh_sde.spike_rule import SpikeRule
from hh_sde.stimuli import (
    ConstantCurrent,
    ScaledStimulus,
    SineCurrent,
    StepCurrent,
    Stimulus,
    StimulusSum,
)
from hh_sde.synapses import EventSynapse

NAMESPACE = "http://www.neuroml.org/schema/neuroml2"
#: Kinds of elements in the order in which the schema has them.
ORDER = (
    "ionChannelHH", "fixedFactorConcentrationModel", "alphaSynapse", "expOneSynapse",
    "expTwoSynapse", "gapJunction", "silentSynapse", "gradedSynapse", "cell", "pulseGenerator",
    "sineGenerator", "network", "ComponentType",
)  # fmt: skip
PROJECTIONS = ("projection", "electricalProjection", "continuousProjection")


def write(net: Network, path: str | PathLike[str]) -> None:
    """Write a network as a NeuroML 2 file (``pip install hh_sde[neuroml]``).

    What `read` makes of the file is the same network, with weights that are one number or a table
    of edges, rates as they are at the cell's V_T, and synapses between all neurons as several, one
    for each two populations.

    Parameters
    ----------
    net : Network
    path : path

    Raises
    ------
    TypeError
        If `net` is no Network.
    ImportError
        If libNeuroML is not installed, whose schema the file is checked against.
    NeuroMLError
        If the network has what NeuroML cannot say, as noise, with all of it and the reasons.
    """
    see_kind(net, Network, "net")
    etree = optional("lxml.etree", extra="neuroml")
    page = Page(etree)
    root = _document(net, page, Path(path).name.partition(".")[0])
    if page.refused:
        raise NeuroMLError(
            "NeuroML cannot say all of this network:\n- " + "\n- ".join(page.refused)
        )
    text = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    _see_valid(etree.fromstring(text), etree)
    Path(path).write_bytes(text)


def _see_valid(root: Any, etree: Any) -> None:
    """See that an element is what the schema of NeuroML asks for."""
    neuroml = optional("neuroml")
    name = f"NeuroML_{neuroml.current_neuroml_version}.xsd"
    schema = etree.XMLSchema(etree.parse(str(Path(neuroml.__file__).parent / "nml" / name)))
    if not schema.validate(root):
        raise NeuroMLError(f"what was made is not NeuroML: {schema.error_log.last_error}")


def _document(net: Network, page: Page, name: str) -> Any:
    """The root of a file."""
    parts = {key or ONE_KIND: part for key, part in net.parts.items()}
    everywhere = net.noise if net.populations else ()
    for where, noise in [("all", everywhere), *((key, one.noise) for key, one in parts.items())]:
        for one in noise:
            page.refuse(f"noise of {where}: {type(one).__name__} is no input; .replace(noise=None)")
    made = page.top("network", "net")
    _temperature(net, page, made)
    rules, cells = _thresholds(net, page, list(parts)), Cells(page)
    ids = {key: cells.id_of(part.cell, rules.get(key, 0.0)) for key, part in parts.items()}
    neurons, first = {}, 0
    for key, part in parts.items():
        one = page.element("population", made, id=key, component=ids[key], size=str(part.n))
        one.set("type", "populationList")  # weights of gap junctions and graded synapses need it
        for i in range(part.n):
            place = page.element("instance", one, id=str(i))
            page.element("location", place, x="0", y="0", z="0")
        neurons[key], first = range(first, first + part.n), first + part.n
    synapses = Synapses(page, neurons, ids)
    projections = [one for synapse in net.synapses for one in synapses.projections(synapse)]
    made.extend(sorted(projections, key=lambda one: PROJECTIONS.index(one.tag)))
    for key, part in parts.items():
        for k, (term, factor) in enumerate(_terms(part.stimulus, 1.0)):
            _input(page, made, f"{key}_input_{k}", synapses, (key, part.n), term, factor)
    root = page.element("neuroml", id=name if name.isidentifier() else "net")
    root.set("xmlns", NAMESPACE)
    root.extend(sorted(page.elements, key=lambda one: ORDER.index(one.tag)))
    return root


def _temperature(net: Network, page: Page, made: Any) -> None:
    """That of the cells that follow one, which is the network's."""
    cells = [part.cell for part in net.parts.values() if follows_temperature(part.cell)]
    found = {repr(cell.temperature): cell.temperature for cell in cells}
    if len(found) > 1:
        page.refuse(f"cells have the temperatures {', '.join(found)}; a network has one")
    for T in found.values():
        if T is None:
            page.refuse("something of a cell follows the temperature, and it has none: give it one")
        else:
            made.set("type", "networkWithTemperature")
            made.set("temperature", page.number(T, "degC", "temperature"))


def _thresholds(net: Network, page: Page, populations: list[str]) -> dict[str, float]:
    """Where spikes of each population are counted, mV: NeuroML says it of the cell."""
    found: dict[str, float] = {}
    for one in net.synapses:
        if not isinstance(one, EventSynapse) or not isinstance(one.source, str | None):
            continue
        rule = one.spike_rule or SpikeRule()
        if rule.rearm is not None or rule.lockout:
            page.refuse(
                f"spike_rule of synapse {one.name}: every crossing of a threshold is a spike, as "
                f"with spike_rule=SpikeRule({rule.threshold:g}, rearm=None)"
            )
        for name in populations if one.source is None else (one.source,):
            if found.setdefault(name, rule.threshold) != rule.threshold:
                page.refuse(f"spike_rule: synapses from {name} have different thresholds")
    return found


def _terms(stimulus: Stimulus, factor: Any) -> Iterator[tuple[Stimulus, Any]]:
    """The parts of a sum, each with its factor."""
    if isinstance(stimulus, StimulusSum):
        for one in stimulus.terms:
            yield from _terms(one, factor)
    elif isinstance(stimulus, ScaledStimulus):
        yield from _terms(stimulus.stimulus, factor * stimulus.factor)
    else:
        yield stimulus, factor


def _input(
    page: Page,
    network: Any,
    name: str,
    synapses: Synapses,
    population: tuple[str, int],
    stimulus: Stimulus,
    factor: Any,
) -> None:
    """A term of a stimulus, as a generator and the list of the neurons that it goes into."""
    key, n = population
    what = f"stimulus of {key}"
    if not isinstance(stimulus, ConstantCurrent | StepCurrent | SineCurrent):
        page.refuse(f"{what}: there are currents, steps and sines, not {shown(stimulus)}")
        return
    amplitudes = np.broadcast_to(stimulus.amplitude * factor, (n,))
    if not amplitudes.any():
        return
    alike = bool(np.all(amplitudes == amplitudes[0]))
    unit = written(amplitudes[0] if alike else 1.0, "nA")
    generator = _generator(page, name, unit, stimulus, what)
    listed = page.element("inputList", network, id=f"{name}_list", component=generator,
                          population=key)  # fmt: skip
    for i in np.flatnonzero(amplitudes).tolist():
        own = {"target": synapses.path(key, i), "destination": "synapses"}
        if alike:
            page.element("input", listed, id=str(i), **own)
        else:
            page.element("inputW", listed, id=str(i), **own, weight=written(amplitudes[i]))


def _generator(page: Page, name: str, amplitude: str, stimulus: Stimulus, what: str) -> str:
    """The id of a generator."""
    start = getattr(stimulus, "start", None)
    stop = getattr(stimulus, "stop", None)
    with exactly():
        begin = exact(start or 0.0)
        duration = FOR_EVER if stop is None else exact(stop) - begin
        own = {"delay": written(begin, "ms"), "duration": written(duration, "ms")}
        if not isinstance(stimulus, SineCurrent):
            return page.top("pulseGenerator", name, **own, amplitude=amplitude).get("id")
        frequency, ahead = stimulus.frequency, stimulus.phase
        if isinstance(frequency, np.ndarray) or isinstance(ahead, np.ndarray) or not frequency:
            page.refuse(f"{what}: a sine has one frequency, not 0, and one phase")
            return name
        period = 1000 / exact(frequency)
        # the generator counts its phase from its start
        phase = exact(ahead) + 2 * PI * begin / period
        return page.top(
            "sineGenerator", name, **own, phase=written(phase), amplitude=amplitude,
            period=written(period, "ms"),
        ).get("id")  # fmt: skip

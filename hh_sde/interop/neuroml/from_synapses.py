"""Synapses as elements of NeuroML, and their edges as projections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from hh_sde.interop.neuroml.page import Page
from hh_sde.interop.neuroml.quantities import written
from hh_sde.kinetics import Constant, Exponential
from hh_sde.synapses import EventSynapse, GapJunction, Synapse
from hh_sde.weights import weights_and_delays

#: What stands at the source's side of a graded synapse.
SILENT = "silent"


class Edge(NamedTuple):
    """A connection: numbers of neurons in their populations, mS/cm^2, ms."""

    source: int
    target: int
    weight: float
    delay: float


class Synapses:
    """The synapses of a page and their projections.

    Parameters
    ----------
    page : Page
    populations : mapping of str to range
        Their neurons, counted over the network.
    cells : mapping of str to str
        The id of the cell of each.
    """

    def __init__(
        self, page: Page, populations: Mapping[str, range], cells: Mapping[str, str]
    ) -> None:
        self.page, self.populations, self.cells = page, populations, cells
        self._known: list[tuple[dict[str, Any], str]] = []
        self._projections: set[str] = set()

    def projections(self, synapse: Synapse | EventSynapse | GapJunction) -> Iterator[Any]:
        """Those of a synapse, one for each two populations that it connects."""
        kind = self._kind(synapse)
        if kind is None:
            return
        tag, own = kind
        component = self._component(tag, getattr(synapse, "name", "gap"), own)
        found = 0
        for source, target, edges in self._edges(synapse):
            if not edges:
                continue
            found += 1
            if isinstance(synapse, GapJunction) and source == target:
                edges = self._each_once(edges)
            yield self._projection(tag, component, source, target, edges)
        if not found:
            self.page.refuse(f"synapse {getattr(synapse, 'name', 'gap')}: it connects nothing")

    def _kind(self, synapse: Any) -> tuple[str, dict[str, str]] | None:
        """The element that a synapse is, with what it has besides weights; None if it is none."""
        if isinstance(synapse, GapJunction):
            return "gapJunction", {"conductance": "1 uS"}
        name = f"synapse {synapse.name}"
        if synapse.voltage_block is not None:
            self.page.refuse(f"{name}: its voltage_block")
        if isinstance(synapse, EventSynapse):
            return self._event_driven(synapse, name)
        if synapse.messenger is not None:
            self.page.refuse(f"{name}: its messenger; receptors of NeuroML's are channels")
        alpha, beta = synapse.alpha, synapse.beta
        graded = isinstance(alpha, Exponential) and isinstance(beta, Constant)
        if not graded or not np.array_equal(alpha.rate, beta.rate):
            self.page.refuse(
                f"{name}: a graded synapse rises with k exp((V - mid)/scale) and decays with k, "
                "alpha=Exponential(k, mid, scale), beta=Constant(k)"
            )
            return None
        if synapse.delay or getattr(synapse.weights, "delay", None) is not None:
            self.page.refuse(f"{name}: its delay; graded synapses have none")
        return "gradedSynapse", {
            "conductance": "1 uS",
            "delta": self.page.number(alpha.scale, "mV", f"alpha of {name}"),
            "Vth": self.page.number(alpha.mid, "mV", f"alpha of {name}"),
            "k": self.page.number(alpha.rate, "per_ms", f"alpha of {name}"),
            "erev": self.page.number(synapse.E, "mV", f"E of {name}"),
            "notes": synapse.reference,
        }

    def _event_driven(self, synapse: EventSynapse, name: str) -> tuple[str, dict[str, str]] | None:
        if not isinstance(synapse.source, str | None):
            self.page.refuse(f"{name}: its source, {type(synapse.source).__name__}")
            return None
        if synapse.E is None:
            self.page.refuse(f"{name}: it is a current, and conductances are what is written")
            return None
        if synapse.plasticity is not None:
            self.page.refuse(f"{name}: its plasticity")
        own = {"gbase": "1 uS", "erev": self.page.number(synapse.E, "mV", f"E of {name}")}
        own["notes"] = synapse.reference
        decay = self.page.number(synapse.tau, "ms", f"tau of {name}")
        if synapse.tau_rise is None:
            return "expOneSynapse", {**own, "tauDecay": decay}
        rise = self.page.number(synapse.tau_rise, "ms", f"tau_rise of {name}")
        if rise == decay:
            return "alphaSynapse", {**own, "tau": decay}
        return "expTwoSynapse", {**own, "tauDecay": decay, "tauRise": rise}

    def _component(self, tag: str, name: str, own: dict[str, str]) -> str:
        """The id of the element, which synapses of one kind share."""
        for known, found in self._known:
            if known == {"tag": tag, "name": name, **own}:
                return found
        made = self.page.top(tag, name, **{k: v for k, v in own.items() if k != "notes"})
        self.page.notes(made, own.get("notes", ""))
        self._known.append(({"tag": tag, "name": name, **own}, made.get("id")))
        return made.get("id")

    def _edges(self, synapse: Any) -> Iterator[tuple[str, str, list[Edge]]]:
        """The edges between each two populations."""
        everyone = range(max(one.stop for one in self.populations.values()))
        targets, sources = (
            everyone if name is None else self.populations[name]
            for name in (synapse.target, synapse.source)
        )
        name = getattr(synapse, "name", "gap")
        weights, delays = weights_and_delays(synapse.weights, targets, sources, name)
        same = getattr(synapse, "delay", 0.0)
        target = targets.start + np.repeat(np.arange(len(targets)), np.diff(weights.indptr))
        source = sources.start + weights.indices
        times = np.full(weights.nnz, same) if delays is None else delays.data
        for one, of_source in self.populations.items():
            for other, of_target in self.populations.items():
                here = (
                    (source >= of_source.start) & (source < of_source.stop)
                    & (target >= of_target.start) & (target < of_target.stop)
                )  # fmt: skip
                columns = (source - of_source.start, target - of_target.start, weights.data, times)
                edges = zip(*(column[here].tolist() for column in columns), strict=True)
                yield one, other, [Edge(*edge) for edge in edges]

    def _each_once(self, edges: list[Edge]) -> list[Edge]:
        """Gap junctions of a population, of which a matrix has both directions."""
        weight = {(one.source, one.target): one.weight for one in edges}
        if any(weight.get((j, i)) != w for (i, j), w in weight.items()):
            self.page.refuse("weights of a gap junction differ between its two directions")
        return [one for one in edges if one.source < one.target]

    def _projection(
        self, tag: str, component: str, source: str, target: str, edges: list[Edge]
    ) -> Any:
        ends = {"presynapticPopulation": source, "postsynapticPopulation": target}
        name = wanted = f"{component}_{source}_{target}"
        for k in range(2, len(self._projections) + 3):
            if name not in self._projections:
                break
            name = f"{wanted}_{k}"
        self._projections.add(name)
        if tag in ("gapJunction", "gradedSynapse"):
            return self._of_potentials(tag, component, name, ends, edges)
        made = self.page.element("projection", id=name, **ends, synapse=component)
        for k, edge in enumerate(edges):
            self.page.element(
                "connectionWD", made, id=str(k),
                preCellId=self.path(source, edge.source), postCellId=self.path(target, edge.target),
                weight=written(edge.weight), delay=written(edge.delay, "ms"),
            )  # fmt: skip
        return made

    def _of_potentials(
        self, tag: str, component: str, name: str, ends: dict[str, str], edges: list[Edge]
    ) -> Any:
        """A projection of gap junctions, or of graded synapses."""
        graded = tag == "gradedSynapse"
        kind = "continuous" if graded else "electrical"
        own = {"synapse": component}
        if graded:
            if not any(one.tag == "silentSynapse" for one in self.page.elements):
                self.page.top("silentSynapse", SILENT)
            own = {"preComponent": SILENT, "postComponent": component}
        made = self.page.element(f"{kind}Projection", id=name, **ends)
        source, target = ends.values()
        for k, edge in enumerate(edges):
            self.page.element(
                f"{kind}ConnectionInstanceW", made, id=str(k),
                preCell=self.path(source, edge.source), postCell=self.path(target, edge.target),
                **own, weight=written(edge.weight),
            )  # fmt: skip
        return made

    def path(self, population: str, neuron: int) -> str:
        """A neuron, as connections name it."""
        return f"../{population}/{neuron}/{self.cells[population]}"

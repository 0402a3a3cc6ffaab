"""Synapses and gap junctions between the populations of a network.

Synapses of one name are of one kind. A population that sends through several graded ones of them
has one gate for all; one that receives through several adds up what they bring, and has one
current.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from hh_sde import memory
from hh_sde.equations.tables import InputTable, Late, Model, Sender, Wiring
from hh_sde.equations.variables import variables
from hh_sde.errors import unknown
from hh_sde.network.populations import Group
from hh_sde.records import per_neuron, see_indices
from hh_sde.spike_sources import PoissonInput, SpikeTimes
from hh_sde.synapses import AnySynapse, EventSynapse, GapJunction, Synapse
from hh_sde.weights import weight_matrix, weights_and_delays

#: The fields in which synapses of one name are alike at either end.
_SENT = ("alpha", "beta", "messenger")
_RECEIVED = {
    Synapse: ("E", "voltage_block"),
    EventSynapse: ("E", "voltage_block", "tau", "tau_rise"),
}


class Block(NamedTuple):
    """Weights between two populations, by their numbers.

    They are a matrix (targets, sources), or one number from each neuron to each other one. Delays
    are a matrix of the same sparsity, or none.
    """

    of: str  # the synapse's name; "": gap junctions
    source: int
    target: int
    weights: scipy.sparse.csr_array | float
    delays: scipy.sparse.csr_array | None = None


class Ends(NamedTuple):
    """What the neurons of a population send and receive."""

    sent: dict[str, Synapse]  # graded synapses by name
    received: dict[str, Synapse | EventSynapse]
    one_kind: bool  # whether all graded synapses of the network have one name
    gap: np.ndarray | None  # (n,): see `Connections.gap_conductance`


class Connections:
    """What the neurons of populations send and receive.

    Parameters
    ----------
    groups : sequence of Group
    synapses : sequence of Synapse, EventSynapse or GapJunction

    Attributes
    ----------
    sent_by : list of {name: Synapse}
        For each population the graded synapses that it sends through.
    received_by : list of {name: Synapse or EventSynapse}
        For each population those that it receives through.
    one_kind : bool
        Whether all graded synapses have one name.
    """

    def __init__(self, groups: Sequence[Group], synapses: Sequence[AnySynapse]) -> None:
        self.groups = groups
        self.sent_by: list[dict[str, Synapse]] = [{} for _ in groups]
        self.received_by: list[dict[str, Synapse | EventSynapse]] = [{} for _ in groups]
        self.blocks: list[Block] = []
        self.event_driven = [one for one in synapses if isinstance(one, EventSynapse)]
        for one in synapses:
            self._take(one)
        names = {one.name for one in synapses if isinstance(one, Synapse)}
        self.one_kind = len(names) == 1

    @property
    def ends(self) -> list[Ends]:
        """Of each population."""
        return [
            Ends(sent, received, self.one_kind, self.gap_conductance(k))
            for k, (sent, received) in enumerate(zip(self.sent_by, self.received_by, strict=True))
        ]

    def _take(self, one: AnySynapse) -> None:
        targets = self._numbers(one, "target")
        if not isinstance(one, GapJunction):
            for k in targets:
                self._note(one, self.received_by[k], k, "target", _RECEIVED[type(one)])
        if isinstance(one, EventSynapse):
            return
        sources = self._numbers(one, "source")
        if isinstance(one, Synapse):
            for k in sources:
                self._note(one, self.sent_by[k], k, "source", _SENT)
        blocks = self._blocks(one, sources, targets)
        self.blocks += blocks
        if isinstance(one, GapJunction) and sources != targets:
            self.blocks += [_turned(block) for block in blocks if block.source != block.target]

    def _numbers(self, synapse: AnySynapse, end: str) -> list[int]:
        """The numbers of the populations at an end of a synapse."""
        name = getattr(synapse, end)
        names = [group.name for group in self.groups]
        if name is None:
            return list(range(len(names)))
        if name not in names:
            if names == [""]:
                raise ValueError(
                    f"{_called(synapse)}: {end} = {name!r} names a population, and this network "
                    'has none with a name: hh_sde.Network({"E": hh_sde.Population(100), ...})'
                )
            raise ValueError(f"{_called(synapse)}: {end}: {unknown('population', name, names)}")
        return [names.index(name)]

    def _note(
        self, one: Any, known: dict[str, Any], k: int, end: str, fields: tuple[str, ...]
    ) -> None:
        """A synapse by its name; one of the same name must be of the same kind there."""
        other = known.setdefault(one.name, one)
        if type(one) is type(other):
            pairs = [(getattr(one, field), getattr(other, field)) for field in fields]
            if all(_equal(a, b) for a, b in pairs):
                return
        name = self.groups[k].name
        where = f" whose {end} is {name}" if name else ""
        raise ValueError(
            f"two synapses {one.name}{where} differ in {' or '.join(fields)}: synapses of one "
            "name are of one kind; give one of them another name, .replace(name=...)"
        )

    def _blocks(
        self, synapse: Synapse | GapJunction, sources: list[int], targets: list[int]
    ) -> list[Block]:
        """Its weights, population by population."""
        name = synapse.name if isinstance(synapse, Synapse) else ""
        delay = synapse.delay if isinstance(synapse, Synapse) else 0.0
        if isinstance(synapse.weights, float) and not delay:
            weight = synapse.weights
            return [Block(name, s, t, weight) for t in targets for s in sources if weight]
        to, of = self._range(targets), self._range(sources)
        if isinstance(synapse, GapJunction):
            matrix, delays = weight_matrix(synapse.weights, to, of, "GapJunction"), None
        else:
            matrix, delays = _with_delays(synapse, to, of)
        if len(targets) == len(sources) == 1:
            return [Block(name, sources[0], targets[0], matrix, delays)]
        found = []
        for t in targets:
            for s in sources:
                part = (self._within(t, to.start), self._within(s, of.start))
                own = scipy.sparse.csr_array(matrix[part[0]][:, part[1]])
                late = None
                if delays is not None:
                    late = scipy.sparse.csr_array(delays[part[0]][:, part[1]])
                found += [Block(name, s, t, own, late)] if own.nnz else []
        return found

    def _range(self, ends: list[int]) -> range:
        """The neurons of populations that follow each other."""
        return range(self.groups[ends[0]].first, self.groups[ends[-1]].neurons.stop)

    def _within(self, number: int, first: int) -> slice:
        """The neurons of a population, counted from `first` on."""
        group = self.groups[number]
        return slice(group.first - first, group.first - first + group.n)

    # -- gap junctions -----------------------------------------------------------------------------

    def gap_conductance(self, number: int) -> np.ndarray | None:
        """The sum of each neuron's gap conductances, (n,); None where there are no junctions."""
        own = [block for block in self.blocks if not block.of and block.target == number]
        if not own:
            return None
        total = np.zeros(self.groups[number].n)
        for block in own:
            if isinstance(block.weights, float):
                total += block.weights * (self.groups[block.source].n - _others(block))
            else:
                total += np.asarray(block.weights.sum(axis=1)).ravel()
        return total

    # -- as the loops take it ----------------------------------------------------------------------

    def wiring(self, models: Sequence[Model]) -> tuple[Wiring, Late | None]:
        """All blocks at their places: see `Wiring`."""
        places = _Places(self.groups, models)
        n, at_once, late = places.n, _Edges(), _Edges()
        equal: list[tuple[int, ...]] = []
        weights: list[float] = []
        rows: list[int] = []  # whose past is felt
        for block in self.blocks:
            source, target = self.groups[block.source], self.groups[block.target]
            row, k = places.row(block), places.input(block)
            if isinstance(block.weights, float):
                place = row * n + source.first
                equal.append((k, target.first, target.n, place, source.n, _others(block)))
                weights.append(block.weights)
                continue
            edges = late if block.delays is not None else at_once
            if block.delays is not None:
                rows += [] if row in rows else [row]
                row = rows.index(row)
            entries = scipy.sparse.coo_array(block.weights)
            to, of = k * n + target.first + entries.row, row * n + source.first + entries.col
            delay = np.zeros(of.size) if block.delays is None else block.delays.data
            edges.add(to, of, block.weights, delay)
        to, of, data, _ = at_once.sorted()
        shape = (places.n_inputs * n, places.n_rows * n)
        stacked = scipy.sparse.csr_array(scipy.sparse.coo_array((data, (to, of)), shape=shape))
        stacked.sum_duplicates()
        see_indices(stacked)  # the loops do not look
        wiring = Wiring(
            start=stacked.indptr.astype(np.int64),
            source=stacked.indices.astype(np.int64),
            weight=stacked.data.astype(float),
            blocks=np.array(equal, dtype=np.int64).reshape(-1, 6),
            block_weight=np.array(weights, dtype=float),
        )
        if not rows:
            return wiring, None
        to, of, data, delay = late.sorted()
        start = np.searchsorted(to, np.arange(places.n_inputs * n + 1))
        return wiring, Late(start, of, data, delay, np.array(rows))

    # -- event-driven synapses ---------------------------------------------------------------------

    def senders(self, models: Sequence[Model]) -> tuple[Sender, ...]:
        """The event-driven synapses, each with its edges by source."""
        ends = [f"{one.name} {one.target or ''}" for one in self.event_driven]
        return tuple(
            self._sender(one, models)._replace(trains=f"{end} {ends[:k].count(end)}")
            for k, (one, end) in enumerate(zip(self.event_driven, ends, strict=True))
        )

    def _sender(self, synapse: EventSynapse, models: Sequence[Model]) -> Sender:
        targets = self._numbers(synapse, "target")
        to = self._range(targets)
        spikes: Any = synapse.source
        each = 1
        one_to_one = False
        if isinstance(spikes, PoissonInput):
            one_to_one = not spikes.shared
            each = spikes.n if one_to_one else 1
            of = range(len(to)) if one_to_one else range(spikes.n)
        elif isinstance(spikes, SpikeTimes):
            of = range(spikes.n)
        else:
            of = self._range(self._numbers(synapse, "source"))
            assert synapse.spike_rule is not None
            spikes = synapse.spike_rule.levels
        from_outside = not isinstance(spikes, tuple)
        # where the edges of each begin, and copies of that on the way to the loops
        memory.require(32.0 * len(of), f"{synapse.name}: {len(of)} trains", "take fewer")
        blocks = []
        edges = _Edges()
        if isinstance(synapse.weights, float) and not one_to_one:
            for k in targets:
                scale = self._rise(synapse, k)
                place = self._arrival(synapse, models[k]) * places_of(self.groups)
                blocks.append((place + self.groups[k].first, self.groups[k].n, scale))
        else:
            matrix, delays = self._event_matrix(synapse, to, of, one_to_one, from_outside)
            entries = scipy.sparse.coo_array(matrix)
            target, source = entries.row, entries.col
            inputs = np.concatenate(
                [np.full(self.groups[k].n, self._arrival(synapse, models[k])) for k in targets]
            )
            rise = np.concatenate([self._rises(synapse, k) for k in targets])
            place = inputs[target] * places_of(self.groups) + to.start + target
            edges.add(source, place, matrix.data * rise[target], delays.data)
        return self._with_edges(synapse, spikes, of, each, edges, blocks)

    def _with_edges(
        self,
        synapse: EventSynapse,
        spikes: Any,
        of: range,
        each: int,
        edges: _Edges,
        blocks: list[tuple[int, int, float]],
    ) -> Sender:
        source, place, weight, delay = edges.sorted()
        n = places_of(self.groups)
        plastic = synapse.plasticity
        weights = [synapse.weights * scale for *_, scale in blocks]
        return Sender(
            name=synapse.name,
            spikes=spikes,
            first_source=of.start if isinstance(spikes, tuple) else 0,
            n_sources=len(of),
            each=each,
            start=np.searchsorted(source, np.arange(len(of) + 1)),
            place=place,
            weight=weight,
            delay=delay,
            blocks=np.array([(p, m, p % n) for p, m, _ in blocks], dtype=np.int64).reshape(-1, 3),
            block_weight=np.array(weights, dtype=float),
            block_delay=synapse.delay,
            plasticity=(plastic.U, plastic.tau_rec, plastic.tau_facil) if plastic else None,
        )

    def _event_matrix(
        self,
        synapse: EventSynapse,
        to: range,
        of: range,
        one_to_one: bool,
        from_outside: bool,
    ) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array]:
        """Weights [to, from] and delays, with an entry for each weight."""
        if isinstance(synapse.weights, float):
            matrix: Any = scipy.sparse.csr_array(scipy.sparse.eye_array(len(to)) * synapse.weights)
            return matrix, matrix.copy()._with_data(np.full(matrix.nnz, synapse.delay))
        if from_outside:  # trains have numbers of their own: none is a neuron of the target
            of = range(to.stop, to.stop + len(of))
        matrix, delays = weights_and_delays(
            synapse.weights, to, of, synapse.name, signed=synapse.is_current
        )
        if delays is None:
            return matrix, matrix._with_data(np.full(matrix.nnz, synapse.delay))
        return matrix, delays._with_data(delays.data + synapse.delay)

    def _arrival(self, synapse: EventSynapse, model: Model) -> int:
        """The number of the target's input among those that jump."""
        return [table.name for table in model.jumping].index(synapse.name)

    def _rises(self, synapse: EventSynapse, k: int) -> np.ndarray:
        group = self.groups[k]
        with group.naming():
            return per_neuron(synapse.rise_factor, group.n, f"tau of {synapse.name}")

    def _rise(self, synapse: EventSynapse, k: int) -> float:
        rises = self._rises(synapse, k)
        if np.any(rises != rises[0]):
            raise ValueError(
                f"{synapse.name}: time constants that differ between neurons take weights for "
                "each edge: give a matrix, or hh_sde.topology.all_to_all"
            )
        return float(rises[0])


def places_of(groups: Sequence[Group]) -> int:
    """How many neurons there are: places of one input."""
    return sum(group.n for group in groups)


class _Edges:
    """Edges from many blocks: rows, places, weights, delays."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, ...]] = []

    def add(self, row: np.ndarray, place: np.ndarray, weights: Any, delay: np.ndarray) -> None:
        data = weights.data if scipy.sparse.issparse(weights) else weights
        self._parts.append((row, place, data, delay))

    def sorted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """By row, then place; of equal ones as they were added."""
        none = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0))
        row, place, weight, delay = (
            np.concatenate(parts) for parts in zip(none, *self._parts, strict=True)
        )
        order = np.lexsort((place, row))
        return row[order], place[order], weight[order], delay[order]


class _Places:
    """Rows of the state and inputs of populations, by what sends and what is received."""

    def __init__(self, groups: Sequence[Group], models: Sequence[Model]) -> None:
        self.models = models
        self.n = places_of(groups)
        self.rows = [[one.name for part in variables(model) for one in part] for model in models]
        self.outputs = [[table.name for table in model.outputs] for model in models]
        self.n_rows = max(
            len(rows) + len(outputs) for rows, outputs in zip(self.rows, self.outputs, strict=True)
        )
        self.sums = [[table.name for table in model.inputs if _is_sum(table)] for model in models]
        self.n_inputs = max(
            len(sums) + (model.gap is not None)
            for sums, model in zip(self.sums, models, strict=True)
        )

    def row(self, block: Block) -> int:
        """The row of what the source sends: its V, or what it sends through that synapse."""
        if not block.of:
            return 0
        rows, outputs = self.rows[block.source], self.outputs[block.source]
        if block.of in outputs:
            return len(rows) + outputs.index(block.of)
        (variable,) = [
            one.variable for one in self.models[block.source].synapses if one.name == block.of
        ]
        return rows.index(variable)

    def input(self, block: Block) -> int:
        """The number of the input of the target that it adds to."""
        sums = self.sums[block.target]
        return sums.index(block.of) if block.of else len(sums)


def _is_sum(table: InputTable) -> bool:
    return table.tau is None


def _with_delays(
    synapse: Synapse, to: range, of: range
) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array | None]:
    """Weights and delays of a graded synapse; None where there is no delay."""
    matrix, delays = weights_and_delays(synapse.weights, to, of, synapse.name)
    if delays is None:
        if not synapse.delay:
            return matrix, None
        return matrix, matrix._with_data(np.full(matrix.nnz, synapse.delay))
    return matrix, delays._with_data(delays.data + synapse.delay)


def _called(synapse: AnySynapse) -> str:
    return "GapJunction" if isinstance(synapse, GapJunction) else synapse.name


def _others(block: Block) -> int:
    """1 where the sources of a neuron are the others of its own population."""
    return int(block.source == block.target)


def _turned(block: Block) -> Block:
    """The same the other way round."""
    weights = block.weights
    if not isinstance(weights, float):
        weights = scipy.sparse.csr_array(weights.T)
    return block._replace(source=block.target, target=block.source, weights=weights)


def _equal(a: Any, b: Any) -> bool:
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else bool(a == b)

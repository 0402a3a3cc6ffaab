"""Who sends what to whom: synapses and gap junctions between the populations of a network.

Synapses of one name are of one kind. A population that sends through several of them has one gate
for all; one that receives through several adds up what they bring, and has one current.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from hh_sde.equations.population import variables
from hh_sde.equations.tables import Model, Wiring
from hh_sde.errors import unknown
from hh_sde.network.populations import Group
from hh_sde.records import see_indices
from hh_sde.synapses import GapJunction, Synapse
from hh_sde.weights import weight_matrix


class Block(NamedTuple):
    """Weights between two populations, by their numbers.

    They are a matrix (targets, sources), or one number from each neuron to each other one.
    """

    of: str  # the synapse's name; "": gap junctions
    source: int
    target: int
    weights: scipy.sparse.csr_array | float


class Connections:
    """What the neurons of populations send and receive.

    Parameters
    ----------
    groups : sequence of Group
    synapses : sequence of Synapse or GapJunction

    Attributes
    ----------
    sent_by, received_by : list of {name: Synapse}
        For each population the synapses it sends, and receives, through.
    one_kind : bool
        Whether all synapses have one name.
    """

    def __init__(self, groups: Sequence[Group], synapses: Sequence[Synapse | GapJunction]) -> None:
        self.groups = groups
        self.sent_by: list[dict[str, Synapse]] = [{} for _ in groups]
        self.received_by: list[dict[str, Synapse]] = [{} for _ in groups]
        self.blocks: list[Block] = []
        for one in synapses:
            sources, targets = (self._numbers(one, end) for end in ("source", "target"))
            if isinstance(one, Synapse):
                for k in sources:
                    self._note(one, self.sent_by[k], k, "source", ("alpha", "beta"))
                for k in targets:
                    self._note(one, self.received_by[k], k, "target", ("E", "voltage_block"))
            self.blocks += self._blocks(one, sources, targets)
            if isinstance(one, GapJunction) and sources != targets:
                self.blocks += [
                    block._replace(source=block.target, target=block.source, weights=_turned(block))
                    for block in self._blocks(one, sources, targets)
                    if block.source != block.target
                ]
        names = {one.name for one in synapses if isinstance(one, Synapse)}
        self.one_kind = len(names) == 1

    def _numbers(self, synapse: Synapse | GapJunction, end: str) -> list[int]:
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
        self, one: Synapse, known: dict[str, Synapse], k: int, end: str, fields: tuple[str, str]
    ) -> None:
        """A synapse by its name; one of the same name must be of the same kind there."""
        other = known.setdefault(one.name, one)
        first, second = ([getattr(s, field) for field in fields] for s in (one, other))
        if not all(_equal(a, b) for a, b in zip(first, second, strict=True)):
            name = self.groups[k].name
            where = f" whose {end} is {name}" if name else ""
            raise ValueError(
                f"two synapses {one.name}{where} differ in {' or '.join(fields)}: synapses of one "
                f"name are of one kind; give one of them another name, .replace(name=...)"
            )

    def _blocks(
        self, synapse: Synapse | GapJunction, sources: list[int], targets: list[int]
    ) -> list[Block]:
        """Its weights, population by population."""
        name = synapse.name if isinstance(synapse, Synapse) else ""
        if isinstance(synapse.weights, float):
            weight = synapse.weights
            return [Block(name, s, t, weight) for t in targets for s in sources if weight]
        to, of = self._range(targets), self._range(sources)
        matrix = weight_matrix(synapse.weights, to, of, _called(synapse))
        if len(targets) == len(sources) == 1:
            return [Block(name, sources[0], targets[0], matrix)]
        found = []
        for t in targets:
            rows = matrix[self._within(t, to.start)]
            for s in sources:
                own = scipy.sparse.csr_array(rows[:, self._within(s, of.start)])
                found += [Block(name, s, t, own)] if own.nnz else []
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

    def wiring(self, models: Sequence[Model]) -> Wiring:
        """All blocks at their places: see `Wiring`."""
        n = sum(group.n for group in self.groups)
        rows_of = [[one.name for part in variables(model) for one in part] for model in models]
        n_rows = max(map(len, rows_of))
        n_inputs = max(len(model.inputs) + (model.gap is not None) for model in models)
        entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        equal: list[tuple[int, ...]] = []
        weights: list[float] = []
        for block in self.blocks:
            source, target = self.groups[block.source], self.groups[block.target]
            row = self._row_of(block, models, rows_of)
            k = self._input_of(block, models)
            place = row * n + source.first
            if isinstance(block.weights, float):
                equal.append((k, target.first, target.n, place, source.n, _others(block)))
                weights.append(block.weights)
                continue
            matrix = scipy.sparse.coo_array(block.weights)
            to, of = matrix.coords
            entries.append((k * n + target.first + to, place + of, matrix.data))
        to, of, data = (
            np.concatenate([np.empty(0, kind), *parts])
            for kind, parts in zip(
                (np.int64, np.int64, float), list(zip(*entries, strict=True)) or ((),) * 3,
                strict=True,
            )
        )  # fmt: skip
        shape = (n_inputs * n, n_rows * n)
        stacked = scipy.sparse.csr_array(scipy.sparse.coo_array((data, (to, of)), shape=shape))
        stacked.sum_duplicates()
        see_indices(stacked)  # the loops do not look
        return Wiring(
            start=stacked.indptr.astype(np.int64),
            source=stacked.indices.astype(np.int64),
            weight=stacked.data.astype(float),
            blocks=np.array(equal, dtype=np.int64).reshape(-1, 6),
            block_weight=np.array(weights, dtype=float),
        )

    def _row_of(self, block: Block, models: Sequence[Model], rows: list[list[str]]) -> int:
        """The row of what the source sends: its V, or its gate of that synapse."""
        if not block.of:
            return 0
        (variable,) = [
            one.variable for one in models[block.source].synapses if one.name == block.of
        ]
        return rows[block.source].index(variable)

    def _input_of(self, block: Block, models: Sequence[Model]) -> int:
        """The number of the input of the target that it adds to."""
        inputs = [one.name for one in models[block.target].inputs]
        return inputs.index(block.of) if block.of else len(inputs)


def _called(synapse: Synapse | GapJunction) -> str:
    return synapse.name if isinstance(synapse, Synapse) else "GapJunction"


def _others(block: Block) -> int:
    """1 where the sources of a neuron are the others of its own population."""
    return int(block.source == block.target)


def _turned(block: Block) -> Any:
    """The weights the other way round."""
    if isinstance(block.weights, float):
        return block.weights
    return scipy.sparse.csr_array(block.weights.T)


def _equal(a: Any, b: Any) -> bool:
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else bool(a == b)

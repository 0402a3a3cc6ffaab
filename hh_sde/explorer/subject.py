"""The network that a page is of: what of it can be shown, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from hh_sde.cells import CELLS, Cell
from hh_sde.explorer.noises import NoiseShown, noise_of, noise_shown
from hh_sde.network import Network
from hh_sde.synapses import SYNAPSES, Synapse

#: Parameters of cells that a page does not change.
FIXED = ("temperature", "V_T")
ACCEPTED = (
    "a page takes neurons of one kind with one constant current, a cell without pools of "
    "concentrations whose numbers are the same in all neurons, graded synapses without delay, and "
    "as noise none, or one CurrentNoise, OrnsteinUhlenbeckCurrent, or SubunitNoise or "
    "ConductanceNoise of an area, the same in all neurons"
)


@dataclass(frozen=True)
class SynapseShown:
    """A graded synapse.

    `row` is what of the sending neurons is added up. Its weight is that between every two different
    neurons, or there is a matrix. `kind` is its entry of SYNAPSES, None if it is no such, and `E`
    its reversal potential where that is not the entry's.
    """

    name: str
    row: str
    weight: float
    matrix: list[list[float]] | None
    kind: str | None
    E: float | None


@dataclass(frozen=True)
class Subject:
    """A network in numbers that a page can change.

    `parameters` are those of the cell, each with the value that needs no saying: that of the cell
    of CELLS, or of the given one where that is none. Of these, FIXED go into rates, which a page
    takes as they are.
    """

    n_neurons: int
    cell: Cell
    named: bool
    parameters: Mapping[str, tuple[float, float]]
    stimulus: float
    synapses: tuple[SynapseShown, ...]
    given: tuple[Synapse, ...]
    noise: NoiseShown


def subject_of(net: Network) -> Subject:
    """What a page shows of a network.

    Raises
    ------
    ValueError
        If it has what a page cannot show; with what that is, and what is accepted.
    """
    if net.populations:
        raise refusal("it has populations")
    assert net.cell is not None
    synapses = tuple(_synapse(one, net) for one in net.synapses)
    noise = noise_shown(net.noise)
    if noise is None:
        raise refusal(f"its noise is {', '.join(map(repr, net.noise))}")
    named, parameters = _cell(net.cell)
    if len({one.name for one in synapses}) < len(synapses):
        raise refusal("it has two synapses of one name")
    return Subject(
        n_neurons=net.n_neurons,
        cell=net.cell,
        named=named and all(one.kind for one in synapses),
        parameters=parameters,
        stimulus=_stimulus(net),
        synapses=synapses,
        given=net.synapses,  # type: ignore[arg-type]
        noise=noise,
    )


def variant(subject: Subject, kind: str, **changes: float) -> Network:
    """One neuron of the network with a kind of noise, and other numbers of its cell or noise."""
    names = {field.name for field in fields(NoiseShown)} & set(changes)
    numbers: dict[str, Any] = {name: changes.pop(name) for name in names}
    noise = replace(subject.noise, **numbers)
    return Network(
        1,
        cell=subject.cell.replace(**changes),
        synapses=[one.replace(weights=0.0) for one in subject.given],
        noise=noise_of(kind, noise),
    )


def refusal(what: str) -> ValueError:
    """That a page cannot show this, with what it takes."""
    return ValueError(f"this network cannot be shown in a page: {what}; {ACCEPTED}")


def _cell(cell: Cell) -> tuple[bool, dict[str, tuple[float, float]]]:
    """Whether it is one of CELLS with other parameters, and these."""
    if cell.pools:
        raise refusal(f"its cell has the concentration {cell.pools[0].name}")
    values = cell.parameters
    for name, value in values.items():
        if np.ndim(value):
            raise refusal(f"{name} differs between neurons")
    usual = CELLS.get(cell.name)
    named = usual is not None and set(usual.parameters) == set(values)
    if named:
        assert usual is not None
        named = usual.replace(**values) == cell
    known = usual.parameters if named and usual is not None else values
    return named, {name: (_number(values[name]), _number(known[name])) for name in values}


def _number(value: Any) -> float:
    return float(value)


def _stimulus(net: Network) -> float:
    assert net.stimulus is not None
    if not net.stimulus.constant:
        raise refusal("its stimulus changes in time")
    values = np.unique(net.stimulus.current(np.zeros((1, 1))))
    if values.size > 1:
        raise refusal("its stimulus differs between neurons")
    return float(values[0])


def _synapse(one: Any, net: Network) -> SynapseShown:
    if not isinstance(one, Synapse):
        raise refusal(f"it has the synapses {type(one).__name__}")
    if one.delay or "delay" in net.connectivity():
        raise refusal(f"synapse {one.name} has a delay")
    if np.ndim(one.E):
        raise refusal(f"E of synapse {one.name} differs between neurons")
    kind = _kind(one)
    E = None
    if kind and getattr(SYNAPSES[kind](weights=0.0), "E", None) != one.E:
        E = _number(one.E)
    weight, matrix = _weights(one, net)
    row = "s" if len(net.synapses) == 1 else f"s_{one.name}"
    if one.messenger is not None:
        row = f"open_{one.name}"
    return SynapseShown(one.name, row, weight, matrix, kind, E)


def _kind(one: Synapse) -> str | None:
    """The entry of SYNAPSES that it is, but for weights and E."""
    for kind, make in SYNAPSES.items():
        try:
            made = make(weights=0.0)
        except TypeError:  # it takes more than weights: time constants
            continue
        if isinstance(made, Synapse) and made.replace(weights=one.weights, E=one.E) == one:
            return kind
    return None


def _weights(one: Synapse, net: Network) -> tuple[float, list[list[float]] | None]:
    """The weight between every two different neurons, or a matrix."""
    if isinstance(one.weights, int | float):
        return float(one.weights), None
    n = net.n_neurons
    matrix = np.zeros((n, n))
    edges = net.connectivity()
    own = edges.synapse.values == one.name
    np.add.at(
        matrix, (edges.target.values[own], edges.source.values[own]), edges.weight.values[own]
    )
    others = matrix[~np.eye(n, dtype=bool)]
    if not np.any(np.diag(matrix)) and np.all(others == others[:1]):
        return float(others[0]) if others.size else 0.0, None
    return 0.0, matrix.tolist()

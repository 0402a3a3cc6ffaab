"""A network as the engine is told of it: numbers per neuron, and sparse links."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Links(NamedTuple):
    """Rows of a sparse matrix [to, from] (CSR): row i holds entries start[i] to start[i + 1]."""

    start: np.ndarray
    source: np.ndarray
    weight: np.ndarray


class RateTable(NamedTuple):
    """A rate: kind is exponential, sigmoid, linoid, constant or tabulated.

    numbers, each (n_neurons,): rate, mid, scale; of a constant: rate; of a tabulated one: none, but
    its curve: start, step, values.
    """

    kind: str
    numbers: tuple[np.ndarray, ...]
    curve: tuple[float, float, np.ndarray] | None = None


class GateTable(NamedTuple):
    """A gate: rates are (alpha, beta), or (x_inf, tau)."""

    power: int
    by_tau: bool
    rates: tuple[RateTable, RateTable]


class ChannelTable(NamedTuple):
    """g and E are (n_neurons,)."""

    g: np.ndarray
    E: np.ndarray
    gates: tuple[GateTable, ...]


class SynapseTable(NamedTuple):
    """E is (n_neurons,); the weights are in Model.links."""

    alpha: RateTable
    beta: RateTable
    block: RateTable | None
    E: np.ndarray


class Model(NamedTuple):
    """Cells and synapses of n_neurons neurons.

    The state is (variables, lanes): V, the gates channel by channel, then the synapses' gates.
    Row s * n_neurons + i of `links` are the inputs of neuron i through synapse s; after the
    synapses come the gap junctions, if there are any.
    """

    n_neurons: int
    C: np.ndarray
    channels: tuple[ChannelTable, ...]
    synapses: tuple[SynapseTable, ...]
    gap: np.ndarray | None  # (n_neurons,) sum of a neuron's gap conductances
    links: Links

"""A network as the equations take it: names, and numbers per neuron; sparse connectivity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Connectivity(NamedTuple):
    """Rows of a sparse matrix [to, from] (CSR): row i holds entries start[i] to start[i + 1]."""

    start: np.ndarray
    source: np.ndarray
    weight: np.ndarray


class RateTable(NamedTuple):
    """A rate: kind is one of `rates.FORMS`, `rates.OF_OTHERS`, or of those named here.

    numbers, each (n_neurons,): rate, mid, scale; of a constant: rate; of a tabulated one: none, but
    its curve: start, step, values; of one that is made of others: those, and of power the exponent;
    of one of a concentration the name of its pool: proportional: rate; hill: rate, half, and power.
    """

    kind: str
    numbers: tuple[np.ndarray, ...] = ()
    curve: tuple[float, float, np.ndarray] | None = None
    of: tuple[RateTable, ...] = ()
    pool: str = ""
    power: int = 1


class GateTable(NamedTuple):
    """A gate: rates are (alpha, beta), or (x_inf, tau), or (x_inf,) of an instantaneous one."""

    name: str
    power: int
    by_tau: bool
    rates: tuple[RateTable, ...]


class PairTable(NamedTuple):
    """Two states of a channel one subunit apart; see `hh_sde.markov.Pair`.

    noisy tells for the opening and for the closing transition whether it is noisy.
    """

    source: int
    target: int
    gate: int
    opening: int
    closing: int
    noisy: tuple[bool, bool]


class NernstTable(NamedTuple):
    """A reversal potential slope ln(outside/c) of a pool's concentration c; (n_neurons,)."""

    pool: str
    slope: np.ndarray
    outside: np.ndarray


class PoolTable(NamedTuple):
    """dc/dt = -k I - (c - rest)/tau, I the sum of these channels' currents; (n_neurons,)."""

    name: str
    channels: tuple[str, ...]
    k: np.ndarray
    rest: np.ndarray
    tau: np.ndarray


class ChannelTable(NamedTuple):
    """g is (n_neurons,), and so is E, or it follows a concentration.

    Instantaneous gates stand apart from those that are variables.

    form: "gates", the gates are the variables, with noise of their own if there is a `number`;
    "states", the occupancies of the channel's states are; "fluctuations", the gates are, and so
    are the fluctuations of the open fraction, one for each entry of `levels` but the first.
    """

    name: str
    g: np.ndarray
    E: np.ndarray | NernstTable
    gates: tuple[GateTable, ...]
    form: str = "gates"
    number: tuple[np.ndarray, ...] | None = None  # of channels, (n_neurons,), for each gate
    states: tuple[str, ...] = ()  # their names
    levels: tuple[tuple[int, ...], ...] = ()  # of the states: how many subunits are open
    pairs: tuple[PairTable, ...] = ()
    paired: bool = False  # one Wiener process for both transitions of a pair
    instantaneous: tuple[GateTable, ...] = ()


class ColoredTable(NamedTuple):
    """An Ornstein-Uhlenbeck process, as a current or (with E) as a conductance; (n_neurons,)."""

    name: str
    mean: np.ndarray
    sigma: np.ndarray
    tau: np.ndarray
    E: np.ndarray | None = None


class SynapseTable(NamedTuple):
    """E is (n_neurons,); the weights are in Model.connectivity."""

    name: str
    alpha: RateTable
    beta: RateTable
    voltage_block: RateTable | None
    E: np.ndarray


class Model(NamedTuple):
    """Cells and synapses of n_neurons neurons.

    Row s * n_neurons + i of `connectivity` are the inputs of neuron i through synapse s; after the
    synapses come the gap junctions, if there are any.
    """

    n_neurons: int
    C: np.ndarray
    channels: tuple[ChannelTable, ...]
    synapses: tuple[SynapseTable, ...]
    gap: np.ndarray | None  # (n_neurons,) sum of a neuron's gap conductances
    connectivity: Connectivity
    colored: tuple[ColoredTable, ...] = ()
    pools: tuple[PoolTable, ...] = ()
    bounds: str = "none"  # what is done with noisy gates and states outside [0, 1]

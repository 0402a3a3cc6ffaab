"""A network's description as the equations take it: tables, every number spread over the neurons.

The state is variable-major: [V_0 ... V_{n-1}, m_0 ..., h_0 ..., n_0 ..., s_0 ...]; which variables
there are, and in which order, `hh_sde.equations.variables` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse

from hh_sde.cells import Cell
from hh_sde.equations.tables import (
    ChannelTable,
    ColoredTable,
    Connectivity,
    GateTable,
    Model,
    NernstTable,
    PairTable,
    PoolTable,
    RateTable,
    SynapseTable,
)
from hh_sde.equations.variables import variables
from hh_sde.kinetics import (
    Channel,
    Constant,
    Exponential,
    Gate,
    Hill,
    Linoid,
    Minimum,
    Nernst,
    Parameter,
    Pool,
    Power,
    Product,
    Proportional,
    Rate,
    Sigmoid,
    SteadyState,
    Sum,
    Tabulated,
    TimeConstant,
)
from hh_sde.markov import scheme
from hh_sde.noise import (
    ChannelNoise,
    OrnsteinUhlenbeckConductance,
    OrnsteinUhlenbeckCurrent,
    SubunitNoise,
)
from hh_sde.records import per_neuron, see_indices
from hh_sde.synapses import GapJunction, Synapse, weight_matrix

Colored = OrnsteinUhlenbeckCurrent | OrnsteinUhlenbeckConductance

#: What the equations call each form of rate.
RATE_KINDS: dict[type[Rate], str] = {
    Exponential: "exponential",
    Sigmoid: "sigmoid",
    Linoid: "linoid",
    Constant: "constant",
    Tabulated: "tabulated",
    SteadyState: "steady_state",
    TimeConstant: "time_constant",
    Sum: "sum",
    Product: "product",
    Minimum: "minimum",
    Power: "power",
    Proportional: "proportional",
    Hill: "hill",
}


#: Their numbers, one for every neuron.
_NUMBERS = {
    **dict.fromkeys(("exponential", "sigmoid", "linoid"), ("rate", "mid", "scale")),
    **dict.fromkeys(("constant", "proportional"), ("rate",)),
    "power": ("exponent",),
    "hill": ("rate", "half"),
}


def model(
    n: int,
    cell: Cell,
    channels: tuple[ChannelTable, ...],
    synapses: Sequence[Synapse | GapJunction],
    colored: Sequence[Colored],
    bounds: str,
) -> Model:
    """The tables of n neurons; gap junctions are one, with the sum of their weights."""
    chemical = [synapse for synapse in synapses if isinstance(synapse, Synapse)]
    for synapse in chemical:
        _see_pools(synapse, cell)
    junctions = [synapse.weights for synapse in synapses if isinstance(synapse, GapJunction)]
    matrices = [weight_matrix(synapse.weights, n, synapse.name) for synapse in chemical]
    gap = None
    if junctions:
        total = sum(weight_matrix(weights, n, "GapJunction") for weights in junctions)
        matrices.append(scipy.sparse.csr_array(total))
        gap = np.asarray(matrices[-1].sum(axis=1)).ravel()
    return Model(
        n_neurons=n,
        C=per_neuron(cell.C, n, "C"),
        channels=channels,
        synapses=tuple(_synapse_table(synapse, n) for synapse in chemical),
        gap=gap,
        connectivity=connectivity(matrices, n),
        colored=tuple(_colored_table(noise, n) for noise in colored),
        pools=tuple(_pool_table(pool, n) for pool in cell.pools),
        bounds=bounds,
    )


def channel_table(
    channel: Channel, noise: ChannelNoise | None, n: int, temperature: Parameter | None
) -> ChannelTable:
    """A channel at a temperature, and what the channel noise makes of it."""
    table = ChannelTable(
        name=channel.name,
        g=per_neuron(channel.g, n, f"g_{channel.name}"),
        E=_reversal(channel, n, temperature),
        gates=tuple(_gate_table(gate, n) for gate in channel.variable_gates),
        instantaneous=tuple(_gate_table(gate, n) for gate in channel.gates if gate.instantaneous),
    )
    number = None if noise is None else noise.number(channel, n)
    if noise is None or number is None:
        return table
    states = scheme(channel)
    noisy = noise.noisy(states)
    subunits = isinstance(noise, SubunitNoise) and noise.each_subunit
    return table._replace(
        form=noise.form,
        number=tuple(number * (gate.power if subunits else 1) for gate in channel.variable_gates),
        states=states.states,
        levels=states.levels,
        pairs=tuple(
            PairTable(
                pair.source,
                pair.target,
                pair.gate,
                pair.opening,
                pair.closing,
                (states.names[2 * k] in noisy, states.names[2 * k + 1] in noisy),
            )
            for k, pair in enumerate(states.pairs)
        ),
        paired=getattr(noise, "paired", False),
    )


def _reversal(channel: Channel, n: int, temperature: Parameter | None) -> np.ndarray | NernstTable:
    E, of = channel.E, f"of E_{channel.name}"
    if not isinstance(E, Nernst):
        return per_neuron(E, n, f"E_{channel.name}")
    slope = per_neuron(E.slope(temperature), n, f"temperature {of}")
    return NernstTable(E.pool, slope, per_neuron(E.outside, n, f"outside {of}"))


def _pool_table(pool: Pool, n: int) -> PoolTable:
    k, rest, tau = (
        per_neuron(getattr(pool, name), n, f"{name}_{pool.name}") for name in ("k", "rest", "tau")
    )
    return PoolTable(pool.name, pool.channels, k, rest, tau)


def _colored_table(
    noise: OrnsteinUhlenbeckCurrent | OrnsteinUhlenbeckConductance, n: int
) -> ColoredTable:
    mean, sigma, tau = (
        per_neuron(getattr(noise, name), n, f"{noise.name}: {name}")
        for name in ("mean", "sigma", "tau")
    )
    if isinstance(noise, OrnsteinUhlenbeckCurrent):
        return ColoredTable(noise.name, mean, sigma, tau)
    E = per_neuron(noise.E, n, f"{noise.name}: E")
    return ColoredTable(noise.name, mean, sigma, tau, E)


def _gate_table(gate: Gate, n: int) -> GateTable:
    rates = tuple(_rate_table(rate, gate.name, n) for rate in gate.rates)
    return GateTable(gate.name, gate.power, gate.alpha is None, rates)


def _rate_table(rate: Rate, owner: str, n: int) -> RateTable:
    if type(rate) not in RATE_KINDS:
        raise TypeError(
            f"{owner}: {type(rate).__name__} is not a rate the engine knows; use one of "
            + ", ".join(kind.__name__ for kind in RATE_KINDS)
        )
    kind = RATE_KINDS[type(rate)]
    if isinstance(rate, Tabulated):
        return RateTable(kind, curve=(rate.start, rate.step, rate.values))
    if isinstance(rate, SteadyState | TimeConstant):
        return RateTable(kind, of=tuple(_rate_table(r, owner, n) for r in (rate.alpha, rate.beta)))
    numbers = tuple(
        per_neuron(getattr(rate, name), n, f"{owner}: {name}") for name in _NUMBERS.get(kind, ())
    )
    if isinstance(rate, Proportional | Hill):
        return RateTable(kind, numbers, pool=rate.pool, power=getattr(rate, "power", 1))
    if isinstance(rate, Power):
        return RateTable(kind, numbers, of=(_rate_table(rate.of, owner, n),))
    if isinstance(rate, Sum | Product | Minimum):
        return RateTable(kind, of=tuple(_rate_table(one, owner, n) for one in rate.of))
    return RateTable(kind, numbers)


def connectivity(matrices: list[scipy.sparse.csr_array], n_neurons: int) -> Connectivity:
    """Matrices [to, from] one below the other."""
    none = scipy.sparse.csr_array((0, n_neurons))
    stacked = scipy.sparse.csr_array(scipy.sparse.vstack([none, *matrices], format="csr"))
    see_indices(stacked)  # the loops do not look
    stacked.sort_indices()
    return Connectivity(
        start=stacked.indptr.astype(np.int64),
        source=stacked.indices.astype(np.int64),
        weight=stacked.data.astype(float),
    )


def _see_pools(synapse: Synapse, cell: Cell) -> None:
    """See that what a synapse's rates read is there, of both neurons."""
    rates = [rate for rate in (synapse.alpha, synapse.beta, synapse.voltage_block) if rate]
    lacking = frozenset().union(*(rate.pools for rate in rates)) - {
        pool.name for pool in cell.pools
    }
    if lacking:
        raise ValueError(
            f"synapse {synapse.name} reads the concentration {', '.join(sorted(lacking))}, and "
            f"cell {cell.name} has no such pool"
        )


def _synapse_table(synapse: Synapse, n: int) -> SynapseTable:
    block = synapse.voltage_block
    return SynapseTable(
        name=synapse.name,
        alpha=_rate_table(synapse.alpha, synapse.name, n),
        beta=_rate_table(synapse.beta, synapse.name, n),
        voltage_block=None if block is None else _rate_table(block, synapse.name, n),
        E=per_neuron(synapse.E, n, f"E of synapse {synapse.name}"),
    )


def state_labels(model: Model) -> dict[str, dict[str, Any]]:
    """The attributes of each state variable, in the order of the flat state.

    Raises
    ------
    ValueError
        If two variables have the same name, or one that results use.
    """
    found = [variable for part in variables(model) for variable in part]
    _no_clash([variable.name for variable in found])
    return {
        variable.name: {"units": variable.units, "long_name": variable.long_name, **variable.role}
        for variable in found
    }


def _no_clash(found: list[str]) -> None:
    reserved = sorted({"time", "neuron", "trial", "spike", "spike_time"} & set(found))
    if reserved:
        raise ValueError(f"{', '.join(reserved)} cannot be a gate's name: results use it")
    double = sorted({name for name in found if found.count(name) > 1})
    if double:
        raise ValueError(
            f"the state variables {', '.join(double)} stand for two things; give the synapse (or "
            "the gate) another name"
        )

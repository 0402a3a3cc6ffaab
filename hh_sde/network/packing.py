"""A network's description as the equations take it: tables, every number spread over the neurons.

Where the state's variables stand, `hh_sde.equations.layout` says; which there are, and in which
order, `hh_sde.equations.variables`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from hh_sde.cells import Cell
from hh_sde.equations.tables import (
    ChannelTable,
    ColoredTable,
    Connectivity,
    GateTable,
    InputTable,
    MessengerTable,
    Model,
    NernstTable,
    PairTable,
    PoolTable,
    RateTable,
    SynapseTable,
    Tables,
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
from hh_sde.network import wiring
from hh_sde.network.populations import Group
from hh_sde.noise import (
    ChannelNoise,
    OrnsteinUhlenbeckConductance,
    OrnsteinUhlenbeckCurrent,
    SubunitNoise,
)
from hh_sde.records import per_neuron, see_indices
from hh_sde.synapses import AnySynapse, EventSynapse, Synapse

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


def tables(groups: Sequence[Group], synapses: Sequence[AnySynapse]) -> Tables:
    """The tables of populations and of what connects them.

    Raises
    ------
    ValueError
        If weights do not fit, two synapses of one name differ, or variables clash.
    """
    connections = wiring.Connections(groups, synapses)
    models = []
    for group, ends in zip(groups, connections.ends, strict=True):
        with group.naming():
            models.append(model_of(group, ends))
            state_labels(models[-1:])
        for received in ends.received.values():
            _see_name(received, group, groups)
    return Tables(tuple(models), *connections.wiring(models), connections.senders(models))


def model_of(group: Group, ends: wiring.Ends) -> Model:
    """A population with what it sends and receives."""
    cell, n = group.population.cell, group.n
    for synapse in ends.sent.values():
        _see_pools(synapse, cell, (synapse.alpha, synapse.beta))
    for received in ends.received.values():
        _see_pools(received, cell, (received.voltage_block,))
    noise = group.channel_noise
    if noise is not None:
        noise.check_names(cell.channels)
    colored = [one for one in group.population.noise if isinstance(one, Colored)]
    return Model(
        n_neurons=n,
        C=per_neuron(cell.C, n, "C"),
        channels=tuple(
            channel_table(channel, noise, n, cell.temperature)
            for channel in cell.channels_in_effect
        ),
        synapses=tuple(
            SynapseTable(
                one.name,
                "s" if ends.one_kind else f"s_{one.name}",
                alpha=_rate_table(one.alpha, one.name, n),
                beta=_rate_table(one.beta, one.name, n),
                messenger=_messenger_table(one, n),
            )
            for one in ends.sent.values()
        ),
        inputs=tuple(_input_table(one, n) for one in ends.received.values()),
        gap=ends.gap,
        colored=tuple(_colored_table(one, n) for one in colored),
        pools=tuple(_pool_table(pool, n) for pool in cell.pools),
        bounds="none" if noise is None else noise.bounds,
    )


def _messenger_table(synapse: Synapse, n: int) -> MessengerTable | None:
    one = synapse.messenger
    if one is None:
        return None
    K3, K4, Kd = (
        per_neuron(getattr(one, name), n, f"{name} of synapse {synapse.name}")
        for name in ("K3", "K4", "Kd")
    )
    return MessengerTable(K3, K4, Kd, one.power)


def _input_table(synapse: Synapse | EventSynapse, n: int) -> InputTable:
    name, block = synapse.name, synapse.voltage_block

    def number(field: str) -> np.ndarray | None:
        value = getattr(synapse, field, None)
        return None if value is None else per_neuron(value, n, f"{field} of synapse {name}")

    return InputTable(
        name=name,
        E=number("E"),
        summed="s" if getattr(synapse, "messenger", None) is None else f"open_{name}",
        voltage_block=None if block is None else _rate_table(block, name, n),
        tau=number("tau"),
        tau_rise=number("tau_rise"),
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


def rows_of(matrix: scipy.sparse.csr_array) -> Connectivity:
    """A matrix [to, from]."""
    see_indices(matrix)  # the loops do not look
    matrix.sort_indices()
    return Connectivity(
        start=matrix.indptr.astype(np.int64),
        source=matrix.indices.astype(np.int64),
        weight=matrix.data.astype(float),
    )


def _see_name(synapse: Synapse | EventSynapse, target: Group, groups: Sequence[Group]) -> None:
    """See that I_<name> and g_<name> mean the synapse alone, in whichever population."""
    taken: dict[str, str] = {}
    for group in groups:
        of = f" of population {group.name}" if group.name else ""
        taken |= {channel.name: f"a channel{of}" for channel in group.population.cell.channels}
        if group is target:
            colored = [one for one in group.population.noise if isinstance(one, Colored)]
            taken |= {one.name: f"a noise{of}" for one in colored}
    taken |= {"stim": "the injected current", "gap": "gap junctions", "total": "all together"}
    if synapse.name in taken:
        raise ValueError(
            f"synapse {synapse.name}: I_{synapse.name} is the current of {taken[synapse.name]}; "
            "give the synapse another name"
        )


def _see_pools(synapse: Synapse | EventSynapse, cell: Cell, rates: Sequence[Rate | None]) -> None:
    """See that what a synapse's rates read of a neuron is there."""
    read = frozenset[str]().union(*(rate.pools for rate in rates if rate is not None))
    lacking = read - {pool.name for pool in cell.pools}
    if lacking:
        raise ValueError(
            f"synapse {synapse.name} reads the concentration {', '.join(sorted(lacking))}, and "
            f"cell {cell.name} has no such pool"
        )


#: What stands in the neurons of populations that lack a variable.
ELSEWHERE = "the neuron's population has no such thing"


def state_labels(models: Sequence[Model]) -> dict[str, dict[str, Any]]:
    """The attributes of each state variable, in the order of the flat state.

    Raises
    ------
    ValueError
        If two variables have the same name, or one that results use.
    """
    labels: dict[str, dict[str, Any]] = {}
    for model in models:
        found = [variable for part in variables(model) for variable in part]
        _no_clash([variable.name for variable in found])
        for one in found:
            own = {"units": one.units, "long_name": one.long_name, **one.role}
            labels[one.name] = _of_both(one.name, labels.get(one.name, own), own)
    of_each = [{one.name for part in variables(model) for one in part} for model in models]
    return {
        name: own if all(name in known for known in of_each) else {**own, "nan_means": ELSEWHERE}
        for name, own in labels.items()
    }


def _of_both(name: str, first: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two populations say of a variable."""
    for key in ("units", "role"):
        if first[key] != other[key]:
            raise ValueError(
                f"{name} is a {first['role']} ({first['units']}) in one population and a "
                f"{other['role']} ({other['units']}) in another: give one of them another name"
            )
    both = {key: value for key, value in first.items() if other.get(key) == value}
    return {"units": first["units"], "long_name": f"{first['role']} {name}", **both}


def _no_clash(found: list[str]) -> None:
    used = {"time", "neuron", "trial", "spike", "spike_time", "population", "index"}
    reserved = sorted(used & set(found))
    if reserved:
        raise ValueError(f"{', '.join(reserved)} cannot be a gate's name: results use it")
    double = sorted({name for name in found if found.count(name) > 1})
    if double:
        raise ValueError(
            f"the state variables {', '.join(double)} stand for two things; give the synapse (or "
            "the gate) another name"
        )

"""The rows of a population's state: their order, names, units and roles."""

from __future__ import annotations

from collections.abc import Callable

from hh_sde.equations.quantities import Names, Variable
from hh_sde.equations.tables import ChannelTable, InputTable, Model


def variables(model: Model, names: Names | None = None) -> list[list[Variable]]:
    """The rows of the state, those of a part together.

    V, the gates or states channel by channel, then what is free to leave [0, 1] (fluctuations, then
    coloured noise, concentrations, what jumps as spikes arrive, messengers), then the synapses'
    gates.
    """
    names = names or Names()

    def variable(name: str, units: str, long_name: str, **role: str | int) -> Variable:
        return Variable(name, units, long_name, names.new(name), role)

    groups = [[variable("V", "mV", "membrane potential", role="potential")]]
    for channel in model.channels:
        if channel.form == "states":
            groups.append(_occupancies(channel, variable))
            continue
        for gate in channel.gates:
            text = f"gate {gate.name} of channel {channel.name}"
            groups.append([variable(gate.name, "1", text, role="gate", channel=channel.name)])
    for channel in model.channels:
        if channel.form == "fluctuations":
            role = {"role": "fluctuation", "channel": channel.name}
            text = f"fluctuation of the open fraction of {channel.name}, part"
            groups += [[variable(f"z_{s}", "1", f"{text} {s}", **role)] for s in channel.states[1:]]
    for colored in model.colored:
        units, what = ("uA/cm^2", "current") if colored.E is None else ("mS/cm^2", "conductance")
        text = f"Ornstein-Uhlenbeck {what}"
        groups.append([variable(colored.name, units, text, role=f"noise {what}")])
    for pool in model.pools:
        role = {"role": "concentration", "pool": pool.name}
        groups.append([variable(pool.name, "mM", f"concentration of {pool.name}", **role)])
    for table in model.inputs:
        if table.tau is not None:
            groups.append(_arrivals(table, variable))
    for synapse in model.outputs:
        role = {"role": "second messenger", "synapse": synapse.name}
        text = f"second messenger of the synapse {synapse.name}"
        groups.append([variable(f"G_{synapse.name}", "uM", text, **role)])
    for synapse in model.synapses:
        text = f"gate of the synapse {synapse.name}"
        role = {"role": "synaptic gate", "synapse": synapse.name}
        groups.append([variable(synapse.variable, "1", text, **role)])
    return groups


def _occupancies(channel: ChannelTable, variable: Callable[..., Variable]) -> list[Variable]:
    """The fractions of a channel's number in each of its states, the last of which conducts."""
    return [
        variable(
            state,
            "1",
            f"fraction of the channels {channel.name} in state {state}",
            role="channel state",
            channel=channel.name,
            conducting=int(state == channel.states[-1]),
        )
        for state in channel.states
    ]


def _arrivals(table: InputTable, variable: Callable[..., Variable]) -> list[Variable]:
    """What jumps as spikes arrive, and where it rises first, what it makes rise."""
    current = table.E is None
    units, what = ("uA/cm^2", "current") if current else ("mS/cm^2", "conductance")
    kind, own = "i" if current else "g", {"synapse": table.name}
    text = f"{what} of the synapses {table.name}"
    last = variable(f"{kind}_{table.name}", units, text, role=f"synaptic {what}", **own)
    if table.tau_rise is None:
        return [last]
    text = f"what raises the {text}"
    return [variable(f"h_{table.name}", f"{units}/ms", text, role="synaptic rise", **own), last]

"""All equations of a population of neurons: the rows of its state, its currents, its noise.

    C dV/dt = I_stim - sum over channels, synapses, gap junctions of I, + coloured currents
    I_Na    = g_Na (V - E_Na),  g_Na = gbar_Na p,  p the open fraction of the channels

p is the product of the gates with their powers, or the occupancy of the open state. Gates and
reversal potentials may read the concentrations of pools, which currents of channels feed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from hh_sde.equations.arrivals import ArrivalPart
from hh_sde.equations.colored import ColoredPart
from hh_sde.equations.differentiation import dependencies
from hh_sde.equations.expressions import Expression, Negative, Symbol, call, product, total
from hh_sde.equations.fluctuations import FluctuationPart
from hh_sde.equations.gates import GatePart
from hh_sde.equations.messengers import MessengerPart
from hh_sde.equations.part import Part
from hh_sde.equations.pools import PoolPart
from hh_sde.equations.quantities import Assignment, Names, NoiseTerm, Parameters, Variable
from hh_sde.equations.rates import Kinetics, RateWriter, V, kinetics
from hh_sde.equations.states import StatesPart
from hh_sde.equations.system import System
from hh_sde.equations.tables import (
    ChannelTable,
    ColoredTable,
    GateTable,
    InputTable,
    Model,
    NernstTable,
    SynapseTable,
)
from hh_sde.equations.variables import variables


class Current(NamedTuple):
    """One of the currents that charge the membrane together with I_stim."""

    name: str  # I_Na
    outward: Expression
    of: str  # what carries it
    carrier: Mapping[str, str]  # the channel or synapse, as an attribute
    conductance: Symbol | None = None
    open_fraction: Expression | None = None  # of channels that open and close


class Dynamics(System):
    """The equations of a model.

    Attributes
    ----------
    kinetics : list of Kinetics
        Of the gates, those of synapses last.
    instantaneous : list of Symbol
        Gates that follow V at once, which are no variables.
    parts : list of Part
    terms : tuple of NoiseTerm
        Noise that every neuron has of its own.
    currents : list of Current
    net_current : Symbol
        The sum of all currents, inward.

    See `System` for the others.
    """

    terms: tuple[NoiseTerm, ...] = ()
    kinetics: list[Kinetics]
    parts: list[Part]
    concentrations: dict[str, Symbol]

    def __init__(self, model: Model) -> None:
        self.model = model
        self.names = Names()
        groups = variables(model, self.names)
        self._groups: Iterator[list[Variable]] = iter(groups[1:])
        self.variables = tuple(variable for group in groups for variable in group)
        self.parameters = Parameters(self.names, model.n_neurons)
        self.dV = self.names.new("dV")
        self.kinetics = []
        self.parts = []
        self.concentrations = {
            str(variable.role["pool"]): variable.symbol
            for variable in self.variables
            if variable.role["role"] == "concentration"
        }
        self._rates = RateWriter(self.names, self.parameters, self.concentrations)
        self._assignments = self._rates.assignments
        self.instantaneous: list[Symbol] = []
        self.currents: list[Current] = []
        self._nernst: list[tuple[NernstTable, Symbol]] = []
        self._channels()
        self._colored()
        self._pools()
        self._arriving: dict[str, Variable] = {}
        self._arrivals()
        self._sent = [self._kinetics(_gate_of(synapse)) for synapse in model.synapses]
        self._messengers()
        self._synapses()
        self._gap_junctions()
        self._potential()
        self.terms = tuple(term for part in self.parts for term in part.terms)
        for part in self.parts:
            self._assignments += part.drift()

    # -- the rows of the state ---------------------------------------------------------------------

    @property
    def _row(self) -> int:
        """The next row."""
        return 1 + sum(len(part.variables) for part in self.parts)

    def _channels(self) -> None:
        fluctuating: list[tuple[ChannelTable, list[Kinetics], list[Expression]]] = []
        conducting: list[tuple[ChannelTable, list[Expression]]] = []
        for channel in self.model.channels:
            rates = [self._kinetics(gate) for gate in channel.gates]
            if channel.form == "states":
                open_fraction: list[Expression] = [self._states(channel, rates)]
            else:
                open_fraction = self._gates(channel, rates)
            if channel.form == "fluctuations":
                fluctuating.append((channel, rates, open_fraction))
            conducting.append((channel, open_fraction))
        first_free = self._row
        for channel, rates, open_fraction in fluctuating:
            self._fluctuations(channel, rates, open_fraction)
        self.free = (first_free, first_free)
        for channel, open_fraction in conducting:
            self._channel_current(channel, [*self._instantaneous(channel), *open_fraction])

    def _kinetics(self, gate: GateTable) -> Kinetics:
        self.kinetics.append(kinetics(gate, self._rates))
        return self.kinetics[-1]

    def _instantaneous(self, channel: ChannelTable) -> list[Expression]:
        """The factors that follow V at once."""
        factors: list[Expression] = []
        for gate in channel.instantaneous:
            x = self._rates.assign(gate.rates[0], gate.name, "1", f"instantaneous gate {gate.name}")
            self.instantaneous.append(x)
            factors.append(x**gate.power)
        return factors

    def _gates(self, channel: ChannelTable, rates: list[Kinetics]) -> list[Expression]:
        """The factors of the open fraction of a channel whose gates are variables."""
        factors: list[Expression] = []
        for k, gate in enumerate(rates):
            inv_N = None
            if channel.number is not None and channel.form == "gates":
                inv_N = self._numbers(gate.name, f"gates {gate.name}", channel.number[k])[1]
            (variable,) = next(self._groups)
            steady_noise = self.model.bounds == "steady"
            part = GatePart(variable, self._row, gate, self.names, inv_N, steady_noise)
            self.parts.append(part)
            factors.append(variable.symbol**gate.power)
        return factors

    def _numbers(self, name: str, of: str, values: np.ndarray) -> tuple[Symbol, Symbol]:
        """N and 1/N."""
        N = self.parameters.new(f"N_{name}", values, "1", f"number of {of}")
        return N, self.parameters.derived(f"inv_N_{name}", 1.0 / N, "1", f"1/N_{name}")

    def _states(self, channel: ChannelTable, rates: list[Kinetics]) -> Expression:
        assert channel.number is not None
        N, inv_N = self._numbers(channel.name, f"channels {channel.name}", channel.number[0])
        group = next(self._groups)
        bounds = self.model.bounds
        part = StatesPart(group, self._row, rates, channel, N, inv_N, bounds, self.names)
        self.parts.append(part)
        return part.symbols[-1]

    def _fluctuations(
        self, channel: ChannelTable, rates: list[Kinetics], open_fraction: list[Expression]
    ) -> None:
        assert channel.number is not None
        _, inv_N = self._numbers(channel.name, f"channels {channel.name}", channel.number[0])
        summands = [product(open_fraction)]
        for chosen in channel.levels[1:]:
            (variable,) = next(self._groups)
            self.parts.append(
                FluctuationPart(variable, self._row, rates, chosen, inv_N, self.names)
            )
            summands.append(variable.symbol)
        open_fraction[:] = [total(summands)]

    # -- currents ----------------------------------------------------------------------------------

    def _current(
        self,
        name: str,
        g: Expression,
        E: Symbol,
        of: str,
        carrier: Mapping[str, str],
        open_fraction: Expression | None = None,
    ) -> None:
        """I_name = g (V - E), and its conductance g as g_name where it has no name yet."""
        if not isinstance(g, Symbol):
            symbol = self.names.new(f"g_{name}")
            self._assignments.append(Assignment(symbol, g, "mS/cm^2", f"conductance of {of}"))
            g = symbol
        current = self.names.new(f"I_{name}")
        self._assignments.append(
            Assignment(current, g * (V - E), "uA/cm^2", f"current of {of}, outward")
        )
        self.currents.append(Current(current.name, current, of, carrier, g, open_fraction))

    def _channel_current(self, channel: ChannelTable, open_fraction: list[Expression]) -> None:
        name, of = channel.name, f"the channels {channel.name}"
        gates = bool(open_fraction)
        what = "maximal conductance" if gates else "conductance"
        label = f"gbar_{name}" if gates else f"g_{name}"
        g = self.parameters.new(label, channel.g, "mS/cm^2", f"{what} of {of}")
        E = self._reversal(name, channel.E, of)
        p = product(open_fraction) if gates else None
        self._current(name, product([g, *open_fraction]), E, of, {"channel": name}, p)

    def _reversal(self, name: str, E: np.ndarray | NernstTable, of: str) -> Symbol:
        """E_name: a parameter, or what follows a concentration, once for all that are the same."""
        if not isinstance(E, NernstTable):
            return self.parameters.new(f"E_{name}", E, "mV", f"reversal potential of {of}")
        for table, symbol in self._nernst:
            if table.pool == E.pool and all(map(np.array_equal, table[1:], E[1:])):
                return symbol
        meaning = f"RT/(zF) of the reversal potential of {of}"
        slope = self.parameters.new(f"slope_E_{name}", E.slope, "mV", meaning)
        outside = self.parameters.new(
            f"{E.pool}_outside_{name}", E.outside, "mM", f"concentration outside, of {of}"
        )
        symbol = self.names.new(f"E_{name}")
        value = slope * call("log", outside / self.concentrations[E.pool])
        self._assignments.append(Assignment(symbol, value, "mV", f"reversal potential of {of}"))
        self._nernst.append((E, symbol))
        return symbol

    def _colored(self) -> None:
        for table in self.model.colored:
            (variable,) = next(self._groups)
            self.parts.append(ColoredPart(variable, self._row, table, self.parameters, self.names))
            self._colored_current(table, variable)

    def _arrivals(self) -> None:
        """Inputs that jump as spikes arrive."""
        for table in self.model.inputs:
            if table.tau is not None:
                group = next(self._groups)
                part = ArrivalPart(group, self._row, table, self.parameters, self.names)
                self.parts.append(part)
                self._arriving[table.name] = group[-1]
        self.free = (self.free[0], self._row)

    def _colored_current(self, table: ColoredTable, variable: Variable) -> None:
        of = f"the noise {table.name}"
        if table.E is None:
            name = self.names.new(f"I_{table.name}").name
            self.currents.append(Current(name, -variable.symbol, of, {}))
            return
        E = self.parameters.new(f"E_{table.name}", table.E, "mV", f"reversal potential of {of}")
        self._current(table.name, variable.symbol, E, of, {})

    def _pools(self) -> None:
        for table in self.model.pools:
            (variable,) = next(self._groups)
            fed = [I.outward for I in self.currents if I.carrier.get("channel") in table.channels]
            part = PoolPart(variable, self._row, table, fed, self.parameters, self.names)
            self.parts.append(part)
        self.free = (self.free[0], self._row)

    def _messengers(self) -> None:
        """Before the gates of their synapses, which they move with: those keep to [0, 1]."""
        gates = {variable.name: variable.symbol for variable in self.variables}
        for synapse, rates in zip(self.model.synapses, self._sent, strict=True):
            if synapse.messenger is not None:
                (variable,) = next(self._groups)
                s, names = gates[synapse.variable], self.names
                part = MessengerPart(variable, self._row, synapse, s, rates, self.parameters, names)
                self.parts.append(part)
                self._assignments.append(part.output)
                self.outputs += (part.output.target,)
        self.free = (self.free[0], self._row)

    def _synapses(self) -> None:
        for rates in self._sent:
            (variable,) = next(self._groups)
            self.parts.append(GatePart(variable, self._row, rates, self.names))
        self.coupled = tuple(
            self._synaptic_sum(table) for table in self.model.inputs if table.tau is None
        )
        for received in self.model.inputs:
            if received.tau is not None:
                self._synaptic_current(received, self._arriving[received.name].symbol)

    def _synaptic_sum(self, table: InputTable) -> Symbol:
        """W s of a graded synapse, which carries its current."""
        Ws = self.names.new(f"Ws_{table.name}")
        self._synaptic_current(table, self._scaled(Ws, table.name, table.scale))
        return Ws

    def _scaled(self, sums: Symbol, name: str, scale: np.ndarray | None) -> Expression:
        """What comes from other neurons, so many times."""
        if scale is None:
            return sums
        return self.parameters.new(f"scale_{name}", scale, "1", f"factor on weights {name}") * sums

    def _synaptic_current(self, table: InputTable, g: Expression) -> None:
        name, of = table.name, f"the synapses {table.name}"
        if table.E is None:
            current = self.names.new(f"I_{name}").name
            self.currents.append(Current(current, -g, of, {"synapse": name}))
            return
        if table.voltage_block is not None:
            g = g * self._rates.assign(
                table.voltage_block, f"block_{name}", "1", f"voltage-dependent block of {of}"
            )
        E = self.parameters.new(f"E_{name}", table.E, "mV", f"reversal potential of {of}")
        self._current(name, g, E, of, {"synapse": name})

    def _gap_junctions(self) -> None:
        if self.model.gap is None:
            return
        g = self.parameters.new("g_gap", self.model.gap, "mS/cm^2", "sum of gap conductances")
        WV, current = self.names.new("WV_gap"), self.names.new("I_gap")
        value = g * V - self._scaled(WV, "gap", self.model.gap_scale)
        self._assignments.append(
            Assignment(current, value, "uA/cm^2", "current of gap junctions, outward")
        )
        self.currents.append(Current(current.name, current, "gap junctions", {}, g))
        self.coupled = (*self.coupled, WV)

    def _potential(self) -> None:
        self.C = self.parameters.new("C", self.model.C, "uF/cm^2", "membrane capacitance")
        self.net_current = self.names.new("I_total")
        inward = [Symbol("I_stim"), *(_opposite(current.outward) for current in self.currents)]
        self._assignments += [
            Assignment(self.net_current, total(inward), "uA/cm^2", "all currents, inward"),
            Assignment(self.dV, self.net_current / self.C, "mV/ms", "dV/dt"),
        ]

    # -- what follows ------------------------------------------------------------------------------

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """All equations, each after those that it needs."""
        return tuple(self._assignments)

    @property
    def drift(self) -> tuple[Symbol, ...]:
        """The drift of each row of the state."""
        return (self.dV, *(a for part in self.parts for a in _drifts(part)))

    @property
    def conductances(self) -> list[Symbol]:
        """Whose sum G is, with which V relaxes."""
        return [one.conductance for one in self.currents if one.conductance is not None]

    @property
    def V_dependent_conductances(self) -> bool:
        """Whether a conductance follows V at once, as a block does."""
        reads = dependencies(self.assignments)
        return any("V" in reads.get(g.name, ()) for g in self.conductances)

    @property
    def V_dependent(self) -> bool:
        """Whether V's flow is exact only if something that follows V is held.

        As before, or V_j of gap junctions, or concentrations.
        """
        held = self.model.gap is not None or bool(self.model.pools)
        return held or self.V_dependent_conductances


def _opposite(e: Expression) -> Expression:
    return e.operand if isinstance(e, Negative) else -e


def _gate_of(synapse: SynapseTable) -> GateTable:
    return GateTable(synapse.variable, 1, False, (synapse.alpha, synapse.beta))


def _drifts(part: Part) -> list[Symbol]:
    return [assignment.target for assignment in part.drift()[-len(part.variables) :]]

"""What an integrator asks of a population: each loop over lanes, as assignments and outputs.

A loop states what it gives. What that needs (rates, conductances, fluxes) is found from the symbols
in it, so no loop works out what it does not use. A new loop is a method here, and a line in LOOPS.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from hh_sde.equations.differentiation import column, correction, dependencies
from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.expressions import Expression, Number, Symbol, call, names, total
from hh_sde.equations.part import Part, dt
from hh_sde.equations.quantities import Assignment, Variable
from hh_sde.equations.rates import V
from hh_sde.equations.system import System

#: Increments A dW of the noise on V; the factor that a loop is given; J and G of V's flow.
dW_V, c, J, G, z = (Symbol(name) for name in ("dW_V", "c", "J", "G", "z"))
#: e^-z, and its mean over the step.
decay, mean_decay = Symbol("decay"), Symbol("mean_decay")


class Output(NamedTuple):
    """A row of an array that is written: its number, what it belongs to, and its value."""

    array: str
    row: int
    label: str
    value: Expression


class Stage(NamedTuple):
    """Assignments and outputs, with V taken from a row: the state's own, or one that is given."""

    assignments: Sequence[Assignment]
    outputs: Sequence[Output]
    V_from: str = "state"


class Loop(NamedTuple):
    """A function over lanes: its arguments besides the numbers, and its stages."""

    name: str
    arguments: str
    description: str
    stages: Sequence[Stage]
    lane_by_lane: bool = False  # no SIMD, which would need the padding


class Loops:
    """The loops of any system, whose equations are `assignments`."""

    def __init__(self, population: System, assignments: Sequence[Assignment]) -> None:
        self.population = population
        self.assignments = assignments
        self._reads = dependencies(assignments)
        self.amplitudes = [
            Assignment(term.amplitude, term.size, "", f"amplitude of {term.dW.name}")
            for term in population.terms
        ]
        self.moves = [term.amplitude * term.dW for term in population.terms]
        self.corrections = self._corrections()

    def _corrections(self) -> list[Expression | None]:
        """1/2 (dg) g of each term; None where it is 0."""
        raise NotImplementedError

    def all(self) -> list[Loop]:
        """Every loop that there is for the system, in the order of LOOPS."""
        made = {name: getattr(self, name) for name in LOOPS if hasattr(self, name)}
        return [
            Loop(name, LOOPS[name], make.__doc__ or "", make(), name == "exchange_channels")
            for name, make in made.items()
        ]

    @property
    def definitions(self) -> list[Assignment]:
        """What outputs may need, each after what it needs itself."""
        return [*self.assignments, *self.amplitudes]

    # -- drift and Euler's steps -------------------------------------------------------------------

    def drift(self) -> list[Stage]:
        """f(x): the drift of every variable."""
        rows = zip(self.population.variables, self.population.drift, strict=True)
        outputs = [Output("dx", row, v.symbol.name, f) for row, (v, f) in enumerate(rows)]
        return [Stage([], outputs)]

    def euler(self) -> list[Stage]:
        """x + f dt + A dW (Maruyama 1955)."""
        return self._euler(dt, self.moves)

    def tamed(self) -> list[Stage]:
        """x + f dt/(1 + dt |f|) + A dW."""
        tamed_dt = Symbol("tamed_dt")
        size = call("sqrt", total([f * f for f in self.population.drift]))
        return self._euler(tamed_dt, self.moves, [Assignment(tamed_dt, dt / (1.0 + dt * size))])

    def milstein_euler(self) -> list[Stage]:
        """Euler's step, and 1/2 g g' (dW^2 - dt) of every term of the noise."""
        moves = [
            move if g is None else move + g * (term.dW * term.dW - dt)
            for term, move, g in zip(
                self.population.terms, self.moves, self.corrections, strict=True
            )
        ]
        return self._euler(dt, moves)

    def _euler(
        self, step: Symbol, moves: Sequence[Expression], first: Sequence[Assignment] = ()
    ) -> list[Stage]:
        gains = self._gains(moves)
        rows = zip(self.population.variables, self.population.drift, strict=True)
        outputs = [
            _new_state(row, v, total([v.symbol + f * step, *gains.get(row, [])]))
            for row, (v, f) in enumerate(rows)
        ]
        return [Stage(first, outputs)]

    # -- noise -------------------------------------------------------------------------------------

    def noise_amplitudes(self) -> list[Stage]:
        """The amplitude of every term of the noise."""
        names = [term.amplitude for term in self.population.terms]
        outputs = [Output("amplitudes", row, s.name, s) for row, s in enumerate(names)]
        return [Stage([], outputs)]

    def add_noise(self) -> list[Stage]:
        """out + c G dW, for the noise that every lane has of its own."""
        return self._added(self.moves, c)

    def add_columns(self) -> list[Stage]:
        """out + the columns of G, each with an amplitude that is given."""
        return self._added([Symbol(f"given_{t.amplitude.name}") for t in self.population.terms])

    def add_ito_correction(self) -> list[Stage]:
        """out + c 1/2 sum_k (dg_k) g_k."""
        return self._added(self.corrections, c)

    def _gains(self, moves: Sequence[Expression | None]) -> dict[int, list[Expression]]:
        """What each row gets where the terms move by `moves`."""
        gains: dict[int, list[Expression]] = {}
        for term, move in zip(self.population.terms, moves, strict=True):
            for row, sign in term.to if move is not None else ():
                assert move is not None
                gains.setdefault(row, []).append(move if sign > 0 else -move)
        return gains

    def _added(
        self, moves: Sequence[Expression | None], factor: Symbol | None = None
    ) -> list[Stage]:
        outputs = []
        for row, gains in self._gains(moves).items():
            label = self.population.variables[row].symbol.name
            gained = total([Number(0.0), *gains])
            old = Symbol(f"old_{label}")
            gained = gained if factor is None else factor * gained
            outputs.append(Output("out", row, label, old + gained))
        return [Stage([], outputs)]


class NeuronLoops(Loops):
    """Those of a population of neurons, which has also the flows of splittings."""

    population: Dynamics

    def _corrections(self) -> list[Expression | None]:
        absolute = self.population.model.bounds == "absolute"
        return [
            correction(
                term, column(term, self.population.variables), self.assignments, self._reads,
                absolute,
            )
            for term in self.population.terms
        ]  # fmt: skip

    def _euler(
        self, step: Symbol, moves: Sequence[Expression], first: Sequence[Assignment] = ()
    ) -> list[Stage]:
        """With the noise on V, which is no term."""
        (stage,) = super()._euler(step, moves, first)
        return [stage._replace(outputs=[self._euler_V(step), *stage.outputs[1:]])]

    def _euler_V(self, step: Symbol) -> Output:
        return _new_state(0, self.population.variables[0], V + self.population.dV * step + dW_V)

    # -- flows -------------------------------------------------------------------------------------

    def rush_larsen(self) -> list[Stage]:
        """Gates by their exact flow, V by Euler's step, both from the old state."""
        gates = self._flowed(lambda part: part.flow(reverse=False))
        return [gates._replace(outputs=[self._euler_V(dt), *gates.outputs])]

    def gates_flow(self) -> list[Stage]:
        """All variables but V and concentrations by their exact flow over dt at fixed V."""
        return [self._flowed(lambda part: [] if part.with_V else part.flow(reverse=False))]

    def gates_flow_reversed(self) -> list[Stage]:
        """The same with exchanges between states in the opposite order."""
        return [self._flowed(lambda part: [] if part.with_V else part.flow(reverse=True))]

    def exchange_channels(self) -> list[Stage]:
        """Whole channels change their state over dt at fixed V (tau-leaping)."""
        return [self._flowed(lambda part: [] if part.with_V else part.exchange())]

    def pool_flow(self) -> list[Stage]:
        """Concentrations by their exact flow over dt, currents held as V and they are in w."""
        flow = self._flowed(lambda part: part.flow(reverse=False) if part.with_V else [])
        return [flow._replace(V_from="w")]

    def V_flow(self) -> list[Stage]:
        """V by its exact flow over dt at fixed conductances, what follows V being taken at w.

        It is V_inf + (V - V_inf) e^-z with z = G dt/C, and the noise gathered on the way, of the
        variance of dW_V times (1 - e^-2z)/(2z), which is (1 - e^-z)/z times (1 + e^-z)/2.
        """
        return self._V_flow(dW_V * call("sqrt", 0.5 * (1.0 + decay) * mean_decay))

    def V_flow_driven(self) -> list[Stage]:
        """The same while the noise on V goes straight to dW_V: it is gathered as a current is."""
        return self._V_flow(dW_V * mean_decay)

    def _V_flow(self, gathered: Expression) -> list[Stage]:
        population = self.population
        conductances = [Assignment(G, total(population.conductances))]
        relaxation = [
            Assignment(J, population.net_current),
            Assignment(z, G * dt / population.C),
            Assignment(decay, call("exp", -z)),
            Assignment(mean_decay, 1.0 / call("linoid_of", z, decay)),
        ]
        moved = V + J * (dt / population.C) * mean_decay
        last = [_new_state(0, population.variables[0], moved + gathered)]
        if population.V_dependent_conductances:
            return [Stage(conductances, [], V_from="w"), Stage(relaxation, last)]
        return [Stage([*conductances, *relaxation], last)]

    def bound(self) -> list[Stage]:
        """Noisy gates and states brought back into [0, 1]."""
        return [self._flowed(lambda part: part.bound(self.population.model.bounds))]

    def steady(self) -> list[Stage]:
        """All variables but V at their steady states for that V."""
        return [self._flowed(lambda part: part.steady())]

    def _flowed(self, flow: Callable[[Part], list[Assignment]]) -> Stage:
        """Every part moved by its own flow."""
        steps = [(part, flow(part)) for part in self.population.parts]
        outputs = [
            _new_state(row, v, v.symbol)
            for part, moves in steps
            if moves
            for row, v in enumerate(part.variables, start=part.first_row)
        ]
        return Stage([step for _, moves in steps for step in moves], outputs)

    # -- rates and outputs -------------------------------------------------------------------------

    def gate_rates(self) -> list[Stage]:
        """alpha and beta of every gate."""
        outputs = [
            Output(array, row, rate.name, rate)
            for row, rates in enumerate(self.population.kinetics)
            for array, rate in (("alphas", rates.alpha), ("betas", rates.beta))
        ]
        return [Stage([], outputs)]

    def make_outputs(self) -> list[Stage]:
        """What other neurons add up and is no variable, into its rows after the variables."""
        return [Stage([], output_rows(self.population, "state", self.population.outputs))]


def sources(population: System) -> dict[str, tuple[str, int, str]]:
    """Where the values of symbols come from: a row of an array, and its label."""
    found: dict[str, tuple[str, int, str]] = {}
    found["I_stim"] = ("I", 0, "injected")
    found["dW_V"] = ("A_dW", 0, "V")
    for k, variable in enumerate(population.variables):
        name = variable.symbol.name
        found[name] = ("state", k, name)
        found[f"old_{name}"] = ("out", k, name)
        found[f"own_{name}"] = ("state", k, name)
        found[f"along_{name}"] = ("vector", k, name)
    if population.time is not None:
        row = population.rows.index(population.time.name)
        found[population.time.name] = ("state", row, population.time.name)
    for k, dW in enumerate(population.processes):
        found[dW.name] = ("dW", k, dW.name)
    for k, term in enumerate(population.terms):
        found[f"given_{term.amplitude.name}"] = ("amplitudes", k, term.amplitude.name)
    for k, symbol in enumerate(population.coupled):
        found[symbol.name] = ("coupled", k, symbol.name)
        found[f"along_{symbol.name}"] = ("vector_sums", k, symbol.name)
    return found


def needed(
    wanted: Iterable[str], definitions: Mapping[str, Assignment], known: Collection[str]
) -> list[Assignment]:
    """The definitions of what is wanted, and of what those need, in their order."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in definitions and name not in known and name not in found:
            found.add(name)
            waiting += names(definitions[name].value)
    return [definition for name, definition in definitions.items() if name in found]


def output_rows(population: System, array: str, values: Sequence[Expression]) -> list[Output]:
    """Values of what a population sends besides variables, in rows after those."""
    first = len(population.variables)
    rows = enumerate(zip(population.outputs, values, strict=True), start=first)
    return [Output(array, row, symbol.name, value) for row, (symbol, value) in rows]


def _new_state(row: int, variable: Variable, value: Expression) -> Output:
    return Output("state", row, variable.symbol.name, value)


_STEP = "state, I, coupled, A_dW, dW, dt"

#: The loops of a written module, and their arguments, before p, q and curves.
LOOPS: dict[str, str] = {
    "drift": "state, I, coupled, dx",
    "euler": _STEP,
    "tamed": _STEP,
    "milstein_euler": _STEP,
    "rush_larsen": _STEP,
    "gates_flow": "state, dW, dt",
    "gates_flow_reversed": "state, dW, dt",
    "exchange_channels": "state, dW, dt",
    "V_flow": "state, w, I, coupled, A_dW, dt",
    "V_flow_driven": "state, w, I, coupled, A_dW, dt",
    "pool_flow": "state, w, dt",
    "gate_rates": "state, alphas, betas",
    "bound": "state",
    "make_outputs": "state",
    "noise_amplitudes": "state, amplitudes",
    "add_noise": "state, dW, c, out",
    "add_columns": "state, amplitudes, out",
    "add_ito_correction": "state, c, out",
}

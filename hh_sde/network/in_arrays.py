"""f and G of a network in the arrays of another library, made of the same equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.expressions import ZERO, Expression, call, total
from hh_sde.equations.functions import Functions, language, merged
from hh_sde.equations.layout import StateLayout
from hh_sde.equations.loops import NeuronLoops
from hh_sde.equations.quantities import Assignment
from hh_sde.equations.tables import Wiring
from hh_sde.equations.whole_arrays import Language, function, text


class Printed:
    """A population's equations as functions of arrays (n_neurons,) or (n_neurons, trials)."""

    def __init__(self, population: Dynamics, lang: Language, of: str) -> None:
        self.population = population
        self._lang = lang
        table, definitions = population.parameters.table, population.parameters.definitions
        self.defaults = {
            name: float(one.values[0]) if one.uniform else one.values
            for name, one in table.items()
            if name not in definitions
        }
        self._definitions = [
            Assignment(table[name].symbol, definitions[name])
            for name in table
            if name in definitions
        ]
        self._states = [variable.symbol.name for variable in population.variables]
        self._inputs = ["I_stim", *(symbol.name for symbol in population.coupled)]
        self.curves = np.concatenate([np.zeros(1), *population.parameters.curves])
        self.texts: list[str] = []
        self.drift = self._function(f"drift{of}", self._inputs, population.drift, "dx/dt.")
        self.sent = self._function(f"sent{of}", [], population.outputs, "What neurons send.")
        root = "absolute_root" if population.model.bounds == "absolute" else "root"
        roots = [call(root, term.R) for term in population.terms]
        self.amplitudes = self._function(f"amplitudes{of}", [], roots, "Of the noise.")
        self.correction = self._function(
            f"correction{of}", [], self._corrections(), "Ito's drift less Stratonovich's."
        )

    def _function(
        self, name: str, inputs: Sequence[str], outputs: Sequence[Expression], description: str
    ) -> Callable[..., tuple[Any, ...]]:
        if not outputs:
            return lambda *values: ()
        arguments = [*self._states, *inputs, *self.defaults, "curves"]
        assignments = [*self._definitions, *self.population.assignments]
        source = text(name, arguments, assignments, outputs, description)
        self.texts.append(source)
        return function(source, self._lang)

    def _corrections(self) -> list[Expression]:
        """Of each variable, where some has one."""
        corrections = NeuronLoops(self.population, self.population.assignments).corrections
        gains: dict[int, list[Expression]] = {}
        for term, value in zip(self.population.terms, corrections, strict=True):
            if value is not None:
                for row, sign in term.to:
                    gains.setdefault(row, []).append(value if sign > 0 else -value)
        rows = range(len(self.population.variables))
        return [total(gains.get(row, [ZERO])) for row in rows] if gains else []

    def numbers(self, given: Mapping[str, Any] | None, trials: bool) -> list[Any]:
        """The numbers that follow the states and the inputs among the arguments."""
        if given is None:
            return self._fixed[trials]
        values = merged(self.defaults, given)
        placed = [self._placed(self._lang.array(value), trials) for value in values.values()]
        return [*placed, self._curves]

    def _placed(self, value: Any, trials: bool) -> Any:
        """One number for all neurons, or one for each: as a column in front of trials."""
        n = self.population.model.n_neurons
        if tuple(value.shape) not in ((), (n,)):
            raise ValueError(
                f"a parameter must be one number, or one for each of {n} neurons, got shape "
                f"{tuple(value.shape)}"
            )
        return value[:, None] if value.ndim and trials else value

    @cached_property
    def _fixed(self) -> tuple[list[Any], list[Any]]:
        """The numbers of the model, for one state and for several."""
        values = [self._lang.constant(value) for value in self.defaults.values()]
        alone, spread = ([self._placed(v, trials) for v in values] for trials in (False, True))
        return [*alone, self._curves], [*spread, self._curves]

    @cached_property
    def _curves(self) -> Any:
        return self._lang.constant(self.curves)


class _Given(NamedTuple):
    """What the functions of the populations take."""

    rows: list[list[Any]]  # of each population its variables, then what it sends
    numbers: list[list[Any]]
    trials: tuple[int, ...]  # () of one state

    def column(self, values: Any) -> Any:
        """(n_neurons,) beside the rows."""
        return values[:, None] if self.trials else values


class InArrays:
    """A network's f, G and correction in the arrays of a library.

    Parameters
    ----------
    library : str
    populations : sequence of (name, Dynamics)
    layout : StateLayout
    wiring : Wiring
    currents : callable
        (times,) ms -> (times or 1, n_neurons)
    constant : bool
        Whether those are the same at all times.
    amplitudes : (n_neurons, m_V) sparse array
        Of the noise on V.
    """

    def __init__(
        self,
        library: str,
        populations: Sequence[tuple[str, Dynamics]],
        layout: StateLayout,
        wiring: Wiring,
        currents: Callable[[np.ndarray], np.ndarray],
        constant: bool,
        amplitudes: scipy.sparse.csr_array,
    ) -> None:
        self._library = library
        self._lang = lang = language(library)
        self._names = [name for name, _ in populations]
        self._printed = [
            Printed(one, lang, f"_{k}" if len(populations) > 1 else "")
            for k, (_, one) in enumerate(populations)
        ]
        self._layout = layout
        self._sums = _SumsOverNeurons(wiring, layout, lang)
        self._current = currents
        self._constant = lang.constant(currents(np.zeros(1))[0]) if constant else None
        self._set_noise(amplitudes)

    def _set_noise(self, amplitudes: scipy.sparse.csr_array) -> None:
        """The constant part of G, and where the amplitudes of the other terms go."""
        layout, m = self._layout, amplitudes.shape[1]
        places, signs = [], []  # of each number of the terms, which may go to several components
        for own, one in zip(layout.ranges, self._printed, strict=True):
            for number, term in enumerate(one.population.terms):
                for row, sign in term.to:
                    component = own.components.start + row * own.n + np.arange(own.n)
                    places.append((number, component, m + np.arange(own.n)))
                    signs.append(sign)
                m += own.n
        self.m = m
        constant = np.zeros((layout.d, m))
        constant[layout.components["V"], : amplitudes.shape[1]] = amplitudes.toarray()
        self._on_V = self._lang.constant(constant)
        self._signs = signs
        self._places = [component * m + process for _, component, process in places]
        self._terms = [number for number, *_ in places]

    def functions(self, x0: np.ndarray, noise_type: str) -> Functions:
        """With what goes beside them."""
        defaults = [one.defaults for one in self._printed]
        several = len(defaults) > 1
        return Functions(
            library=self._library,
            f=self.f,
            G=self.G,
            correction=self.correction,
            x0=x0,
            m=self.m,
            noise_type=noise_type,
            parameters=dict(zip(self._names, defaults, strict=True)) if several else defaults[0],
            text="\n\n".join(source for one in self._printed for source in one.texts),
        )

    def f(self, x: Any, t: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """Ito's drift."""
        given = self._given(x, parameters)
        I = self._constant
        if I is None:
            I = self._lang.currents(lambda times: self._current(times)[0], t)
        sums, I = self._sums(given), given.column(I)
        parts = []
        for k, (own, one) in enumerate(zip(self._layout.ranges, self._printed, strict=True)):
            inputs = [I[own.neurons], *(s[own.neurons] for s in sums[: self._coupled(k)])]
            states = given.rows[k][: len(own.names)]
            values = one.drift(*states, *inputs, *given.numbers[k])
            parts.append(self._flat(states[0], values))
        return parts[0] if len(parts) == 1 else self._lang.join(parts)

    def G(self, x: Any, t: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """(d, m), or (d, m, trials)."""
        given = self._given(x, parameters)
        found = self._on_V[..., None] if given.trials else self._on_V
        if not self._terms:
            return found + self._lang.constant(np.zeros((1, 1, *given.trials)))
        rows, at = [], iter(zip(self._terms, self._signs, strict=True))
        for k, (own, one) in enumerate(zip(self._layout.ranges, self._printed, strict=True)):
            states = given.rows[k][: len(own.names)]
            sizes = one.amplitudes(*states, *given.numbers[k])
            for _ in (to for term in one.population.terms for to in term.to):
                number, sign = next(at)
                rows.append(sign * (sizes[number] + 0.0 * states[0]))
        values = rows[0] if len(rows) == 1 else self._lang.join(rows)
        d, m = self._layout.d, self.m
        own_terms = self._lang.sums(values, np.concatenate(self._places), d * m)
        return found + own_terms.reshape(d, m, *given.trials)

    def correction(self, x: Any, t: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """1/2 sum_k (dg_k) g_k."""
        given = self._given(x, parameters)
        parts = []
        for k, (own, one) in enumerate(zip(self._layout.ranges, self._printed, strict=True)):
            states = given.rows[k][: len(own.names)]
            values = one.correction(*states, *given.numbers[k])
            parts.append(self._flat(states[0], values or [0.0 * row for row in states]))
        return parts[0] if len(parts) == 1 else self._lang.join(parts)

    def _given(self, x: Any, parameters: Mapping[str, Any] | None) -> _Given:
        x, d = self._lang.array(x), self._layout.d
        if x.ndim not in (1, 2) or x.shape[0] != d:
            raise ValueError(f"x must have shape ({d},) or ({d}, trials), got {tuple(x.shape)}")
        trials = tuple(x.shape[1:])
        by_population = self._by_population(parameters)
        rows, numbers = [], []
        for own, one, changed in zip(
            self._layout.ranges, self._printed, by_population, strict=True
        ):
            states = list(x[own.components].reshape(len(own.names), own.n, *trials))
            numbers.append(one.numbers(changed, bool(trials)))
            rows.append([*states, *one.sent(*states, *numbers[-1])])
        return _Given(rows, numbers, trials)

    def _by_population(
        self, parameters: Mapping[str, Any] | None
    ) -> Sequence[Mapping[str, Any] | None]:
        if len(self._names) == 1:
            return [parameters]
        given = merged(dict.fromkeys(self._names), parameters, "population")
        return [given[name] for name in self._names]

    def _coupled(self, k: int) -> int:
        return len(self._printed[k].population.coupled)

    def _flat(self, like: Any, values: Sequence[Any]) -> Any:
        """Rows (n, trials) one after another; some may be the same for all neurons or trials."""
        rows = self._lang.stack([like, *values])[1:]
        return rows.reshape(len(values) * like.shape[0], *like.shape[1:])


class _SumsOverNeurons:
    """What each neuron gets from others: (n_neurons, trials) for each input."""

    def __init__(self, wiring: Wiring, layout: StateLayout, lang: Language) -> None:
        self._layout, self._lang = layout, lang
        n = layout.n_neurons
        start, self._source, weight, self._blocks, self._block_weight = wiring
        self._target = np.repeat(np.arange(start.size - 1), np.diff(start))
        self._weight = lang.constant(weight)
        inputs = self._blocks[:, 0].max(initial=-1) + 1
        self._inputs = max(int(inputs), (start.size - 1) // n)

    def __call__(self, given: _Given) -> list[Any]:
        if not self._inputs:
            return []
        flat = self._lang.join([row for row in self._rows(given) for row in row])
        n = self._layout.n_neurons
        values = [given.column(self._weight) * flat[self._source]]
        places = [self._target]
        for (k, target, many, place, sources, others), w in zip(
            self._blocks.tolist(), self._block_weight.tolist(), strict=True
        ):
            every = flat[place : place + sources].sum(0)
            own = flat[place : place + many] if others else given.column(self._zeros(many))
            values.append(w * (every - own))
            places.append(k * n + target + np.arange(many))
        sums = self._lang.sums(self._lang.join(values), np.concatenate(places), self._inputs * n)
        return [sums[k * n : (k + 1) * n] for k in range(self._inputs)]

    def _zeros(self, many: int) -> Any:
        return self._lang.constant(np.zeros(many))

    def _rows(self, given: _Given) -> list[list[Any]]:
        """Row by row what all populations have there; 0 where one has none."""
        return [
            [own[k] if k < len(own) else 0.0 * own[0] for own in given.rows]
            for k in range(self._layout.rows)
        ]

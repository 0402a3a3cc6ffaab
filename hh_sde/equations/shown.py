"""A network's equations for people: names, expressions and units, as text and as LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from hh_sde.display import aligned
from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.expressions import (
    ONE,
    Binary,
    Expression,
    Negative,
    Number,
    Symbol,
    call,
    names,
    rewritten,
)
from hh_sde.equations.functions import Functions
from hh_sde.equations.infix import CHAIN, Style, infix
from hh_sde.equations.latex import latex, number, symbol
from hh_sde.equations.quantities import Parameter
from hh_sde.equations.stated import Stated
from hh_sde.records import see_kind


class Equation(NamedTuple):
    """One line: what it gives, the expression, its units, its meaning."""

    name: str
    expression: Expression
    units: str
    meaning: str


class Equations:
    """The equations of a network's neurons, as the engine takes them.

    Shown as a table of names, expressions and units where it is printed, with LaTeX in a notebook.
    `Network.equations` makes it.

    Attributes
    ----------
    equations : tuple of Equation
        In the order in which each follows from those before it. A name dx gives dx/dt without
        noise.
    noise : tuple of Equation
        What multiplies the increment of each neuron's own Wiener processes, in each variable.
    inputs : tuple of (name, units, meaning)
        What comes from elsewhere: the stimulus, and sums over the other neurons.
    parameters : tuple of Parameter
        Names, values (one for every neuron), units and meanings.
    """

    def __init__(
        self,
        population: Dynamics,
        noise_on_V: bool,
        in_arrays: Callable[[str], Functions] | None = None,
    ) -> None:
        see_kind(population, Dynamics, "population")
        self._population = population
        self._in_arrays = in_arrays
        self._rows = {v.symbol.name: v.name for v in population.variables}
        self.equations = tuple(
            Equation(target.name, self._spelled(value), units, meaning)
            for target, value, units, meaning in population.assignments
        )
        self.noise = self._noise(noise_on_V)
        self.inputs = self._inputs()
        read = {name for e in (*self.equations, *self.noise) for name in names(e.expression)}
        self.parameters: tuple[Parameter, ...] = tuple(
            parameter for name, parameter in population.parameters.table.items() if name in read
        )

    def _spelled(self, e: Expression) -> Expression:
        """With what derived parameters stand for: / N where the loops have * inv_N."""
        definitions = self._population.parameters.definitions

        def rule(e: Expression) -> Expression | None:
            match e:
                case Binary("*", left, Symbol(name)) if name in definitions:
                    if isinstance(d := definitions[name], Binary) and d.left == ONE:
                        return self._spelled(left) / d.right
                case Symbol(name) if name in definitions:
                    return definitions[name]
            return None

        return rewritten(e, rule)

    def _noise(self, on_V: bool) -> tuple[Equation, ...]:
        found = []
        if on_V:
            what = "noise on V: each row of A for one neuron"
            found.append(Equation("V", Symbol("A"), "mV/ms^0.5", what))
        for term in self._population.terms:
            root = self._spelled(call("sqrt", term.R))
            for row, sign in term.to:
                variable = self._population.variables[row]
                units = f"{variable.units}/ms^0.5"
                meaning = f"process {term.dW.name}"
                found.append(Equation(variable.name, root if sign > 0 else -root, units, meaning))
        return tuple(found)

    def _inputs(self) -> tuple[tuple[str, str, str], ...]:
        found = [("I_stim", "uA/cm^2", "injected current, inward")]
        summed = [one.summed for one in self._population.model.inputs if one.tau is None]
        for symbol_, of in zip_longest(self._population.coupled, summed):
            units = "uA/cm^2" if of is None else "mS/cm^2"
            found.append((symbol_.name, units, f"sum over neurons j of w_ij {of or 'V'}_j"))
        return tuple(found)

    # -- functions ---------------------------------------------------------------------------------

    def jax(self) -> Functions:
        """f and G of the network in arrays of JAX, which batch, compile and have derivatives.

        They are made of these equations, and take double precision, which JAX has where it is told
        to: ``jax.config.update("jax_enable_x64", True)`` at the start of a program, or inside
        ``with jax.enable_x64(True):``.

        Returns
        -------
        Functions
            With `f`, `G`, `correction` and `parameters`.

        Raises
        ------
        ImportError
            If JAX is not there.
        ValueError
            If these are the equations of one population of several, or the network has event-driven
            synapses or delays.
        """
        return self._of_network("jax")

    def torch(self) -> Functions:
        """f and G of the network in tensors of PyTorch, in double precision.

        Returns
        -------
        Functions
            With `f`, `G`, `correction` and `parameters`.

        Raises
        ------
        ImportError, ValueError
            As `jax`.
        """
        return self._of_network("torch")

    def _of_network(self, library: str) -> Functions:
        if self._in_arrays is None:
            raise ValueError(
                "these are the equations of one population of several, and f and G are those of "
                f"all: take net.equations().{library}()"
            )
        return self._in_arrays(library)

    # -- text --------------------------------------------------------------------------------------

    def __str__(self) -> str:
        style = Style(lambda base, n: (f"{base}**{n}", CHAIN), lambda f, a: f"{f}({', '.join(a)})")
        rows = [(e.name, f"= {infix(e.expression, style)}", e.units) for e in self.equations]
        noise = [(e.name, infix(e.expression, style), e.meaning) for e in self.noise]
        values = [(p.symbol.name, f"= {_value(p)}", p.units, _meaning(p)) for p in self.parameters]
        sections: list[tuple[str, Sequence[tuple[str, ...]]]] = [
            ("equations, dx for dx/dt", rows),
            ("noise, the factor of dW", noise),
            ("inputs", self.inputs),
            ("parameters", values),
        ]
        return "\n\n".join("\n".join([title, *aligned(rows)]) for title, rows in sections if rows)

    __repr__ = __str__

    # -- LaTeX -------------------------------------------------------------------------------------

    def latex(self, values: bool = False) -> str:
        r"""The equations as lines of an `aligned` environment.

        Parameters
        ----------
        values : bool
            With the numbers of the rates in place of their names, where all neurons have the same.
        """
        lines = [
            rf"{self._target(e.name)} &= {self._latex(e.expression, values)}"
            for e in self.equations
        ]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def markdown(self, values: bool = False) -> str:
        """Tables of the equations, the noise and the parameters, with LaTeX."""
        equations = [
            (f"${self._target(e.name)}$", self._math(e.expression, values), e.units, e.meaning)
            for e in self.equations
        ]
        noise = [
            (f"${symbol(e.name)}$", self._math(e.expression, values), e.units, e.meaning)
            for e in self.noise
        ]
        inputs = [(f"${symbol(name)}$", units, meaning) for name, units, meaning in self.inputs]
        used = {
            name
            for e in (*self.equations, *self.noise)
            for name in names(self._filled(e.expression) if values else e.expression)
        }
        numbers = [
            (f"${symbol(p.symbol.name)}$", _value(p), p.units, _meaning(p))
            for p in self.parameters
            if p.symbol.name in used
        ]
        tables = [
            _table(("quantity", "expression", "units", "what it is"), equations),
            _table(("variable", "factor of dW", "units", "noise"), noise),
            _table(("input", "units", "what it is"), inputs),
            _table(("parameter", "value", "units", "what it is"), numbers),
        ]
        return "\n".join(table for table in tables if table)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _math(self, e: Expression, values: bool) -> str:
        return rf"$\displaystyle {self._latex(e, values)}$"

    def _latex(self, e: Expression, values: bool) -> str:
        return latex(self._filled(e) if values else e, self._symbols)

    def _filled(self, e: Expression) -> Expression:
        """With the numbers of rates, V + 40 for V - -40."""
        return rewritten(e, self._with_number)

    def _with_number(self, e: Expression) -> Expression | None:
        match e:
            case Symbol(name) if name in self._uniform_rates:
                return Number(self._uniform_rates[name])
            case Binary("*", Symbol(name), right) if self._uniform_rates.get(name) == 1.0:
                return self._filled(right)
            case Binary("-", left, Symbol(name)) if self._uniform_rates.get(name, 0.0) < 0.0:
                return left + -self._uniform_rates[name]
            case Negative(Binary("/", top, Symbol(name))) if (
                self._uniform_rates.get(name, 0.0) < 0.0
            ):
                return self._filled(top) / -self._uniform_rates[name]
            case Binary("/", top, Symbol(name)) if self._uniform_rates.get(name, 0.0) < 0.0:
                return -(self._filled(top) / -self._uniform_rates[name])
        return None

    @property
    def _uniform_rates(self) -> dict[str, float]:
        """Parameters of rates that are the same in all neurons."""
        endings = ("_rate", "_mid", "_scale", "_0", "_half", "_exponent")
        return {
            p.symbol.name: float(p.values[0])
            for p in self.parameters
            if p.uniform and p.symbol.name.endswith(endings)
        }

    @property
    def _symbols(self) -> dict[str, str]:
        """LaTeX of the variables, whose names are not taken apart."""
        return {name: symbol(written) for name, written in self._rows.items()}

    def _target(self, name: str) -> str:
        if name in self._derivatives:
            return rf"\frac{{d{symbol(self._derivatives[name])}}}{{dt}}"
        return symbol(name)

    @property
    def _derivatives(self) -> dict[str, str]:
        """The names of drifts, and the variables that they are of."""
        variables, drift = self._population.variables, self._population.drift
        return {f.name: v.name for v, f in zip(variables, drift, strict=True)}


class StatedEquations(Equations):
    """The equations of an SDE of one's own, as `SDE.from_expressions` was told them.

    Attributes and methods are those of `Equations`; `noise` has what multiplies dW of each process.
    """

    def __init__(self, stated: Stated, noisy: bool, in_arrays: Callable[[str], Functions]) -> None:
        see_kind(stated, Stated, "stated")
        self._stated = stated
        self._in_arrays = in_arrays
        spelled = stated.spelled
        self._rows = {v.name: v.name for v in stated.variables}

        def own(e: Expression) -> Expression:
            return rewritten(
                e, lambda e: Symbol(spelled.get(e.name, e.name)) if isinstance(e, Symbol) else None
            )

        drifts = zip(self._derivatives, stated.stated_drift, strict=True)
        self.equations = (
            *(
                Equation(spelled[q.target.name], own(q.value), q.units, "")
                for q in stated.quantities
            ),
            *(Equation(name, own(f.value), f.units, f.meaning) for name, f in drifts),
        )
        self.noise = tuple(
            Equation(
                stated.variables[term.to[0][0]].name,
                own(term.size),
                entry.units,
                f"process {stated.process_names[stated.process_of(term)]}",
            )
            for term, entry in zip(stated.terms, stated.amplitudes, strict=True)
            if noisy
        )
        time = spelled[stated.time_symbol.name]
        self.inputs = () if stated.time is None else ((time, "ms", "time"),)
        self.parameters = tuple(
            p._replace(symbol=Symbol(spelled[name])) for name, p in stated.parameters.table.items()
        )

    @property
    def _derivatives(self) -> dict[str, str]:
        return {f"d{v.name}": v.name for v in self._stated.variables}

    @property
    def _uniform_rates(self) -> dict[str, float]:
        return {p.symbol.name: float(p.values[0]) for p in self.parameters}


class SeveralEquations(dict[str, Equations]):
    """The equations of a network's populations, by name, shown one after another."""

    def __init__(
        self, populations: dict[str, Equations], in_arrays: Callable[[str], Functions]
    ) -> None:
        super().__init__(populations)
        self._in_arrays = in_arrays

    def jax(self) -> Functions:
        """As `Equations.jax`, of all populations."""
        return self._in_arrays("jax")

    def torch(self) -> Functions:
        """As `Equations.torch`, of all populations."""
        return self._in_arrays("torch")

    def __str__(self) -> str:
        return "\n\n".join(f"population {name}\n\n{one}" for name, one in self.items())

    __repr__ = __str__

    def latex(self, values: bool = False) -> str:
        """As `Equations.latex`, of all populations."""
        return "\n\n".join(one.latex(values) for one in self.values())

    def markdown(self, values: bool = False) -> str:
        """As `Equations.markdown`, under the name of each population."""
        return "\n".join(f"**{name}**\n\n{one.markdown(values)}" for name, one in self.items())

    def _repr_markdown_(self) -> str:
        return self.markdown()


def _meaning(parameter: Parameter) -> str:
    """What a parameter is, and what it is called among those of the cell where that is not so."""
    name = parameter.symbol.name
    of_cell = f"; {name.replace('gbar', 'g', 1)} of the cell" if name.startswith("gbar_") else ""
    return f"{parameter.meaning}{of_cell}"


def _value(parameter: Parameter) -> str:
    if parameter.uniform:
        return number(float(parameter.values[0]))
    return f"{number(parameter.values.min())} to {number(parameter.values.max())}"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as Markdown; nothing where there are none."""
    if not rows:
        return ""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"

"""What equations are made of: named variables and parameters, assignments, noise terms."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from hh_sde.equations.expressions import Expression, Symbol, call, evaluate, names


class Variable(NamedTuple):
    """A row of the state: its name in results, and its symbol in equations.

    `role` says what it is, as attributes: its role, and the channel or synapse it belongs to.
    """

    name: str
    units: str
    long_name: str
    symbol: Symbol
    role: Mapping[str, str | int]


class Assignment(NamedTuple):
    """target = value: an equation, or one step of a flow."""

    target: Symbol
    value: Expression
    units: str = "1"
    meaning: str = ""


class NoiseTerm(NamedTuple):
    """A Wiener process of every neuron: dy_row = sign amplitude dW for each (row, sign).

    The amplitude is root(R), R the diffusion coefficient.
    """

    dW: Symbol
    amplitude: Symbol
    to: tuple[tuple[int, float], ...]
    R: Expression

    @property
    def size(self) -> Expression:
        """What the amplitude is."""
        return call("root", self.R)


class StatedTerm(NamedTuple):
    """An entry of G that was stated: dy_row = amplitude dW for the one row in `to`."""

    dW: Symbol
    amplitude: Symbol
    to: tuple[tuple[int, float], ...]
    size: Expression


AnyTerm = NoiseTerm | StatedTerm


class Parameter(NamedTuple):
    """A number of the model, one for every neuron."""

    symbol: Symbol
    values: np.ndarray  # (n_neurons,), or in a sweep (n_neurons, points)
    units: str
    meaning: str

    @property
    def uniform(self) -> bool:
        """Whether it is the same in all neurons."""
        return self.values.ndim == 1 and bool(np.all(self.values == self.values[0]))


#: What names of the written modules begin with, and what else means something there.
_TAKEN_PREFIX = re.compile(
    r"(state|dx|out|old|own|dW|coupled|amplitudes|alphas|betas|given|along|vector|entries|dv|expV|hh|p|q)_?\d*(_|$)"
)
_TAKEN = frozenset(
    (
        "I", "I_stim", "dW_V", "w", "A_dW", "dt", "inv_dt", "c", "p", "q", "curves", "lane",
        "np", "sqrt", "exp", "log", "decayed", "linoid", "linoid_of", "relaxed", "root",
        "table_value", "binomial", "uniform_of", "int", "abs", "min", "max", "kernel",
        "expression", "True", "False", "None", "total", "changed", "forth", "back", "move",
        "lower", "upper", "z", "noise", "level", "J", "G", "tamed_dt", "V_DEPENDENT_CONDUCTANCE",
        "TERMS", "BOUNDED", "POOLS", "OUTPUTS", "power", "lanes", "used", "ranges", "row",
        "absolute_root", "positive_root", "where", "linoid_slope", "table_slope", "range",
    )
)  # fmt: skip


class Names:
    """Gives out symbols, no two of one name, and none that a written module uses otherwise."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def new(self, wanted: str) -> Symbol:
        """A symbol of this name, or of one like it if that is taken."""
        name = re.sub(r"\W", "_", wanted, flags=re.ASCII)
        if _TAKEN_PREFIX.match(name) or name[:1].isdigit():
            name = f"v_{name}"
        while name in self._used or name in _TAKEN or keyword.iskeyword(name):
            name += "_"
        self._used.add(name)
        return Symbol(name)


class Parameters:
    """The numbers of a model by name, in the order in which its equations need them."""

    def __init__(self, names: Names, n_neurons: int) -> None:
        self._names = names
        self._n = n_neurons
        self.table: dict[str, Parameter] = {}
        self.definitions: dict[str, Expression] = {}  # of those that follow from others
        self.curves: list[np.ndarray] = []  # of tabulated rates

    def new(self, wanted: str, values: np.ndarray | float, units: str, meaning: str) -> Symbol:
        """The symbol of a new parameter."""
        symbol = self._names.new(wanted)
        given = np.asarray(values, dtype=float)
        spread = given if given.ndim == 2 else np.broadcast_to(given, (self._n,))
        self.table[symbol.name] = Parameter(symbol, spread, units, meaning)
        return symbol

    def derived(self, wanted: str, value: Expression, units: str, meaning: str) -> Symbol:
        """The symbol of a number that follows from others: worked out once, not in the loops."""
        known = {name: self.table[name].values for name in names(value)}
        if any(one.ndim == 2 for one in known.values()):
            known = {name: one.reshape(self._n, -1) for name, one in known.items()}
        with np.errstate(all="ignore"):
            symbol = self.new(wanted, evaluate(value, known), units, meaning)
        self.definitions[symbol.name] = value
        return symbol

    def values(self, symbol: Symbol) -> np.ndarray:
        """(n_neurons,), or in a sweep (n_neurons, points)"""
        return self.table[symbol.name].values

"""What people state of an SDE, checked: the arguments of `SDE.from_expressions`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hh_sde.equations.expressions import Expression, Symbol, names, rewritten
from hh_sde.equations.parsing import CONSTANTS, checked_name, is_zero, parsed
from hh_sde.equations.stated import Stated
from hh_sde.errors import nearest
from hh_sde.records import shown, single

_COLUMNS = (
    "diffusion says what each Wiener process moves, {'W1': {'x': 'sigma', 'y': 'a*y'}, ...}, or, "
    "where each variable has a process of its own, {'x': 'sigma', ...}; or it is a matrix of "
    "expressions, a row for each variable and a column for each process"
)


class Statement(NamedTuple):
    """The equations, and the state to start from."""

    stated: Stated
    x0: np.ndarray


class _Names:
    """Names that are given to quantities, each once."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    def new(self, given: Any, what: str) -> str:
        name = checked_name(given, what)
        if name in self.given:
            raise ValueError(f"{name} is the name of {self.given[name]} and {what}: give another")
        self.given[name] = what
        return name


def statement(
    drift: Any,
    diffusion: Any,
    x0: Any,
    parameters: Any,
    where: Any,
    interpretation: str,
    time: Any,
    units: Any,
) -> Statement:
    """The equations out of the arguments of `SDE.from_expressions`.

    Raises
    ------
    TypeError, ValueError
        If something is not of its kind, has a name twice, or reads what there is not.
    """
    known = _Names()
    time = known.new(time, "the time")
    variables = [known.new(one, "a variable") for one in _mapping(drift, "drift")]
    if not variables:
        raise ValueError("drift is empty: it gives dx/dt of each variable, {'x': '-k*x'}")
    numbers = {
        known.new(one, "a parameter"): single(value, f"parameters: {one}")
        for one, value in _mapping(parameters, "parameters").items()
    }
    reader = _Reading(known, frozenset(numbers))
    between = {}
    for one, given in _mapping(where, "where").items():  # each reads those before it
        e = reader.read(given, f"where: {one}")
        between[known.new(one, "a quantity in between")] = e
    slopes = {
        name: reader.read(given, f"the drift of {name}")
        for name, given in zip(variables, drift.values(), strict=True)
    }
    columns = reader.columns(diffusion, variables)
    stated = Stated(
        slopes, columns, between, numbers, time, _units(units, known.given), interpretation
    )
    return Statement(stated, _initial(x0, variables))


def _mapping(given: Any, name: str) -> Mapping[Any, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} must be a mapping of names, got {shown(given)}")
    return given


class _Reading:
    """Reads expressions in which the known names may stand."""

    def __init__(self, known: _Names, fixed: Collection[str]) -> None:
        self.known = known
        self.fixed = fixed

    def read(self, given: Any, what: str) -> Expression:
        e = rewritten(parsed(given, what, self.fixed), self._constant)
        for name in names(e):
            if name not in self.known.given:
                there = list(self.known.given)
                hint = nearest(name, there)
                raise ValueError(
                    f"{what} reads {name}, which is no variable, parameter or quantity before it"
                    f"{'; ' + hint if hint else ''}; there are {', '.join(there)}. A number is "
                    f"given as parameters={{{name!r}: ...}}"
                )
        return e

    def _constant(self, e: Expression) -> Expression | None:
        if isinstance(e, Symbol) and e.name in CONSTANTS and e.name not in self.known.given:
            return parsed(CONSTANTS[e.name], e.name)
        return None

    def columns(self, diffusion: Any, variables: Sequence[str]) -> dict[str, dict[str, Expression]]:
        """Of each process, what moves each variable and is not 0."""
        processes = _Names()
        found = {}
        for process, column in _columns(diffusion, variables).items():
            name = processes.new(process, "a Wiener process")
            entries = {}
            for variable, given in column.items():
                row = checked_name(variable, "a variable")
                if row not in variables:
                    hint = nearest(row, variables)
                    raise ValueError(
                        f"diffusion: process {name} moves {row}, which has no drift"
                        f"{'; ' + hint if hint else ''}; variables are {', '.join(variables)}"
                    )
                e = self.read(given, f"the diffusion of {row} by {name}")
                if not is_zero(e):
                    entries[row] = e
            if not entries:
                raise ValueError(f"diffusion: process {name} moves nothing: leave it out")
            found[name] = entries
        return found


def _columns(diffusion: Any, variables: Sequence[str]) -> Mapping[Any, Mapping[Any, Any]]:
    """The diffusion by process, in whichever way it is stated."""
    if diffusion is None:
        return {}
    if isinstance(diffusion, Mapping):
        columns = [isinstance(one, Mapping) for one in diffusion.values()]
        if all(columns):
            return diffusion
        if any(columns):
            raise TypeError(f"{_COLUMNS}; got {shown(diffusion)}")
        return {name: {name: given} for name, given in diffusion.items()}
    rows = diffusion.tolist() if hasattr(diffusion, "tolist") else diffusion
    if isinstance(rows, str) or not isinstance(rows, Iterable):
        raise TypeError(f"{_COLUMNS}; got {shown(diffusion)}")
    matrix = [list(row) if isinstance(row, list | tuple) else [] for row in rows]
    widths = {len(row) for row in matrix}
    if len(matrix) != len(variables) or len(widths) != 1 or 0 in widths:
        raise ValueError(
            f"diffusion as a matrix has a row for each of the {len(variables)} variables, all of "
            f"equal length; got {shown(diffusion)}"
        )
    (m,) = widths
    return {
        f"W{k + 1}": {name: row[k] for name, row in zip(variables, matrix, strict=True)}
        for k in range(m)
    }


def _units(given: Any, known: Collection[str]) -> dict[str, str]:
    found = {}
    for one, units in _mapping(given, "units").items():
        name = checked_name(one, "a quantity")
        if name not in known:
            raise ValueError(f"units: there is no {name}; there are {', '.join(known)}")
        if not isinstance(units, str):
            raise TypeError(f"units of {name} must be text, got {shown(units)}")
        found[name] = units
    return found


def _initial(x0: Any, variables: Sequence[str]) -> np.ndarray:
    """x0 by name, or in the order of the variables."""
    if not isinstance(x0, Mapping):
        found = np.atleast_1d(np.asarray(x0, dtype=object))
        if found.shape != (len(variables),):
            raise ValueError(
                f"x0 gives each variable its value, {', '.join(variables)}; got {shown(x0)}"
            )
        x0 = dict(zip(variables, found.tolist(), strict=True))
    given = {checked_name(one, "a variable"): value for one, value in x0.items()}
    if set(given) != set(variables):
        raise ValueError(
            f"x0 gives each variable its value, {', '.join(variables)}; got {', '.join(given)}"
        )
    return np.array([single(given[name], f"x0: {name}") for name in variables])

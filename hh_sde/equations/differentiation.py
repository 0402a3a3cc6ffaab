"""What follows from the equations by differentiation: dependencies, corrections, commutators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hh_sde.equations.expressions import (
    ONE,
    ZERO,
    Choice,
    Expression,
    Number,
    Symbol,
    derivative,
    names,
)
from hh_sde.equations.quantities import Assignment, NoiseTerm, Variable

#: For each target of the assignments, the names of all that it depends on.
Reads = Mapping[str, frozenset[str]]
Direction = Mapping[str, Expression]


def dependencies(assignments: Sequence[Assignment]) -> Reads:
    """For each target the names of all that it depends on, through others too."""
    reads: dict[str, frozenset[str]] = {}
    for target, value, *_ in assignments:
        reads[target.name] = _read_by(value, reads)
    return reads


def _read_by(e: Expression, reads: Reads) -> frozenset[str]:
    direct = frozenset(names(e))
    return direct.union(*(reads.get(name, ()) for name in direct))


def directional_derivative(
    e: Expression, along: Direction, assignments: Sequence[Assignment], reads: Reads
) -> Expression:
    """The derivative of e in a direction, through the assignments that it depends on."""
    needed = _read_by(e, reads)
    derivatives = dict(along)
    for target, value, *_ in assignments:
        if target.name in needed and not reads[target.name].isdisjoint(along):
            slope = derivative(value, derivatives)
            if slope != ZERO:
                derivatives[target.name] = slope
    return derivative(e, derivatives)


def directional_derivatives(
    assignments: Sequence[Assignment], along: Direction, suffix: str, new: Callable[[str], Symbol]
) -> tuple[list[Assignment], dict[str, Expression]]:
    """Those of all targets: the assignments of what gets a name of its own, and all by target."""
    derivatives, named = dict(along), []
    for target, value, units, meaning in assignments:
        slope = derivative(value, derivatives)
        if isinstance(slope, Symbol):
            derivatives[target.name] = slope
        elif slope != ZERO:
            symbol = new(f"{target.name}_{suffix}")
            named.append(Assignment(symbol, slope, units, f"derivative of: {meaning}"))
            derivatives[target.name] = symbol
    return named, derivatives


def column(term: NoiseTerm, variables: Sequence[Variable]) -> Direction:
    """The direction in which a noise term moves the state: its column of G over its amplitude."""
    return {variables[row].symbol.name: Number(sign) for row, sign in term.to}


def correction(
    term: NoiseTerm,
    along: Direction,
    assignments: Sequence[Assignment],
    reads: Reads,
    absolute: bool,
) -> Expression | None:
    """1/2 (dg) g of g = root(R): a quarter of dR, and where R < 0 nothing, or its opposite.

    `absolute` tells that the root is that of |R|. None: it is 0 everywhere.
    """
    dR = directional_derivative(term.R, along, assignments, reads)
    if dR == ZERO:
        return None
    quarter = 0.25 * dR
    return Choice(term.R, ZERO, quarter, -quarter if absolute else ZERO)


def noise_type(
    terms: Sequence[NoiseTerm],
    variables: Sequence[Variable],
    assignments: Sequence[Assignment],
    on_V: bool,
) -> str:
    """Columns commute if none changes what another depends on.

    A column is root(R) in a fixed direction: (dg_j) g_k is 0 if R_j does not change along g_k.
    Where some does, the noise is taken as general. `on_V`: V has noise of constant amplitude.
    """
    reads = dependencies(assignments)
    state = {variable.symbol.name for variable in variables}
    of_state = [_read_by(term.R, reads) & state for term in terms]
    if not any(of_state):
        return "additive"
    directions = [column(term, variables) for term in terms]
    others = [{"V": ONE}] if on_V else []
    for k, term in enumerate(terms):
        for along in [*others, *directions[:k], *directions[k + 1 :]]:
            if of_state[k].isdisjoint(along):
                continue
            if directional_derivative(term.R, along, assignments, reads) != ZERO:
                return "general"
    return "commutative"

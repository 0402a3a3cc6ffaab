"""Rates: functions of V by their tables, and what a gate has of them.

A new form of rate is a line in FORMS here, and one in `kinetics`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hh_sde.equations.expressions import Expression, Symbol, call
from hh_sde.equations.quantities import Assignment, Names, Parameters
from hh_sde.equations.tables import GateTable, RateTable

V = Symbol("V")


def rate(table: RateTable, name: str, units: str, parameters: Parameters) -> Expression:
    """The rate that is called `name`, as an expression of V and its parameters."""
    if table.kind == "constant":
        return parameters.new(f"{name}_0", table.numbers[0], units, f"{name}, constant")
    if table.kind == "tabulated":
        return _tabulated(table, name, units, parameters)
    r, mid, scale = table.numbers
    factor = parameters.new(f"{name}_rate", r, units, f"factor of {name}")
    middle = parameters.new(f"{name}_mid", mid, "mV", f"mid-point of {name}")
    width = parameters.new(f"{name}_scale", scale, "mV", f"scale of {name}")
    return FORMS[table.kind](factor, (V - middle) / width)


def _tabulated(table: RateTable, name: str, units: str, parameters: Parameters) -> Expression:
    assert table.curve is not None
    start, step, values = table.curve
    begin = 1 + sum(map(len, parameters.curves))
    parameters.curves.append(values)
    return call(
        "table_value",
        V,
        parameters.new(f"{name}_start", start, "mV", f"first point of the table of {name}"),
        parameters.new(f"{name}_inv_step", 1 / step, "1/mV", f"1/step of the table of {name}"),
        parameters.new(f"{name}_begin", begin, "1", f"place of {name} in curves ({units})"),
        parameters.new(f"{name}_points", len(values), "1", f"points of the table of {name}"),
    )


#: Elementary forms: of the factor r and u = (V - mid)/scale.
FORMS: dict[str, Callable[[Expression, Expression], Expression]] = {
    "exponential": lambda r, u: r * call("exp", u),
    "sigmoid": lambda r, u: r / (1.0 + call("exp", -u)),
    "linoid": lambda r, u: r * call("linoid", u),
}


class Kinetics(NamedTuple):
    """The rates of a gate: alpha, beta, and x_inf where it is asked for, each an assignment."""

    name: str
    power: int
    alpha: Symbol
    beta: Symbol
    x_inf: Symbol
    assignments: tuple[Assignment, ...]


def kinetics(table: GateTable, names: Names, parameters: Parameters) -> Kinetics:
    """alpha and beta of a gate, from x_inf and tau where those are given; and x_inf."""
    x = table.name
    alpha, beta, x_inf = (names.new(f"{rate}_{x}") for rate in ("alpha", "beta", "inf"))
    first, second = table.rates
    assignments: tuple[Assignment, ...]
    if table.by_tau:
        tau = names.new(f"tau_{x}")
        assignments = (
            Assignment(
                x_inf, rate(first, f"{x}_inf", "1", parameters), "1", f"steady state of {x}"
            ),
            Assignment(
                tau, rate(second, tau.name, "ms", parameters), "ms", f"time constant of {x}"
            ),
            Assignment(alpha, x_inf / tau, "1/ms", f"opening rate of {x}"),
            Assignment(beta, (1.0 - x_inf) / tau, "1/ms", f"closing rate of {x}"),
        )
    else:
        opening = rate(first, alpha.name, "1/ms", parameters)
        closing = rate(second, beta.name, "1/ms", parameters)
        assignments = (
            Assignment(alpha, opening, "1/ms", f"opening rate of {x}"),
            Assignment(beta, closing, "1/ms", f"closing rate of {x}"),
            Assignment(x_inf, alpha / (alpha + beta), "1", f"steady state of {x}"),
        )
    return Kinetics(x, table.power, alpha, beta, x_inf, assignments)

"""Rates: functions of V and of concentrations by their tables, and what a gate has of them.

A new form of rate is a line in FORMS here, and one in `kinetics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import NamedTuple

from hh_sde.equations.expressions import Choice, Expression, Symbol, call, product, total
from hh_sde.equations.quantities import Assignment, Names, Parameters
from hh_sde.equations.tables import GateTable, RateTable

V = Symbol("V")


class RateWriter:
    """Makes expressions of rates, and assignments for those that others are made of.

    `concentrations` are the symbols of the pools by name.
    """

    def __init__(
        self, names: Names, parameters: Parameters, concentrations: Mapping[str, Symbol]
    ) -> None:
        self.names, self.parameters = names, parameters
        self.concentrations = concentrations
        self.assignments: list[Assignment] = []

    def assign(self, table: RateTable, name: str, units: str, meaning: str) -> Symbol:
        """The symbol of the rate that is called `name`."""
        symbol = self.names.new(name)
        value = self._rate(table, symbol.name, units)
        self.assignments.append(Assignment(symbol, value, units, meaning))
        return symbol

    def _rate(self, table: RateTable, name: str, units: str) -> Expression:
        parameters = self.parameters
        if table.kind == "constant":
            return parameters.new(f"{name}_0", table.numbers[0], units, f"{name}, constant")
        if table.kind == "tabulated":
            return _tabulated(table, name, units, parameters)
        if table.kind in OF_TWO:
            alpha, beta = (
                self.assign(of, f"{name}_{which}", "1/ms", f"{which} in {name}")
                for of, which in zip(table.of, ("alpha", "beta"), strict=True)
            )
            return OF_TWO[table.kind](alpha, beta)
        if table.kind in OF_OTHERS:
            return self._of_others(table, name, units)
        if table.pool:
            return self._of_pool(table, name, units)
        r, mid, scale = table.numbers
        factor = parameters.new(f"{name}_rate", r, units, f"factor of {name}")
        middle = parameters.new(f"{name}_mid", mid, "mV", f"mid-point of {name}")
        width = parameters.new(f"{name}_scale", scale, "mV", f"scale of {name}")
        return FORMS[table.kind](factor, (V - middle) / width)

    def _of_others(self, table: RateTable, name: str, units: str) -> Expression:
        others: list[Expression] = [
            self.assign(of, f"{name}_{k}", units if k == 1 or table.kind != "product" else "1",
                        f"part {k} of {name}")
            for k, of in enumerate(table.of, start=1)
        ]  # fmt: skip
        if table.numbers:
            meaning = f"exponent in {name}"
            others.append(self.parameters.new(f"{name}_exponent", table.numbers[0], "1", meaning))
        return OF_OTHERS[table.kind](others)

    def _of_pool(self, table: RateTable, name: str, units: str) -> Expression:
        c, parameters = self.concentrations[table.pool], self.parameters
        r, *half = table.numbers
        if table.kind == "proportional":
            return parameters.new(f"{name}_rate", r, f"{units}/mM", f"factor of {name}") * c
        factor = parameters.new(f"{name}_rate", r, units, f"factor of {name}")
        middle = parameters.new(f"{name}_half", half[0], "mM", f"concentration of half {name}")
        if table.power > 1:
            raised = f"{name}_half^{table.power}"
            middle = parameters.derived(
                f"{name}_half_raised", middle**table.power, f"mM^{table.power}", raised
            )
        return factor * (c**table.power / (c**table.power + middle))


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


#: Rates that are made of two others, alpha and beta.
OF_TWO: dict[str, Callable[[Expression, Expression], Expression]] = {
    "steady_state": lambda alpha, beta: alpha / (alpha + beta),
    "time_constant": lambda alpha, beta: 1.0 / (alpha + beta),
}


def _least(rates: list[Expression]) -> Expression:
    return reduce(lambda a, b: Choice(b, a, a, b), rates)


#: Rates that are made of any number of others, or of one and a number.
OF_OTHERS: dict[str, Callable[[list[Expression]], Expression]] = {
    "sum": total,
    "product": product,
    "minimum": _least,
    "power": lambda parts: call("power", *parts),
}


class Kinetics(NamedTuple):
    """The rates of a gate: alpha, beta and x_inf."""

    name: str
    power: int
    alpha: Symbol
    beta: Symbol
    x_inf: Symbol


def kinetics(table: GateTable, writer: RateWriter) -> Kinetics:
    """alpha and beta of a gate, from x_inf and tau where those are given; and x_inf."""
    x = table.name
    to_open, to_close = f"opening rate of {x}", f"closing rate of {x}"
    if table.by_tau:
        x_inf = writer.assign(table.rates[0], f"inf_{x}", "1", f"steady state of {x}")
        tau = writer.assign(table.rates[1], f"tau_{x}", "ms", f"time constant of {x}")
        alpha, beta = writer.names.new(f"alpha_{x}"), writer.names.new(f"beta_{x}")
        writer.assignments += [
            Assignment(alpha, x_inf / tau, "1/ms", to_open),
            Assignment(beta, (1.0 - x_inf) / tau, "1/ms", to_close),
        ]
        return Kinetics(x, table.power, alpha, beta, x_inf)
    alpha = writer.assign(table.rates[0], f"alpha_{x}", "1/ms", to_open)
    beta = writer.assign(table.rates[1], f"beta_{x}", "1/ms", to_close)
    x_inf = writer.names.new(f"inf_{x}")
    steady = Assignment(x_inf, alpha / (alpha + beta), "1", f"steady state of {x}")
    writer.assignments.append(steady)
    return Kinetics(x, table.power, alpha, beta, x_inf)

"""Rates for which NeuroML has no form of its own, as <ComponentType>s with the same parts.

Each rate is a variable, whose numbers are constants and whose parts are variables of names that
begin with its own: `x = x_alpha / (x_alpha + x_beta)`, `x_alpha = x_alpha_rate * exp(...)`. What is
written so is recognised, and is the same rate again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hh_sde.interop.neuroml.files import Element
from hh_sde.interop.neuroml.lems import CALCIUM
from hh_sde.interop.neuroml.page import Page
from hh_sde.kinetics import (
    Constant,
    Exponential,
    Hill,
    Linoid,
    Minimum,
    Power,
    Product,
    Proportional,
    Rate,
    Sigmoid,
    SteadyState,
    Sum,
    TimeConstant,
)

#: Sums and products of more parts are neither written nor recognised.
MOST_PARTS = 8
#: The units of each dimension, as constants have them.
UNITS = {"per_time": "per_ms", "time": "ms", "none": "", "voltage": "mV", "concentration": "mM"}
#: What an exposure is of, and how types that have it are called.
EXPOSURES = {"r": ("per_time", "Rate"), "t": ("time", "Time"), "x": ("none", "Variable")}
SLOT = "of the slot"

#: A value, and the condition under which it is that.
Case = tuple[str | None, str]


class Form(NamedTuple):
    """How a kind of rate is written: `{p}` is the name of its variable.

    Attributes
    ----------
    cases : tuple of Case
    numbers : dict of str to str
        Its fields that are numbers, and their dimensions.
    parts : dict of str to str
        Its fields that are rates, and theirs.
    """

    cases: tuple[Case, ...]
    numbers: Mapping[str, str]
    parts: Mapping[str, str] = {}

    def of(self, p: str) -> tuple[Case, ...]:
        """The cases of a variable."""
        return tuple(
            (condition and condition.replace("{p}", p), value.replace("{p}", p))
            for condition, value in self.cases
        )


_U = "(v - {p}_mid) / {p}_scale"
_MINUS_U = "({p}_mid - v) / {p}_scale"
_THREE = {"rate": SLOT, "mid": "voltage", "scale": "voltage"}
_TWO = {"alpha": "per_time", "beta": "per_time"}
FORMS: dict[type[Rate], Form] = {
    Constant: Form(((None, "{p}_rate"),), {"rate": SLOT}),
    Exponential: Form(((None, f"{{p}}_rate * exp({_U})"),), _THREE),
    Sigmoid: Form(((None, f"{{p}}_rate / (1 + exp({_MINUS_U}))"),), _THREE),
    Linoid: Form(
        (
            (f"abs({_U}) .gt. 1e-6", f"{{p}}_rate * ({_U}) / (1 - exp({_MINUS_U}))"),
            (None, f"{{p}}_rate * (1 + ({_U}) / 2)"),
        ),
        _THREE,
    ),
    SteadyState: Form(((None, "{p}_alpha / ({p}_alpha + {p}_beta)"),), {}, _TWO),
    TimeConstant: Form(((None, "1 / ({p}_alpha + {p}_beta)"),), {}, _TWO),
    Power: Form(((None, "{p}_of ^ {p}_exponent"),), {"exponent": "none"}, {"of": SLOT}),
    Proportional: Form(
        ((None, "{p}_rate * caConc / {p}_unit"),), {"rate": SLOT, "unit": "concentration"}
    ),
    Hill: Form(
        ((None, "{p}_rate / (1 + ({p}_half / caConc) ^ {p}_power)"),),
        {"rate": SLOT, "half": "concentration", "power": "none"},
    ),
}


def _of_several(kind: type[Rate], n: int) -> Form:
    """The form of a sum, a product or a minimum of n rates."""
    names = [f"{{p}}_{k}" for k in range(n)]
    parts = {str(k): SLOT for k in range(n)}
    if kind is Minimum:
        return Form(((f"{names[0]} .lt. {names[1]}", names[0]), (None, names[1])), {}, parts)
    if kind is Product:
        parts |= {str(k): "none" for k in range(1, n)}
    return Form(((None, (" * " if kind is Product else " + ").join(names)),), {}, parts)


SEVERAL: dict[tuple[type[Rate], int], Form] = {
    **{
        (kind, n): _of_several(kind, n) for kind in (Sum, Product) for n in range(2, MOST_PARTS + 1)
    },
    (Minimum, 2): _of_several(Minimum, 2),
}


def define(page: Page, name: str, rate: Rate, exposure: str, what: str) -> None:
    """Write a rate as the <ComponentType> `name`; `what` is what it is called in refusals."""
    dimension, ending = EXPOSURES[exposure]
    concentration = "Conc" if rate.pools else ""
    made = page.element(
        "ComponentType", name=name, extends=f"baseVoltage{concentration}Dep{ending}"
    )
    variables: list[Any] = []
    for p, one, slot in _variables(exposure, rate, dimension):
        form = _form_of(one)
        if form is None or one.pools - {CALCIUM} or (isinstance(one, Power) and slot != "none"):
            page.refuse(f"{what}: it has no form for {one!r}")
            return
        for field, unit in form.numbers.items():
            own = slot if unit is SLOT else unit
            value = 1.0 if field == "unit" else getattr(one, field)
            text = page.number(value, UNITS[own], what)
            page.element("Constant", made, name=f"{p}_{field}", dimension=own, value=text)
        variables.append(_variable(page, p, form.of(p), slot, p == exposure))
    dynamics = page.element("Dynamics", made)
    dynamics.extend(sorted(variables, key=lambda one: one.tag != "DerivedVariable"))
    page.elements.append(made)


def _variables(p: str, rate: Rate, slot: str) -> Iterator[tuple[str, Rate, str]]:
    """A rate and its parts: the variable of each, and its dimension."""
    yield p, rate, slot
    form = _form_of(rate)
    for name, unit in (form.parts if form else {}).items():
        part = rate.of[int(name)] if name.isdigit() else getattr(rate, name)  # type: ignore[attr-defined]
        yield from _variables(f"{p}_{name}", part, slot if unit is SLOT else unit)


def _form_of(rate: Rate) -> Form | None:
    if type(rate) in FORMS:
        return FORMS[type(rate)]
    return SEVERAL.get((type(rate), len(getattr(rate, "of", ()))))


def _variable(page: Page, name: str, cases: tuple[Case, ...], dimension: str, exposed: bool) -> Any:
    own = {"name": name, "dimension": dimension} | ({"exposure": name} if exposed else {})
    if len(cases) == 1:
        return page.element("DerivedVariable", **own, value=cases[0][1])
    made = page.element("ConditionalDerivedVariable", **own)
    for condition, value in cases:
        when = {} if condition is None else {"condition": condition}
        page.element("Case", made, **when, value=value)
    return made


def recognised(definition: Element, exposure: str) -> Rate | None:
    """The rate that a <ComponentType> is, where it was written here; None for others."""
    dynamics = definition.child("Dynamics")
    if dynamics is None or definition.children("Parameter"):
        return None
    cases: dict[str, tuple[Case, ...]] = {}
    for one in dynamics.children("DerivedVariable", "ConditionalDerivedVariable"):
        if one.tag == "DerivedVariable":
            cases[one.text("name")] = ((None, one.text("value", "")),)
            continue
        cases[one.text("name")] = tuple(
            (case.text("condition") if case.has("condition") else None, case.text("value", ""))
            for case in one.children("Case")
        )
    constants = {one.text("name"): one for one in definition.children("Constant")}
    dimension, _ = EXPOSURES[exposure]
    return _Recognition(cases, constants).rate(exposure, dimension)


class _Recognition(NamedTuple):
    """The variables and constants of a <ComponentType>."""

    cases: Mapping[str, tuple[Case, ...]]
    constants: Mapping[str, Element]

    def rate(self, p: str, slot: str) -> Rate | None:
        """The rate that is the variable p."""
        found = self.cases.get(p)
        for kind, form in FORMS.items():
            if found == form.of(p):
                return self._of_fields(kind, form, p, slot)
        for (kind, _), form in SEVERAL.items():
            if found == form.of(p):
                parts = self._parts(form, p, slot)
                return None if parts is None else kind(tuple(parts.values()))  # type: ignore[call-arg]
        return None

    def _of_fields(self, kind: type[Rate], form: Form, p: str, slot: str) -> Rate | None:
        fields: dict[str, Any] = self._parts(form, p, slot) or {}
        if len(fields) < len(form.parts):
            return None
        for name, unit in form.numbers.items():
            if f"{p}_{name}" not in self.constants:
                return None
            dimension = slot if unit is SLOT else unit
            own = "number" if dimension == "none" else dimension
            fields[name] = self.constants[f"{p}_{name}"].value("value", own)
        if kind in (Proportional, Hill):
            fields["pool"] = CALCIUM
        if kind is Proportional:
            fields["rate"] /= fields.pop("unit")
        if kind is Hill:
            fields["power"] = int(fields["power"])
        return kind(**fields)

    def _parts(self, form: Form, p: str, slot: str) -> dict[str, Rate] | None:
        parts = {}
        for name, unit in form.parts.items():
            part = self.rate(f"{p}_{name}", slot if unit is SLOT else unit)
            if part is None:
                return None
            parts[name] = part
        return parts

"""Ion channels and their gates."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from hh_sde.interop.neuroml import forms, lems
from hh_sde.interop.neuroml.files import Element
from hh_sde.kinetics import (
    Constant,
    Exponential,
    Gate,
    Linoid,
    Rate,
    Sigmoid,
    SteadyState,
    TimeConstant,
)

#: Elements that are channels, and the types of an <ionChannel>.
CHANNELS = ("ionChannel", "ionChannelHH", "ionChannelPassive")
#: The forms of rates, as names of NeuroML begin.
FORMS = {"HHExpLinear": Linoid, "HHExp": Exponential, "HHSigmoid": Sigmoid}
#: For each function of a gate: how names of its forms end, its dimension, its name in LEMS.
FUNCTIONS = {
    "forwardRate": ("Rate", "per_time", "r"),
    "reverseRate": ("Rate", "per_time", "r"),
    "timeCourse": ("Time", "time", "t"),
    "steadyState": ("Variable", "number", "x"),
}
_RATES = ("forwardRate", "reverseRate")
#: What gates of each kind are made of.
GATES = {
    "gateHHrates": _RATES,
    "gateHHratesTau": (*_RATES, "timeCourse"),
    "gateHHratesInf": (*_RATES, "steadyState"),
    "gateHHratesTauInf": (*_RATES, "timeCourse", "steadyState"),
    "gateHHtauInf": ("timeCourse", "steadyState"),
    "gateHHInstantaneous": ("steadyState",),
}


class IonChannel(NamedTuple):
    """A kind of channel: its gates, and the conductance of one (mS) where the file has it."""

    gates: tuple[Gate, ...]
    conductance: Decimal | None


def ion_channel(element: Element, definitions: Mapping[str, Element]) -> IonChannel:
    """The channel of an element.

    Parameters
    ----------
    element : Element
        One of `CHANNELS`.
    definitions : mapping of str to Element
        The <ComponentType> of each name.

    Raises
    ------
    NeuroMLError
        If it has something that this library has not.
    """
    element.drop("species")
    kind = element.text("type", element.tag)
    if kind not in CHANNELS:
        element.refuse(f"channels of the type {kind} are not taken, only those with gates of "
                       "Hodgkin and Huxley")  # fmt: skip
    conductance = None
    if element.has("conductance"):
        conductance = element.quantity("conductance", "conductance")
    gates = tuple(_gate(one, definitions) for one in element.children("gate", *GATES))
    element.finish()
    return IonChannel(gates, conductance)


def _gate(element: Element, definitions: Mapping[str, Element]) -> Gate:
    kind = element.text("type") if element.tag == "gate" else element.tag
    if kind not in GATES:
        element.refuse(f"gates of the type {kind} are not taken, only {', '.join(GATES)}")
    parts = {name: _rate(element.only(name), definitions) for name in GATES[kind]}
    slots: dict[str, Any] = {"alpha": parts.get("forwardRate"), "beta": parts.get("reverseRate")}
    if kind != "gateHHrates":
        slots = {
            "x_inf": parts.get("steadyState") or SteadyState(**slots),
            "tau": parts.get("timeCourse"),
        }
        if kind == "gateHHratesInf":
            slots["tau"] = TimeConstant(parts["forwardRate"], parts["reverseRate"])
    settings = element.child("q10Settings")
    slots |= _q10(settings, slots) if settings is not None else {}
    power = element.value("instances", "number")
    with element.named():
        found = Gate(element.id, int(power) if power.is_integer() else power, **slots)  # type: ignore[arg-type]
    element.finish()
    return found


def _q10(settings: Element, slots: Mapping[str, Rate | None]) -> dict[str, Any]:
    """What a gate has besides, or instead, for its temperature."""
    kind = settings.text("type")
    found: dict[str, Any]
    if kind == "q10ExpTemp":
        found = {
            "q10": settings.value("q10Factor", "number"),
            "reference_temperature": settings.value("experimentalTemp", "temperature"),
        }
    elif kind == "q10Fixed":
        factor = settings.value("fixedQ10", "number")
        if not factor > 0:
            settings.refuse(f"fixedQ10 must be positive, got {factor:g}")
        factors = {"alpha": factor, "beta": factor, "tau": 1.0 / factor}
        found = {
            slot: one.scaled(factors[slot])
            for slot, one in slots.items()
            if one is not None and slot in factors
        }
    else:
        settings.refuse(f"there are q10ExpTemp and q10Fixed, not {kind}")
    settings.finish()
    return found


def _rate(element: Element, definitions: Mapping[str, Element]) -> Rate:
    ending, dimension, exposure = FUNCTIONS[element.tag]
    kind = element.text("type")
    found: Rate
    if kind in definitions:
        with element.named():
            same = forms.recognised(definitions[kind], exposure)
        found = lems.rate(definitions[kind], element, exposure) if same is None else same
    elif kind == "fixedTimeCourse" and ending == "Time":
        with element.named():
            found = Constant(element.value("tau", "time"))
    elif kind.removesuffix(ending) in FORMS and kind.endswith(ending):
        with element.named():
            found = FORMS[kind.removesuffix(ending)](
                element.value("rate", dimension),
                element.value("midpoint", "voltage"),
                element.value("scale", "voltage"),
            )
    else:
        known = ", ".join(f"{form}{ending}" for form in FORMS)
        element.refuse(f"the type {kind} is not taken: there are {known}, and what a "
                       "<ComponentType> of the file defines")  # fmt: skip
    element.finish()
    return found

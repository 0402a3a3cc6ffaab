"""Arguments of studies: one check for each name, which returns the checked value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from hh_sde.arguments.scalars import (
    between_0_and_1,
    finite,
    non_negative,
    positive,
    positive_int,
)
from hh_sde.choice import sde_for_method
from hh_sde.methods import Method, method_of, name_of
from hh_sde.records import shown
from hh_sde.studies.subject import Subject


def checked(subject: Subject, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a study, each checked by its name and then beside the others.

    Raises
    ------
    TypeError, ValueError
        With the argument's name, what it was, and what is accepted.
    """
    values = {name: CHECKS[name](value, name) for name, value in arguments.items()}
    if "discard" in values and values["discard"] >= values["t_end"]:
        raise ValueError(
            f"discard = {values['discard']:g} ms leaves nothing of t_end = {values['t_end']:g} ms; "
            "give a shorter discard or a longer t_end"
        )
    if values.get("reference_dt") is not None and values["reference_dt"] >= np.min(values["dt"]):
        raise ValueError(
            f"reference_dt = {values['reference_dt']:g} ms must be smaller than every dt, the "
            f"smallest of which is {np.min(values['dt']):g} ms"
        )
    subject.see_variable(values.get("variable"))
    reference = [values["reference"]] if values.get("reference") else []
    for one in (*(values.get("methods") or ()), *reference):
        sde_for_method(subject.model, method_of(one), name_of(one), None)
    return values


def method(value: Any, name: str) -> str | Method:
    """A method by its name or as an object."""
    method_of(value, name)
    return value


def methods(value: Any, name: str) -> list[str | Method]:
    """Different methods; one alone may stand for a list of it."""
    if isinstance(value, Method):
        value = [value]
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray) or not len(value):
        raise TypeError(f"{name} must be a list of methods, got {shown(value)}")
    found = [method(one if isinstance(one, Method) else str(one), name) for one in value]
    names = [name_of(one) for one in found]
    if len(set(names)) < len(names):
        raise ValueError(f"{name} names a method twice: {', '.join(names)}")
    return found


def several(one: Callable[[Any, str], float]) -> Callable[[Any, str], list[float]]:
    """Different numbers, each as `one` takes it; they come out in increasing order."""

    def check(value: Any, name: str) -> list[float]:
        if isinstance(value, str) or np.ndim(value) != 1 or not len(value):
            raise ValueError(f"{name} must be a list of one number or more, got {value!r}")
        numbers = sorted(one(item, f"each of {name}") for item in np.asarray(value).tolist())
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"{name} must be different from each other, got {numbers}")
        return numbers

    return check


def step_or_steps(value: Any, name: str) -> float | list[float]:
    return positive(value, name) if np.ndim(value) == 0 else several(positive)(value, name)


def or_none(check: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda value, name: None if value is None else check(value, name)


def flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a name, got {value!r}")
    return value


def names(value: Any, name: str) -> list[str]:
    """One name or more, each once."""
    listed = [value] if isinstance(value, str) else list(value) if np.iterable(value) else []
    if not listed or not all(isinstance(one, str) for one in listed):
        raise TypeError(f"{name} must be a list of names, as ['cell.g_Na'], got {shown(value)}")
    if len(set(listed)) < len(listed):
        raise ValueError(f"{name} must be different from each other, got {shown(listed)}")
    return listed


def name_or_function(value: Any, name: str) -> Any:
    if not (isinstance(value, str) or callable(value)):
        raise TypeError(f"{name} must be a name or a function, got {shown(value)}")
    return value


def as_it_is(value: Any, name: str) -> Any:
    """What `solve` checks."""
    return value


#: Units of those arguments that have one.
UNITS: dict[str, str] = {
    **dict.fromkeys(
        (
            "t_end",
            "dt",
            "dts",
            "save_dt",
            "discard",
            "window",
            "width",
            "coarsest",
            "renormalise",
        ),
        "ms",
    ),
    "reference_dt": "ms",
    "currents": "uA/cm^2",
    "sigmas": "uA/cm^2*ms^0.5",
}

#: The check of every argument that a study may have, `net` and `rng` aside.
CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "methods": or_none(methods),
    "method": or_none(method),
    "reference": or_none(method),
    "variable": or_none(text),
    "dts": several(positive),
    "dt": step_or_steps,
    "reference_dt": or_none(positive),
    "save_dt": or_none(positive),
    "coarsest": positive,
    "rmse": positive,
    "observable": name_or_function,
    "record": as_it_is,
    "stop": as_it_is,
    "exponents": positive_int,
    "parameters": names,
    "by": or_none(text),
    "counts": several(positive_int),
    "phases": partial(positive_int, least=2),
    "returns": partial(positive_int, least=2),
    "states": as_it_is,
    "renormalise": positive,
    "pilot": partial(positive_int, least=100),
    "most_levels": partial(positive_int, least=3),
    "t_end": positive,
    "window": positive,
    "discard": non_negative,
    "width": positive,
    "currents": several(finite),
    "sigmas": several(non_negative),
    "couplings": several(finite),
    "trials": positive_int,
    "repeats": positive_int,
    "refine": partial(positive_int, least=2),  # the reference's step is the smallest dt by it
    "threads": positive_int,
    "extrapolate": flag,
    "confidence": between_0_and_1,
    "tolerance": between_0_and_1,
}

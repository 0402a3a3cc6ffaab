"""Numbers with their units, and parts of a network as tables with a kind."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from hh_sde.errors import did_you_mean
from hh_sde.records import shown

_NUMBER_AND_UNIT = re.compile(
    r"\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*(.*?)\s*"
)


#: Fields that hold rates, which a number or a text is not.
_RATES = ("alpha", "beta", "voltage_block")


def in_unit(unit: str) -> Callable[[Any], Any]:
    """A reader of numbers (in lists too) that may carry `unit`, and no other."""

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [read(item) for item in value]
        if not isinstance(value, str):
            return value
        match = _NUMBER_AND_UNIT.fullmatch(value)
        if not match:
            raise ValueError(f"{shown(value)} is not a number (accepted: a number in {unit})")
        given = match[2].replace("**", "^").replace("\N{MICRO SIGN}", "u").replace(" ", "")
        if given not in ("", unit):
            raise ValueError(f"unit {shown(match[2])} is not accepted (accepted: {unit})")
        return float(match[1])

    return read


def is_number(text: str) -> bool:
    """Whether a text is a number, which may carry a unit."""
    return bool(_NUMBER_AND_UNIT.fullmatch(text))


def entry(table: Mapping[str, Callable[..., Any]], units: Mapping[str, str]) -> Callable[..., Any]:
    """A reader of {kind = "...", ...} that makes the part `kind` of the table.

    Its own units hold where `units` does not name others.
    """

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping) or "kind" not in value:
            raise ValueError(f"accepted: a table with a key kind, one of {', '.join(table)}")
        kind = value["kind"]
        if not isinstance(kind, str) or kind not in table:
            raise ValueError(
                f"kind {shown(kind)} is not known (accepted: {', '.join(table)})"
                + did_you_mean(kind, table)
            )
        make = table[kind]
        known = {**getattr(make, "units", {}), **units}
        accepted = _accepted_keys(make)
        for key in value:
            if key != "kind" and key not in accepted:
                raise ValueError(
                    f"key {shown(key)} is not known for {kind} (accepted: {', '.join(accepted)})"
                    + did_you_mean(key, accepted)
                )
        numbers = {}
        for key, item in value.items():
            if key == "kind":
                continue
            try:
                numbers[key] = in_unit(known[key])(item) if key in known else item
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
        try:
            return make(**numbers)
        except TypeError as error:
            message = str(error).rpartition("() ")[2].replace("positional ", "")
            raise ValueError(f"{kind}: {message}") from None

    return read


def _accepted_keys(make: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(make).parameters.values()
    return [p.name for p in parameters if p.name not in _RATES]  # which TOML cannot have

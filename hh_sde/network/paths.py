"""Names of a network's parameters: ``cell.g_Na``, ``E.noise.sigma``, ``synapses.AMPA.tau``.

A name is a path of fields. One of several channels, gates, synapses or noises is addressed by its
name, its kind or its index; a single one needs no word. In a network of populations, names begin
with a population.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from hh_sde.cells import Cell
from hh_sde.errors import unknown
from hh_sde.network.network import Network
from hh_sde.records import Record, shown
from hh_sde.stimuli import Stimulus, as_stimulus
from hh_sde.synapses import GapJunction


def parts_of(path: Any) -> list[str]:
    """The words of a name.

    Raises
    ------
    TypeError, ValueError
        If it is no text, or has an empty word.
    """
    if not isinstance(path, str):
        raise TypeError(f"a name must be text, as 'cell.g_Na', got {shown(path)}")
    parts = path.split(".")
    if not all(parts):
        raise ValueError(f"a name must be words with points between them, got {shown(path)}")
    return parts[1:] if parts[0] == "populations" and len(parts) > 1 else parts


def population_in(net: Network, parts: list[str]) -> tuple[str | None, list[str]]:
    """Which of `net.parts` a name begins with, and the rest of it; None: the whole network."""
    if parts[0] == "synapses" or (net.populations and parts[0] == "noise"):
        return None, parts
    if not net.populations:
        return "", parts
    if parts[0] not in net.populations:
        known = [*net.populations, "synapses", "noise"]
        raise ValueError(unknown("population", parts[0], known))
    if len(parts) == 1:
        raise ValueError(f"{parts[0]} is a population: name a part of it, {parts[0]}.cell.g_Na")
    return parts[0], parts[1:]


def with_value(net: Network, path: str, value: Any) -> Network:
    """The network with another value at a name.

    Raises
    ------
    TypeError, ValueError
        If there is nothing of this name, or it does not take the value.

    Examples
    --------
    >>> with_value(Network(1), "cell.g_Na", 100.0).cell.parameters["g_Na"]
    100.0
    """
    population, parts = population_in(net, parts_of(path))
    if population is None:
        field, *rest = parts
        return net.replace(**{field: replaced(getattr(net, field), rest, value, path)})
    own = net.parts
    return net.with_parts({**own, population: replaced(own[population], parts, value, path)})


def replaced(owner: Any, parts: list[str], value: Any, path: str) -> Any:
    """`owner` with another value at the place that `parts` lead to."""
    if not parts:
        return as_stimulus(value) if isinstance(owner, Stimulus) else value
    if isinstance(owner, tuple):
        number, rest = _member(owner, parts, path)
        changed = replaced(owner[number], rest, value, path)
        return (*owner[:number], changed, *owner[number + 1 :])
    if not isinstance(owner, Record):
        raise ValueError(f"{path}: there is nothing in {shown(owner)} that is called {parts[0]}")
    name, *rest = parts
    known = _fields(owner)
    if name not in known:
        raise ValueError(f"{path}: {unknown(f'part of {type(owner).__name__}', name, known)}")
    return owner.replace(**{name: replaced(known[name], rest, value, path)})


def value_at(net: Network, path: str) -> Any:
    """What there is at a name."""
    population, parts = population_in(net, parts_of(path))
    owner: Any = net if population is None else net.parts[population]
    while parts:
        if isinstance(owner, tuple):
            number, parts = _member(owner, parts, path)
            owner = owner[number]
            continue
        known = _fields(owner) if isinstance(owner, Record) else {}
        if parts[0] not in known:
            raise ValueError(f"{path}: {unknown('part', parts[0], known)}")
        owner, parts = known[parts[0]], parts[1:]
    return owner


def _fields(owner: Record) -> dict[str, Any]:
    found = {field.name: getattr(owner, field.name) for field in dataclasses.fields(owner)}  # type: ignore[arg-type]
    return {**found, **owner.parameters} if isinstance(owner, Cell) else found


def _member(owner: tuple[Any, ...], parts: list[str], path: str) -> tuple[int, list[str]]:
    """Which of several records is meant, and the rest of the name."""
    names = [_called(one) for one in owner]
    kinds = [type(one).__name__ for one in owner]
    word = parts[0]
    for known in (names, kinds):
        if known.count(word) == 1:
            return known.index(word), parts[1:]
        if known.count(word) > 1:
            raise ValueError(f"{path}: {known.count(word)} are called {word}: say which by number")
    if word.isdecimal() and int(word) < len(owner):
        return int(word), parts[1:]
    if len(owner) == 1:
        return 0, parts
    if not owner:
        raise ValueError(f"{path}: the network has none of these")
    raise ValueError(f"{path}: {unknown('part', word, [*names, *kinds])}")


def _called(one: Any) -> str:
    return "gap" if isinstance(one, GapJunction) else str(getattr(one, "name", ""))

"""Changes to a configuration, as the command line gives them: ``run.dt=0.02``."""

from __future__ import annotations

import tomllib
from typing import Any

from hh_sde.records import shown


def assign(tree: dict[str, Any], assignment: str) -> None:
    """Change a key of a configuration, in place.

    Parameters
    ----------
    tree : dict
        As TOML is read. Tables that are missing on the way to the key are made.
    assignment : str
        KEY=VALUE. The key is a path of names, and of places in lists from 0 on; the value is TOML,
        or else text, so that text needs no quotes.

    Raises
    ------
    ValueError
        If it is no assignment, or its path leads through what is neither a table nor a list.

    Examples
    --------
    >>> tree = {"network": {"n_neurons": 2, "synapses": [{"kind": "AMPA", "weights": 0.1}]}}
    >>> for assignment in ("run.dt=0.02", "run.method=heun", "network.synapses.0.weights=0.2"):
    ...     assign(tree, assignment)
    >>> tree["run"], tree["network"]["synapses"]
    ({'dt': 0.02, 'method': 'heun'}, [{'kind': 'AMPA', 'weights': 0.2}])
    """
    key, equals, text = assignment.partition("=")
    path = _path(key)
    if not equals or not path:
        raise ValueError("accepted: KEY=VALUE, as run.dt=0.02")
    *way, last = path
    node: Any = tree
    for depth, name in enumerate(way):
        if isinstance(node, dict):
            node = node.setdefault(name, {})
        else:
            node = node[_place(node, name, way[:depth])]
    if isinstance(node, dict):
        node[last] = _value(text)
    else:
        node[_place(node, last, way)] = _value(text)


def _path(key: str) -> list[str]:
    """The names in a dotted key, or none if it is not a key."""
    try:
        node: Any = tomllib.loads(f"{key} = 0")
    except ValueError:
        return []
    path = []
    while isinstance(node, dict) and len(node) == 1:
        ((name, node),) = node.items()
        path.append(name)
    return path if node == 0 else []


def _value(text: str) -> Any:
    try:
        read = tomllib.loads(f"value = {text}")
    except ValueError:
        return text.strip()
    return read["value"] if len(read) == 1 else text.strip()


def _place(node: Any, name: str, way: list[str]) -> int:
    """The place in a list that a name of a path is."""
    where = ".".join(way)
    if not isinstance(node, list):
        raise ValueError(
            f"{where} is {shown(node)}, which has no keys; give all of it, {where}={{...}}"
        )
    if not name.isdecimal() or int(name) >= len(node):
        raise ValueError(
            f"{shown(name)} is no place in the list {where} (it has {len(node)}, counted from 0)"
        )
    return int(name)

"""What the parts of a network may be."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from hh_sde import memory
from hh_sde.cells import CELLS, Cell
from hh_sde.errors import did_you_mean, unknown
from hh_sde.noise import NOISES, ChannelNoise, Noise
from hh_sde.records import shown
from hh_sde.synapses import SYNAPSES, AnySynapse


def checked_count(n: Any, name: str) -> int:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"{name} must be 1, 2, 3, ..., got {shown(n)}")
    return int(n)


def see_that_it_fits(
    parts: Sequence[tuple[int, Cell]], synapses: tuple[Any, ...], noise: tuple[Noise, ...]
) -> None:
    """See that the tables of populations of so many neurons fit into memory, before any is made.

    Raises
    ------
    ValueError
        If they do not.
    """
    in_all = sum(count for count, _ in parts)
    n = float(min(in_all, 2**100))
    rows = max(3 + 3 * len(cell.channels) + len(cell.gates) for _, cell in parts) + len(synapses)
    alone = 8.0 * n * rows
    # one number for all pairs: a full matrix, and its entries with their places
    pairs = 3 * sum(isinstance(getattr(part, "correlation", None), float) for part in noise)
    hint = (
        "one number as correlation couples every pair: give a scipy.sparse matrix"
        if alone <= memory.available()
        else "take fewer neurons"
    )
    wanted = alone + pairs * 8.0 * n * n
    memory.require(wanted, f"the tables of n_neurons = {shown(in_all)}", hint)


def checked_cell(cell: Any) -> Cell:
    if isinstance(cell, Cell):
        return cell
    if isinstance(cell, str) and cell in CELLS:
        return CELLS[cell]
    raise ValueError(
        f"cell must be a Cell or one of {', '.join(CELLS)}; got {shown(cell)}"
        + did_you_mean(cell, CELLS)
    )


def parameter_of_cell(name: str, value: Any, cell: Any, known_as: str) -> str:
    """What to say of a parameter given to a network that is one of its cell; or nothing."""
    cell = CELLS.get(cell) if isinstance(cell, str) else cell
    if not isinstance(cell, Cell) or name not in cell.parameters:
        return ""
    entry = known_as or f'hh_sde.CELLS["{cell.name}"]'
    return f"{name} is of the cell: cell={entry}({name}={shown(value)})"


def checked_synapses(synapses: Any, weights: Any = None) -> tuple[AnySynapse, ...]:
    if isinstance(synapses, str):
        return (_named_synapse(synapses, weights),)
    if weights is not None:
        raise TypeError(
            "weights goes with the name of a synapse, as synapses='AMPA', weights=0.1; a Synapse "
            f"has its own weights, and synapses is {shown(synapses)}"
        )
    if isinstance(synapses, AnySynapse):
        return (synapses,)
    if synapses is None:
        return ()
    parts = synapses if isinstance(synapses, tuple | list) else [synapses]
    for part in parts:
        if isinstance(part, str) or callable(part):
            raise TypeError(
                f"synapses must be Synapse, EventSynapse or GapJunction, got {shown(part)}; an "
                "entry of SYNAPSES "
                'is called with the weights, hh_sde.SYNAPSES["AMPA"](weights=0.1); one alone is '
                "named: synapses='AMPA', weights=0.1"
            )
        if not isinstance(part, AnySynapse):
            raise TypeError(
                "synapses must be Synapse, EventSynapse or GapJunction, or a tuple or list of "
                f"them, got {shown(part)}"
            )
    return tuple(parts)


def _named_synapse(name: str, weights: Any) -> AnySynapse:
    """The entry of SYNAPSES with these weights."""
    if name not in SYNAPSES:
        raise ValueError(unknown("synapse", name, SYNAPSES))
    if weights is None:
        raise TypeError(
            f"synapses={name!r} takes weights beside it (mS/cm^2): a number for every two "
            f"neurons, or a matrix [to, from]; as synapses={name!r}, weights=0.1"
        )
    synapse = SYNAPSES[name](weights=weights)
    if not isinstance(synapse, AnySynapse):
        raise TypeError(f"SYNAPSES[{name!r}] made no Synapse or GapJunction, but {shown(synapse)}")
    return synapse


def checked_noise(noise: Any) -> tuple[Noise, ...]:
    parts = (noise,) if isinstance(noise, Noise) else noise
    known = tuple(NOISES.values())
    if parts is None:
        return ()
    several = parts if isinstance(parts, tuple | list) else (parts,)
    for part in several:
        if not isinstance(part, known):
            raise TypeError(
                f"noise must be None, one of {', '.join(c.__name__ for c in known)}, or several of "
                f"them, got {shown(noise)}{_how_to_call_noise(part)}"
            )
    channel_noise = [type(part).__name__ for part in several if isinstance(part, ChannelNoise)]
    if len(channel_noise) > 1:
        raise ValueError(f"a network takes one kind of channel noise, got {channel_noise}")
    return tuple(several)


def _how_to_call_noise(given: Any) -> str:
    """How to come from a name, a class or a number to a noise."""
    if isinstance(given, str) and given not in NOISES:
        return f"; {unknown('noise', given, NOISES)}"
    if isinstance(given, str) or given in NOISES.values():
        kind = NOISES[given] if isinstance(given, str) else given
        first = next(iter(inspect.signature(kind).parameters))
        entry = f'hh_sde.NOISES["{given}"]({first}=...) or ' if isinstance(given, str) else ""
        return f"; call it with its numbers, {entry}hh_sde.{kind.__name__}({first}=...)"
    if isinstance(given, int | float) and not isinstance(given, bool):
        return f"; white current noise of that intensity is hh_sde.CurrentNoise(sigma={given})"
    return ""

"""What the parts of a network may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.cells import CELLS, Cell
from hh_sde.noise import NOISES, ChannelNoise, Noise
from hh_sde.synapses import GapJunction, Synapse


def checked_count(n_neurons: Any) -> int:
    if isinstance(n_neurons, bool) or not isinstance(n_neurons, int | np.integer) or n_neurons < 1:
        raise ValueError(f"n_neurons must be 1, 2, 3, ..., got {n_neurons!r}")
    return int(n_neurons)


def checked_cell(cell: Any) -> Cell:
    if isinstance(cell, Cell):
        return cell
    if isinstance(cell, str) and cell in CELLS:
        return CELLS[cell]
    raise ValueError(f"cell must be a Cell or one of {', '.join(CELLS)}; got {cell!r}")


def checked_synapses(synapses: Any) -> tuple[Synapse | GapJunction, ...]:
    if isinstance(synapses, Synapse | GapJunction):
        return (synapses,)
    if synapses is None:
        return ()
    if isinstance(synapses, str) or callable(synapses):
        raise TypeError(
            f"synapses must be Synapse or GapJunction, got {synapses!r}; an entry of SYNAPSES is "
            'called with the weights: hh_sde.SYNAPSES["AMPA"](weights=0.1)'
        )
    for synapse in synapses:
        if not isinstance(synapse, Synapse | GapJunction):
            raise TypeError(f"synapses must be Synapse or GapJunction, got {synapse!r}")
    return tuple(synapses)


def checked_noise(noise: Any) -> tuple[Noise, ...]:
    parts = (noise,) if isinstance(noise, Noise) else noise
    known = tuple(NOISES.values())
    if parts is None:
        return ()
    if not isinstance(parts, tuple | list) or not all(isinstance(part, known) for part in parts):
        raise TypeError(
            f"noise must be None, one of {', '.join(c.__name__ for c in known)}, or several of "
            f"them, got {noise!r}"
        )
    channel_noise = [type(part).__name__ for part in parts if isinstance(part, ChannelNoise)]
    if len(channel_noise) > 1:
        raise ValueError(f"a network takes one kind of channel noise, got {channel_noise}")
    return tuple(parts)

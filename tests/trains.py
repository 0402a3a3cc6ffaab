"""Spike trains for tests, made without the library's detection."""

import numpy as np

from hh_sde import measures


def ragged(trains, t_end, trials=False):
    """The Dataset of `spikes` of trains[neuron], or with trials of trains[trial][neuron]."""
    rows = trains if trials else [trains]
    flat = [np.asarray(train, dtype=float) for row in rows for train in row]
    n_neurons = len(rows[0])
    place = np.repeat(np.arange(len(flat)), [len(train) for train in flat])
    return measures.trains.ragged(
        np.concatenate(flat),
        place // n_neurons,
        place % n_neurons,
        trials=np.arange(len(rows)) if trials else None,
        neurons=np.arange(n_neurons),
        attrs={"t_start": 0.0, "t_end": float(t_end)},
    )

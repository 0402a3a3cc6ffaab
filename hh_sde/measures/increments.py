"""The noise that a run received, made again from its seed."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hh_sde import memory, stated
from hh_sde.dataset import COORDINATES, spikes_alone
from hh_sde.measures.arguments import checked
from hh_sde.measures.labels import labels
from hh_sde.measures.over_time import increasing_times


def noise(ds: xr.Dataset, spacing: float | None = None) -> xr.Dataset:
    """The noise that each trial received: increments of its Wiener processes, from its seed.

    Parameters
    ----------
    ds : a result of `solve` of a Network with noise
        With traces or with spikes alone; of a part of it, the noise of its trials and times.
    spacing : float, optional
        Length of the intervals over which the increments are, a multiple of the run's dt, ms.
        Default: that of the saved states, and of spikes alone dt.

    Returns
    -------
    Dataset
        Dims (trial, time, neuron), where `time` is the beginning of each interval. dW_V
        (ms^0.5): the increments of the Wiener processes of a `CurrentNoise`, and I_noise
        (uA/cm^2): the mean over each interval of the current that they make, all `CurrentNoise`
        together. Of other noise one variable for each of `Network.wiener_processes`, as dW_eta.
        Where a `CurrentNoise` is correlated, dW_V are the independent processes that it is mixed
        of, `CurrentNoise.amplitudes`; I_noise is what arrives.

    Raises
    ------
    ValueError
        If the run had no noise, or noise that is not of Wiener processes (`gillespie`,
        `tau_leap`); if the Dataset does not say which, or is of schema 1; if `spacing` is no
        multiple of dt.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network(1, stimulus=6.0, noise=hh.CurrentNoise(2.0))
    >>> ds = hh.solve(net, 50.0, rng=1, trials=3, record=("spikes",))
    >>> noise(ds).I_noise.sizes
    Frozen({'trial': 3, 'time': 5000, 'neuron': 1})
    """
    # the engine is loaded with these
    from hh_sde.network import Network
    from hh_sde.provenance import path_of

    _refuse_without_increments(ds)
    net = Network.from_dataset(ds)
    path = path_of(ds.attrs, net.sde())
    first, last, every = _steps(ds, path.dt, spacing)
    trials = _trials(ds)
    memory.require(
        24.0 * (last - first) * path.m * len(trials),
        f"the increments of {len(trials)} trials over {last - first} steps",
        "take fewer trials, or a shorter part: ds.hh.window(start, stop)",
    )
    fine = path.lanes(first, last, trials)
    dW = fine.reshape(-1, every, path.m, len(trials)).sum(axis=1).transpose(2, 0, 1)
    intervals = dW.shape[1]
    values: dict[str, tuple[np.ndarray, str, str]] = {}
    mixed = np.zeros((len(trials), intervals, net.n_neurons))
    begin = 0
    for name, neurons, white in net.processes:
        own = dW[..., begin : begin + neurons.stop - neurons.start]
        begin += neurons.stop - neurons.start
        lacking = np.full((len(trials), intervals, net.n_neurons), np.nan)
        text = f"increments of the Wiener processes of {name}"
        array, *_ = values.setdefault(f"dW_{name}", (lacking, "ms^0.5", text))
        array[..., neurons] = own
        if white is not None:
            amplitudes = white.amplitudes(neurons.stop - neurons.start).toarray()
            mixed[..., neurons] += own @ amplitudes.T
    if any(white is not None for *_, white in net.processes):
        text = "white noise current, mean over the interval"
        values["I_noise"] = (mixed / (every * path.dt), "uA/cm^2", text)
    coords = {
        "trial": trials,
        "time": path.dt * np.arange(first, last, every),
        "neuron": np.arange(net.n_neurons),
    }
    increments = xr.Dataset(
        {
            name: (tuple(coords), array, labels(units, text))
            for name, (array, units, text) in values.items()
        },
        coords={name: (name, one, labels(*COORDINATES[name])) for name, one in coords.items()},
        attrs=ds.attrs,
    )
    return _as_in(ds, increments)


def _refuse_without_increments(ds: xr.Dataset) -> None:
    if ds.attrs.get("noise") == "ignored":
        raise ValueError("this run had no noise: it was dropped, noise='ignore'")
    if ds.attrs.get("interpretation") == "chain":
        raise ValueError(
            f"the noise of {ds.attrs.get('method')} is of channels that open and close one by one, "
            "and has no Wiener processes"
        )
    if "upgraded_from" in ds.attrs:
        raise ValueError(
            f"this result is of schema {ds.attrs['upgraded_from']}, whose noise was drawn from its "
            "seed in another way: make the result again, hh_sde.solve"
        )
    if isinstance(ds.attrs.get("trials"), int | np.integer):
        raise ValueError("these are statistics over trials; the noise is that of each trial")


def _steps(ds: xr.Dataset, dt: float, spacing: float | None) -> tuple[int, int, int]:
    """The first grid step, the one after the last, and how many of them make an interval."""
    alone = "time" not in ds.coords
    if spacing is None:
        spacing = dt if alone else stated.number(ds.attrs, "save_dt")
    every = round(checked(spacing, "spacing") / dt)
    if every < 1 or abs(every * dt - spacing) > 1e-6 * dt:
        raise ValueError(f"spacing = {spacing:g} ms must be a multiple of dt = {dt:g} ms")
    ends = stated.span(ds.attrs) if alone else increasing_times(ds)[[0, -1]]
    first, last = (round(float(end) / dt) for end in ends)
    if last - first < every:
        raise ValueError(
            f"spacing = {spacing:g} ms is longer than the record, {(last - first) * dt:g} ms"
        )
    return first, last - (last - first) % every, every


def _trials(ds: xr.Dataset) -> list[int]:
    """The numbers of the trials, by which the noise is addressed."""
    if "trial" in ds.coords:
        return np.atleast_1d(ds.trial.values).tolist()
    if spikes_alone(ds) and "trials" in ds.attrs:
        return stated.labels(ds.attrs, "trials")
    return [int(ds.attrs.get("trial", 0))]


def _as_in(ds: xr.Dataset, increments: xr.Dataset) -> xr.Dataset:
    """Without the dim `trial` where `ds` has none, and with the neurons of `ds`."""
    with_trials = "trial" in ds.dims or (spikes_alone(ds) and "trials" in ds.attrs)
    if not with_trials:
        increments = increments.isel(trial=0, drop="trial" not in ds.coords)
    return increments.sel(neuron=ds.neuron.values) if "neuron" in ds.coords else increments

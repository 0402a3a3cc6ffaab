"""Gates of one population at clamped potentials: rates, and variances of channel noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from hh_sde.cells import Cell
from hh_sde.equations import evaluated
from hh_sde.equations.dynamics import Dynamics
from hh_sde.equations.tables import Model
from hh_sde.kinetics import Channel
from hh_sde.markov import scheme
from hh_sde.noise import ChannelNoise
from hh_sde.records import numbers


def kinetics(cell: Cell, model: Model, V: Any) -> xr.Dataset:
    """Steady states, time constants and rates of the gates of one neuron; `Network.kinetics`."""
    V = np.atleast_1d(numbers(V, "V", "numbers (mV)"))
    alone = Dynamics(model)
    at = evaluated.at_rest(alone, V[:, None])
    alpha, beta, x_inf, tau = np.full((4, len(cell.gates), V.size), np.nan)
    variable, instantaneous = iter(alone.kinetics), iter(alone.instantaneous)
    for k, gate in enumerate(cell.gates):
        if gate.instantaneous:
            x_inf[k], tau[k] = at.of(next(instantaneous)).ravel(), 0.0
            continue
        rates = next(variable)
        alpha[k], beta[k], x_inf[k] = (
            at.of(e).ravel() for e in (rates.alpha, rates.beta, rates.x_inf)
        )
        tau[k] = at.of(1.0 / (rates.alpha + rates.beta)).ravel()
    values = {
        "alpha": (alpha, "1/ms", "opening rate"),
        "beta": (beta, "1/ms", "closing rate"),
        "x_inf": (x_inf, "1", "steady state"),
        "tau": (tau, "ms", "time constant"),
    }
    return xr.Dataset(
        {
            name: (("gate", "V"), array, {"units": units, "long_name": long_name})
            for name, (array, units, long_name) in values.items()
        },
        coords={
            "gate": [gate.name for gate in cell.gates],
            "V": ("V", V, {"units": "mV", "long_name": "membrane potential"}),
        },
    )


def shielding(
    cell: Cell, model: Model, noise: ChannelNoise | None, V: Any, rates: xr.Dataset
) -> xr.Dataset:
    """Missing fraction of the open fractions' variances; `Network.shielding`."""
    chosen = [
        channel
        for channel, table in zip(cell.channels, model.channels, strict=True)
        if table.form == "states"
    ]
    missing = [_missing_variance(channel, noise, rates) for channel in chosen if noise]
    return xr.Dataset(
        {
            "missing": (
                ("channel", "V"),
                np.array(missing).reshape(len(chosen), V.size),
                {
                    "units": "1",
                    "long_name": "missing part of the open fraction's variance",
                    "nan_means": "the open fraction does not vary",
                },
            )
        },
        coords={
            "channel": (
                "channel",
                [channel.name for channel in chosen],
                {"units": "1", "long_name": "channel"},
            ),
            "V": ("V", V, {"units": "mV", "long_name": "membrane potential"}),
        },
    )


def _missing_variance(channel: Channel, noise: ChannelNoise, rates: xr.Dataset) -> list[float]:
    """1 - variance/(variance with all noise) of a channel's open fraction, for each V."""
    states = scheme(channel)
    noisy = noise.noisy(states)
    gates = [gate.name for gate in channel.variable_gates]
    alpha, beta = (rates[name].sel(gate=gates).values.T for name in ("alpha", "beta"))
    open_state = (states.open, states.open)
    missing = []
    for a, b in zip(alpha, beta, strict=True):
        of_all = states.covariance(a, b)[open_state]
        part = states.covariance(a, b, noisy)[open_state]
        missing.append(1.0 - part / of_all if of_all > 0.0 else np.nan)
    return missing

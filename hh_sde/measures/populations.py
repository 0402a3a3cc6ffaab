"""How far the neurons of a network go together."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hh_sde.measures.arguments import checked
from hh_sde.measures.labels import Labelled, labels
from hh_sde.measures.over_time import hint_of_traces, see_numbers
from hh_sde.measures.train_arrays import Trains
from hh_sde.spike_rule import SpikeRule


def synchrony(ds: xr.Dataset, variable: str = "V") -> xr.Dataset:
    r"""Synchrony of the traces of a population, between 0 and 1.

    .. math::

        \chi^2 = \frac{\mathrm{Var}_t \big( \langle V_i \rangle_i \big)}
                      {\big\langle \mathrm{Var}_t V_i \big\rangle_i}

    1 if all traces are equal, about 1/N if they are independent; :math:`\chi`, its root, is used
    as well.

    Parameters
    ----------
    ds : Dataset with `variable` over time and neuron
        Leave out what should not count, a transient say, with `ds.sel(time=slice(100.0, None))`.
    variable : str

    Returns
    -------
    Dataset with chi_squared, dims (trial,) or none
        Lazy if the variable is. NaN where no trace changes.

    Raises
    ------
    ValueError
        If there is no such variable over time and neuron.

    References
    ----------
    Golomb & Rinzel 1994, Physica D 72, 259, doi:10.1016/0167-2789(94)90214-3;
    Golomb 2007, Scholarpedia 2(1), 1347, doi:10.4249/scholarpedia.1347.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network(5, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    >>> found = synchrony(hh.solve(net, 100.0, rng=1, save_dt=0.1))
    >>> bool(0 < found.chi_squared < 1)
    True
    """
    if variable not in ds or not {"time", "neuron"} <= set(ds[variable].dims):
        raise ValueError(
            f"synchrony needs the variable {variable!r} over time and neuron; this Dataset has "
            + ", ".join(f"{name}{one.dims}" for name, one in ds.data_vars.items())
            + hint_of_traces(ds)
        )
    V = ds[variable]
    see_numbers(V)
    single = V.var("time").mean("neuron")
    # below this the variance of a constant is rounding error
    changes = single > (1e-13 * abs(V).max(["time", "neuron"])) ** 2
    chi_squared = V.mean("neuron").var("time") / single.where(changes)
    chi_squared = chi_squared.assign_attrs(
        labels("1", f"synchrony chi^2 of {variable}"), nan_means="no trace changes"
    )
    return xr.Dataset({"chi_squared": chi_squared}, attrs=ds.attrs)


def phase_locking(
    ds: xr.Dataset,
    rule: SpikeRule | None = None,
    *,
    step: float = 1.0,
    start: float | None = None,
    stop: float | None = None,
) -> xr.Dataset:
    r"""The Kuramoto order parameter of the phases between spikes.

    .. math::

        R(t) = \Big| \frac1N \sum_{j} e^{i \varphi_j(t)} \Big|, \qquad
        \varphi(t) = 2 \pi \Big( k + \frac{t - t_k}{t_{k+1} - t_k} \Big),
        \quad t_k \le t < t_{k+1}

    1 if all neurons are at the same phase, of order :math:`1/\sqrt N` if the phases are
    independent. A neuron has a phase from its first spike to its last; R is NaN where one of them
    has none.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`, of two neurons or more
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.
    step : float
        Spacing of the times at which R is computed, ms.

    Returns
    -------
    Dataset
        R (trial, time) and its mean over the times where it is defined, R_mean (trial,).

    Raises
    ------
    TypeError, ValueError
        If there is one neuron only, or `step` is not positive or longer than the record.

    References
    ----------
    Kuramoto 1984, Chemical Oscillations, Waves, and Turbulence, doi:10.1007/978-3-642-69689-3.
    Phases between events: Pikovsky, Rosenblum, Osipov & Kurths 1997, Physica D 104, 219,
    doi:10.1016/S0167-2789(96)00301-6.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(2, stimulus=10.0), 100.0)
    >>> round(phase_locking(ds).R_mean.item(), 6)
    1.0
    """
    trains = Trains.of(ds, rule, start, stop, of_own_length=True)
    step = checked(step, "step", most=trains.duration)
    if len(trains.coords["neuron"]) < 2:
        raise ValueError("phase_locking needs two neurons or more, got one")
    times = trains.start + step * np.arange(int(trains.duration / step + 1e-9) + 1)
    coords, populations = trains.groups("neuron")
    R = np.array([_order(population, times) for population in populations])
    defined = np.isfinite(R)
    number = defined.sum(axis=1)
    # no spikes in common, no mean: said with NaN and without a warning
    mean = np.where(defined, R, 0.0).sum(axis=1) / np.where(number, number, np.nan)
    return trains.dataset(
        {
            "R": Labelled(R, "1", "Kuramoto order parameter", "a neuron is not between two spikes"),
            "R_mean": Labelled(
                mean,
                "1",
                "time average of the Kuramoto order parameter",
                "at no time are all neurons between two spikes",
                tuple(coords),
            ),
        },
        {**coords, "time": Labelled(times, "ms", "time")},
    )


def _order(population: list[np.ndarray], times: np.ndarray) -> np.ndarray:
    """R at each time, NaN where a neuron has no phase."""
    total = np.zeros(times.size, dtype=complex)
    for train in population:
        if train.size < 2:
            return np.full(times.size, np.nan)
        cycles = np.interp(times, train, np.arange(train.size), left=np.nan, right=np.nan)
        total += np.exp(2j * np.pi * cycles)
    return np.abs(total) / len(population)

"""Sweeps over noise and coupling: noise_sweep, reliability, synchrony."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import xarray as xr

from hh_sde import measures
from hh_sde.brownian import Rng
from hh_sde.measures.isi import moments, variation
from hh_sde.network import Network
from hh_sde.progress import watched
from hh_sde.solver import solve
from hh_sde.studies.common import (
    Column,
    estimated,
    labelled,
    mean_of,
    meant,
    rate_interval,
    study,
    with_white,
)
from hh_sde.studies.intervals import INVERSE, jackknife, times_drawn, unless_all_agree
from hh_sde.synapses import GapJunction, Synapse


@study
def noise_sweep(
    net: Network,
    sigmas: Sequence[float] = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 24.0),
    t_end: float = 2000.0,
    trials: int = 20,
    *,
    dt: float = 0.05,
    method: str = "strang",
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Rate and regularity over the intensity of white noise: coherence resonance, or its inverse.

    Parameters
    ----------
    net : Network
        Its white noise is replaced. Below its threshold current, regularity has an optimum
        (coherence resonance); in the bistable range the rate has a minimum (inverse stochastic
        resonance).
    sigmas : sequence of float
        uA/cm^2 ms^0.5.
    t_end : float
        Length of each run, ms.
    trials, dt, method, rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        rate (Hz), cv, each with _low and _high, over sigma. cv is the coefficient of variation of
        all intervals that were seen. Its interval is for that of an endless record: corrected for
        long intervals, which fit seldom into t_end, and for few trials, whose bias is downwards
        too, so that cv may lie low in it. With few intervals cv_high may be infinite.

    References
    ----------
    Pikovsky & Kurths 1997, Phys. Rev. Lett. 78, 775, doi:10.1103/PhysRevLett.78.775; Gutkin, Jost &
    Tuckwell 2009, Naturwissenschaften 96, 1091, doi:10.1007/s00114-009-0570-5.

    Examples
    --------
    >>> from hh_sde import Network
    >>> ds = noise_sweep(Network(1, stimulus=5.0), [2.0, 4.0], t_end=300.0, trials=4, rng=1)
    >>> bool((ds.rate.diff("sigma") > 0).all())
    True
    """
    rates, cvs = np.empty((2, 3, len(sigmas)))
    for s, sigma in watched(list(enumerate(sigmas))):
        noisy = with_white(net, sigma)
        ds = solve(
            noisy, t_end, dt=dt, method=method, rng=rng, trials=trials, threads=threads,
            record=("spikes",), noise=meant(noisy), progress=False,
        )  # fmt: skip
        each = ds.hh.rates().rate.values.mean(axis=1)
        rates[:, s] = each.mean(), *rate_interval(noisy, each, confidence)
        cvs[:, s] = _irregularity(ds.hh.intervals(), t_end, trials, confidence)
    rate = Column(("sigma",), rates[0], "Hz", "firing rate")
    cv = Column(
        ("sigma",), cvs[0], "1", "coefficient of variation of the intervals",
        "fewer than 2 intervals",
    )  # fmt: skip
    return labelled(
        {**estimated("rate", rate, *rates[1:]), **estimated("cv", cv, *cvs[1:])}, {"sigma": sigmas}
    )


def _irregularity(
    found: xr.Dataset, t_end: float, trials: int, confidence: float
) -> tuple[float, float, float]:
    """CV of the intervals of all trials, and an interval of that of the cell's law of intervals.

    Of the intervals that begin in a record, those of length T fit into it with a chance of
    1 - T / t_end; divided by it, the seen stand for all.
    """
    length, trial = found.interval_length.values, found.trial.values.astype(int)
    if length.size < 2:
        return np.nan, np.nan, np.nan
    origin = length.mean()

    def summed(weights: float | np.ndarray) -> np.ndarray:
        rows = moments(length, origin, weights)
        return np.stack([np.bincount(trial, row, minlength=trials) for row in rows])

    seen, all_of_them = summed(1.0), summed(1.0 / (1.0 - length / t_end))
    low, high = jackknife(
        lambda samples: variation(all_of_them[:, samples].sum(axis=-1), origin),
        trials, confidence, INVERSE,
    )  # fmt: skip
    return float(variation(seen.sum(axis=-1), origin)), float(low), float(high)


@study
def reliability(
    net: Network,
    sigmas: Sequence[float] = (0.1, 0.3, 1.0, 3.0),
    t_end: float = 500.0,
    trials: int = 40,
    *,
    width: float = 2.0,
    dt: float = 0.02,
    method: str = "strang",
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """How alike the spikes of many trials are under one stimulus, over the noise.

    Parameters
    ----------
    net : Network
        With its stimulus, the same in all trials (a `SampledCurrent` that fluctuates, or a constant
        one); its white noise is replaced.
    sigmas : sequence of float
        uA/cm^2 ms^0.5.
    width : float
        Standard deviation of the Gaussian with which spike trains are smoothed, ms.
    t_end, trials, dt, method, rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        reliability (1), reliability_low, reliability_high over sigma: mean correlation of the
        smoothed trains over pairs of trials and over the neurons that fired, 0 for a pair of which
        one trial is silent; nan where no neuron fired

    References
    ----------
    Mainen & Sejnowski 1995, Science 268, 1503, doi:10.1126/science.7770778; Schreiber, Fellous,
    Whitmer, Tiesinga & Sejnowski 2003, Neurocomputing 52, 925, doi:10.1016/S0925-2312(02)00838-X.

    Examples
    --------
    >>> from hh_sde import Network
    >>> ds = reliability(Network(1, stimulus=10.0), [0.1, 3.0], t_end=200.0, trials=6, rng=1)
    >>> bool(ds.reliability[0] > ds.reliability[1])
    True
    """
    found = np.empty((3, len(sigmas)))
    for s, sigma in watched(list(enumerate(sigmas))):
        noisy = with_white(net, sigma)
        ds = solve(
            noisy, t_end, dt=dt, method=method, rng=rng, trials=trials, threads=threads,
            record=("spikes",), noise=meant(noisy), progress=False,
        )  # fmt: skip
        alike = partial(_alikeness, _similarity(ds, net.n_neurons, trials, t_end, width))
        ends = jackknife(alike, trials, confidence, within=(0.0, 1.0))
        low, high = unless_all_agree(bool(noisy.noise), *ends)
        found[:, s] = alike(np.arange(trials)[None])[0], low, high
    column = Column(("sigma",), found[0], "1", "correlation of trials",
                    "fewer than 2 trials, or no spikes")  # fmt: skip
    return labelled(estimated("reliability", column, *found[1:]), {"sigma": sigmas})


def _alikeness(alike: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Mean of (trials, trials) over pairs of different trials: a trial is always like itself.

    With n how often each trial is in a sample, the sum over pairs is n A n: no pair is in memory
    for each sample.
    """
    valid = np.isfinite(alike) & ~np.eye(len(alike), dtype=bool)
    often = times_drawn(samples, len(alike))
    total, pairs = (
        ((often @ matrix) * often).sum(axis=1) for matrix in (np.where(valid, alike, 0.0), valid)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / pairs


def _similarity(
    ds: xr.Dataset, n_neurons: int, trials: int, t_end: float, width: float
) -> np.ndarray:
    """Cosines between the smoothed trains of trials, (trials, trials), mean over neurons.

    The product of two smoothed trains is a sum over pairs of spikes of a Gaussian of sqrt(2) the
    width, so nothing is sampled in time.
    """
    products = np.zeros((n_neurons, trials, trials))
    for neuron in range(n_neurons):
        chosen = ds.isel(spike=ds.neuron.values == neuron)
        times, trial = chosen.spike_time.values, chosen.trial.values.astype(int)
        kernel = np.exp(-((times[:, None] - times) ** 2) / (4 * width**2))
        np.add.at(products[neuron], (trial[:, None], trial[None, :]), kernel)
    norms = np.sqrt(np.diagonal(products, axis1=1, axis2=2))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = products / (norms[:, :, None] * norms[:, None, :])
    fired = norms.any(axis=1)  # neurons that fired in any trial; a silent trial is like no other
    if not fired.any():
        return np.full((trials, trials), np.nan)
    return np.where(np.isfinite(cosines), cosines, 0.0)[fired].mean(axis=0)


@study
def synchrony(
    net: Network,
    couplings: Sequence[float] = (0.0, 0.25, 0.5, 1.0, 2.0),
    sigmas: Sequence[float] = (0.5, 1.0, 2.0, 4.0),
    t_end: float = 500.0,
    trials: int = 10,
    *,
    dt: float = 0.05,
    method: str = "strang",
    discard: float = 100.0,
    save_dt: float = 0.5,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Synchrony of a network over the strength of its coupling and of the noise.

    Parameters
    ----------
    net : Network
        Of two or more neurons; all its weights are multiplied by the couplings, its white noise is
        replaced.
    couplings : sequence of float
    sigmas : sequence of float
        uA/cm^2 ms^0.5.
    discard : float
        How much of the beginning does not count, ms.
    t_end, trials, dt, save_dt, method, rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        chi_squared, chi_squared_low, chi_squared_high over (coupling, sigma): the mean over trials
        of `hh_sde.measures.synchrony` of V

    References
    ----------
    Golomb & Rinzel 1994, Physica D 72, 259, doi:10.1016/0167-2789(94)90214-3.

    Examples
    --------
    >>> from hh_sde import GapJunction, Network
    >>> net = Network(2, stimulus=10.0, synapses=GapJunction(0.5))
    >>> ds = synchrony(net, [0.0, 1.0], [2.0], t_end=200.0, trials=4, rng=1)
    >>> bool(ds.chi_squared[1, 0] > ds.chi_squared[0, 0])
    True
    """
    if net.n_neurons < 2:
        raise ValueError(f"synchrony needs two neurons or more, this network has {net.n_neurons}")
    found = np.empty((3, len(couplings), len(sigmas)))
    for (c, coupling), (s, sigma) in watched(
        list(product(enumerate(couplings), enumerate(sigmas)))
    ):
        here = with_white(net, sigma).replace(
            synapses=tuple(_scaled(synapse, coupling) for synapse in net.synapses)
        )
        ds = solve(
            here, t_end, dt=dt, method=method, rng=rng, trials=trials, threads=threads,
            record=["V"], save_dt=save_dt, discard=discard, noise=meant(here), progress=False,
        )  # fmt: skip
        each = measures.synchrony(ds).chi_squared.values
        low, high = jackknife(partial(mean_of, each), trials, confidence, within=(0.0, 1.0))
        found[:, c, s] = each.mean(), low, high
    column = Column(("coupling", "sigma"), found[0], "1", "synchrony chi^2 of V",
                    "in a trial no trace changes")  # fmt: skip
    return labelled(
        estimated("chi_squared", column, *found[1:]), {"coupling": couplings, "sigma": sigmas}
    )


def _scaled(synapse: Synapse | GapJunction, factor: float) -> Synapse | GapJunction:
    weights = synapse.weights * factor
    if isinstance(synapse, GapJunction):
        return GapJunction(weights)
    return synapse.replace(weights=weights)

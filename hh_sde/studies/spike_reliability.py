"""reliability: spike-timing reliability under one stimulus, over the noise intensity."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.methods import Method
from hh_sde.network import Network
from hh_sde.progress import watched
from hh_sde.solver import solve
from hh_sde.studies.common import (
    Column,
    estimated,
    labelled,
    meant,
    study,
    with_white,
)
from hh_sde.studies.intervals import jackknife, times_drawn, unless_all_agree


@study
def reliability(
    net: Network,
    sigmas: Sequence[float] = (0.1, 0.3, 1.0, 3.0),
    t_end: float = 500.0,
    trials: int = 40,
    *,
    width: float = 2.0,
    dt: float = 0.02,
    method: str | Method = "strang",
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Spike-timing reliability: similarity of trials under one stimulus, over the noise intensity.

    Parameters
    ----------
    net : Network
        Its stimulus is the same in all trials (a fluctuating `SampledCurrent`, or a constant
        current). Its white noise is replaced.
    sigmas : sequence of float
        uA/cm^2 ms^0.5.
    width : float
        Standard deviation of the Gaussian with which spike trains are smoothed, ms.
    t_end, trials, dt, method, rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        reliability (1), reliability_low, reliability_high over sigma: mean over pairs of trials,
        and over the neurons that fired, of the cosine of the angle between the smoothed trains,
        ``s_i . s_j / (|s_i| |s_j|)``, without subtraction of their means (Schreiber et al.). It is
        0 for a pair with a silent trial, and nan where no neuron fired. At high rates independent
        trains also overlap by chance, so their cosine is not 0.

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
    estimates = np.empty((3, len(sigmas)))
    for s, sigma in watched(list(enumerate(sigmas))):
        noisy = with_white(net, sigma)
        ds = solve(
            noisy, t_end, dt=dt, method=method, rng=rng, trials=trials, threads=threads,
            record=("spikes",), noise=meant(noisy), progress=False,
        )  # fmt: skip
        mean = partial(
            _mean_correlation, _trial_correlations(ds, net.n_neurons, trials, t_end, width)
        )
        ends = jackknife(mean, trials, confidence, within=(0.0, 1.0))
        low, high = unless_all_agree(noisy.noisy, *ends)
        estimates[:, s] = mean(np.arange(trials)[None])[0], low, high
    column = Column(("sigma",), estimates[0], "1", "correlation of trials",
                    "fewer than 2 trials, or no spikes")  # fmt: skip
    return labelled(estimated("reliability", column, *estimates[1:]), {"sigma": sigmas})


def _mean_correlation(correlations: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Mean of (trials, trials) over pairs of different trials: that of a trial with itself is 1.

    With n how often each trial is in a sample, the sum over pairs is n A n: no pair is in memory
    for each sample.
    """
    valid = np.isfinite(correlations) & ~np.eye(len(correlations), dtype=bool)
    often = times_drawn(samples, len(correlations))
    total, pairs = (
        ((often @ matrix) * often).sum(axis=1)
        for matrix in (np.where(valid, correlations, 0.0), valid)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / pairs


def _trial_correlations(
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

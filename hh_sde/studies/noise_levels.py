"""noise_sweep: rate and regularity over the intensity of white noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.measures.isi import moments, variation
from hh_sde.methods import Method
from hh_sde.network import Network
from hh_sde.progress import watched
from hh_sde.solver import solve
from hh_sde.studies.common import (
    Column,
    estimated,
    labelled,
    meant,
    rate_interval,
    study,
    with_white,
)
from hh_sde.studies.intervals import INVERSE, jackknife


@study
def noise_sweep(
    net: Network,
    sigmas: Sequence[float] = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 24.0),
    t_end: float = 2000.0,
    trials: int = 20,
    *,
    dt: float = 0.05,
    method: str | Method = "strang",
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Rate and regularity over the intensity of white noise: coherence resonance, or its inverse.

    Parameters
    ----------
    net : Network
        Its white noise is replaced. Below the threshold current the CV has a minimum (coherence
        resonance); in the bistable range the rate has a minimum (inverse stochastic resonance).
    sigmas : sequence of float
        uA/cm^2 ms^0.5.
    t_end : float
        Duration of each run, ms.
    trials, dt, method, rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        rate (Hz), cv, each with _low and _high, over sigma. cv is the coefficient of variation of
        all observed inter-spike intervals (ISIs). cv_low and cv_high are for the CV of an
        infinitely long record: they correct for long ISIs, which rarely fit into t_end, and for
        the downward bias of few trials. cv may therefore be near cv_low. With few ISIs cv_high may
        be infinite.

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
    intervals: xr.Dataset, t_end: float, trials: int, confidence: float
) -> tuple[float, float, float]:
    """CV of the intervals of all trials, and an interval of that of the cell's law of intervals.

    Of the intervals that begin in a record, those of length T fit into it with a chance of
    1 - T / t_end; divided by it, the seen stand for all.
    """
    length, trial = intervals.interval_length.values, intervals.trial.values.astype(int)
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

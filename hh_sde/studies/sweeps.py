"""Sweeps: rate_curve, noise_sweep, reliability, synchrony."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.network import Network
from hh_sde.noise import CurrentNoise, Noise
from hh_sde.progress import watched
from hh_sde.solver import solve
from hh_sde.stimuli import ConstantCurrent
from hh_sde.studies.common import bootstrap, labelled, study
from hh_sde.synapses import GapJunction, Synapse

#: A run "from rest" begins this far from the equilibrium, mV: nearer than any unstable cycle that
#: the classic cell has more than 0.01 uA/cm^2 below its Hopf bifurcation.
NUDGE = 0.05
#: A run "from firing" at the largest current begins with V this far above the equilibrium, mV.
KICK = 40.0


@study
def rate_curve(
    net: Network,
    currents: Sequence[float] = tuple(np.linspace(0.0, 20.0, 21)),
    sigmas: Sequence[float] = (0.0,),
    t_end: float = 1000.0,
    trials: int = 10,
    *,
    dt: float = 0.05,
    method: str = "strang",
    discard: float = 200.0,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Firing rate over injected current (f-I curve), from rest and from firing, with noise levels.

    Without noise a cell near a subcritical Hopf bifurcation has two curves: "rest" begins at the
    equilibrium of each current, "firing" at the end of the run with the next larger current, and
    for the largest one at its equilibrium with V raised by 40 mV. Close steps of the current keep
    to the curve.

    Parameters
    ----------
    net : Network
        Its stimulus and white noise are replaced.
    currents : sequence of float
        uA/cm^2.
    sigmas : sequence of float
        Intensities of white current noise, uA/cm^2 ms^0.5.
    t_end, discard : float
        Length of each run, and how much of its beginning does not count, ms.
    trials, dt, method, rng, threads
        As for `hh_sde.solve`.

    Returns
    -------
    Dataset
        rate (Hz), rate_low, rate_high, amplitude (mV, of V after the beginning, mean over trials
        and neurons), over (sigma, start, current)

    Examples
    --------
    >>> from hh_sde import Network
    >>> ds = rate_curve(Network(1), [8.0, 8.25], t_end=200.0, trials=1, discard=100.0, rng=1)
    >>> bool(ds.rate.sel(start="rest", current=8.0) < ds.rate.sel(start="firing", current=8.0))
    True
    """
    currents = sorted(map(float, currents))
    sigmas = list(map(float, sigmas))
    rate, low, high, amplitude = np.empty((4, len(sigmas), 2, len(currents)))
    options: dict[str, Any] = {
        "dt": dt,
        "method": method,
        "rng": rng,
        "threads": threads,
        "progress": False,
    }
    for s, sigma in enumerate(sigmas):
        of_sigma = net.replace(noise=_with_white(net, sigma))
        state = None
        for k in watched(range(len(currents) - 1, -1, -1)):
            here = of_sigma.replace(stimulus=ConstantCurrent(currents[k]))
            still = here.equilibrium()
            on_V = np.arange(still.size) < here.n_neurons
            rest = still + NUDGE * on_V
            raised = rest + KICK * on_V
            for j, x0 in enumerate((rest, raised if state is None else state)):
                ds = solve(here, t_end, trials=trials, x0=x0, noise=_noise(here), **options)
                late = ds.isel(time=slice(round(discard / dt), None))
                counts = late.hh.rates().rate.values.mean(axis=1)
                rate[s, j, k] = counts.mean()
                low[s, j, k], high[s, j, k] = bootstrap(
                    partial(_mean_of, counts), trials, confidence
                )
                extent = late.V.max("time") - late.V.min("time")
                amplitude[s, j, k] = float(extent.mean())
                if j == 1:
                    last = [ds[name].isel(time=-1).values for name in here.variables]
                    state = np.concatenate(last, axis=1)
    dims = ("sigma", "start", "current")
    return labelled(
        {
            "rate": (dims, rate, "Hz", "firing rate"),
            "rate_low": (dims, low, "Hz", "lower end of the rate's interval"),
            "rate_high": (dims, high, "Hz", "upper end of the rate's interval"),
            "amplitude": (dims, amplitude, "mV", "extent of V"),
        },
        {"sigma": sigmas, "start": ["rest", "firing"], "current": currents},
    )


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
        rate (Hz), cv, each with _low and _high, over sigma. cv, the coefficient of variation of
        all intervals, is nan where there are fewer than 2.

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
    rows = []
    for sigma in watched(sigmas):
        noisy = net.replace(noise=_with_white(net, float(sigma)))
        ds = solve(
            noisy, t_end, dt=dt, method=method, rng=rng, trials=trials, threads=threads,
            record=("spikes",), noise=_noise(noisy), progress=False,
        )  # fmt: skip
        counts = ds.hh.rates()["count"].values.sum(axis=1)
        found = ds.hh.intervals()
        trial = found.trial.values.astype(int)
        lengths = found.interval_length.values
        sums = np.stack(
            [np.bincount(trial, lengths**power, minlength=trials) for power in (0, 1, 2)]
        )

        def both(r: np.ndarray, counts: np.ndarray = counts, sums: np.ndarray = sums) -> np.ndarray:
            n, total, squares = sums[:, r].sum(axis=2)
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = total / n
                cv = np.sqrt(np.maximum(squares / n - mean**2, 0.0)) / mean
            rate = 1e3 * counts[r].mean(axis=1) / (t_end * net.n_neurons)
            return np.stack([rate, np.where(n > 1, cv, np.nan)], axis=1)

        low, high = bootstrap(both, trials, confidence)
        rows.append([both(np.arange(trials)[None])[0], low, high])
    values = np.array(rows)  # (sigma, estimate and interval, rate and cv)
    described = {"rate": ("Hz", "firing rate"), "cv": ("1", "coefficient of variation")}
    variables = {
        name + end: (("sigma",), values[:, row, column], units, long_name + ending)
        for column, (name, (units, long_name)) in enumerate(described.items())
        for row, (end, ending) in enumerate(_INTERVAL.items())
    }
    return labelled(variables, {"sigma": np.asarray(sigmas, dtype=float)})


def _mean_of(values: np.ndarray, resamples: np.ndarray) -> np.ndarray:
    return values[resamples].mean(axis=1)


_INTERVAL = {"": "", "_low": ", lower end of its interval", "_high": ", upper end of its interval"}


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
    rows = []
    for sigma in watched(sigmas):
        noisy = net.replace(noise=_with_white(net, float(sigma)))
        ds = solve(
            noisy, t_end, dt=dt, method=method, rng=rng, trials=trials, threads=threads,
            record=("spikes",), noise=_noise(noisy), progress=False,
        )  # fmt: skip
        alike = _similarity(ds, net.n_neurons, trials, t_end, width)

        def mean(r: np.ndarray, alike: np.ndarray = alike) -> np.ndarray:
            """Over pairs of different trials: a resampled trial says nothing beside itself."""
            pairs = alike[r[:, :, None], r[:, None, :]]
            other = r[:, :, None] != r[:, None, :]
            valid = other & np.isfinite(pairs)
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.where(valid, pairs, 0.0).sum(axis=(1, 2)) / valid.sum(axis=(1, 2))

        low, high = bootstrap(mean, trials, confidence)
        rows.append([mean(np.arange(trials)[None])[0], low, high])
    values = np.array(rows)
    return labelled(
        {
            "reliability" + end: (("sigma",), values[:, k], "1", "correlation of trials" + ending)
            for k, (end, ending) in enumerate(_INTERVAL.items())
        },
        {"sigma": np.asarray(sigmas, dtype=float)},
    )


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
        chi (1), chi_low, chi_high over (coupling, sigma): square root of the variance in time of
        the mean V over neurons, divided by the mean of the variances of each neuron's V

    References
    ----------
    Golomb & Rinzel 1994, Physica D 72, 259, doi:10.1016/0167-2789(94)90214-3.

    Examples
    --------
    >>> from hh_sde import GapJunction, Network
    >>> net = Network(2, stimulus=10.0, synapses=GapJunction(0.5))
    >>> ds = synchrony(net, [0.0, 1.0], [2.0], t_end=200.0, trials=4, rng=1)
    >>> bool(ds.chi[1, 0] > ds.chi[0, 0])
    True
    """
    if net.n_neurons < 2:
        raise ValueError(f"synchrony needs two neurons or more, this network has {net.n_neurons}")
    chi = np.empty((3, len(couplings), len(sigmas)))
    for (c, coupling), (s, sigma) in watched(
        list(product(enumerate(couplings), enumerate(sigmas)))
    ):
        here = net.replace(
            noise=_with_white(net, float(sigma)),
            synapses=tuple(_scaled(synapse, float(coupling)) for synapse in net.synapses),
        )
        ds = solve(
            here, t_end, dt=dt, method=method, rng=rng, trials=trials, threads=threads,
            record=["V"], save_dt=save_dt, noise=_noise(here), progress=False,
        )  # fmt: skip
        V = ds.V.isel(time=slice(round(discard / save_dt), None))
        whole = V.mean("neuron").var("time").values
        each = V.var("time").mean("neuron").values
        value = partial(_root_of_ratio, whole, each)

        chi[0, c, s] = value(np.arange(trials)[None])[0]
        chi[1:, c, s] = bootstrap(value, trials, confidence)
    return labelled(
        {
            "chi" + end: (("coupling", "sigma"), chi[k], "1", "synchrony chi" + ending)
            for k, (end, ending) in enumerate(_INTERVAL.items())
        },
        {
            "coupling": np.asarray(couplings, dtype=float),
            "sigma": np.asarray(sigmas, dtype=float),
        },
    )


def _root_of_ratio(a: np.ndarray, b: np.ndarray, resamples: np.ndarray) -> np.ndarray:
    return np.sqrt(a[resamples].mean(axis=1) / b[resamples].mean(axis=1))


def _with_white(net: Network, sigma: float) -> tuple[Noise, ...]:
    """The network's noise with white noise of this intensity in place of its own."""
    others = tuple(noise for noise in net.noise if not isinstance(noise, CurrentNoise))
    own = [noise for noise in net.noise if isinstance(noise, CurrentNoise)]
    if sigma == 0:
        return others
    correlation = own[0].correlation if own else None
    return (CurrentNoise(sigma, correlation=correlation), *others)


def _noise(net: Network) -> str | None:
    """What tells `solve` that a network without noise is meant, and its trials to be equal."""
    return None if net.noise else "ignore"


def _scaled(synapse: Synapse | GapJunction, factor: float) -> Synapse | GapJunction:
    weights = synapse.weights * factor
    if isinstance(synapse, GapJunction):
        return GapJunction(weights)
    return synapse.replace(weights=weights)

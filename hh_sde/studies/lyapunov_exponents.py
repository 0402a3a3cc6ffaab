"""lyapunov: growth rates of small perturbations under the same noise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import xarray as xr

from hh_sde.arguments.scalars import positive
from hh_sde.arguments.times import whole_steps
from hh_sde.brownian import Rng
from hh_sde.choice import is_stated
from hh_sde.errors import IntegrationError, unknown
from hh_sde.methods.batches import over_trials
from hh_sde.methods.method import Diverged, Failed
from hh_sde.methods.tangent import SCHEMES, Displaced, orthonormal, tangent_flow
from hh_sde.progress import watched
from hh_sde.sde import SDE
from hh_sde.studies.common import Column, estimated, labelled, mean_of, study
from hh_sde.studies.intervals import jackknife
from hh_sde.studies.subject import Subject

#: Pieces of a trial that count as samples of their own: long beside any correlation they must be.
PIECES = 10
#: Relative displacement for the derivative of a drift of one's own by central differences.
DISPLACEMENT = np.cbrt(np.finfo(float).eps)


@study
def lyapunov(
    model: Subject,
    exponents: int = 1,
    t_end: float = 1000.0,
    trials: int = 10,
    *,
    dt: float = 0.02,
    method: str = "heun",
    discard: float = 100.0,
    renormalise: float = 0.2,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    r"""The largest Lyapunov exponents of the flow under one realisation of the noise.

    .. math::

        \lambda_j = \lim_{T \to \infty} \frac1T \log \frac{|v_j(T)|}{|v_j(0)|} , \qquad
        dv = D f(x, t) \, v \, dt ,

    for perturbations v along a solution x of the SDE, orthogonalised in order. If the largest
    exponent is below 0, trials with the same noise converge from different initial states, and
    spikes are reliable. On a stable limit cycle without noise it is 0. Coloured noise is part of
    the state; it adds an exponent -1/tau, which may be the largest.

    Parameters
    ----------
    model : Network, SDE or problem of `hh_sde.problems`
        With noise that does not depend on the state, or none. For a user-defined SDE the
        derivative of f is approximated by finite differences.
    exponents : int
        Number of exponents, at most d.
    t_end, discard : float
        Duration of each trial, and of the transient at its beginning that is discarded, ms. Each
        trial is divided into 10 segments, which should be long compared with the correlation time.
    trials, dt, rng, threads
        As of `hh_sde.solve`.
    method : {"heun", "euler_maruyama"}
    renormalise : float
        Time between orthonormalisations of the perturbations, ms: before they become parallel.
    confidence : float
        Of the confidence intervals, by the jackknife over the segments of all trials. Without noise
        there is one orbit, and its interval covers the effect of the phases at its beginning and
        end.

    Returns
    -------
    Dataset
        exponent (1/ms), exponent_low, exponent_high over `rank`, 1 for the largest, and
        exponent_sum, the sum of the computed exponents.

    Raises
    ------
    ValueError
        If the noise depends on the state, or an argument does not fit.
    IntegrationError
        If perturbations became infinite or parallel: renormalise more often.

    References
    ----------
    Benettin, Galgani, Giorgilli & Strelcyn (1980), Meccanica 15, 9, doi:10.1007/BF02128236.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> noisy = Network(1, stimulus=10.0, noise=CurrentNoise(2.0))
    >>> ds = lyapunov(noisy, t_end=400.0, trials=4, rng=1)
    >>> bool(ds.exponent_high[0] < 0)
    True
    """
    dt = positive(dt, "dt")
    if method not in SCHEMES:
        raise ValueError(unknown("method of lyapunov", method, SCHEMES))
    sde = model.sde
    if exponents > sde.d:
        raise ValueError(f"exponents must be at most d = {sde.d}, got {exponents}")
    if sde.m and sde.noise_type != "additive":
        raise ValueError(
            f"this noise ({sde.noise_type}) depends on the state and moves displacements too, "
            "which lyapunov does not do; it takes noise of constant amplitude (CurrentNoise, "
            "OrnsteinUhlenbeckCurrent, OrnsteinUhlenbeckConductance), or none"
        )
    every = whole_steps(renormalise, dt, "renormalise")
    n_steps = whole_steps(t_end, dt, "t_end")
    skipped = whole_steps(discard, dt, "discard") if discard else 0
    if n_steps % every or skipped % every or n_steps - skipped < PIECES * every:
        raise ValueError(
            f"t_end and discard must be multiples of renormalise = {renormalise:g} ms, and "
            f"{PIECES} of it must fit between them; got {t_end:g} and {discard:g} ms"
        )
    of_neurons = sde.program is not None and not is_stated(sde)
    grow = partial(tangent_flow, threads=threads) if of_neurons else displaced
    numbers = range(trials if model.noisy else 1)
    x, v, growth, first = sde.x0, generic(sde.d, exponents), [], 0
    try:
        for many in watched([len(one) for one in np.array_split(range(n_steps // every), PIECES)]):
            x, v, more = grow(
                sde, x, v, dt=dt, n_steps=many * every, method=method, rng=rng, trials=numbers,
                first_step=first, every=every,
            )  # fmt: skip
            growth.append(more)
            first += many * every
    except Diverged as error:
        raise IntegrationError(
            f"the state became infinite at {error.step * dt:g} ms: give a smaller dt", xr.Dataset()
        ) from error
    except Failed as error:
        raise IntegrationError(
            f"{error}; renormalise = {renormalise:g} ms here", xr.Dataset()
        ) from error
    rates = np.concatenate(growth)[skipped // every :] / renormalise  # (times, trials, ranks)
    rates = np.concatenate([rates, rates.sum(axis=2, keepdims=True)], axis=2)
    estimate = partial(_of_trials, confidence=confidence) if model.noisy else _of_one_orbit
    return _result(np.array([estimate(one) for one in np.moveaxis(rates, 2, 0)]))


def generic(d: int, vectors: int) -> np.ndarray:
    """Orthonormal displacements (vectors, d) with a part along every direction: those of one
    variable may be blind to what does not depend on it, as to another neuron.
    """
    return np.linalg.qr(np.random.default_rng(0).normal(size=(d, vectors)))[0].T


def _of_trials(rates: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Mean of rates of growth (times, trials), and the jackknife's interval over pieces of them."""
    pieces = np.concatenate([one.mean(axis=0) for one in np.array_split(rates, PIECES)])
    low, high = jackknife(partial(mean_of, pieces), len(pieces), confidence)
    return float(pieces.mean()), float(low), float(high)


def _of_one_orbit(rates: np.ndarray) -> tuple[float, float, float]:
    """The same without noise, where the mean depends on the phases of the beginning and the end: by
    no more than the growth strays from a straight line.
    """
    mean = float(rates.mean())
    strays = float(np.ptp(np.cumsum(rates - mean))) / len(rates)
    return mean, mean - strays, mean + strays


def _result(found: np.ndarray) -> xr.Dataset:
    """Estimates with the ends of their intervals, (ranks and their sum, 3)."""
    mean, low, high = found.T
    column = Column(("rank",), mean[:-1], "1/ms", "Lyapunov exponent")
    whole = Column((), mean[-1], "1/ms", "sum of the exponents")
    return labelled(
        {
            **estimated("exponent", column, low[:-1], high[:-1]),
            **estimated("exponent_sum", whole, low[-1], high[-1]),
        },
        {"rank": np.arange(1, len(found))},
    )


def displaced(
    sde: SDE,
    x0: np.ndarray,
    v0: np.ndarray,
    *,
    dt: float,
    n_steps: int,
    method: str,
    rng: Rng,
    trials: Sequence[int],
    first_step: int,
    every: int,
) -> Displaced:
    """`hh_sde.methods.tangent.tangent_flow` of an SDE of one's own, all trials at once."""
    flow = Extended(sde, len(trials))
    x = np.broadcast_to(x0, (len(trials), sde.d))
    v = np.broadcast_to(v0, (len(trials), *np.shape(v0)[-2:]))
    z = np.concatenate([x.T[None], v.transpose(1, 2, 0)])  # the state, and displacements of it
    path = sde.path(rng, dt) if sde.m else None
    growth = []
    for first in range(first_step, first_step + n_steps, every):
        dW = np.zeros((every, sde.m, len(trials)))
        if path is not None:
            each = [path.of_trial(one).increments(first, first + every) for one in trials]
            dW = np.stack(each, axis=-1)
        for k in range(every):
            z = flow.step(z, (first + k) * dt, dt, dW[k], corrected=method == "heun")
        if not np.isfinite(z[0]).all():
            component, trial = np.argwhere(~np.isfinite(z[0]))[0]
            raise Diverged(first + every, int(component), int(trial))
        vectors, logs = orthonormal(z[1:].transpose(2, 0, 1), first + every)
        z[1:] = vectors.transpose(1, 2, 0)
        growth.append(logs)
    return Displaced(z[0].T, z[1:].transpose(2, 0, 1), np.array(growth))


class Extended:
    """A drift of one's own and its derivative along displacements, by central differences."""

    def __init__(self, sde: SDE, trials: int) -> None:
        self.f, self.G = over_trials(sde, trials)

    def step(
        self, z: np.ndarray, t: float, h: float, dW: np.ndarray, *, corrected: bool
    ) -> np.ndarray:
        """One of Euler-Maruyama, or corrected by the drift at its end, Heun's."""
        noise = np.zeros_like(z)
        noise[0] = np.einsum("dmk,mk->dk", self.G(z[0], t), dW)
        slope = self.slope(z, t)
        ahead = z + h * slope + noise
        if not corrected:
            return ahead
        return z + 0.5 * h * (slope + self.slope(ahead, t + h)) + noise

    def slope(self, z: np.ndarray, t: float) -> np.ndarray:
        """f(x), and J(x) v of each displacement v."""
        x, found = z[0], np.empty_like(z)
        found[0] = self.f(x, t)
        for j, v in enumerate(z[1:], 1):
            size = np.linalg.norm(v, axis=0)
            shift = DISPLACEMENT * (1.0 + np.linalg.norm(x, axis=0)) / np.where(size > 0, size, 1.0)
            found[j] = (self.f(x + shift * v, t) - self.f(x - shift * v, t)) / (2.0 * shift)
        return found

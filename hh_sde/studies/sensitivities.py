"""sensitivity: derivatives of expected values in the parameters of a network.

For a smooth observable by pathwise derivatives: trials of two networks with a very small difference
run on the same path. For a discontinuous observable by likelihood ratios: trials of one network are
weighted by the derivative of the likelihood of their paths.

References
----------
Glasserman (2003), Monte Carlo Methods in Financial Engineering, chapter 7,
doi:10.1007/978-0-387-21617-1; Glynn (1990), Commun. ACM 33, 75, doi:10.1145/84537.84552.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import memory
from hh_sde.arguments.scalars import positive_int
from hh_sde.brownian import Rng
from hh_sde.methods.batches import over_trials
from hh_sde.network import Network
from hh_sde.network.paths import value_at, with_value
from hh_sde.progress import watched
from hh_sde.records import see_choice, shown
from hh_sde.sde import SDE
from hh_sde.solver import solve
from hh_sde.stimuli import ConstantCurrent
from hh_sde.studies.common import Column, estimated, labelled, study
from hh_sde.studies.intervals import students_t
from hh_sde.studies.observed import Observable, of_name
from hh_sde.studies.subject import Subject
from hh_sde.sweeps import sweep

#: Relative difference between the two networks: its square is beside 1 what rounding is.
STEP = 1e-5
#: An observable whose differences are 0 in more trials than this jumps.
MOST_EQUAL = 0.2
#: Trials of a batch, whose states at every step are kept.
BATCH = 256
#: What of a change of the drift may lie where there is no noise.
ROUNDING = 1e-9
WAYS = ("along the path", "likelihood ratio")


@study
def sensitivity(
    net: Network,
    parameters: Sequence[str],
    observable: str | Callable[[xr.Dataset], xr.DataArray],
    t_end: float,
    *,
    by: str | None = None,
    trials: int = 1000,
    dt: float = 0.01,
    method: str | None = None,
    record: Any = None,
    save_dt: float | None = None,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    r"""Derivatives of the mean of an observable with respect to parameters.

    The pathwise derivative is the mean of :math:`d\varphi(x_p)/dp` on fixed Brownian paths. It is
    the derivative of the mean where :math:`\varphi` is smooth, such as V at a given time. Spike
    counts and rates are piecewise constant in p, for which it is refused. They are differentiated
    by the likelihood ratio,

    .. math::

        \frac{d}{dp} E \varphi = E \Big[ (\varphi - E \varphi) \int y \cdot dW \Big] , \qquad
        G y = \frac{\partial f}{\partial p} ,

    which is exact for the Euler-Maruyama scheme. It needs noise that does not depend on the state,
    on every variable whose drift depends on p. With white noise on V these are the parameters of
    its equation, such as conductances and currents.

    Parameters
    ----------
    net : Network
    parameters : sequence of str
        Names of parameters of the network, as for `hh_sde.sweep`: ``"cell.g_Na"``, ``"stimulus"``.
    observable : name or function
        As of `mlmc`.
    t_end, trials, dt, rng, threads, record, save_dt
        As of `hh_sde.solve`.
    by : {"along the path", "likelihood ratio"}, optional
        Default: the first for observables of V, the second for those of spikes. For a function it
        must be given.
    method : str, optional
        For pathwise derivatives; for likelihood ratios it is ``"euler_maruyama"``.
    confidence : float
        Of the confidence intervals, by Student's t over trials.

    Returns
    -------
    Dataset
        derivative, derivative_low, derivative_high over (parameter, dims of the observable), in the
        observable's unit per unit of the parameter; mean of the observable, and its
        standard_error; value of the parameter.

    Raises
    ------
    ValueError
        If the pathwise derivative is asked of a discontinuous observable; if there is no noise on a
        variable whose drift depends on the parameter, or the noise depends on the state; or if the
        initial state depends on the parameter.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=5.0, noise=CurrentNoise(1.0))
    >>> ds = sensitivity(net, ["cell.g_L", "stimulus"], "mean_V", 1.0, trials=50, rng=1)
    >>> ds.derivative.sizes["parameter"], bool(ds.derivative_low.sel(parameter="stimulus") > 0)
    (2, True)
    """
    trials = positive_int(trials, "trials", 2)  # which intervals take
    names = [_numbered(net, name) for name in parameters]
    of = of_name(observable, Subject(net), t_end, record, save_dt, None)
    if "stop" in of.options:
        raise ValueError(
            f"{observable} ends trials, each at its time: give a function of V at fixed times"
        )
    smooth = {"mean_V": WAYS[0]}
    by = by or (smooth.get(observable, WAYS[1]) if isinstance(observable, str) else None)
    if by is None:
        raise ValueError(f"say by= which way a function is to be taken: {' or '.join(WAYS)}")
    see_choice(by, WAYS, "by")
    values = np.array([float(value_at(net, name)) for name in names])
    common: dict[str, Any] = {"t_end": t_end, "dt": dt, "trials": trials, "threads": threads}
    if by == WAYS[0]:
        found = [
            along_path(net, name, value, of, method=method, rng=rng, **common)
            for name, value in watched(list(zip(names, values, strict=True)))
        ]
        observed = found[0][0]
        slopes = [one[1] for one in found]
    else:
        if method not in (None, "euler_maruyama"):
            raise ValueError(f"likelihood ratios are of euler_maruyama's steps, got {method!r}")
        observed, slopes = by_likelihood(net, names, values, of, rng=rng, **common)
    return _result(observed, slopes, list(parameters), values, confidence)


def _numbered(net: Network, name: str) -> str:
    """The name of one number."""
    value = value_at(net, name)
    if isinstance(value, ConstantCurrent):
        name, value = f"{name}.amplitude", value.amplitude
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{name} must be one number of the network, and is {shown(value)}")
    return name


def along_path(
    net: Network,
    name: str,
    value: float,
    of: Observable,
    *,
    t_end: float,
    dt: float,
    trials: int,
    threads: int,
    method: str | None,
    rng: Any,
) -> tuple[xr.DataArray, xr.DataArray]:
    """The observable, and its derivative along the path, over trials.

    Raises
    ------
    ValueError
        If most trials show no difference.
    """
    change = STEP * (abs(value) or 1.0)
    ds = sweep(
        net, {name: [value - change, value, value + change]}, t_end, dt=dt, trials=trials,
        method=method, rng=rng, common_noise=True, threads=threads, progress=False, **of.options,
    )  # fmt: skip
    dim = next(str(one) for one in ds.coords if one in ds.dims and ds.sizes[one] == 3
               and one not in ("trial", "neuron", "time"))  # fmt: skip
    low, here, high = (of.values(ds.isel({dim: k}, drop=True)) for k in range(3))
    difference = high - low
    varies = here.std("trial") > 0  # not at the beginning, where all trials are the same
    equal = float(((difference == 0) & varies).mean("trial").max())
    if equal > MOST_EQUAL:
        raise ValueError(
            f"in {100 * equal:.0f} % of the trials the observable does not change with {name}: it "
            f"jumps, and has no derivative along the path; give by={WAYS[1]!r}, or a smoothed one "
            "(smoothed_distribution)"
        )
    return here, difference / (2.0 * change)


def by_likelihood(
    net: Network,
    names: Sequence[str],
    values: np.ndarray,
    of: Observable,
    *,
    t_end: float,
    dt: float,
    trials: int,
    threads: int,
    rng: Any,
) -> tuple[xr.DataArray, list[xr.DataArray]]:
    """The observable over trials, and what the derivative in each parameter is the mean of."""
    sde = net.sde()
    see_reach(sde)
    scores = [Score(net, name, value) for name, value in zip(names, values, strict=True)]
    path = sde.path(rng, dt)
    every = float(of.options.get("save_dt", dt))
    observed, weights = [], []
    for first in watched(range(0, trials, BATCH)):
        numbers = list(range(first, min(first + BATCH, trials)))
        memory.require(
            8.0 * len(numbers) * sde.d * t_end / dt, "states at every step", "take a shorter t_end"
        )
        record = [*net.variables, "spikes"]
        ds = solve(
            net, t_end, dt=dt, method="euler_maruyama", trials=numbers, path=path, record=record,
            threads=threads, progress=False,
        )  # fmt: skip
        kept = ds.isel(time=slice(None, None, round(every / dt)))
        observed.append(of.values(kept))
        x = net.layout.joined({name: ds[name].values for name in net.variables})
        steps = np.moveaxis(x[:, :-1], 0, -1)  # (steps, d, trials)
        dW = np.stack([path.of_trial(one).increments(0, len(steps)) for one in numbers], axis=-1)
        weights.append(np.stack([one.of(steps, dW, dt) for one in scores]))
    whole = xr.concat(observed, dim="trial")
    centred = whole - whole.mean("trial")
    both = np.concatenate(weights, axis=1)
    return whole, [centred * xr.DataArray(one, dims="trial") for one in both]


def see_reach(sde: SDE) -> None:
    """Refuse noise of which the likelihood of a path is not known.

    Raises
    ------
    ValueError
    """
    if not sde.m or sde.noise_type != "additive":
        raise ValueError(
            "likelihood ratios take noise that does not depend on the state, such as CurrentNoise; "
            f"this network has {sde.noise_type if sde.m else 'no'} noise"
        )


class Score:
    """The derivative of the logarithm of a path's likelihood in a parameter.

    Parameters
    ----------
    net : Network
    name : str
    value : float

    Raises
    ------
    ValueError
        If the noise or the initial state depends on the parameter.
    """

    def __init__(self, net: Network, name: str, value: float) -> None:
        self.name, self.change = name, STEP * (abs(value) or 1.0)
        self.sdes = [with_value(net, name, value + k * self.change).sde() for k in (-1, 1)]
        low, high = self.sdes
        if not np.array_equal(low.x0, high.x0):
            raise ValueError(f"the initial state depends on {name}: give x0 by V0 of the cell")
        self.G = low.G(low.x0, 0.0)
        if not np.array_equal(self.G, high.G(low.x0, 0.0)):
            raise ValueError(
                f"the noise depends on {name}, of which paths of the same noise tell nothing: take "
                f"the derivative by={WAYS[0]!r}"
            )
        self.inverse = np.linalg.pinv(self.G)

    def of(self, x: np.ndarray, dW: np.ndarray, dt: float) -> np.ndarray:
        """Of paths, (trials,): the sum of y dW where G y is the change of the drift.

        Parameters
        ----------
        x : (steps, d, trials) array
        dW : (steps, m, trials) array
        dt : float

        Raises
        ------
        ValueError
            If the drift changes where there is no noise.
        """
        low, high = (over_trials(sde, x.shape[2])[0] for sde in self.sdes)
        score = np.zeros(x.shape[2])
        for k, (state, increment) in enumerate(zip(x, dW, strict=True)):
            slope = (high(state, k * dt) - low(state, k * dt)) / (2.0 * self.change)
            y = self.inverse @ slope
            missed = np.abs(self.G @ y - slope).max()
            if missed > ROUNDING * max(np.abs(slope).max(), ROUNDING / self.change):
                raise ValueError(
                    f"{self.name} changes the drift of a variable that noise does not reach, so "
                    "that its paths have no likelihood ratio: give noise on it, or take the "
                    f"derivative by={WAYS[0]!r}"
                )
            score += (y * increment).sum(axis=0)
        return score


def _result(
    observed: xr.DataArray,
    slopes: Sequence[xr.DataArray],
    names: list[str],
    values: np.ndarray,
    confidence: float,
) -> xr.Dataset:
    slope = xr.concat(slopes, dim="parameter").transpose("parameter", "trial", ...)
    n = slope.sizes["trial"]
    mean = slope.mean("trial")
    half = students_t(confidence, n) * slope.std("trial", ddof=1) / np.sqrt(n)
    units = str(observed.attrs.get("units", "1"))
    dims = tuple(map(str, mean.dims))
    own = observed.isel(trial=0, drop=True)
    of_mean = tuple(map(str, own.dims))
    whole = observed.mean("trial")
    error = observed.std("trial", ddof=1) / np.sqrt(n)
    found = {
        **estimated("derivative", Column(dims, mean.values, f"{units} per unit of the parameter",
                                         "derivative of the mean"),
                    (mean - half).values, (mean + half).values),
        "mean": Column(of_mean, whole.values, units, "mean of the observable"),
        "standard_error": Column(of_mean, error.values, units, "its standard error"),
        "value": Column(("parameter",), values, "1", "value of the parameter, in its own unit"),
    }  # fmt: skip
    ds = labelled(found, {"parameter": names})
    return ds.assign_coords({k: v for k, v in own.coords.items() if v.dims})

"""rate_curve: the firing rate over the injected current."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.methods import Method, method_of
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
    with_stimulus,
    with_white,
)

#: A run "from rest" begins this far from the equilibrium, mV: nearer than any unstable cycle that
#: the classic cell has more than 0.01 uA/cm^2 below its Hopf bifurcation.
NUDGE = 0.05
#: The firing branch is sought with V this far above the equilibrium, mV, ...
KICK = 40.0
#: ... at the largest current and, if nothing oscillates there, at currents this much above it;
ABOVE = (0.0, 2.0, 4.0, 8.0, 16.0)
#: if nothing does there either, all may lie above the upper Hopf bifurcation: then at those below,
#: in steps of at most this, uA/cm^2.
SEARCH_STEP = 4.0
#: It is followed downwards in steps between these, uA/cm^2.
LEAST_STEP, LARGEST_STEP = 0.01, 0.25
#: V oscillates if its extent over the second half of a run is more than this, mV, and the branch
#: is lost where that falls below half of what it was a step before: at a fold it falls to nothing.
OSCILLATION = 1.0
#: An equilibrium from which V moves away by less than this, 1/ms, is stable: 0 but for rounding
#: where channels have states, whose sum stays.
SLOWEST = 1e-9


@study
def rate_curve(
    net: Network,
    currents: Sequence[float] = tuple(np.linspace(0.0, 20.0, 21).tolist()),
    sigmas: Sequence[float] = (0.0,),
    t_end: float = 1000.0,
    trials: int = 10,
    *,
    dt: float = 0.05,
    method: str | Method = "strang",
    discard: float = 200.0,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Firing rate over injected current (f-I curve), from rest and from firing, with noise levels.

    Without noise the f-I curve of a cell near a subcritical Hopf bifurcation has two branches.
    "rest" starts at the equilibrium of each current. Where that is unstable, V leaves it, perhaps
    slowly, and both branches are one. "firing" starts on the firing branch.

    The firing branch is continued without noise, from the largest current that oscillates
    downwards. Its steps in the current are halved where the branch is lost, so it is found for any
    list of currents. Below its end, "firing" starts from its last state. Above it (beyond the upper
    Hopf bifurcation, in depolarization block), "firing" starts with V raised above the equilibrium.

    Parameters
    ----------
    net : Network
        Its stimulus and white noise are replaced.
    currents : sequence of float
        uA/cm^2, in any order.
    sigmas : sequence of float
        Intensities of white current noise, uA/cm^2 ms^0.5.
    t_end, discard : float
        Duration of each run, and of the transient at its beginning that is discarded, ms.
    trials, dt, method, rng, threads
        As for `hh_sde.solve`.
    confidence : float
        Of the confidence intervals, by the jackknife over trials.

    Returns
    -------
    Dataset
        rate (Hz), rate_low, rate_high, amplitude (mV, of V after the transient, mean over trials
        and neurons), over (sigma, start, current), in increasing order

    Examples
    --------
    >>> from hh_sde import Network
    >>> ds = rate_curve(Network(1), [8.0, 8.25], t_end=200.0, trials=1, discard=100.0, rng=1)
    >>> bool(ds.rate.sel(start="rest", current=8.0) < ds.rate.sel(start="firing", current=8.0))
    True
    """
    options: dict[str, Any] = {"dt": dt, "threads": threads, "progress": False}
    firing = Branch(with_white(net, 0.0), t_end, {**options, "method": _flow(method)}).at(currents)
    rate, low, high, amplitude = np.empty((4, len(sigmas), 2, len(currents)))
    for (s, sigma), (k, current) in watched(list(product(enumerate(sigmas), enumerate(currents)))):
        here = with_stimulus(with_white(net, sigma), current)
        rest = _above_rest(here, NUDGE) if _is_stable(here) else firing[k]
        for j, x0 in enumerate((rest, firing[k])):
            late = solve(
                here, t_end, trials=trials, x0=x0, method=method, rng=rng, noise=meant(here),
                record=["V"], discard=discard, **options,
            )  # fmt: skip
            each = late.hh.rates().rate.values.mean(axis=1)
            rate[s, j, k] = each.mean()
            low[s, j, k], high[s, j, k] = rate_interval(here, each, confidence)
            amplitude[s, j, k] = float((late.V.max("time") - late.V.min("time")).mean())
    dims = ("sigma", "start", "current")
    return labelled(
        {
            **estimated("rate", Column(dims, rate, "Hz", "firing rate"), low, high),
            "amplitude": Column(dims, amplitude, "mV", "extent of V"),
        },
        {"sigma": sigmas, "start": ["rest", "firing"], "current": currents},
    )


@dataclass(frozen=True)
class Branch:
    """The stable oscillation of a network without noise, followed from large currents downwards."""

    net: Network
    t_end: float
    options: dict[str, Any]

    def at(self, currents: Sequence[float]) -> list[np.ndarray]:
        """A state to start from at each current, in increasing order: on the branch; below its end
        the last on it; above it, raised over the equilibrium.
        """
        current, state, extent = self._beginning(currents)
        states = []
        for wanted in reversed(currents):
            if wanted > current:
                states.append(self._raised(wanted))
                continue
            if extent > OSCILLATION:
                current, state, extent = self._followed(current, state, extent, wanted)
            states.append(state)
        return states[::-1]

    def _beginning(self, currents: Sequence[float]) -> tuple[float, np.ndarray, float]:
        """Current, state and extent where something oscillates; -inf and 0 if nothing does."""
        for current in (*(currents[-1] + above for above in ABOVE), *_downwards(currents)):
            state, extent = self._run(current, self._raised(current))
            if extent > OSCILLATION and self._run(current, state)[1] > 0.5 * extent:
                return current, state, extent  # and it did not only decay slowly
        return -np.inf, np.empty(0), 0.0

    def _raised(self, current: float) -> np.ndarray:
        return _above_rest(with_stimulus(self.net, current), KICK)

    def _followed(
        self, current: float, state: np.ndarray, extent: float, wanted: float
    ) -> tuple[float, np.ndarray, float]:
        """From a current down to the one wanted, or to where the branch ends: extent 0 there."""
        step = LARGEST_STEP
        while current > wanted:
            following = max(current - step, wanted)
            next_state, next_extent = self._run(following, state)
            if next_extent > 0.5 * extent:
                current, state, extent = following, next_state, next_extent
                step = min(2 * step, LARGEST_STEP)
            elif step > LEAST_STEP:
                step /= 2
            else:
                return current, state, 0.0
        return current, state, extent

    def _run(self, current: float, x0: np.ndarray) -> tuple[np.ndarray, float]:
        """The state after a run, and the extent of V in its second half."""
        here = with_stimulus(self.net, current)
        ds = solve(here, self.t_end, x0=x0, noise="ignore", **self.options)
        late = ds.V.isel(time=slice(ds.sizes["time"] // 2, None))
        extent = float((late.max("time") - late.min("time")).max())
        return np.concatenate([ds[name].values[-1] for name in here.variables]), extent


def _downwards(currents: Sequence[float]) -> Iterator[float]:
    """From the largest down to the smallest, all of them, and between them in SEARCH_STEPs."""
    for upper, lower in pairwise(reversed(currents)):
        steps = int(np.ceil((upper - lower) / SEARCH_STEP))
        yield from np.linspace(upper, lower, steps + 1)[1:].tolist()


def _above_rest(net: Network, above: float) -> np.ndarray:
    """The equilibrium, with V raised, mV."""
    still = net.equilibrium()
    still[net.layout.components["V"]] += above
    return still


def _is_stable(net: Network) -> bool:
    """Whether V and the gates return to the equilibrium where there is no noise."""
    jac = net.sde().jac
    assert jac is not None
    growth = np.linalg.eigvals(jac(net.equilibrium(), 0.0)).real.max()
    return bool(growth < SLOWEST)


def _flow(method: str | Method) -> str | Method:
    """The method that follows the branch: the run's own, if it solves the equations of the mean."""
    return "strang" if method_of(method).interpretation == "chain" else method

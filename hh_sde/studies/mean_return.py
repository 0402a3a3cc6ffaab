"""mean_return_phase: the phase of a noisy oscillation, without a cycle of the equations.

Two states have the same phase if from both the n-th spike is expected at the same time, however
large n is. Nothing here is linear or small, and there need be no oscillation without noise.

References
----------
Schwabedal & Pikovsky (2013), Phys. Rev. Lett. 110, 204102, doi:10.1103/PhysRevLett.110.204102;
Cao, Lindner & Thomas (2020), SIAM J. Appl. Math. 80, 422, doi:10.1137/18M1218601.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.methods import Method
from hh_sde.network import Network
from hh_sde.progress import watched
from hh_sde.records import shown
from hh_sde.solver import solve
from hh_sde.studies.common import Column, estimated, labelled, study
from hh_sde.studies.cycles import Cycle
from hh_sde.studies.intervals import students_t
from hh_sde.studies.phase import component_name, see_network

#: Of one interval: how long a run is at first, ms, and how often that is doubled.
BEGUN_WITH, DOUBLINGS = 20.0, 6
#: Standard errors at which the start is not forgotten.
NOT_FORGOTTEN = 4.0


@study
def mean_return_phase(
    net: Network,
    phases: int = 12,
    returns: int = 20,
    trials: int = 200,
    *,
    states: Any = None,
    dt: float = 0.01,
    method: str | Method = "lie_trotter",
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    r"""The phase of states by the mean times of their returns: Monte Carlo, for noise of any size.

    With :math:`\tau_n(x)` the time of the n-th spike of the first neuron from the state x on, the
    phase of x is

    .. math::

        \theta(x) = \lim_{n \to \infty} \left( E\,\tau_n(x_1) - E\,\tau_n(x) \right) ,

    in ms, up to multiples of the mean period, relative to the first state. All states are run on
    the same paths, so that most of the noise drops out of the difference.

    Parameters
    ----------
    net : Network
        With a constant stimulus, and noise.
    phases : int
        Points of the cycle without noise that are looked at where `states` is not given, evenly
        spaced in time from the crossing of 0 mV upwards.
    returns : int
        n. From half as many spikes the same must follow, or a warning says that the start was not
        forgotten.
    trials : int
        2 at least.
    states : (states, d) array, optional
        Any states, as `SDE.x0` is one; the network then needs no cycle.
    dt, method, rng, threads
        As for `hh_sde.solve`.
    confidence : float
        Of the intervals, over trials.

    Returns
    -------
    Dataset
        Over `start` (the number of the state): mean_return_phase (ms, from -T/2 to T/2 about
        that without noise on a cycle, else from 0 to T), mean_return_phase_low and _high; phase
        (ms), that without noise, nan for given states; states (start, component).
        mean_period T (ms) with its interval.

    Raises
    ------
    ValueError
        If the network remembers more than its state, there is no cycle and no `states`, or it
        hardly fires.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(0.5))
    >>> ds = mean_return_phase(net, phases=4, returns=6, trials=20, rng=1)
    >>> ds.phase.values.round(2).tolist()
    [0.0, 3.66, 7.32, 10.98]
    >>> bool((abs(ds.mean_return_phase - ds.phase) < 1.0).all())
    True
    """
    see_network(net, "mean_return_phase")
    if trials < 2:
        raise ValueError(f"trials must be 2 at least, which intervals take, got {trials}")
    sde = net.sde()
    if states is None:
        cycle = Cycle.of(sde)
        known = np.arange(phases) / phases * cycle.period
        states = cycle.states(known)
    else:
        states = _checked(states, sde.d)
        known = np.full(len(states), np.nan)
    options = {"dt": dt, "method": method, "trials": trials, "rng": rng, "threads": threads}
    # (states, trials, 2): the spike half the way, and the last
    times = np.array([_returns(net, x, returns, options) for x in watched(states)])
    width = students_t(confidence, trials) / np.sqrt(trials)
    lasted = (times[0, :, 1] - times[0, :, 0]) / (returns - returns // 2)
    period, off_period = lasted.mean(), width * lasted.std(ddof=1)
    ahead = times[0] - times  # (states, trials, 2)
    lowest = np.where(np.isnan(known), 0.0, known - 0.5 * period)
    lowest[0] = -0.5 * period
    periods = -np.floor((ahead[:, :, 1].mean(axis=1) - lowest) / period)
    # each of them as uncertain as the trials are
    shifted = ahead[:, :, 1] + periods[:, None] * lasted
    wrapped, off = shifted.mean(axis=1), width * shifted.std(axis=1, ddof=1)
    phase = Column(("start",), wrapped, "ms", "phase by mean return times")
    ds = labelled(
        {
            **estimated("mean_return_phase", phase, wrapped - off, wrapped + off),
            "phase": Column(("start",), known, "ms", "phase without noise", "states were given"),
            "states": Column(("start", "component"), states, "1", "state, in its own units"),
            **estimated("mean_period", Column((), period, "ms", "mean interval"),
                        period - off_period, period + off_period),
        },
        {"start": np.arange(len(states)),
         "component": [component_name(one, net.n_neurons) for one in sde.names]},
    )  # fmt: skip
    change = ahead[:, :, 1] - ahead[:, :, 0]
    error = change.std(axis=1, ddof=1) / np.sqrt(trials)
    size = np.abs(change.mean(axis=1))
    moved = size > NOT_FORGOTTEN * error + 1e-3 * period
    if moved.any():
        ds.mean_return_phase.attrs["warning"] = (
            f"from spike {returns // 2} to spike {returns} the phase still moved, of "
            f"{int(moved.sum())} of {len(states)} states, by up to "
            f"{size.max():.3g} ms: give more returns"
        )
    return ds


def _checked(states: Any, d: int) -> np.ndarray:
    try:
        found = np.array(states, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"states must be an array (states, {d}), got {shown(states)}") from None
    if found.ndim != 2 or found.shape[1] != d or len(found) < 2 or not np.isfinite(found).all():
        raise ValueError(
            f"states must be finite, two or more, each of the {d} components of SDE.x0; got an "
            f"array of shape {found.shape}"
        )
    return found


def _returns(net: Network, x: np.ndarray, returns: int, options: dict[str, Any]) -> np.ndarray:
    """(trials, 2): when the first neuron spikes the returns//2-th and the last time, ms."""
    t_end = returns * BEGUN_WITH
    for _ in range(DOUBLINGS):
        ds = solve(net, t_end, x0=x, record=("spikes",), progress=False, **options)
        of_first = ds.neuron.values == 0
        trial, when = ds.trial.values[of_first], ds.spike_time.values[of_first]
        each = [when[trial == k] for k in range(options["trials"])]
        fewest = min(one.size for one in each)
        if fewest >= returns:
            return np.array([(one[returns // 2 - 1], one[returns - 1]) for one in each])
        t_end *= 2.0
    raise ValueError(
        f"in {t_end / 2:g} ms a trial had {fewest} spikes of {returns}: the network fires too "
        "rarely for a phase; give a larger stimulus, more noise or fewer returns"
    )

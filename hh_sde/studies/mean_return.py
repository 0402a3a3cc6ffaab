"""mean_return_phase: the mean-return-time phase of a noisy oscillation.

Two states have the same phase if the n-th spike has the same expected time from both, in the limit
of large n. This needs neither small noise nor an oscillation without noise.

References
----------
Schwabedal & Pikovsky (2013), Phys. Rev. Lett. 110, 204102, doi:10.1103/PhysRevLett.110.204102;
Cao, Lindner & Thomas (2020), SIAM J. Appl. Math. 80, 422, doi:10.1137/18M1218601.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from hh_sde.arguments.scalars import positive_int
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
    r"""Mean-return-time phase of states by Monte Carlo, for any noise intensity.

    With :math:`\tau_n(x)` the time of the n-th spike of the first neuron from the state x on, the
    phase of x is

    .. math::

        \theta(x) = \lim_{n \to \infty} \left( E\,\tau_n(x_1) - E\,\tau_n(x) \right) ,

    in ms, modulo the mean period, relative to the first state. All states run on the same Brownian
    paths, so most of the noise cancels in the difference.

    Parameters
    ----------
    net : Network
        With a constant stimulus, and noise.
    phases : int
        Number of points on the limit cycle without noise, if `states` is not given. They are evenly
        spaced in time from the upward crossing of 0 mV.
    returns : int
        n. If half as many spikes give a different phase, a warning says that the transient from
        the initial state is not over.
    trials : int
        At least 2.
    states : (states, d) array, optional
        Any flat states, in the order of `SDE.x0`; the network then needs no limit cycle.
    dt, method, rng, threads
        As for `hh_sde.solve`.
    confidence : float
        Of the confidence intervals, over trials.

    Returns
    -------
    Dataset
        Over `start` (the index of the state): mean_return_phase (ms; on a limit cycle from -T/2 to
        T/2 about the phase without noise, else from 0 to T), mean_return_phase_low and _high;
        phase (ms), that without noise, nan for given states; states (start, component).
        mean_period T (ms) with its confidence interval.

    Raises
    ------
    ValueError
        If the network has event-driven synapses or delays, so that its flat state does not
        determine its future; if there is no limit cycle and no `states`; or if it hardly fires.

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
    trials = positive_int(trials, "trials", 2)  # which intervals take
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

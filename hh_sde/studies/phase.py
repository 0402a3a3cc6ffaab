"""phase_reduction: phase response of a limit cycle, and variances of intervals for small noise.

The equations are linearised about the limit cycle without noise. M, the derivative of the flow over
a period, and C, the covariance that the noise adds in one period, give the variance of the time of
n returns to a section, to first order in the noise.

References
----------
Brown, Moehlis & Holmes (2004), Neural Comput. 16, 673, doi:10.1162/089976604322860668 (adjoint);
Ermentrout & Terman (2010), Mathematical Foundations of Neuroscience, chapter 8; Cao, Lindner &
Thomas (2020), SIAM J. Appl. Math. 80, 422, doi:10.1137/18M1218601 (isochrons of noisy oscillators).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import xarray as xr

from hh_sde.brownian import Rng
from hh_sde.methods import Method
from hh_sde.network import Network
from hh_sde.solver import solve
from hh_sde.studies.common import Column, estimated, labelled, study
from hh_sde.studies.cycles import Cycle
from hh_sde.studies.intervals import LOG, jackknife, times_drawn

TOO_SHORT = "fewer than 2 trials in which so many intervals were seen twice: give a longer t_end"
#: Trials run this many periods before intervals count.
PERIODS_DROPPED = 10


@study
def phase_reduction(
    net: Network,
    counts: Sequence[int] = (1, 2, 5, 10, 20, 50),
    t_end: float = 2000.0,
    trials: int = 20,
    *,
    phases: int = 200,
    dt: float = 0.01,
    method: str | Method = "euler_maruyama",
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    r"""Phase response, and predicted and simulated variances of n inter-spike intervals.

    On the limit cycle x(t) of period T without noise, the infinitesimal phase response
    :math:`Z = \nabla \theta` solves the adjoint equation :math:`\dot Z = -Df(x)^T Z` with
    :math:`Z \cdot f = 1`. For small noise the time :math:`T_n` of n inter-spike intervals has

    .. math::

        \frac{\operatorname{Var} T_n}{n} \to \int_0^T |Z^T G|^2 \, dt ,

    the prediction of the isochrons. A single interval, from one crossing of 0 mV to the next, also
    depends on where the section is crossed. Its variance follows from the linearised map of returns
    to the section.

    Parameters
    ----------
    net : Network
        It must fire without noise, with a constant stimulus. The first neuron's spikes are used.
    counts : sequence of int
        Values of n.
    t_end, trials, dt, method, rng, threads
        Of the simulation with which the predictions are compared; as for `hh_sde.solve`.
    phases : int
        Number of points of the limit cycle in the result.
    confidence : float
        Of the simulated variances, by the jackknife over trials.

    Returns
    -------
    Dataset
        period (ms); over (phase, component), with phase in ms from the upward crossing of 0 mV:
        cycle, and response, Z (ms per unit of the component); multiplier_real, multiplier_imag over
        `multiplier`, the Floquet multipliers: one is 1, and one more for each conserved sum of
        occupancies. Over `intervals`, n: predicted, Var T_n/n (ms^2) to first order in the noise,
        and simulated, simulated_low, simulated_high; isochron (ms^2), their limit; diffusion
        (1/ms), the diffusion coefficient of the phase in cycles, isochron/(2 T^3).

    Raises
    ------
    ValueError
        If there is no stable limit cycle through 0 mV; if the network has event-driven synapses or
        delays, so that its flat state does not determine its future; or if uncoupled parts of it
        oscillate independently, and so have no common phase.

    Examples
    --------
    >>> from hh_sde import CurrentNoise, Network
    >>> net = Network(1, stimulus=10.0, noise=CurrentNoise(0.5))
    >>> ds = phase_reduction(net, [1, 20], t_end=600.0, trials=4, rng=1)
    >>> round(float(ds.period), 3)
    14.636
    """
    see_network(net, "phase_reduction")
    sde = net.sde()
    cycle = Cycle.of(sde)
    linear = cycle.linearised()
    predicted = np.array([linear.variance_of_times(n) / n for n in counts])
    runs = _simulated(net, cycle, t_end, trials, dt, method, rng, threads)
    simulated = np.array([_variances(runs, n, confidence) for n in counts])
    phase = np.arange(phases) / phases * cycle.period
    both, of_counts = ("phase", "component"), ("intervals",)
    names = [component_name(one, net.n_neurons) for one in sde.names]
    found = {
        "period": Column((), cycle.period, "ms", "period without noise"),
        "cycle": Column(both, cycle.states(phase), "1", "state on the cycle, in its own units"),
        "response": Column(both, linear.responses(phase), "1", "phase response, ms per unit"),
        "multiplier_real": Column(("multiplier",), linear.multipliers.real, "1",
                                  "Floquet multiplier, real part"),
        "multiplier_imag": Column(("multiplier",), linear.multipliers.imag, "1",
                                  "Floquet multiplier, imaginary part"),
        "predicted": Column(of_counts, predicted, "ms^2",
                            "Var T_n/n to first order in the noise"),
        **estimated("simulated", Column(of_counts, simulated[:, 0], "ms^2",
                                        "simulated Var T_n/n", TOO_SHORT),
                    simulated[:, 1], simulated[:, 2]),
        "isochron": Column((), linear.isochron, "ms^2", "limit of Var T_n/n"),
        "diffusion": Column((), linear.isochron / (2.0 * cycle.period**3), "1/ms",
                            "diffusion of the phase, in cycles"),
    }  # fmt: skip
    coords = {"phase": phase, "component": names, "intervals": counts,
              "multiplier": np.arange(1, sde.d + 1)}  # fmt: skip
    ds = labelled(found, coords)
    few = [n for n, one in zip(counts, simulated[:, 0], strict=True) if np.isnan(one)]
    if few:
        ds.simulated.attrs["warning"] = (
            f"in t_end = {t_end:g} ms, {PERIODS_DROPPED} periods of which do not count, fewer than "
            f"2 trials have times of {', '.join(map(str, few))} intervals to compare: give a "
            "longer t_end, or more trials"
        )
    return ds


def see_network(net: Network, study: str) -> None:
    """Refuse what has no phase.

    Raises
    ------
    ValueError
    """
    constant = all(part.stimulus.constant for part in net.parts.values())
    if not constant or net.sde().program.remembers:
        raise ValueError(
            f"{study} takes a network of constant stimulus whose state is all that it "
            f"knows; this one has {'event-driven synapses or delays' if constant else 'another'}"
        )
    if not net.noisy:
        raise ValueError(f"{study} tells what noise does: this network has none")


def component_name(component: str, n_neurons: int) -> str:
    """Without its number where there is one neuron."""
    return component.removesuffix("[0]") if n_neurons == 1 else component


def _simulated(
    net: Network,
    cycle: Cycle,
    t_end: float,
    trials: int,
    dt: float,
    method: str | Method,
    rng: Rng,
    threads: int,
) -> list[np.ndarray]:
    """Spike times of the first neuron in each trial, without the beginning."""
    ds = solve(
        net, t_end, dt=dt, method=method, trials=trials, x0=cycle.x0, rng=rng, threads=threads,
        record=("spikes",), progress=False,
    )  # fmt: skip
    first = PERIODS_DROPPED * cycle.period
    of_first = (ds.neuron.values == 0) & (ds.spike_time.values > first)
    return [ds.spike_time.values[of_first & (ds.trial.values == k)] for k in range(trials)]


def _variances(runs: list[np.ndarray], n: int, confidence: float) -> tuple[float, float, float]:
    """Var T_n/n over all n successive intervals of all trials, with its interval."""
    times = [one[n:] - one[:-n] for one in runs]
    number = np.array([one.size for one in times], dtype=float)
    if (number > 1).sum() < 2:
        return np.nan, np.nan, np.nan
    origin = np.concatenate(times).mean()
    sums = np.stack([number, *(
        np.array([((one - origin) ** k).sum() for one in times]) for k in (1, 2)
    )])  # fmt: skip
    statistic = partial(_variance_of, sums=sums, n=n)
    low, high = jackknife(  # on LOG, since variances of few trials have a long upper tail
        statistic, len(runs), confidence, LOG, within=(0.0, np.inf)
    )
    return float(statistic(np.arange(len(runs))[None])[0]), float(low), float(high)


def _variance_of(samples: np.ndarray, sums: np.ndarray, n: int) -> np.ndarray:
    many, first, second = (times_drawn(samples, sums.shape[1]) @ sums.T).T
    return (second - first**2 / many) / (many - 1.0) / n

"""synchrony: synchrony of a network over coupling strength and noise intensity."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import xarray as xr

from hh_sde import measures
from hh_sde.brownian import Rng
from hh_sde.methods import Method
from hh_sde.network import Network
from hh_sde.progress import watched
from hh_sde.solver import solve
from hh_sde.studies.common import (
    Column,
    estimated,
    labelled,
    mean_of,
    meant,
    study,
    with_white,
)
from hh_sde.studies.intervals import jackknife
from hh_sde.synapses import AnySynapse


@study
def synchrony(
    net: Network,
    couplings: Sequence[float] = (0.0, 0.25, 0.5, 1.0, 2.0),
    sigmas: Sequence[float] = (0.5, 1.0, 2.0, 4.0),
    t_end: float = 500.0,
    trials: int = 10,
    *,
    dt: float = 0.05,
    method: str | Method = "strang",
    discard: float = 100.0,
    save_dt: float = 0.5,
    confidence: float = 0.95,
    rng: Rng = None,
    threads: int = 1,
) -> xr.Dataset:
    """Synchrony of a network over coupling strength and noise intensity.

    Parameters
    ----------
    net : Network
        With two or more neurons. All its weights are multiplied by each of `couplings`, and its
        white noise is replaced.
    couplings : sequence of float
    sigmas : sequence of float
        uA/cm^2 ms^0.5.
    discard : float
        Duration of the transient that is discarded, ms.
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
    estimates = np.empty((3, len(couplings), len(sigmas)))
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
        estimates[:, c, s] = each.mean(), low, high
    column = Column(("coupling", "sigma"), estimates[0], "1", "synchrony chi^2 of V",
                    "in a trial no trace changes")  # fmt: skip
    return labelled(
        estimated("chi_squared", column, *estimates[1:]), {"coupling": couplings, "sigma": sigmas}
    )


def _scaled(synapse: AnySynapse, factor: float) -> AnySynapse:
    return synapse.replace(weights=synapse.weights * factor)

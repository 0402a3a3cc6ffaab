"""sweep(): parameters as dimensions of one result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.arguments.recording import names_of
from hh_sde.arguments.scalars import number, positive, positive_int
from hh_sde.brownian import Rng
from hh_sde.errors import keyword_hints
from hh_sde.measures import SpikeRule
from hh_sde.network import Network
from hh_sde.records import shown
from hh_sde.results import dataset_of
from hh_sde.sweeps import tasks
from hh_sde.sweeps.cells import compute, of_cells
from hh_sde.sweeps.design import Design, design
from hh_sde.sweeps.form import ATTRIBUTE
from hh_sde.sweeps.plan import Plan
from hh_sde.sweeps.points import Recording
from hh_sde.sweeps.reductions import Own, finished, place_of_own, see_name
from hh_sde.sweeps.store import Store


@keyword_hints
def sweep(
    net: Network,
    over: Mapping[str, Any],
    t_end: float,
    *,
    trials: int = 1,
    record: str | Sequence[str] | None = ("spikes",),
    reduce: str | Sequence[str] | Mapping[str, Mapping[str, Any]] | Own | None = None,
    dt: float = 0.01,
    method: str | None = None,
    rng: Rng = None,
    common_noise: bool = False,
    x0: Mapping[str, Any] | None = None,
    save_dt: float | None = None,
    discard: float | None = None,
    spike_rule: SpikeRule | None = None,
    noise: str | None = None,
    dtype: str = "float64",
    store: str | os.PathLike[str] | None = None,
    client: Any = None,
    threads: int | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Run a network at every combination of parameter values, with several trials each.

    One combination is a point. Points that differ in parameters of cells, synapses, stimuli or
    noise run side by side, in the lanes of one call of the engine. Points that differ in the
    structure of the network, the method or the step are separate runs.

    Parameters
    ----------
    net : Network
    over : mapping of name to values
        A name is a path of fields into the network: ``cell.g_Na``, ``stimulus``,
        ``noise.sigma``, ``E.cell.g_K`` of population E, ``synapses.AMPA.scale`` (a factor on its
        weights); or ``dt`` or ``method``. A list becomes a dim of its own. The last word of the
        path names it, or the whole path where two last words clash. DataArrays keep their dims:
        those over the same dim, "sample", are paired.
    t_end : float
        ms.
    trials : int
        Number of trials at each point, along the dim `trial`.
    record : str or sequence of str, optional
        As of `solve`: variables of the state, ``"spikes"``. Default: spikes only.
    reduce : name, sequence of names, mapping of name to options, or function, optional
        Statistics that are kept instead; they are computed inside the tasks. Of spikes:
        ``"rates"``, of each trial; ``"interval_statistics"``,
        ``{"interval_histogram": {"bins": [...]}}`` and
        ``{"interval_quantiles": {"q": [0.5, 0.9]}}``, of inter-spike intervals over all trials.
        Of traces: ``"moments"``, mean and variance over trials. Or a user-defined function of the
        Dataset of a task (as returned here without `reduce`), to a Dataset whose variables have
        all dims of the sweep, and others of fixed sizes. A store records the function's name
        only, so it takes no lambda.
    dt, method, x0, save_dt, discard, spike_rule, noise, dtype
        As of `solve`; x0 by variable.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed; None draws one, or takes that of the store. The noise at a point depends on the seed,
        on the names and values of the swept parameters there, and on the trial. It does not
        depend on the other points.
    common_noise : bool
        All points have the same noise (common random numbers), for differences between them.
    store : path, optional
        Folder of a Zarr store. It is created; if it has the same sweep, the sweep is resumed. More
        trials, or more values at the end of an axis, extend it. Needs the extra ``sweep``.
    client : distributed.Client, optional
        A dask cluster whose workers run the tasks. Default: threads of this process.
    threads : int, optional
        Default: one per core.
    progress : bool, optional
        As of `solve`.

    Returns
    -------
    Dataset
        Dims: those of `over`, trial, and those of the variables. spike_time, along `spike`, has
        the spikes of all points, trials and neurons. spike_start and spike_count, (..., trial,
        neuron), give the part of each: ``ds.hh.spikes()`` gathers the spikes of a selection by
        sel or isel. Entries that failed are NaN, their spike_count -1. The attribute `sweep` says
        how the result was made, and `hh_sde.rerun` recomputes any part of it.

    Raises
    ------
    TypeError, ValueError
        If a name is unknown or does not take a value, an argument is out of range, or the store
        is of another sweep.
    StoreError
        If the disk is full, the store is being written to, or the cluster is gone.
    Interrupted
        On Ctrl-C: with what was computed; a store keeps it.

    Warns
    -----
    UserWarning
        If entries failed; the attribute `failed` says which and why.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network(1, noise=hh.CurrentNoise(1.0))
    >>> ds = hh.sweep(net, {"stimulus": [6.0, 10.0], "noise.sigma": [0.5, 1.0, 2.0]}, 50.0,
    ...               trials=4, rng=1)
    >>> dict(ds.spike_count.sizes)
    {'stimulus': 2, 'sigma': 3, 'trial': 4, 'neuron': 1}
    >>> ds.sel(sigma=1.0).hh.rates().rate.mean("trial").values.ravel()
    array([55., 75.])
    """
    if not isinstance(net, Network):
        raise TypeError(f"sweep takes a Network, got {shown(net)}")
    recording = Recording(
        t_end=number(t_end, "t_end"),
        dt=positive(dt, "dt"),
        method=method,
        record=None if record is None else tuple(names_of(record, "record")),
        save_dt=save_dt,
        discard=discard,
        spike_rule=spike_rule,
        x0=x0,
        noise=noise,
        dtype=dtype,
    )
    trials = positive_int(trials, "trials")
    if not isinstance(common_noise, bool):
        raise TypeError(f"common_noise must be True or False, got {shown(common_noise)}")
    if rng is None and store is not None and os.path.lexists(store):
        rng = Design.of(Store.open(store).plan).seed
    plan = design(net, over, trials, recording, reduce, rng, common_noise).plan()
    if callable(reduce) and store is not None:
        see_name(reduce)
    work = partial(compute, own=reduce) if callable(reduce) else compute
    sums = tasks.execute(plan, work, store=store, client=client, threads=threads, progress=progress)
    return _result(sums, plan)


def resume(store: str | os.PathLike[str], **options: Any) -> xr.Dataset:
    """Compute what is missing or damaged in the store of a sweep.

    Parameters
    ----------
    store : path
    **options
        `client`, `threads` and `progress`, as of `sweep`.

    Returns
    -------
    Dataset
        As of `sweep`.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no store, it is damaged, or its reduction is a user-defined function.
    """
    plan = Store.open(store).plan
    place = place_of_own(Design.of(plan).reduce)
    if place is not None:
        raise ValueError(
            f"{store} is reduced by the function {place}, which no store holds: hh_sde.sweep with "
            "the arguments that it was made with goes on"
        )
    return _result(tasks.resume(store, compute, **options), plan)


def open_store(store: str | os.PathLike[str]) -> xr.Dataset:
    """Open the result in a store, also while it is being computed; parts are read when used.

    Parameters
    ----------
    store : path

    Returns
    -------
    Dataset
        As of `sweep`. Entries that are not computed yet are NaN, counts -1.
    """
    opened = Store.open(store)
    return _result(opened.dataset(), opened.plan)


def _result(sums: xr.Dataset, plan: Plan) -> xr.Dataset:
    ds = finished(sums, Design.of(plan).reduce)
    return ds.assign_attrs({ATTRIBUTE: plan.result_json()})


def network_of(ds: xr.Dataset) -> Network:
    """The network of a sweep, before its parameters are varied.

    Parameters
    ----------
    ds : Dataset
        As of `sweep`.

    Raises
    ------
    ValueError
        If it is no result of a sweep.
    """
    return Design.of(_plan_of(ds, "network_of")).net


def _plan_of(ds: Any, taker: str) -> Plan:
    """The plan that a result says it is of."""
    if ATTRIBUTE not in dataset_of(ds, taker).attrs:
        raise ValueError(f"this Dataset has no attribute {ATTRIBUTE!r}: it is not of a sweep")
    return Plan.from_json(ds.attrs[ATTRIBUTE])


def rerun_part(ds: xr.Dataset, threads: int = 1) -> xr.Dataset:
    """The cells of a result, or of a part chosen by sel and isel, made again.

    Raises
    ------
    TypeError, ValueError
        If it is no result of a sweep.
    """
    plan = _plan_of(ds, "rerun_part")
    own = Design.of(plan)
    labels = plan.labels({dim: (0, size) for dim, size in plan.sizes.items()})
    places, alone = {}, []
    for dim, size in plan.sizes.items():
        if dim == "trial" and own.reduce and dim not in ds.coords:
            places[dim] = np.arange(size)
            continue
        if dim in ds.dims and dim not in ds.coords:
            if ds.sizes[dim] != size:
                raise ValueError(f"which cells along {dim} these are cannot be told: no coordinate")
            places[dim] = np.arange(size)
            continue
        if dim not in ds.coords:
            raise ValueError(f"this is no part of its sweep: there is no coordinate {dim}")
        known = labels[dim].values if dim in labels.coords else np.arange(size)
        places[dim] = _places(known, np.atleast_1d(ds[dim].values), dim)
        if not ds[dim].ndim:
            alone.append(dim)
    again = _result(of_cells(own, places, threads), plan)
    return again.isel(dict.fromkeys(alone, 0))


def _places(known: np.ndarray, wanted: np.ndarray, dim: str) -> np.ndarray:
    found = []
    for value in wanted:
        (at,) = np.nonzero(known == value)
        if at.size != 1:
            raise ValueError(f"the sweep has no cell with {dim} = {value}")
        found.append(int(at[0]))
    return np.array(found)

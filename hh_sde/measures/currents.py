"""Currents, conductances and open fractions at the states of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

from hh_sde import stated
from hh_sde.dataset import spikes_alone

if TYPE_CHECKING:
    from hh_sde.network import Network


def currents(ds: xr.Dataset) -> xr.Dataset:
    """All currents at the states of a result, outward positive but for the injected one.

    C dV/dt = I_stim - (the sum of the others), where V has no white noise.

    Parameters
    ----------
    ds : Dataset
        A result of `hh_sde.solve` of a Network, or a part of one, with all variables of the state.

    Returns
    -------
    Dataset with I_<channel>, I_<synapse>, I_gap and I_<coloured noise>, outward, and I_stim, as it
    is injected (uA/cm^2), each with the dims of V

    Raises
    ------
    ValueError
        If `ds` does not describe its network, or lacks variables of the state, or neurons that
        others depend on.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, "wang_buzsaki", stimulus=1.0), 5.0)
    >>> list(currents(ds))
    ['I_Na', 'I_K', 'I_L', 'I_stim']
    """
    return _network(ds, "currents").currents(ds)


def conductances(ds: xr.Dataset) -> xr.Dataset:
    """Conductances, and open fractions of channels, at the states of a result.

    Parameters
    ----------
    ds : Dataset
        As for `currents`.

    Returns
    -------
    Dataset with g_<channel>, g_<synapse>, g_gap (mS/cm^2; those of synapses as sums over their
    inputs), and p_<channel>, the open fractions (1), each with the dims of V

    Raises
    ------
    ValueError
        As `currents`.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(1, "wang_buzsaki", stimulus=1.0), 5.0)
    >>> list(conductances(ds))
    ['g_Na', 'g_K', 'g_L', 'p_Na', 'p_K']
    """
    return _network(ds, "conductances").conductances(ds)


def _network(ds: xr.Dataset, what: str) -> Network:
    """The network of a result that holds all variables of its state."""
    from hh_sde.network import Network  # and numba with it: loaded when a current is asked for

    net = Network.from_dataset(ds)
    missing = [name for name in net.variables if name not in ds]
    if missing and "arguments" in ds.attrs:
        changes = f"record={net.variables!r}"
        if "reduce" in stated.mapping(ds.attrs, "arguments"):
            changes += ", reduce=None"
        lacks = f"this Dataset lacks {', '.join(missing)}"
        has = "these are spikes alone" if spikes_alone(ds) else lacks
        raise ValueError(
            f"{what} follow from all variables of the state, and {has}: hh_sde.rerun(ds, {changes})"
            " makes it again with them (save_dt= spaces them); solve itself can record currents, "
            "record=('V', 'I_Na')"
        )
    return net

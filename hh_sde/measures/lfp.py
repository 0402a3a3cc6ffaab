"""Proxies of the local field potential: sums of the synaptic currents of a population."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from hh_sde.dataset import along_neurons
from hh_sde.errors import unknown
from hh_sde.measures.currents import currents
from hh_sde.measures.labels import labels
from hh_sde.records import see_choice

#: Of the weighted sum: how much later each current is felt (ms), and the weight of inhibition.
TAU_AMPA, TAU_GABA, ALPHA = 6.0, 0.0, 1.65
#: Reversal potentials of excitation lie above this, those of inhibition below, mV.
BETWEEN = -40.0


def lfp(
    ds: xr.Dataset,
    method: str = "sum",
    *,
    excitatory: Sequence[str] | None = None,
    inhibitory: Sequence[str] | None = None,
) -> xr.Dataset:
    r"""A proxy of the local field potential that a population of pyramidal cells makes.

    "sum" is the sum of the absolute synaptic currents of its neurons,

    .. math:: \sum_i \sum_s |I_{s,i}(t)|,

    "weighted" the reference weighted sum, in units of its standard deviation and less its mean,

    .. math:: \mathrm{norm} \Big( \sum_i I_{\mathrm{AMPA},i}(t - \tau_\mathrm{AMPA})
        - \alpha \sum_i I_{\mathrm{GABA},i}(t - \tau_\mathrm{GABA}) \Big), \quad
        \tau_\mathrm{AMPA} = 6\,\mathrm{ms},\ \tau_\mathrm{GABA} = 0,\ \alpha = 1.65,

    where currents are inward: excitation is positive, inhibition negative, and both add up.

    Parameters
    ----------
    ds : Dataset
        A result of `solve` with the currents of synapses, as of ``record=("V", "I_AMPA")``, or all
        variables of the state, from which they follow.
    method : {"sum", "weighted"}
    excitatory, inhibitory : sequence of str, optional
        Names of synapses, which take the place of AMPA and of GABA. Default: those that were
        recorded whose reversal potential is above -40 mV, and the others. Where one is given and
        the other is not, that is none.

    Returns
    -------
    Dataset with lfp (uA/cm^2, a sum over neurons; of "weighted" 1), dims (trial, time) or (time,)

    Raises
    ------
    ValueError
        If there are no synaptic currents, neurons of several populations (choose one with
        ``ds.hh.population``, or all with ``by="population"``), or no such synapse.

    References
    ----------
    Sum: Mazzoni, Panzeri, Logothetis & Brunel 2008, PLoS Comput. Biol. 4, e1000239,
    doi:10.1371/journal.pcbi.1000239.
    Weighted: Mazzoni, Linden, Cuntz, Lansner, Panzeri & Einevoll 2015, PLoS Comput. Biol. 11,
    e1004584, doi:10.1371/journal.pcbi.1004584.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network(4, stimulus=10.0, synapses=[hh.SYNAPSES["AMPA"](0.05),
    ...                                              hh.SYNAPSES["GABA_A"](0.1)])
    >>> ds = hh.solve(net, 50.0, save_dt=0.1, record=("I_AMPA", "I_GABA_A"))
    >>> lfp(ds).lfp.dims, lfp(ds, "weighted").lfp.attrs["units"]
    (('time',), '1')
    """
    see_choice(method, ("sum", "weighted"), "method")
    ds = along_neurons(ds)
    _see_one_population(ds)
    I = _synaptic_currents(ds)
    exciting, inhibiting = _kinds(ds, list(I), excitatory, inhibitory)
    if method == "sum":
        found = _total({name: abs(one) for name, one in I.items()}, [*exciting, *inhibiting])
        about = labels("uA/cm^2", "LFP proxy, sum of absolute synaptic currents")
        missing: dict[str, str] = {}
    else:
        inward = {name: -one for name, one in I.items()}
        excitation, inhibition = _total(inward, exciting), _total(inward, inhibiting)
        felt = _later(excitation, TAU_AMPA) - ALPHA * _later(inhibition, TAU_GABA)
        spread = felt.std("time")
        found = (felt - felt.mean("time")) / spread.where(spread > 0)
        about = labels("1", "LFP proxy, weighted sum of synaptic currents")
        missing = {"nan_means": f"the first {TAU_AMPA:g} ms, or no current changes"}
    kept = {name: ds.attrs[name] for name in ("schema_version", "populations") if name in ds.attrs}
    return xr.Dataset({"lfp": found.assign_attrs(about | missing)}, attrs=kept)


def _see_one_population(ds: xr.Dataset) -> None:
    names = set(map(str, ds.population.values.flat)) if "population" in ds.coords else ()
    if len(names) > 1:
        raise ValueError(
            f"these are the neurons of {', '.join(sorted(names))}: an LFP is made by one "
            'population, ds.hh.population("E").hh.lfp(), or ds.hh.lfp(by="population") for each'
        )


def _synaptic_currents(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    """The current of each synapse, over time and neuron, outward."""
    found = _by_synapse(ds)
    if not found and "time" in ds.dims and "neuron" in ds.dims:
        found = _by_synapse(currents(ds))
    if not found:
        raise ValueError(
            "there are no currents of synapses over time: solve and hh_sde.rerun record them, "
            "record=('V', 'I_AMPA'), I_ and the name of each synapse"
        )
    return found


def _by_synapse(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    return {
        one.attrs["synapse"]: one
        for one in ds.data_vars.values()
        if one.attrs.get("role") == "current"
        and "synapse" in one.attrs
        and {"time", "neuron"} <= set(one.dims)
    }


def _kinds(
    ds: xr.Dataset,
    known: list[str],
    excitatory: Sequence[str] | None,
    inhibitory: Sequence[str] | None,
) -> tuple[list[str], list[str]]:
    """Names of the exciting and of the inhibiting synapses."""
    if excitatory is None and inhibitory is None:
        E = _reversal_potentials(ds)
        for name in known:
            if name not in E:
                raise ValueError(
                    f"whether {name} excites or inhibits is not known from its reversal "
                    "potential: name the synapses, excitatory=(...), inhibitory=(...)"
                )
        return [name for name in known if E[name] > BETWEEN], [
            name for name in known if E[name] <= BETWEEN
        ]
    given = []
    for names in (excitatory or (), inhibitory or ()):
        names = [names] if isinstance(names, str) else list(names)
        for name in names:
            if name not in known:
                raise ValueError(unknown("recorded current of a synapse", name, known))
        given.append(names)
    return given[0], given[1]


def _reversal_potentials(ds: xr.Dataset) -> dict[str, float]:
    """Those of a network's synapses that have one, mV."""
    from hh_sde.network import Network  # and numba with it

    found = {}
    for one in Network.from_dataset(ds).synapses:
        E = getattr(one, "E", None)
        if E is None:  # gap junctions, currents
            continue
        above = np.asarray(E) > BETWEEN
        if above.all() or not above.any():
            found[one.name] = float(np.ravel(E)[0])  # type: ignore[union-attr]
    return found


def _total(I: dict[str, xr.DataArray], names: list[str]) -> xr.DataArray:
    """The sum over neurons and synapses."""
    total = xr.zeros_like(next(iter(I.values())).sum("neuron"))
    for name in names:
        total = total + I[name].sum("neuron")
    return total


def _later(x: xr.DataArray, tau: float) -> xr.DataArray:
    """x(t - tau), ms; NaN where that is before the record."""
    if tau == 0:
        return x
    times = x.time.values
    at = times - tau
    there = at >= times[0] - 1e-9
    axis = x.get_axis_num("time")

    def row(y: np.ndarray) -> np.ndarray:
        return np.where(there, np.interp(at, times, y), np.nan)

    return x.copy(data=np.apply_along_axis(row, axis, x.values))

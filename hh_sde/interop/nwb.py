"""Results as files of Neurodata Without Borders."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.errors import keyword_hints, optional
from hh_sde.interop.trains import annotated, period, potentials
from hh_sde.measures.train_arrays import Trains
from hh_sde.results import takes_dataset
from hh_sde.spike_rule import SpikeRule

#: Columns of the table of units, by name.
COLUMNS = {
    "neuron": "number of the neuron in its network",
    "trial": "number of the trial",
    "population": "population of the neuron",
    "index": "number of the neuron in its population",
}


@keyword_hints
@takes_dataset
def to_nwb(
    ds: xr.Dataset,
    path: str | PathLike[str],
    rule: SpikeRule | None = None,
    *,
    start: float | None = None,
    stop: float | None = None,
    session_start_time: datetime | None = None,
    description: str = "simulation by hh_sde",
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a result as an NWB file (``pip install hh_sde[nwb]``), which must not exist.

    A unit of the table `units` is a neuron in a trial: its spike times and the interval of its
    record (s), columns neuron, and where there are, trial, swept values, population and index. The
    potentials, where `ds` has them, are the acquisition `V`, or one for each trial, `V_trial_0`, of
    data (time, neuron) in mV with the conversion to volts.

    Parameters
    ----------
    ds : a result of `solve`, or of `spikes`
    path : path
    rule : SpikeRule, optional
    start, stop : float, optional
        Window to look at, ms; see `spikes`. Default: the whole record.
    session_start_time : datetime, optional
        What t = 0 is, which an NWB file has to say. Default: now.
    description : str
        session_description of the file.
    about : mapping, optional
        Other arguments of `pynwb.NWBFile`, as experimenter or keywords.

    Raises
    ------
    ImportError
        If pynwb is not installed.
    FileExistsError
        If there is such a file.
    ValueError
        If `ds` has neither spikes nor V, or spikes of another rule.

    References
    ----------
    Rübel et al. 2022, eLife 11, e78362, doi:10.7554/eLife.78362.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(2, stimulus=10.0), 50.0, save_dt=0.1)
    >>> to_nwb(ds, "run.nwb", about={"keywords": ["Hodgkin-Huxley"]})  # doctest: +SKIP
    """
    pynwb = optional("pynwb", extra="nwb")
    if Path(path).exists():
        raise FileExistsError(f"{path} exists: remove it, or write to another file")
    trains = Trains.of(ds, rule, start, stop, of_own_length=True)
    began = datetime.now(UTC) if session_start_time is None else session_start_time
    file = pynwb.NWBFile(
        session_description=description,
        identifier=str(uuid.uuid4()),
        session_start_time=began,
        **(about or {}),
    )
    every = list(annotated(ds, trains))
    for name in every[0][0] if every else ():
        file.add_unit_column(name, COLUMNS.get(name, f"value of {name}"))
    for of, train, end in every:
        file.add_unit(
            spike_times=1e-3 * train, obs_intervals=[[1e-3 * trains.start, 1e-3 * end]], **of
        )
    V = potentials(ds, trains.start, trains.end)
    for series in () if V is None else _series(V, pynwb):
        file.add_acquisition(series)
    with pynwb.NWBHDF5IO(str(path), mode="w") as io:
        io.write(file)


def _series(V: xr.DataArray, pynwb: Any) -> Iterator[Any]:
    """The traces of V as TimeSeries, one for each trial and value of a sweep."""
    dims = V.dims[:-2]
    times = V.time.values
    spacing = period(times)
    when: dict[str, Any] = {"timestamps": 1e-3 * times}
    if spacing is not None:
        when = {"starting_time": 1e-3 * float(times[0]), "rate": 1e3 / spacing}
    for place in np.ndindex(*V.shape[:-2]):
        of = {dim: V[dim].values[k].item() for dim, k in zip(dims, place, strict=True)}
        ending = "".join(f"_{dim}_{value}" for dim, value in of.items())
        yield pynwb.TimeSeries(
            name=f"V{ending}",
            description="membrane potentials (time, neuron)" + (f" of {of}" if of else ""),
            data=V.values[place],
            unit="volts",
            conversion=1e-3,
            **when,
        )

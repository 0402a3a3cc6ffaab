"""The table [sweep]: what varies, as lists, as ranges, and along a dim that several share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.config.document import SweepDocument, read_cell, read_noise, read_stimulus
from hh_sde.config.entries import in_unit, is_number
from hh_sde.errors import did_you_mean
from hh_sde.network import Network
from hh_sde.records import shown
from hh_sde.spike_rule import SpikeRule
from hh_sde.sweeps.axes import units_of

#: Keys of [run] that `hh_sde.sweep` does not take.
NOT_SWEPT = ("stop", "rtol", "atol")
#: How tables are read that stand for a part of the network, by the last word of its name.
_PARTS: dict[str, Callable[[Any], Any]] = {
    "cell": read_cell, "stimulus": read_stimulus, "noise": read_noise,
}  # fmt: skip
_RANGE = ("start", "stop", "num")
_ACCEPTED = (
    "accepted: a list of values, {start = 5.0, stop = 10.0, num = 6}, or for values that go "
    'together {dim = "sample", values = [...]}'
)


def arguments_of(document: SweepDocument) -> dict[str, Any]:
    """The arguments of `hh_sde.sweep` but for the network and `over`.

    Raises
    ------
    ValueError
        If [run] asks for what a sweep cannot do.
    """
    run = {key: getattr(document.run, key) for key in document.run.model_fields_set}
    for key in NOT_SWEPT:
        if key in run:
            raise ValueError(f"run.{key}: a sweep does not take this key; remove it")
    own = {"trials": document.sweep.trials, "discard": document.sweep.discard}
    found = run | {key: value for key, value in own.items() if value is not None}
    if isinstance(found.get("trials"), list):
        raise ValueError(
            f"run.trials: a sweep takes a whole number of trials, got {shown(found['trials'])}"
        )
    if document.sweep.reduce is not None:
        found["reduce"] = document.sweep.reduce
    if document.spikes != SpikeRule():
        found["spike_rule"] = document.spikes
    return found | {"common_noise": document.sweep.common_noise}


def read_over(net: Network, given: Mapping[str, Any]) -> dict[str, Any]:
    """What varies, as `hh_sde.sweep` takes it.

    Raises
    ------
    ValueError
        With all that is wrong, a line for each name.

    Examples
    --------
    >>> over = read_over(Network(1), {"stimulus": {"start": "5 uA/cm^2", "stop": 6.0, "num": 3}})
    >>> over["stimulus"].tolist()
    [5.0, 5.5, 6.0]
    """
    found, faults = {}, []
    for path, value in _by_name(given):
        try:
            found[path] = _values(net, path, value)
        except (TypeError, ValueError) as error:
            faults.append(f"sweep.over.{path}: {error}")
    if faults:
        raise ValueError("\n".join(faults))
    return found


def _by_name(given: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Names with what is given for them: TOML makes a table in a table of ``noise.sigma = [1]``."""
    for name, value in given.items():
        if isinstance(value, Mapping) and value and _of_names(value):
            yield from _by_name(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _of_names(table: Mapping[str, Any]) -> bool:
    parts = (isinstance(value, list | Mapping) for value in table.values())
    return "values" not in table and all(parts)


def _values(net: Network, path: str, given: Any) -> Any:
    unit = units_of(net, path)
    if isinstance(given, list):
        return _listed(path, unit, given)
    if not isinstance(given, Mapping):
        raise ValueError(f"{shown(given)} is not accepted ({_ACCEPTED})")
    table = dict(given)
    dim = table.pop("dim", None)
    if set(table) == set(_RANGE):
        values: Any = _range(unit, **table)
    elif list(table) == ["values"] and isinstance(table["values"], list):
        values = _listed(path, unit, table["values"])
    else:
        known = ["dim", "values", *_RANGE]
        strange = next((key for key in table if key not in known), None)
        raise ValueError(_ACCEPTED + (did_you_mean(strange, known) if strange else ""))
    if dim is None:
        return values
    if not isinstance(dim, str) or not dim.isidentifier():
        raise ValueError(f"dim must be a name of letters, digits and _, got {shown(dim)}")
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return xr.DataArray(array, dims=dim)


def _range(unit: str, start: Any, stop: Any, num: Any) -> np.ndarray:
    """Numbers at equal distances, both ends among them."""
    ends = {"start": in_unit(unit)(start), "stop": in_unit(unit)(stop)}
    for name, value in ends.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} must be a number, got {shown(value)}")
    if isinstance(num, bool) or not isinstance(num, int) or not 1 <= num <= MOST:
        raise ValueError(f"num must be a whole number from 1 to {MOST}, got {shown(num)}")
    return np.linspace(float(ends["start"]), float(ends["stop"]), num)


#: Values of a range, at most.
MOST = 10**6


def _listed(path: str, unit: str, values: list[Any]) -> list[Any]:
    part = path.split(".")[-1]
    found = []
    for one in values:
        if isinstance(one, Mapping):
            if part not in _PARTS:
                raise ValueError(f"{shown(one)} is not accepted: a value of {part} is no table")
            one = _PARTS[part](one)
        elif isinstance(one, str) and is_number(one):
            one = in_unit(unit)(one)
        found.append(one)
    return found

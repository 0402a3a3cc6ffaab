"""Synapses of a configuration: their weights, where spikes come from, what they do to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hh_sde.config.entries import entry
from hh_sde.distributions import DISTRIBUTIONS
from hh_sde.records import shown
from hh_sde.spike_rule import SpikeRule
from hh_sde.spike_sources import PoissonInput, SpikeTimes
from hh_sde.stimuli import STIMULI
from hh_sde.synapses import SYNAPSES, SecondMessenger, ShortTermPlasticity
from hh_sde.topology import TOPOLOGIES


def read_synapses(value: Any) -> Any:
    """One table of a synapse, or a list of them.

    Raises
    ------
    ValueError
        With what is wrong with each, by their numbers from 0.
    """
    if not isinstance(value, list):
        return [_synapse(value)]
    found, faults = [], []
    for number, item in enumerate(value):
        try:
            found.append(_synapse(item))
        except (TypeError, ValueError) as error:
            faults.append(f"number {number}: {error}" if len(value) > 1 else str(error))
    if faults:
        raise ValueError("; ".join(faults))
    return found


def _synapse(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return entry(SYNAPSES, {})(item)
    # without a reversal potential an event-driven one is a current
    current = item.get("kind") in ("exponential", "biexponential") and "E" not in item
    unit = "uA/cm^2" if current else "mS/cm^2"
    parts: dict[str, Callable[[Any], Any]] = {
        "weights": lambda rule: _weights(rule, unit),
        "source": _source,
        "plasticity": _plasticity,
        "messenger": _messenger,
        "spike_rule": read_spike_rule,
    }
    made = dict(item)
    for key, read in parts.items():
        if isinstance(item.get(key), Mapping):
            try:
                made[key] = read(item[key])
            except (TypeError, ValueError) as error:
                raise ValueError(f"{key}: {error}") from None
    return entry(SYNAPSES, {"weights": unit})(made)


def _weights(rule: Mapping[str, Any], unit: str) -> Any:
    """A topology, as {kind = "ring", k = 4, ...}."""
    rule = dict(rule)
    if isinstance(rule.get("weight"), Mapping):
        units = dict.fromkeys(("mean", "sd", "low", "high"), unit)
        rule["weight"] = entry(DISTRIBUTIONS, units)(rule["weight"])
    return entry(TOPOLOGIES, {"weight": unit})(rule)


def _source(table: Mapping[str, Any]) -> Any:
    """Trains from outside, as {kind = "poisson", rate = 800.0}; the rate may change in time."""
    table = dict(table)
    if isinstance(table.get("rate"), Mapping):
        table["rate"] = entry(STIMULI, {"amplitude": "Hz"})(table["rate"])
    return entry(_SOURCES, {"rate": "Hz", "times": "ms"})(table)


def _plasticity(table: Mapping[str, Any]) -> Any:
    return entry({"plasticity": ShortTermPlasticity}, {})({"kind": "plasticity", **table})


def _messenger(table: Mapping[str, Any]) -> Any:
    return entry({"messenger": SecondMessenger}, {})({"kind": "messenger", **table})


def read_spike_rule(value: Any) -> SpikeRule:
    """What counts as a spike, a table.

    Raises
    ------
    ValueError
        If it is none.
    """
    units = {"threshold": "mV", "rearm": "mV", "lockout": "ms"}
    if not isinstance(value, Mapping):
        raise ValueError(f"accepted: a table with {', '.join(units)}, got {shown(value)}")
    return entry({"rule": SpikeRule}, units)({"kind": "rule", **value})


def _spike_times(times: Any) -> SpikeTimes:
    return SpikeTimes(times)


#: Where spikes come from, besides populations.
_SOURCES: dict[str, Callable[..., Any]] = {"poisson": PoissonInput, "spike_times": _spike_times}

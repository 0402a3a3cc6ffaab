"""What a run keeps besides traces: spikes, or statistics over trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hh_sde.errors import unknown
from hh_sde.measures import SpikeRule
from hh_sde.network import Network
from hh_sde.sde import SDE


def names_of(value: Any, argument: str) -> list[str]:
    """The names in one text or a sequence of them."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{argument} must be a name or a sequence of names, got {value!r}")
    return list(names)


def spike_recording(
    record: Any, rule: SpikeRule | None, model: Network | SDE, stop: Any
) -> tuple[list[str] | None, SpikeRule | None]:
    """The traces to record (None: all), and the rule of the spikes to record beside them."""
    names = None if record is None else names_of(record, "record")
    if rule is not None and not isinstance(rule, SpikeRule):
        raise TypeError(f"spike_rule must be a SpikeRule, got {rule!r}")
    if names is None or "spikes" not in names:
        if rule is not None and stop != "first spike":
            raise ValueError(
                "spike_rule goes with 'spikes' in record or stop='first spike'; for traces, give "
                "the rule to ds.hh.spikes"
            )
        return names, None
    if not isinstance(model, Network):
        raise ValueError("an SDE has no spikes; give the Network")
    return [name for name in names if name != "spikes"], rule or SpikeRule()


def reductions(reduce: Any, has_trials: bool, n_trials: int, rule: SpikeRule | None) -> list[str]:
    """The statistics over trials that are to be kept in place of the trials."""
    names = [] if reduce is None else names_of(reduce, "reduce")
    for name in names:
        if name not in ("mean", "var"):
            raise ValueError(f"reduce: {unknown('statistic', name, ('mean', 'var'))}")
    if names and rule is not None:
        raise ValueError("reduce keeps statistics of traces; it does not go with spikes in record")
    if names and (not has_trials or n_trials < 2):
        raise ValueError("reduce takes statistics over trials; give trials=2 or more")
    return [name for name in ("mean", "var") if name in names]

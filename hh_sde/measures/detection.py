"""What counts as a spike, and the spike times of one trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hh_sde import stated
from hh_sde.records import see_kind, shown
from hh_sde.spike_rule import SpikeRule


def checked_rule(rule: Any) -> SpikeRule:
    """`rule`, and the usual one for None.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if rule is not None and not isinstance(rule, SpikeRule):
        raise TypeError(
            f"rule must be a SpikeRule, as hh_sde.SpikeRule(threshold=-10.0), got {shown(rule)}"
        )
    return rule or SpikeRule()


def rule_attributes(rule: SpikeRule) -> dict[str, float | str]:
    """The rule as attributes of a Dataset."""
    see_kind(rule, SpikeRule, "rule")
    return {
        "spike_threshold": rule.threshold,
        "spike_rearm": "none" if rule.rearm is None else rule.rearm,
        "spike_lockout": rule.lockout,
    }


def rule_of(attrs: Mapping[str, Any]) -> SpikeRule:
    """The rule that `rule_attributes` are those of.

    Raises
    ------
    ValueError
        If they are missing, or those of none.
    """
    levels = {
        name: None if name == "spike_rearm" and str(attrs.get(name)) == "none"
        else stated.number(attrs, name)
        for name in rule_attributes(SpikeRule())
    }  # fmt: skip
    return SpikeRule(*levels.values())  # type: ignore[arg-type]


def times_of(times: np.ndarray, V: np.ndarray, rule: SpikeRule) -> np.ndarray:
    """Spike times of one neuron in one trial."""
    up = np.flatnonzero((V[:-1] < rule.threshold) & (V[1:] >= rule.threshold))
    if rule.rearm is not None and up.size > 1:
        armed = np.concatenate([[0], np.cumsum(rule.rearm > V)])
        # samples below the re-arm level up to each crossing: none since the last crossing, no spike
        up = up[np.concatenate([[True], np.diff(armed[up + 1]) > 0])]
    fraction = (rule.threshold - V[up]) / (V[up + 1] - V[up])
    crossings = times[up] + fraction * (times[up + 1] - times[up])
    if rule.lockout == 0 or crossings.size < 2:
        return crossings
    kept = [crossings[0]]
    for time in crossings[1:]:
        if time - kept[-1] >= rule.lockout:
            kept.append(time)
    return np.array(kept)

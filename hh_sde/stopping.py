"""What ends a trial early: its first spike, or a variable that reaches a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hh_sde.addresses import is_whole
from hh_sde.arguments.layout import Layout
from hh_sde.errors import unknown
from hh_sde.measures import SpikeRule
from hh_sde.records import Record, record, see_choice, shown, single


@record
class Threshold(Record):
    """A level of a variable, and from which side it is reached.

    Parameters
    ----------
    variable : str
        A variable of the state; of an SDE, the name of a component.
    level : float
        In the units of the variable.
    direction : {"up", "down"}
        Whether it is reached from below or from above.
    neuron : int, optional
        Default: whichever is the first.

    Raises
    ------
    TypeError, ValueError
        If a field is not of its kind.

    Examples
    --------
    >>> Threshold("V", -20.0)
    Threshold(variable='V', level=-20.0)
    """

    variable: str
    level: float
    direction: str = "up"
    neuron: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.variable, str):
            raise TypeError(f"Threshold.variable must be a name, got {shown(self.variable)}")
        object.__setattr__(self, "level", single(self.level, "Threshold.level"))
        see_choice(self.direction, ("up", "down"), "Threshold.direction")
        if self.neuron is not None and not (is_whole(self.neuron) and self.neuron >= 0):
            raise ValueError(
                f"Threshold.neuron must be the number of a neuron or None, got {self.neuron!r}"
            )


@dataclass(frozen=True, eq=False)
class Criterion:
    """What ends a trial.

    Parameters
    ----------
    columns : (watched,) array of int
        Components of the state, whichever is the first.
    level : float
    sign : {1.0, -1.0}
        Whether it is reached from below or from above.
    rule : SpikeRule or None
        Where it is a spike: it takes a crossing, and one that counts. Else a trial that begins
        beyond the level stops at its start.
    words : str
        What then happens.
    """

    columns: np.ndarray
    level: float
    sign: float
    rule: SpikeRule | None
    words: str


def criterion(stop: Any, rule: SpikeRule | None, layout: Layout, reduce: Any) -> Criterion | None:
    """The argument `stop` of `solve`, checked.

    Parameters
    ----------
    stop : None, "first spike" or Threshold
    rule : SpikeRule or None
        What counts as a spike.
    layout : Layout
    reduce
        The statistics over trials that are wanted, if any.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or not for this model.
    """
    if stop is None:
        return None
    if reduce:
        raise ValueError(
            "reduce takes statistics over trials that run to the end; it does not go with stop"
        )
    if isinstance(stop, Threshold):
        return _threshold(stop, layout)
    if stop != "first spike":
        raise TypeError(
            'stop must be "first spike" or a threshold, as '
            f"hh_sde.Threshold('V', -20.0, direction='up'); got {shown(stop)}"
        )
    if layout.by_component:
        raise ValueError(
            "stop='first spike' takes a Network: an SDE has no spikes; give "
            f"hh_sde.Threshold({str(layout.members[0])!r}, level)"
        )
    rule = rule or SpikeRule()
    return Criterion(
        columns=layout.state_layout.components["V"],
        level=rule.threshold,
        sign=1.0,
        rule=rule,
        words="first spike",
    )


def _threshold(stop: Threshold, layout: Layout) -> Criterion:
    names = layout.state
    if stop.variable not in names:
        raise ValueError(f"stop: {unknown('variable', stop.variable, names)}")
    columns = np.array([names.index(stop.variable)])
    if not layout.by_component:
        columns = layout.state_layout.components[stop.variable]
    if stop.neuron is not None:
        if layout.by_component or stop.neuron >= layout.width:
            has = "no neurons" if layout.by_component else f"the neurons 0 to {layout.width - 1}"
            raise ValueError(f"stop: there is no neuron {stop.neuron}; this model has {has}")
        columns = columns[[stop.neuron]]
        if columns[0] < 0:
            raise ValueError(f"stop: neuron {stop.neuron} has no variable {stop.variable}")
    units = "" if layout.by_component else f" {layout.labels[stop.variable]['units']}"
    way = {"up": "rises to", "down": "falls to"}[stop.direction]
    return Criterion(
        columns=columns[columns >= 0],
        level=stop.level,
        sign=1.0 if stop.direction == "up" else -1.0,
        rule=None,
        words=f"{stop.variable} {way} {stop.level:g}{units.removesuffix(' 1')}",
    )

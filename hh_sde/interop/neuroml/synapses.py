"""Synapses, with the weights of their connections."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from hh_sde.interop.neuroml.files import Element
from hh_sde.interop.neuroml.quantities import UM2, exactly
from hh_sde.kinetics import Constant, Exponential
from hh_sde.spike_rule import SpikeRule
from hh_sde.synapses import EventSynapse, GapJunction, Synapse
from hh_sde.topology.listed import EdgeList

#: Elements that may be the synapses of connections whose names begin so.
SYNAPSES = {
    "connection": ("expOneSynapse", "expTwoSynapse", "alphaSynapse"),
    "electrical": ("gapJunction",),
    "continuous": ("gradedSynapse",),
}
#: All of them, and what stands on the other side of a continuous connection.
ELEMENTS = (*(tag for tags in SYNAPSES.values() for tag in tags), "silentSynapse")


class Edges:
    """Connections, one by one: numbers of neurons, weights of NeuroML, delays (ms)."""

    def __init__(self) -> None:
        self.source: list[int] = []
        self.target: list[int] = []
        self.weight: list[Decimal] = []
        self.delay: list[Decimal] = []

    def add(self, source: int, target: int, weight: Decimal, delay: Decimal) -> None:
        """One more."""
        self.source.append(source)
        self.target.append(target)
        self.weight.append(weight)
        self.delay.append(delay)

    def weights(self, unit: Decimal, sizes: list[int], same: bool) -> tuple[Any, float]:
        """What `weights=` takes, and the delay that all have, else 0.

        Parameters
        ----------
        unit : Decimal
            mS/cm^2 of a weight of 1.
        sizes : list of int
            Neurons of the source and of the target.
        same : bool
            Whether these are one population.
        """
        delayed = len(set(self.delay)) > 1
        delay = 0.0 if delayed else float(self.delay[0])
        pairs = set(zip(self.source, self.target, strict=True))
        alike = len(set(self.weight)) == 1 and not delayed and len(pairs) == len(self.source)
        loops = same and any(source == target for source, target in pairs)
        everyone = sizes[0] * sizes[1] - (sizes[0] if same else 0)
        if alike and not loops and len(pairs) == everyone:
            with exactly():
                return float(self.weight[0] * unit), delay
        return self.listed(unit, delayed), delay

    def listed(self, unit: Decimal, delayed: bool = False) -> EdgeList:
        """The edges, with one number for the weights or delays that are all the same."""
        with exactly():
            weight = np.array([float(one * unit) for one in self.weight])
        return EdgeList(
            self.source,
            self.target,
            float(weight[0]) if np.all(weight == weight[0]) else weight,
            np.array(self.delay, dtype=float) if delayed else None,
        )

    def both_ways(self) -> Edges:
        """These, and each of them the other way."""
        found = Edges()
        for edge in zip(self.source, self.target, self.weight, self.delay, strict=True):
            source, target, *rest = edge
            found.add(source, target, *rest)
            found.add(target, source, *rest)
        return found


def synapse(
    element: Element,
    source: str,
    target: str,
    edges: Edges,
    *,
    sizes: list[int],
    area: Decimal,
    threshold: float,
) -> Synapse | EventSynapse | GapJunction:
    """The synapse of an element between two populations.

    Parameters
    ----------
    element : Element
        One of `ELEMENTS`.
    source, target : str
    edges : Edges
    sizes : list of int
        Neurons of source and target.
    area : Decimal
        Of the target's cells, um^2.
    threshold : float
        Of the source's cells for spikes, mV: each upward crossing is one.

    Raises
    ------
    NeuroMLError
        If it has something that this library has not.
    """
    same = source == target
    with element.named(), exactly():
        if element.tag == "gapJunction":
            unit = element.quantity("conductance", "conductance") / (area * UM2)
            element.finish()
            every = edges.both_ways() if same else edges
            return GapJunction(every.weights(unit, sizes, same)[0], source, target)
        kind: dict[str, Any] = {"E": element.value("erev", "voltage"), "reference": element.notes}
        if element.tag == "gradedSynapse":
            g = element.quantity("conductance", "conductance")
            k = element.value("k", "per_time")
            midpoint, delta = (element.value(name, "voltage") for name in ("Vth", "delta"))
            # s -> 1/(1 + exp((Vth - V)/delta)) =: s_inf, with the time constant (1 - s_inf)/k
            kind |= {"alpha": Exponential(k, midpoint, delta), "beta": Constant(k)}
        else:
            g = element.quantity("gbase", "conductance")
            kind |= _courses(element) | {"spike_rule": SpikeRule(threshold, rearm=None)}
        element.finish()
        weights, delay = edges.weights(g / (area * UM2), sizes, same)
        kind |= {"weights": weights, "delay": delay, "source": source, "target": target}
        make: Any = Synapse if element.tag == "gradedSynapse" else EventSynapse
        return make(name=element.id, **kind)


def _courses(element: Element) -> dict[str, Any]:
    """The time constants of an event-driven synapse."""
    if element.tag == "alphaSynapse":
        tau = element.value("tau", "time")
        return {"tau": tau, "tau_rise": tau}
    decay = element.value("tauDecay", "time")
    if element.tag == "expOneSynapse":
        return {"tau": decay}
    return {"tau": decay, "tau_rise": element.value("tauRise", "time")}

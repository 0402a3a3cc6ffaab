"""Gap junctions."""

from __future__ import annotations

from hh_sde.records import Record, record
from hh_sde.synapses.ends import see_ends
from hh_sde.topology import Topology
from hh_sde.weights import Weights, checked_weights


@record
class GapJunction(Record):
    """An electrical synapse: neuron i receives sum_j w_ij (V_j - V_i).

    Parameters
    ----------
    weights : float, matrix, table of edges, graph or Topology
        Conductance w[i, j], mS/cm^2, as for `Synapse`. Inside a population a topology is made
        symmetric: both directions are one edge; a matrix and edges are taken as they are, though a
        real gap junction is symmetric. Between two populations the current goes both ways.
    source, target : str, optional
        Names of populations. Default: all neurons.

    Examples
    --------
    >>> GapJunction(weights=0.02).weights
    0.02
    """

    units = {"weights": "mS/cm^2"}

    weights: Weights
    source: str | None = None
    target: str | None = None

    def __post_init__(self) -> None:
        see_ends(self)
        weights = checked_weights(self.weights, "GapJunction")
        if isinstance(weights, Topology):
            if getattr(weights, "delay", None) is not None:
                raise ValueError("a gap junction has no delay: leave it out of the edges")
            if self.source == self.target:
                weights = weights.both_ways()
        object.__setattr__(self, "weights", weights)

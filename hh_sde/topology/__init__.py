"""Topologies: rules that say which neuron projects to which, and the table TOPOLOGIES.

``weights=`` of a synapse takes any of them: ``hh.SYNAPSES["AMPA"](weights=hh.topology.random(p=0.1,
weight=0.02, rng=1))``.
"""

from hh_sde.tables import Table, description_of, of_kind
from hh_sde.topology.base import Topology
from hh_sde.topology.degrees import FixedIndegree, FixedOutdegree
from hh_sde.topology.listed import EdgeList
from hh_sde.topology.pairs import AllToAll, OneToOne, Random
from hh_sde.topology.rings import Ring, SmallWorld
from hh_sde.topology.space import Distance

__all__ = [
    "TOPOLOGIES",
    "AllToAll",
    "Distance",
    "EdgeList",
    "FixedIndegree",
    "FixedOutdegree",
    "OneToOne",
    "Random",
    "Ring",
    "SmallWorld",
    "Topology",
    "all_to_all",
    "distance",
    "edge_list",
    "fixed_indegree",
    "fixed_outdegree",
    "one_to_one",
    "random",
    "ring",
    "small_world",
]

# by the names of the table, as they are called
all_to_all = AllToAll
one_to_one = OneToOne
random = Random
fixed_indegree = FixedIndegree
fixed_outdegree = FixedOutdegree
ring = Ring
small_world = SmallWorld
distance = Distance
edge_list = EdgeList

#: Topologies by name.
TOPOLOGIES = Table(
    "TOPOLOGIES",
    "topology",
    check=of_kind(Topology, "TOPOLOGIES"),
    describe=description_of,
    entries={
        "all_to_all": AllToAll,
        "one_to_one": OneToOne,
        "random": Random,
        "fixed_indegree": FixedIndegree,
        "fixed_outdegree": FixedOutdegree,
        "ring": Ring,
        "small_world": SmallWorld,
        "distance": Distance,
        "edge_list": EdgeList,
    },
)

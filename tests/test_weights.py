"""Everything that `weights=` takes means the same edges; what it does not take is named."""

import networkx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xarray as xr

import hh_sde as hh
from hh_sde import topology
from hh_sde.weights import checked_weights, weight_matrix, weights_and_delays

#: 0 -> 1 (0.1), 1 -> 2 (0.2), 2 -> 0 (0.3).
EDGES = pd.DataFrame({"source": [0, 1, 2], "target": [1, 2, 0], "weight": [0.1, 0.2, 0.3]})
THREE = range(3), range(3)
MATRIX = np.array([[0.0, 0.0, 0.3], [0.1, 0.0, 0.0], [0.0, 0.2, 0.0]])


def graph(kind, edges=EDGES):
    made = kind()
    made.add_nodes_from(range(3))
    made.add_weighted_edges_from(edges[["source", "target", "weight"]].itertuples(index=False))
    return made


def matrix_of(weights, n=3):
    return weight_matrix(checked_weights(weights, "it"), range(n), range(n), "it").toarray()


SAME = {
    "matrix": MATRIX,
    "list": MATRIX.tolist(),
    "sparse": scipy.sparse.csc_matrix(MATRIX),
    "labelled": xr.DataArray(MATRIX, dims=("target", "source")),
    "labelled otherwise": xr.DataArray(
        MATRIX.T, dims=("source", "target"), coords={"source": [0, 1, 2]}
    ),
    "table": EDGES,
    "columns in another order": EDGES[["weight", "target", "source"]].sample(
        frac=1, random_state=1
    ),
    "dataset": xr.Dataset({name: ("edge", EDGES[name].values) for name in EDGES}),
    "graph": graph(networkx.DiGraph),
    "graph of many edges": graph(networkx.MultiDiGraph),
    "edge list": topology.edge_list(**EDGES),
    "connectivity": hh.Network(3, synapses="AMPA", weights=MATRIX).connectivity(),
    "its table": hh.Network(3, synapses="AMPA", weights=MATRIX).connectivity().to_dataframe(),
}


@pytest.mark.parametrize("name", SAME)
def test_all_forms_are_the_same_edges(name):
    np.testing.assert_array_equal(matrix_of(SAME[name]), MATRIX)
    for make in (hh.SYNAPSES["AMPA"], hh.GapJunction):
        net = hh.Network(3, synapses=make(weights=SAME[name]))
        back = hh.Network.from_dataset(hh.solve(net, 0.1))
        assert back == net
        found = back.connectivity()
        np.testing.assert_array_equal(found.target, [0, 1, 2])
        np.testing.assert_array_equal(found.source, [2, 0, 1])
        np.testing.assert_array_equal(found.weight, [0.3, 0.1, 0.2])


def test_a_graph_without_directions_goes_both_ways():
    np.testing.assert_array_equal(matrix_of(graph(networkx.Graph)), MATRIX + MATRIX.T)
    loop = graph(networkx.Graph)
    loop.add_edge(1, 1, weight=0.5)
    np.testing.assert_array_equal(matrix_of(loop), MATRIX + MATRIX.T + np.diag([0, 0.5, 0]))


def test_nodes_are_neurons_by_number_or_in_their_order():
    backwards = networkx.DiGraph()
    backwards.add_weighted_edges_from([(2, 0, 0.3), (1, 2, 0.2), (0, 1, 0.1)])
    np.testing.assert_array_equal(matrix_of(backwards), MATRIX)
    named = networkx.relabel_nodes(graph(networkx.DiGraph), {0: "a", 1: "b", 2: "c"})
    np.testing.assert_array_equal(matrix_of(named), MATRIX)


def test_the_small_world_of_networkx():
    """Whose rewiring goes edge by edge: the same number of edges, the same clustering."""
    theirs = networkx.watts_strogatz_graph(2000, 10, 0.1, seed=1)
    networkx.set_edge_attributes(theirs, 1.0, "weight")
    ours = topology.small_world(k=10, p=0.1, rng=1).matrix(2000, 2000, same=True)
    assert np.count_nonzero(matrix_of(theirs, 2000)) == ours.nnz
    clustering = networkx.transitivity(networkx.from_scipy_sparse_array(ours))
    assert clustering == pytest.approx(networkx.transitivity(theirs), rel=0.06)


def test_edges_between_the_same_neurons_add_up():
    twice = pd.concat([EDGES, EDGES])
    np.testing.assert_allclose(matrix_of(twice), 2 * MATRIX, rtol=1e-15)
    many = graph(networkx.MultiDiGraph, twice)
    np.testing.assert_allclose(matrix_of(many), 2 * MATRIX, rtol=1e-15)


def test_a_table_has_room_for_neurons_without_edges_and_a_graph_has_its_size():
    assert matrix_of(EDGES, 5).shape == (5, 5)
    with pytest.raises(ValueError, match=r"the graph has .* = \(3, 3\), the network has \(5, 5\)"):
        matrix_of(graph(networkx.DiGraph), 5)
    with pytest.raises(ValueError, match=r"edge 1 has target 2; the neurons .* are 0 to 1"):
        matrix_of(EDGES, 2)


@pytest.mark.parametrize("shape", [(2, 3), (5, 3)])
def test_between_populations_a_matrix_is_rectangular(shape):
    given = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    ends = range(shape[0]), range(10, 10 + shape[1])
    labelled = xr.DataArray(given, dims=("target", "source"))
    for weights in (given, scipy.sparse.coo_array(given), labelled):
        held = hh.SYNAPSES["AMPA"](weights=weights).weights
        np.testing.assert_array_equal(weight_matrix(held, *ends, "it").toarray(), given)
    assert np.all(weight_matrix(0.5, *ends, "it").toarray() == 0.5)
    with pytest.raises(ValueError, match=r"from 2 neurons to 3 they take shape \(3, 2\)"):
        weight_matrix(given, range(3), range(2), "it")


def test_ranges_that_share_neurons_connect_none_to_itself():
    for weights in (0.5, topology.random(p=1.0, weight=0.5, rng=1)):
        found = weight_matrix(weights, range(2, 5), range(6), "it").toarray()
        np.testing.assert_array_equal(found, 0.5 * (np.arange(2, 5)[:, None] != np.arange(6)))


def test_delays_have_the_places_of_the_weights():
    table = EDGES.assign(delay=[0.0, 1.5, 2.0], weight=[0.1, 0.0, 0.3])
    with_delay = graph(networkx.DiGraph, table)
    for source, target, delay in table[["source", "target", "delay"]].itertuples(index=False):
        with_delay.edges[source, target]["delay"] = delay
    dataset = xr.Dataset({name: ("edge", table[name].values) for name in table})
    for given in (table, dataset, with_delay):
        held = hh.SYNAPSES["AMPA"](weights=given).weights
        weights, delays = weights_and_delays(held, *THREE, "it")
        np.testing.assert_array_equal(weights.indptr, delays.indptr)
        np.testing.assert_array_equal(weights.indices, delays.indices)
        np.testing.assert_array_equal(weights.data, [0.3, 0.1, 0.0])
        np.testing.assert_array_equal(delays.data, [2.0, 0.0, 1.5])
    assert weights_and_delays(checked_weights(MATRIX, "it"), *THREE, "it")[1] is None
    missing = checked_weights(EDGES.assign(delay=np.nan), "it")
    assert weights_and_delays(missing, *THREE, "it")[1] is None


SIGNED = pd.DataFrame({"source": [0, 1, 2], "target": [1, 2, 0], "weight": [-0.5, 2.0, -1.0]})
DENSE = np.array([[0.0, 0.0, -1.0], [-0.5, 0.0, 0.0], [0.0, 2.0, 0.0]])
#: The same numbers, of which some are negative, as each form of weights has them.
SAME_SIGNED = {
    "array": DENSE,
    "sparse": scipy.sparse.csr_array(DENSE),
    "DataArray": xr.DataArray(DENSE, dims=("target", "source")),
    "DataFrame": SIGNED,
    "Dataset": xr.Dataset.from_dataframe(SIGNED.rename_axis("edge")),
    "EdgeList": hh.topology.EdgeList(SIGNED.source, SIGNED.target, SIGNED.weight),
    "graph": networkx.from_pandas_edgelist(
        SIGNED, edge_attr="weight", create_using=networkx.DiGraph
    ),
}


def of_currents(weights):
    synapse = hh.SYNAPSES["exponential"](weights, tau=5.0)
    return hh.Network(3, synapses=synapse)


@pytest.mark.parametrize("form", SAME_SIGNED)
def test_currents_take_weights_of_either_sign(form):
    net = of_currents(SAME_SIGNED[form])
    edges = net.connectivity().sortby("source")
    assert edges.weight.values.tolist() == [-0.5, 2.0, -1.0]
    (sender,) = net._made.tables.senders
    assert sender.weight.tolist() == [-0.5, 2.0, -1.0]
    with pytest.raises(ValueError, match=r"conductances .*not negative"):
        hh.SYNAPSES["exponential"](SAME_SIGNED[form], tau=5.0, E=0.0)


def test_rules_of_currents_draw_weights_of_either_sign():
    rule = hh.topology.ring(k=2, weight=-0.5)
    assert np.all(of_currents(rule).connectivity().weight == -0.5)
    (sender,) = of_currents(hh.topology.all_to_all(weight=-0.25))._made.tables.senders
    assert sender.block_weight.tolist() == [-0.25]
    drawn = hh.topology.all_to_all(weight=hh.Normal(0.0, 1.0), rng=1)
    net = of_currents(drawn)
    weight = net.connectivity().weight.values
    assert (weight < 0).any()
    assert (weight > 0).any()
    (sender,) = net._made.tables.senders
    assert sorted(sender.weight) == sorted(weight)
    # of conductances those below 0 become 0, and the others are the same numbers
    conducting = net.replace(synapses=net.synapses[0].replace(E=0.0)).connectivity().weight.values
    assert sorted(conducting[conducting > 0]) == sorted(weight[weight > 0])
    assert hh.Network.from_dataset(hh.solve(net, 0.1)) == net
    with pytest.raises(ValueError, match=r"weights of exponential are currents .* finite, got inf"):
        of_currents(np.inf)


BAD = [
    (None, TypeError, "must be a number, a matrix .* a networkx graph, or a topology.* got None"),
    ("ring", TypeError, r"got 'ring'; call it, as hh_sde.TOPOLOGIES\['ring'\]"),
    (topology.ring, TypeError, r"call it, as hh_sde.TOPOLOGIES\['ring'\]"),
    (np.ones(3), ValueError, r"got an array of shape \(3,\)"),
    (np.ones((3, 3, 3)), ValueError, r"got an array of shape \(3, 3, 3\)"),
    (np.diag([1.0, -2.0, 0.0]), ValueError, "finite and not negative, got -2; an inhibitory"),
    (scipy.sparse.diags_array([np.nan]), ValueError, "finite and not negative, got nan"),
    (xr.DataArray(MATRIX), ValueError, r"dims target and source, got \('dim_0', 'dim_1'\)"),
    (
        xr.DataArray(MATRIX, dims=("target", "source"), coords={"target": [2, 1, 0]}),
        ValueError,
        r"coordinate target is array\(\[2, 1, 0\]\); weights.reindex",
    ),
    (xr.DataArray(MATRIX < 1, dims=("target", "source")), TypeError, "must be a number, a matrix"),
    (EDGES.drop(columns="weight"), ValueError, "the table of edges lacks the column weight"),
    (EDGES.assign(delays=1.0), ValueError, "not 'delays'; did you mean delay"),
    (pd.DataFrame(MATRIX), ValueError, r"not '0'.*a matrix in a DataFrame: its .to_numpy\(\)"),
    (EDGES.assign(source=[0, 1, 0.5]), ValueError, "source of the edges must be whole numbers"),
    (EDGES.assign(source=[0, 1, -1]), ValueError, "source of the edges must be whole numbers"),
    (EDGES.assign(source=list("abc")), TypeError, "source of the edges must be numbers of neurons"),
    (EDGES.assign(weight=[1, np.nan, 1]), ValueError, "must be finite; edge 1 has nan"),
    (EDGES.assign(weight=[1, 1, -1]), ValueError, "not negative; edge 2 has -1"),
    (EDGES.assign(delay=[1, 1, -1]), ValueError, "in ms, .* not negative; edge 2 has -1"),
    (pd.concat([EDGES, EDGES]).assign(delay=1.0), ValueError, "2 edges from neuron 0 to neuron 1"),
    (EDGES.assign(synapse=["a", "b", "b"]), ValueError, "the edges of a, b; choose those of one"),
    (xr.Dataset({"weight": ("x", [1.0])}), ValueError, "has the dim edge.* this one has x"),
    (networkx.path_graph(3), ValueError, r"edge \(0, 1\) of the graph has no attribute weight"),
    (
        networkx.Graph([(0, 1, {"weight": 1, "delay": 1}), (1, 2, {"weight": 1})]),
        ValueError,
        "2 of 4 edges of the graph have a delay",
    ),
    (networkx.Graph([(0, 1, {"weight": -1})]), ValueError, "edge 0 has -1"),
]


@pytest.mark.parametrize(("weights", "kind", "message"), BAD)
def test_bad_weights(weights, kind, message):
    for make in (hh.SYNAPSES["AMPA"], hh.GapJunction):
        with pytest.raises(kind, match=f"(?s)weights of .*{message}"):
            make(weights=weights)


def test_delays_are_not_dropped():
    table = EDGES.assign(delay=1.0)
    with pytest.raises(ValueError, match="a gap junction has no delay"):
        hh.GapJunction(weights=table)
    net = hh.Network(3, synapses="AMPA", weights=table)
    assert np.all(net.connectivity().delay == 1.0)
    with pytest.raises(
        ValueError, match=r"1.0 ms must be a multiple .* nearest are 0.9 and 1.2 ms"
    ):
        hh.solve(net, 3.0, dt=0.3)


def test_connectivity_of_several_synapses():
    positions = [0.0, 10.0, 20.0]
    junctions = hh.GapJunction(topology.distance(scale=1e9, positions=positions, rng=1))
    net = hh.Network(3, synapses=[hh.SYNAPSES["AMPA"](EDGES), junctions])
    found = net.connectivity()
    assert found.sizes == {"edge": 9}
    assert found.attrs["n_neurons"] == 3
    np.testing.assert_array_equal(found.synapse, ["AMPA"] * 3 + ["gap"] * 6)
    np.testing.assert_array_equal(found.target, [0, 1, 2, 0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(found.source, [2, 0, 1, 1, 2, 0, 2, 0, 1])
    for end in ("source", "target"):
        assert np.all(np.isnan(found[f"{end}_x"][:3]))  # AMPA's have no place
        np.testing.assert_array_equal(found[f"{end}_x"][3:], 10.0 * found[end][3:])
    for name in found.variables:
        assert {"units", "long_name"} <= set(found[name].attrs)
    empty = hh.Network(3).connectivity()
    assert empty.sizes == {"edge": 0}
    of_one = found.isel(edge=found.synapse == "AMPA")
    assert matrix_of(of_one).tolist() == MATRIX.tolist()
    assert matrix_of(of_one.to_dataframe()).tolist() == MATRIX.tolist()


def test_one_number_is_every_pair():
    found = hh.Network(4, synapses="AMPA", weights=0.1).connectivity()
    assert found.sizes["edge"] == 12
    assert np.all(found.source != found.target)


def test_edges_of_populations():
    """A synapse from all to one population: no neuron of it reaches itself, nor in the engine."""
    net = hh.Network(
        {"E": hh.Population(4), "I": hh.Population(3)},
        synapses=[
            hh.SYNAPSES["AMPA"](topology.random(p=1.0, weight=0.5, rng=1), target="I"),
            hh.GapJunction(topology.fixed_indegree(k=2, rng=1), source="E", target="I"),
        ],
    )
    found = net.connectivity()
    chemical, gap = (found.isel(edge=found.synapse == name) for name in ("AMPA", "gap"))
    assert chemical.sizes["edge"] == 3 * 6
    assert np.all(chemical.source != chemical.target)
    assert set(chemical.target.values) == {4, 5, 6}
    conductance = net.conductances(hh.solve(net, 0.1, x0={"s": 1.0})).g_AMPA.isel(time=0)
    np.testing.assert_allclose(conductance.sel(neuron=[4, 5, 6]), 3.0)
    pairs = set(zip(gap.source.values.tolist(), gap.target.values.tolist(), strict=True))
    assert len(pairs) == 2 * 3 * 2
    assert pairs == {(target, source) for source, target in pairs}


def test_a_table_of_connectivity_is_taken_again_between_populations():
    """Its sources and targets are those of all neurons, and edges are counted within theirs."""
    table = pd.DataFrame({"source": [1], "target": [0], "weight": [0.1], "delay": [1.0]})
    populations = {"A": hh.Population(2), "B": hh.Population(4)}
    synapse = hh.SYNAPSES["AMPA"](table, source="A", target="B", delay=0.5)
    net = hh.Network(populations, synapses=synapse)
    found = net.connectivity()
    assert (found.source.item(), found.target.item(), found.delay.item()) == (1, 2, 1.5)
    again = hh.SYNAPSES["AMPA"](found.to_dataframe(), source="A", target="B")
    assert net.replace(synapses=again).connectivity().equals(found)
    of_one_number = hh.Network(2, synapses=hh.SYNAPSES["AMPA"](0.1, delay=2.0)).connectivity()
    assert of_one_number.delay.values.tolist() == [2.0, 2.0]

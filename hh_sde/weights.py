"""What `weights=` may be, and the matrix [to, from] that it stands for.

A description holds a number, a matrix, a sparse matrix or a topology; a labelled matrix, a table of
edges and a graph are made one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from hh_sde.distributions import Distribution
from hh_sde.errors import did_you_mean
from hh_sde.records import numbers, shown, sparse_numbers
from hh_sde.topology import TOPOLOGIES, AllToAll, EdgeList, Topology
from hh_sde.topology.listed import see_edges

if TYPE_CHECKING:
    import xarray as xr

#: What weights are given as: see `checked_weights`.
Weights = Any

ACCEPTED = (
    "a number, a matrix [to, from] (array, scipy.sparse or DataArray with dims target and source), "
    "a table of edges (DataFrame or Dataset with source, target, weight), a networkx graph, or a "
    "topology, as hh_sde.topology.ring(k=2)"
)
#: Columns of a table of edges; `synapse` is that of `Network.connectivity`, as are `source_x` ...
COLUMNS = ("source", "target", "weight", "delay", "synapse")


def checked_weights(weights: Weights, name: str, signed: bool = False) -> float | np.ndarray | Any:
    """Weights as a description holds them.

    Parameters
    ----------
    weights : float, (n_target, n_source) array, scipy.sparse matrix, DataArray, DataFrame, Dataset,
        networkx graph or Topology
    name : str
        Whose they are.
    signed : bool
        Whether they are currents, which may be negative.

    Returns
    -------
    float, array, csr_array or Topology

    Raises
    ------
    TypeError, ValueError
        If they are none of these, or not finite, or negative.
    """
    what = f"weights of {name}"
    found = _of_any_form(weights, what)
    if isinstance(found, EdgeList):
        if not signed:
            see_edges(found.weight, f"{what} are conductances (mS/cm^2): they", signed)
    elif isinstance(found, Topology):
        if not isinstance(found.weight, Distribution):
            _see_values(np.array(found.weight), what, signed)
    else:
        _see_values(found.data if scipy.sparse.issparse(found) else found, what, signed)
    if isinstance(found, AllToAll) and isinstance(found.weight, float):
        return found.weight
    return found


def _of_any_form(weights: Weights, what: str) -> Any:
    """Weights as one of the forms that a description holds."""
    if isinstance(weights, Topology):
        return weights
    if scipy.sparse.issparse(weights):
        return sparse_numbers(weights, what)
    if _comes_from(weights, "networkx"):
        return _of_graph(weights, what)
    if _comes_from(weights, "pandas") and hasattr(weights, "columns"):
        return _of_table({str(key): weights[key].to_numpy() for key in weights.columns}, what)
    if _comes_from(weights, "xarray"):
        if hasattr(weights, "data_vars"):
            return _of_dataset(weights, what)
        weights = _of_labelled(weights, what)
    if isinstance(weights, str) or callable(weights):
        raise TypeError(f"{what} must be {ACCEPTED}; got {shown(weights)}{_hint(weights)}")
    values = numbers(weights, what, ACCEPTED)
    if values.ndim not in (0, 2):
        raise ValueError(f"{what} must be {ACCEPTED}; got an array of shape {values.shape}")
    return values if values.ndim else float(values)


def weight_matrix(
    weights: Weights, targets: range, sources: range, name: str, signed: bool = False
) -> scipy.sparse.csr_array:
    """The weights [to, from] as a sparse matrix of shape (targets, sources).

    Parameters
    ----------
    weights
        As `checked_weights` gives them.
    targets, sources : range
        The neurons, counted over the whole network. A number and rules connect none to itself.
    name : str
        Whose they are.
    signed : bool
        Whether they are currents, of which those that are drawn may be negative.

    Raises
    ------
    ValueError
        If a matrix of another shape is given, a topology does not go with so many neurons, or
        edges have delays: see `weights_and_delays`.
    """
    if isinstance(weights, EdgeList) and weights.delay is not None:
        raise ValueError(
            f"weights of {name}: the edges have delays, which it does not take; leave out delay"
        )
    matrix = _matrix(weights, targets, sources, name, signed).copy()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix


def weights_and_delays(
    weights: Weights, targets: range, sources: range, name: str, signed: bool = False
) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array | None]:
    """The weights [to, from], and where a table or graph of edges has them, the delays.

    Parameters
    ----------
    weights, targets, sources, name, signed
        As `weight_matrix` takes them.

    Returns
    -------
    weights : csr_array
        mS/cm^2, of currents uA/cm^2.
    delays : csr_array or None
        ms, with the same `indptr` and `indices`: an entry, be it 0, for each weight.
    """
    size = len(targets), len(sources)
    delays = weights.delays(*size) if isinstance(weights, EdgeList) else None
    if delays is None:
        return weight_matrix(weights, targets, sources, name, signed), None
    return _matrix(weights, targets, sources, name, signed), delays


def _matrix(
    weights: Weights, targets: range, sources: range, name: str, signed: bool
) -> scipy.sparse.csr_array:
    size = len(targets), len(sources)
    if isinstance(weights, float):
        weights = AllToAll(weight=weights)
    if isinstance(weights, Topology):
        try:
            matrix = weights.matrix(*size, targets == sources, signed)
        except ValueError as error:
            raise ValueError(f"weights of {name}: {error}") from None
        if not np.all(np.isfinite(matrix.data)):
            wrong = matrix.data[~np.isfinite(matrix.data)][0]
            raise ValueError(f"weights of {name}: that of an edge must be finite, got {wrong:g}")
        given = isinstance(weights, EdgeList) or targets == sources
        return matrix if given else _without_loops(matrix, targets, sources)
    if weights.shape != size:
        raise ValueError(
            f"weights of {name} have shape {weights.shape}; from {size[1]} neurons to {size[0]} "
            f"they take shape {size}, [to, from], or one number"
        )
    return scipy.sparse.csr_array(weights, dtype=float)


def _without_loops(
    matrix: scipy.sparse.csr_array, targets: range, sources: range
) -> scipy.sparse.csr_array:
    """The matrix less the edges of neurons to themselves, where two ranges share some."""
    target = targets.start + np.repeat(np.arange(len(targets)), np.diff(matrix.indptr))
    matrix.data[target == sources.start + matrix.indices] = 0.0
    matrix.eliminate_zeros()
    return matrix


def _see_values(values: float | np.ndarray, what: str, signed: bool) -> None:
    """See that they are finite, and that conductances are not negative."""
    entries = np.atleast_1d(values)
    wrong = ~np.isfinite(entries) | ((entries < 0) & (not signed))
    if not np.any(wrong):
        return
    first = entries[wrong].flat[0]
    if signed:
        raise ValueError(f"{what} are currents (uA/cm^2): finite, got {first:g}")
    raise ValueError(
        f"{what} are conductances (mS/cm^2): finite and not negative, got {first:g}; an inhibitory "
        "synapse has a low reversal potential E instead"
    )


def _comes_from(value: Any, library: str) -> bool:
    """Whether it is of a class of this library, or of one derived from it; none is imported."""
    return any(one.__module__.split(".")[0] == library for one in type(value).__mro__)


def _of_labelled(weights: xr.DataArray, what: str) -> np.ndarray:
    """The matrix [to, from] of a DataArray."""
    if set(weights.dims) != {"target", "source"}:
        raise ValueError(
            f"{what}: a DataArray has the dims target and source, got {weights.dims}; "
            'rename them, as weights.rename(dim_0="target", dim_1="source")'
        )
    for dim in ("target", "source"):
        labels = weights[dim].values  # 0, 1, ... where there are none
        if labels.dtype.kind in "iu" and not np.array_equal(labels, np.arange(labels.size)):
            raise ValueError(
                f"{what}: neurons are counted from 0, and the coordinate {dim} is {shown(labels)}; "
                f"weights.reindex({dim}=range(n), fill_value=0.0) puts them in order, "
                f'weights.drop_vars("{dim}") takes them as they stand'
            )
    return weights.transpose("target", "source").values


def _of_dataset(weights: xr.Dataset, what: str) -> EdgeList:
    """The edges of a Dataset along the dim edge."""
    if "edge" not in weights.dims:
        raise ValueError(
            f"{what}: a Dataset of edges has the dim edge, with source, target and weight along "
            f"it; this one has {', '.join(map(str, weights.dims)) or 'no dims'}"
        )
    along = {
        str(key): one.values for key, one in weights.variables.items() if one.dims == ("edge",)
    }
    along.pop("edge", None)
    return _of_table(along, what)


def _of_table(columns: Mapping[str, np.ndarray], what: str) -> EdgeList:
    """The edges of a table."""
    for name in columns:
        if name not in COLUMNS and not name.startswith(("source_", "target_")):
            raise ValueError(
                f"{what}: a table of edges has the columns source, target, weight and perhaps "
                f"delay, not {name!r}{did_you_mean(name, COLUMNS)}; leave out what is not meant "
                "for it (a matrix in a DataFrame: its .to_numpy())"
            )
    for name in ("source", "target", "weight"):
        if name not in columns:
            raise ValueError(f"{what}: the table of edges lacks the column {name}")
    synapses = sorted(set(map(str, columns.get("synapse", ()))))
    if len(synapses) > 1:
        raise ValueError(
            f"{what}: the table has the edges of {', '.join(synapses)}; choose those of one"
        )
    delay = columns.get("delay")
    if delay is not None and delay.dtype.kind == "f" and np.all(np.isnan(delay)):
        delay = None
    return _edge_list(
        what, source=columns.get("source_index", columns["source"]),
        target=columns.get("target_index", columns["target"]), weight=columns["weight"],
        delay=delay,
    )  # fmt: skip


def _of_graph(graph: Any, what: str) -> EdgeList:
    """The edges of a networkx graph, in both directions where it has none."""
    nodes = list(graph.nodes)
    if set(nodes) == set(range(len(nodes))):
        nodes.sort()
    number = {node: i for i, node in enumerate(nodes)}
    edges = list(graph.edges(data=True))
    for source, target, data in edges:
        if "weight" not in data:
            raise ValueError(
                f"{what}: the edge ({source!r}, {target!r}) of the graph has no attribute weight "
                '(mS/cm^2); networkx.set_edge_attributes(graph, 0.1, "weight") gives all the same'
            )
    if not graph.is_directed():
        edges += [(target, source, data) for source, target, data in edges if source != target]
    delayed = sum("delay" in data for *_, data in edges)
    if 0 < delayed < len(edges):
        raise ValueError(f"{what}: {delayed} of {len(edges)} edges of the graph have a delay")
    return _edge_list(
        what,
        source=[number[source] for source, *_ in edges],
        target=[number[target] for _, target, _ in edges],
        weight=[data["weight"] for *_, data in edges],
        delay=[data["delay"] for *_, data in edges] if delayed else None,
        shape=(len(nodes), len(nodes)),
    )


def _edge_list(what: str, **fields: Any) -> EdgeList:
    try:
        return EdgeList(**fields)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None


def _hint(given: Any) -> str:
    """What to write instead of a name or a rule that is not called."""
    if isinstance(given, type) and issubclass(given, Topology):
        known = [name for name, one in TOPOLOGIES.items() if one is given]
    else:
        known = [given] if isinstance(given, str) and given in TOPOLOGIES else []
    return f"; call it, as hh_sde.TOPOLOGIES[{known[0]!r}](...)" if known else ""

"""simulator(): a network as a function of its parameters, for inference from simulations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import memory
from hh_sde.addresses import seed_number
from hh_sde.arguments.recording import names_of
from hh_sde.arguments.scalars import number, positive, positive_int
from hh_sde.brownian import Rng
from hh_sde.errors import keyword_hints, warn
from hh_sde.measures import SpikeRule
from hh_sde.network import Network
from hh_sde.network.paths import value_at
from hh_sde.network.spread import Spread
from hh_sde.records import numbers, see_kind, shown
from hh_sde.sweeps.axes import labels_of, units_of
from hh_sde.sweeps.cells import attributes_of, labelled
from hh_sde.sweeps.form import FAILED
from hh_sde.sweeps.points import Points, Recording, point_seed
from hh_sde.sweeps.sizes import LARGEST
from hh_sde.sweeps.summaries import Summary

#: Rows that run beside each other, at most.
MOST_ROWS = 2**14


@keyword_hints
def simulator(
    net: Network,
    parameters: str | Sequence[str],
    summary: Callable[..., Any] | str | Sequence[str] | Mapping[str, Mapping[str, Any] | None],
    t_end: float,
    *,
    record: str | Sequence[str] | None = None,
    dt: float = 0.01,
    method: str | None = None,
    rng: Rng = None,
    x0: Mapping[str, Any] | None = None,
    save_dt: float | None = None,
    discard: float | None = None,
    spike_rule: SpikeRule | None = None,
    noise: str | None = None,
    dtype: str = "float64",
    threads: int = 1,
) -> Simulator:
    """A network as a simulator for inference: parameters (n, k) in, summary statistics (n, s) out.

    Rows run side by side, in the lanes of one call of the engine, as the points of a sweep.

    Parameters
    ----------
    net : Network
    parameters : name or sequence of names
        Parameters of the network that the columns are, named as in `hh_sde.sweep`:
        ``cell.g_Na``, ``stimulus``, ``noise.sigma``, ``synapses.AMPA.scale``.
    summary : function, name, sequence of names, or mapping of name to options
        Names of `hh_sde.SUMMARIES`; or a function of a Dataset whose runs are along `point`, to an
        array (points, statistics). Each row must depend on its own run only.
    t_end : float
        ms.
    record : str or sequence of str, optional
        Variables of the Dataset, as of `solve`. Default: those that the named summaries need; for
        a function V and spikes.
    dt, method, x0, save_dt, discard, spike_rule, noise, dtype
        As of `solve`; x0 by variable.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed of all calls, each of which has new noise. None draws one.
    threads : int
        As of `solve`.

    Returns
    -------
    Simulator

    Raises
    ------
    TypeError, ValueError
        If a name is unknown or is not that of a number, or an argument is out of range.

    Examples
    --------
    >>> import hh_sde as hh
    >>> net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    >>> simulate = hh.simulator(net, ["cell.g_Na", "cell.g_K"], "spike_count", 50.0, rng=1)
    >>> simulate([[120.0, 36.0], [60.0, 36.0]])
    array([[4.],
           [1.]])
    """
    if not isinstance(net, Network):
        raise TypeError(f"simulator takes a Network, got {shown(net)}")
    checked = Summary(summary)
    recorded = checked.record
    if record is not None:
        recorded = tuple(names_of(record, "record"))
        checked.see_made_of(recorded)
    recording = Recording(
        t_end=number(t_end, "t_end"),
        dt=positive(dt, "dt"),
        method=method,
        record=recorded,
        save_dt=save_dt,
        discard=discard,
        spike_rule=spike_rule,
        x0=x0,
        noise=noise,
        dtype=dtype,
    )
    names = tuple(names_of(parameters, "parameters"))
    return Simulator(net, names, checked, recording, rng, positive_int(threads, "threads"))


class Simulator:
    """The function that `hh_sde.simulator` returns: of parameters (n, k), with values (n, s).

    The noise of a row depends on the seed of the call and on the row's values, not on the other
    rows. Of rows with the same values, the first is trial 0 of that point, the next is trial 1, and
    so on: they are those of `hh_sde.sweep` over the same names with the same rng.

    Attributes
    ----------
    net : Network
    parameters : tuple of str
    recording : Recording
    seed : int
        Seed from which the seeds of the calls are derived.
    threads : int
    """

    def __init__(
        self,
        net: Network,
        parameters: tuple[str, ...],
        summary: Summary,
        recording: Recording,
        rng: Rng,
        threads: int,
    ) -> None:
        see_kind(net, Network, "net")
        see_kind(summary, Summary, "summary")
        see_kind(recording, Recording, "recording")
        if not parameters or len(set(parameters)) < len(parameters):
            raise ValueError(f"parameters must be names, each once; got {shown(parameters)}")
        for name in parameters:
            Spread(net, {name: np.array([_value_of(net, name)])}, 1)  # lanes may differ in it
        self.net, self.parameters, self.recording = net, parameters, recording
        self.seed, self.threads = seed_number(rng), threads
        self._summary = summary
        self._calls = 0
        self._n_summaries: int | None = None

    def __repr__(self) -> str:
        return f"<Simulator of {', '.join(self.parameters)}, {self.recording.t_end:g} ms>"

    @property
    def n_summaries(self) -> int:
        """Number of statistics of a row; before the first call, a run of the network finds it."""
        if self._n_summaries is None:
            ds, failures = self._run({}, [self.seed], np.zeros((1, 1), dtype=int))
            if failures:
                raise ValueError(
                    "how many summaries there are is not known, as no run was finished, of the "
                    f"network as it is neither: {failures[0]}"
                )
            self._n_summaries = self._summary(ds).shape[1]
        return self._n_summaries

    def __call__(self, values: Any, *, rng: Rng = None) -> Any:
        """Summary statistics of the runs.

        Parameters
        ----------
        values : (n, k) or (k,) array, or torch.Tensor
            A row for each run, in the order of `parameters`.
        rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
            Seed of this call. None: the next of those derived from the simulator's seed.

        Returns
        -------
        (n, s) or (s,) array or torch.Tensor
            As given; a tensor of the same type, on the same device. Rows that diverge are NaN.

        Raises
        ------
        TypeError, ValueError
            If `values` has another shape, a parameter does not take a value, or the summary is no
            array with a row for each run.

        Warns
        -----
        UserWarning
            If rows diverge.
        """
        rows = self._rows(values)
        seeds, trials = self._noise(rows, rng)
        failures: dict[int, str] = {}
        finished, found = [], []
        step = self._rows_at_once()
        for first in range(0, len(rows), step):
            here = slice(first, first + step)
            columns = dict(zip(self.parameters, rows[here].T, strict=True))
            ds, failed = self._run(columns, seeds[here], trials[here])
            failures |= {first + k: reason for k, reason in failed.items()}
            done = np.setdiff1d(np.arange(ds.sizes["point"]), list(failed))
            if done.size:
                finished.append(first + done)
                found.append(self._summary(ds.isel(point=done) if failed else ds))
        if failures:
            row, reason = next(iter(failures.items()))
            warn(f"{len(failures)} of {len(rows)} rows are NaN; of row {row} {reason}")
        if found:
            self._n_summaries = found[0].shape[1]
        result = np.full((len(rows), self.n_summaries), np.nan)
        for places, one in zip(finished, found, strict=True):
            if one.shape[1] != self.n_summaries:
                raise ValueError(
                    "the summary must make as many statistics of any run; it made "
                    f"{self.n_summaries} of some and {one.shape[1]} of others"
                )
            result[places] = one
        return _as_given(result, values)

    def run(self, values: Any, *, rng: Rng = None) -> xr.Dataset:
        """The runs themselves; a call with the same `rng` returns their summary statistics.

        Parameters
        ----------
        values, rng
            As for a call; this counts as a call.

        Returns
        -------
        Dataset
            Along `point`, with the parameters as coordinates; what was recorded, as of
            `hh_sde.sweep`. Rows that diverge are NaN, their spike_count -1; the attribute `failed`
            says which.
        """
        rows = self._rows(values)
        columns = dict(zip(self.parameters, rows.T, strict=True))
        ds, failures = self._run(columns, *self._noise(rows, rng))
        failed = [{"cell": {"point": k}, "reason": reason} for k, reason in failures.items()]
        return ds.assign_attrs({FAILED: json.dumps(failed)} if failed else {})

    def _rows(self, values: Any) -> np.ndarray:
        """The parameters of all runs, (n, k)."""
        array = values.detach().cpu().numpy() if hasattr(values, "detach") else values
        wanted = f"an array (n, {len(self.parameters)}), of {', '.join(self.parameters)}"
        rows = np.atleast_2d(numbers(array, "values", wanted))
        if rows.ndim != 2 or rows.shape[1] != len(self.parameters):
            raise ValueError(f"values must be {wanted}; got shape {np.shape(array)}")
        return rows

    def _noise(self, rows: np.ndarray, rng: Rng) -> tuple[list[int], np.ndarray]:
        """The seeds of rows, and their trials (n, 1)."""
        if rng is None:
            rng = np.random.SeedSequence(self.seed, spawn_key=(self._calls,))
        self._calls += 1
        entropy = seed_number(rng)
        named = (dict(zip(self.parameters, row, strict=True)) for row in rows.tolist())
        seeds = [point_seed(entropy, one) for one in named]
        _, which = np.unique(np.array(seeds, dtype=object), return_inverse=True)
        many = np.bincount(which)
        trials = np.empty((len(rows), 1), dtype=int)
        order = np.argsort(which, kind="stable")
        trials[order, 0] = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
        return seeds, trials

    def _rows_at_once(self) -> int:
        """How many runs fit into the memory that a block may take."""
        given = self.recording
        names = self.net.variables if given.record is None else given.record
        traces = len([name for name in names if name != "spikes"])
        saves = (given.t_end - (given.discard or 0.0)) / (given.save_dt or given.dt) + 1
        size = 8.0 * (traces * saves * self.net.n_neurons + self.net.layout.d)
        return int(np.clip(min(LARGEST, memory.available() / 8) / size, 1, MOST_ROWS))

    def _run(
        self, columns: Mapping[str, np.ndarray], seeds: Sequence[int], trials: np.ndarray
    ) -> tuple[xr.Dataset, dict[int, str]]:
        """Some runs along `point`, and why some of them failed, if they did."""
        points = Points(self.net, columns, seeds, trials, self.recording)
        kept = points.result(self.threads)
        labels = labels_of(self.net, list(columns))
        coords = {
            labels[name]: ("point", column, {"units": units_of(self.net, name), "long_name": name})
            for name, column in columns.items()
        }
        ds = labelled(kept, {"point": len(seeds)}, coords, self.net).isel(trial=0)
        attrs = attributes_of(self.net, self.recording)
        return ds.assign_attrs(attrs), dict(sorted(points.failures.items()))


def _value_of(net: Network, name: str) -> float:
    """A number that this parameter takes: that of the network, if it has one."""
    try:
        value = value_at(net, name)
    except ValueError:
        return 1.0  # a factor, or an unknown name, which is refused elsewhere
    return value if isinstance(value, float) else 1.0


def _as_given(result: np.ndarray, values: Any) -> Any:
    """Summaries as the parameters came: rows or one row, an array or a tensor."""
    if np.ndim(values) == 1:
        result = result[0]
    if not hasattr(values, "new_tensor"):
        return result
    return (values if values.is_floating_point() else values.float()).new_tensor(result)

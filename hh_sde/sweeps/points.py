"""A region of a sweep, computed: its points side by side in the lanes of one run.

The noise of a point is keyed by the seed of the sweep and by the swept parameters there (their
names and the bits of their values), so that it is the same at a point alone, or on a longer axis.
Points that diverge are left out, and the others, which do not depend on them, are run again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import xarray as xr

from hh_sde import continuation, initial, measures, memory
from hh_sde.arguments.layout import Layout
from hh_sde.arguments.recording import spike_recording
from hh_sde.arguments.times import grid, saving
from hh_sde.choice import chosen_method, precision, sde_for_method, warn_of_missing_samples
from hh_sde.descriptions import encode
from hh_sde.errors import DivergenceError
from hh_sde.measures import SpikeRule
from hh_sde.methods import Problem
from hh_sde.network import Network
from hh_sde.network.paths import with_value
from hh_sde.network.spread import Spread
from hh_sde.records import shown
from hh_sde.rows import RowPaths, Rows
from hh_sde.runs import Run
from hh_sde.solver import solve
from hh_sde.sweeps.form import COUNT, TIME


@dataclass(frozen=True, eq=False)
class Recording:
    """What is kept of each point: the arguments of `solve` of that name."""

    t_end: float
    dt: float = 0.01
    method: str | None = None
    record: tuple[str, ...] | None = ("spikes",)
    save_dt: float | None = None
    discard: float | None = None
    spike_rule: SpikeRule | None = None
    x0: Any = None
    noise: str | None = None
    dtype: str = "float64"

    def __post_init__(self) -> None:
        if self.x0 is not None and not initial.is_by_name(self.x0):
            raise TypeError(
                "x0 of a sweep or a simulator gives values to variables, as {'V': -65.0} or "
                f"{{'V': Normal(-65.0, 5.0)}}; got {shown(self.x0)}"
            )


def point_seed(entropy: int, values: Mapping[str, Any]) -> int:
    """The seed of a point: of that of the sweep, and of the values by name.

    Examples
    --------
    >>> point_seed(1, {"stimulus": 8.0}) == point_seed(1, {"stimulus": 8.0})
    True
    """
    words = [f"{path}={bits(values[path])}" for path in sorted(values)]
    text = json.dumps([str(entropy), *words])
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest())


def texts(values: Sequence[Any] | np.ndarray) -> list[str]:
    """The `bits` of values, many of which may be one object."""
    listed = np.asarray(values).tolist()
    known: dict[int, str] = {}
    for one in listed:
        if id(one) not in known:
            known[id(one)] = bits(one)
    return [known[id(one)] for one in listed]


def bits(value: Any) -> str:
    """A value as text, other text for every other value: what is printed may be cut short.

    Examples
    --------
    >>> bits(0.5), bits("heun"), bits(np.zeros(2)) == bits(np.array([0.0, 1e-9]))
    ('0x1.0000000000000p-1', 'heun', False)
    """
    if isinstance(value, float | np.floating):
        return float(value).hex()
    if isinstance(value, str | int | np.integer):
        return str(value)
    return json.dumps(encode(value, "a value"), sort_keys=True)


def keys_of(seeds: Sequence[int]) -> np.ndarray:
    """The keys of random numbers that seeds have, (seeds, 2)."""
    words = [np.random.SeedSequence(seed).generate_state(2, np.uint32) for seed in seeds]
    return np.array(words, dtype=np.uint64).reshape(-1, 2)


class Points:
    """The points of a sweep that one run takes: they differ in numbers of neurons alone.

    Parameters
    ----------
    net : Network
    values : mapping of name to (points,) array
        What differs.
    seeds : sequence of int
        Of the points.
    trials : (trials,) or (points, trials) array of int
        The numbers of the trials of each.
    recording : Recording
    """

    def __init__(
        self,
        net: Network,
        values: Mapping[str, np.ndarray],
        seeds: Sequence[int],
        trials: np.ndarray,
        recording: Recording,
    ) -> None:
        self.net, self.values, self.seeds = net, dict(values), list(seeds)
        self.trials = np.broadcast_to(trials, (len(self.seeds), np.shape(trials)[-1]))
        self.recording = recording
        self.failures: dict[int, str] = {}

    def result(self, threads: int = 1) -> Kept:
        """What is kept of all points; NaN, and counts of -1, where one failed: see `failures`."""
        return joined(self._of(np.arange(len(self.seeds)), threads))

    def _of(self, points: np.ndarray, threads: int) -> list[Kept]:
        """What is kept of some: of halves of them where one diverges."""
        try:
            return [self._run(points, threads) if self._in_lanes else self._solved(points, threads)]
        except DivergenceError as error:
            if len(points) == 1:
                where = "" if error.neuron is None else f" of neuron {error.neuron}"
                reason = f"{error.variable}{where} became NaN or infinite at t = {error.time:g} ms"
                self.failures[int(points[0])] = reason
                return [self._missing(error.dataset)]
        half = len(points) // 2
        return self._of(points[:half], threads) + self._of(points[half:], threads)

    def _missing(self, ds: xr.Dataset) -> Kept:
        """What is kept of one point of which nothing is known but how far it went."""
        given = self.recording
        every = round((given.save_dt or given.dt) / given.dt)
        first, last = round((given.discard or 0.0) / given.dt), round(given.t_end / given.dt)
        times = np.arange(first, last + 1, every) * given.dt
        kept = Kept.of(_with_counts(ds, self.net.n_neurons), 1, self.trials.shape[1])
        found = {}
        for name, (dims, values, attrs) in kept.variables.items():
            shape = [times.size if dim == "time" else size
                     for dim, size in zip(dims, values.shape, strict=True)]  # fmt: skip
            found[name] = (dims, np.full(shape, _NOTHING[values.dtype.kind], values.dtype), attrs)
        coords = dict(kept.coords)
        if "time" in coords:
            coords["time"] = xr.Variable("time", times, coords["time"].attrs)
        return Kept(found, coords, None if kept.spike_time is None else np.zeros(0))

    @property
    def _in_lanes(self) -> bool:
        """Whether it is a method of the engine that steps lanes together."""
        _, method = chosen_method(self.recording.method, self.net, self.recording.noise)
        return method.compiled and method.interpretation != "chain"

    def _solved(self, points: np.ndarray, threads: int) -> Kept:
        """The points one by one, by a method that takes one network."""
        options = {name: one for name, one in vars(self.recording).items() if one is not None}
        _, method = chosen_method(self.recording.method, self.net, self.recording.noise)
        found = []
        for k in points:
            net = self.net
            for path, values in self.values.items():
                net = with_value(net, path, float(values[k]))
            takes_noise = method.interpretation != "ode"
            seed = {"rng": self.seeds[k]} if takes_noise and net.noisy else {}
            threads = threads if method.compiled else 1
            trials = self.trials[k].tolist()
            ds = solve(net, **options, **seed, trials=trials, threads=threads, progress=False)
            found.append(Kept.of(_with_counts(ds, net.n_neurons), 1, len(trials)))
        return joined(found)

    def _run(self, points: np.ndarray, threads: int) -> Kept:
        spread = Spread(self.net, {path: v[points] for path, v in self.values.items()}, len(points))
        given, net = self.recording, spread.net
        name, method = chosen_method(given.method, net, given.noise)
        sde = spread.of_points(sde_for_method(net, method, name, given.noise))
        layout = replace(Layout.of(net, sde), derived=spread)
        start, first_step, n_steps = grid(given.t_end, given.dt, None, layout)
        warn_of_missing_samples(net, start, float(given.t_end))
        names, rule = spike_recording(given.record, given.spike_rule, net, None)
        kept = [] if rule and names == [] else layout.kept(names)
        every, skipped = saving(given.save_dt, given.discard, given.dt, n_steps, traces=bool(kept))
        many = self.trials.shape[1]
        rows = Rows(
            point=np.repeat(np.arange(len(points)), many),
            trial=self.trials[points].ravel(),
            keys=np.repeat(keys_of([self.seeds[k] for k in points]), many, axis=0),
        )
        saves = (n_steps - skipped) // every + 1
        memory.require(
            8.0 * rows.point.size * saves * len(kept) * layout.width,
            f"traces of {len(points)} points with {many} trials each",
            "record spikes, or save less often (save_dt)",
        )
        path = RowPaths(rows, m=sde.m, dt=given.dt, area_groups=np.asarray(sde.area_groups))
        problem = Problem(
            sde=sde,
            dt=float(given.dt),
            first_step=first_step,
            n_steps=n_steps,
            save_every=every,
            x0=initial.of_rows(given.x0, spread, sde, rows),
            keep=layout.components(kept),
            path=path if sde.m else None,
            trials=np.arange(rows.point.size),
            threads=threads,
            dtype=precision(given.dtype, method, name, sde),
            detection=None
            if rule is None
            else continuation.detection(None, rule.levels, layout.width, range(rows.point.size)),
            rows=rows,
        )
        attrs = {"t_start": start + float(given.discard or 0.0), "t_end": float(given.t_end)}
        run = _RowsRun(problem, layout, kept, True, attrs, {}, rule, [], None)
        return Kept.of(run.complete(method, skipped, False), len(points), many)


def _with_counts(ds: xr.Dataset, n_neurons: int) -> xr.Dataset:
    """A result of `solve` with the number of spikes of each neuron, as `_RowsRun` has it."""
    ds = ds.drop_vars([str(name) for name in ds.data_vars if str(name).startswith("last_")])
    if TIME not in ds or COUNT in ds:
        return ds
    trains = measures.spikes(ds)
    trial = np.searchsorted(json.loads(trains.attrs["trials"]), trains.trial.values)
    train = trial * n_neurons + trains.neuron.values
    trials = len(json.loads(trains.attrs["trials"]))
    count = np.bincount(train, minlength=trials * n_neurons).reshape(trials, n_neurons)
    rest = [name for name in ds.variables if "spike" in ds[name].dims or name == "spike"]
    found = {TIME: ("spike", trains.spike_time.values), COUNT: (("trial", "neuron"), count)}
    return ds.drop_vars(rest).assign(found)


class _RowsRun(Run):
    """A run whose trials are rows; its Dataset has spikes row by row, neuron by neuron."""

    def dataset(self) -> xr.Dataset:
        """Traces over (trial, time, neuron); spike_time train by train, and spike_count."""
        ds = self._traces(dict(self.attrs)) if self.variables else xr.Dataset(attrs=self.attrs)
        if not self.rule:
            return ds
        events = [*self.problem.events, (np.zeros(0, int), np.zeros(0, int), np.zeros(0))]
        row, neuron, time = (np.concatenate(parts) for parts in zip(*events, strict=True))
        order = np.lexsort((time, neuron, row))
        n = self.layout.width
        train = row * n + neuron
        count = np.bincount(train, minlength=len(self.problem.trials) * n)
        found = {
            TIME: ("spike", time[order]),
            COUNT: (("trial", "neuron"), count.reshape(-1, n)),
        }
        return ds.assign(found)


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept of points: dims and values, (points, trials, ...), and spikes one by one."""

    variables: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]]
    coords: dict[str, xr.Variable]
    spike_time: np.ndarray | None

    @classmethod
    def of(cls, ds: xr.Dataset, points: int, trials: int) -> Kept:
        """Of rows, (points * trials, ...)."""
        found = {}
        for name, one in ds.data_vars.items():
            if name != TIME:
                values = one.values.reshape(points, trials, *one.shape[1:])
                found[str(name)] = (("point", *map(str, one.dims)), values, dict(one.attrs))
        coords = {str(k): v.variable for k, v in ds.coords.items() if "trial" not in v.dims}
        return cls(found, coords, ds[TIME].values if TIME in ds else None)

    def at(self, order: np.ndarray) -> Kept:
        """The points in another order."""
        found = {
            name: (dims, values[order], attrs)
            for name, (dims, values, attrs) in self.variables.items()
        }
        if self.spike_time is None:
            return Kept(found, self.coords, None)
        own = np.maximum(self.variables[COUNT][1], 0).reshape(len(order), -1).sum(axis=1)
        each = np.split(self.spike_time, np.cumsum(own)[:-1])
        return Kept(found, self.coords, np.concatenate([each[k] for k in order]))


#: What stands where nothing was computed, by kind of number.
_NOTHING = {"f": np.nan, "i": -1}


def joined(parts: Sequence[Kept]) -> Kept:
    """Of several parts the whole."""
    first = parts[0]
    joined = {
        name: (dims, np.concatenate([one.variables[name][1] for one in parts]), attrs)
        for name, (dims, _, attrs) in first.variables.items()
    }
    times = [one.spike_time for one in parts if one.spike_time is not None]
    return Kept(joined, first.coords, np.concatenate(times) if times else None)

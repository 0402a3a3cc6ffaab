"""The library's own engine: the steps of `hh_sde.kernels.steps` over many trials at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hh_sde.equations.module import Program
from hh_sde.kernels.coupling import Lanes, Own
from hh_sde.kernels.jit import address_of
from hh_sde.kernels.meeting import LEFT, room_to_meet
from hh_sde.kernels.watch import Kept
from hh_sde.kernels.window import window
from hh_sde.methods.inputs import BlockInputs
from hh_sde.methods.method import Diverged, Problem, Reached, in_engine
from hh_sde.methods.on_the_way import Way

#: Spikes of a window for which there is room before they are collected.
_ROOM = 2**14
#: A thread is worth having for so many lanes.
_LEAST_LANES = 2**10
#: Lanes come in whole SIMD registers.
_WIDTH = {"float64": 8, "float32": 16}


class Scheme(NamedTuple):
    """The arguments of `engine`; see there."""

    step: str
    nodes: tuple[float, ...]
    needs: str
    keeps_gates: bool
    opened: str


def engine(
    step: str,
    *,
    nodes: tuple[float, ...] = (0.0,),
    needs: str = "",
    keeps_gates: bool = False,
    opened: str = "",
) -> Callable[[Problem], Iterator[np.ndarray]]:
    """The method of `kernels.steps` with that name.

    Parameters
    ----------
    step : str
    nodes : tuple of float
        Where in a step, in units of h, it needs the injected current.
    needs : {"", "time integrals", "halves", "areas", "weak"}
        What it needs of the noise besides dW: I_(1,0); the increments of the first half of each
        step; the iterated integrals I_(l,k); or dW of three values, and signs.
    keeps_gates : bool
        Whether gates without noise stay in [0, 1], so that nobody has to look.
    opened : str
        The scheme that leaves its steps half done, where gates have no noise.
    """
    scheme = Scheme(step, nodes, needs, keeps_gates, opened)

    @in_engine
    def run(problem: Problem) -> Iterator[np.ndarray]:
        n_trials = len(problem.trials)
        groups = np.array_split(np.arange(n_trials), min(problem.threads, n_trials))
        blocks = [Block(problem, members, scheme) for members in groups]
        shares = [block.shares(problem.threads // len(blocks)) for block in blocks]
        every = [share for own in shares for share in own]
        with ThreadPoolExecutor(max_workers=len(every)) as pool:
            for start, stop in problem.windows(blocks[0].inputs.largest):
                futures = [pool.submit(share.advance, start, stop) for share in every[1:]]
                found = iter([every[0].advance(start, stop), *(one.result() for one in futures)])
                parts = [
                    block.by_component([next(found) for _ in own])
                    for block, own in zip(blocks, shares, strict=True)
                ]
                saves = min(len(part) for part in parts)
                excursions = sum(int(share.kept.counts[1]) for share in every)
                problem.report["gate_excursions"] = excursions
                failures = [share.failure for share in every if share.failure is not None]
                if not failures:
                    problem.reach(_reached(problem, stop, blocks))
                yield np.concatenate([part[:saves] for part in parts], axis=1)
                if failures:
                    raise min(failures, key=lambda failure: failure.step)

    return run


def _reached(problem: Problem, step: int, blocks: list[Block]) -> Reached:
    """All blocks after so many steps."""

    def together(arrays: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([one.by_trial(a) for one, a in zip(blocks, arrays, strict=True)])

    detection = problem.detection and replace(
        problem.detection,
        armed=together([one.kept.seen[1] for one in blocks]) > 0,
        last_spike=together([one.kept.seen[2] for one in blocks]),
    )
    x = together([one.closed for one in blocks])
    opened = together([one.m.x for one in blocks]) if blocks[0].leaves_open else None
    carried = None
    if blocks[0].way is not None:
        each = [one.way.carried(problem.first_step + step) for one in blocks if one.way]
        carried = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
    return Reached(step, x, detection, opened, carried)


def _within(ranges: np.ndarray, own: Own) -> np.ndarray:
    """The ranges of lanes of populations, as far as they are in those of a thread."""
    found = []
    for row in ranges[1:].reshape(-1, 6):
        first, padded = max(row[1], own.lane), min(row[1] + row[2], own.lane + own.lanes)
        used = min(row[1] + row[3], own.lane + own.used)
        if used > first:
            found.append((row[0], first, padded - first, used - first, row[4], row[5]))
    return np.array([len(found), *(number for row in found for number in row)], dtype=np.int64)


class Block:
    """Some trials of a problem, stepped together; a lane is a neuron of one of them."""

    def __init__(self, problem: Problem, members: np.ndarray, scheme: Scheme) -> None:
        program: Program = problem.sde.program
        self.compiled = program.loaded(problem.dtype)
        self.layout = program.layout
        n_neurons = self.layout.n_neurons
        self.problem = problem
        self.program = program
        self.members = members
        self.way: Way | None = None
        self.lanes = n_neurons * len(members)
        self.padding = -self.lanes % _WIDTH[problem.dtype]
        width = self.lanes + self.padding
        self.inputs = BlockInputs(problem, members, width, scheme.nodes, scheme.needs)
        remembers = self.compiled.tables.remembers  # what arrives has its whole half step
        opened = scheme.opened if not (self.inputs.gates_noisy or remembers) else ""
        self.leaves_open = bool(opened)
        self.first, self.used = 0, self.lanes
        advance = getattr(self.compiled.module, f"{opened or scheme.step}_advance")
        row, neuron = np.divmod(self.layout.places[problem.keep], n_neurons)
        self.rows = np.unique(row)
        # where the component in row v of neuron i stands once only `rows` are kept
        self.columns = np.searchsorted(self.rows, row) * n_neurons + neuron
        self.failure: Diverged | None = None
        self.m = self._lanes()
        self.kept = self._nothing_kept(scheme.keeps_gates and not self.inputs.gates_noisy)
        self.address = address_of(advance, self.m, self.kept, 0.0, 0, 0, 0)

    def _lanes(self) -> Lanes:
        """The lanes, with room for what reaches them."""
        inputs = self.inputs
        compiled, trials = self.compiled, len(self.members)
        resumed = self.problem.opened if self.leaves_open else None
        dtype = self.problem.dtype
        x = self._by_lane(self.problem.x0 if resumed is None else resumed).astype(dtype)
        steps, kinds, lanes = inputs.at_once, inputs.kinds, x.shape[1]
        terms, process = compiled.most_terms, compiled.process  # read without noise too: zeros
        wiring = compiled.tables.wiring
        blocks = wiring.blocks.copy()
        blocks[:, 3] = self.layout.among_lanes(blocks[:, 3], trials, lanes)
        m = Lanes(
            x=x,
            I=np.zeros((1, len(inputs.nodes), lanes), dtype),
            sums=np.zeros(((wiring.start.size - 1) // self.layout.n_neurons, lanes), dtype),
            A_dW=np.zeros((steps, kinds, lanes), dtype),
            dW=np.zeros((steps, kinds, terms, lanes), dtype),
            areas=np.empty((0, 0, 0, 0), dtype),
            work=np.zeros((4, *x.shape), dtype),  # 0 for good in rows that a population lacks
            columns=np.zeros((6 if inputs.weak else 2, process.size, lanes), dtype),
            process=process,
            opened=np.array([resumed is not None], dtype=np.int64),
            at=np.zeros(1, dtype=np.int64),
            changing=int(inputs.changing),
            noisy=int(self.problem.path is not None),
            n_neurons=self.layout.n_neurons,
            trials=trials,
            own=Own(0, self.layout.n_neurons, 0, lanes, self.lanes, np.zeros(0, np.int64), 1, 0),
            start=wiring.start,
            source=self.layout.among_lanes(wiring.source, trials, lanes),
            weight=wiring.weight.astype(dtype, copy=False),
            blocks=blocks,
            block_weight=wiring.block_weight.astype(dtype, copy=False),
            **compiled.of_lanes(trials, lanes, self.inputs.points)._asdict(),
        )
        if not compiled.tables.remembers:
            return m
        if compiled.has_outputs:  # which others feel as they were before the run
            compiled.module.fill_outputs(x, m.p, m.q, m.curves, m.ranges)
        self.way = Way(self.problem, compiled, self.members, x)
        connections = (m.start, m.source, m.weight, m.blocks, m.block_weight)
        return m._replace(way=self.way.handled(m.sums, connections))

    def _nothing_kept(self, gates_stay: bool) -> Kept:
        """With the state of the detection, and room for the spikes of a window, if wanted."""
        found = self.problem.detection
        seen = np.zeros((3, self.m.x.shape[1]))
        seen[0] = self.m.x[0]
        if found is not None:
            armed, last_spike = map(self._neurons_by_lane, (found.armed, found.last_spike))
            seen[1], seen[2] = armed[0], last_spike[0]
        return Kept(
            save_every=self.problem.save_every,
            closes=self.leaves_open,
            rows=self.rows,
            out=np.empty((0, len(self.rows), self.lanes), self.problem.dtype),
            bounded=self._bounded() if not gates_stay else np.empty((0, 3), np.int64),
            looked_at=1 if self.program.stated is None else self.layout.d,
            rule=(np.nan, np.nan, np.nan) if found is None else found.rule,
            seen=seen,
            spikes=np.empty((2, 0 if found is None else max(_ROOM, 4 * self.lanes))),
            counts=np.zeros(2, dtype=np.int64),
        )

    def _bounded(self) -> np.ndarray:
        """The rows of lanes that must stay in [0, 1]: `Kept.bounded`."""
        trials = len(self.members)
        rows = self.program.gate_rows
        found = [(row, own.first * trials, own.n * trials) for own, row in rows]
        return np.array(found, dtype=np.int64).reshape(-1, 3)

    def _by_lane(self, states: np.ndarray) -> np.ndarray:
        """(rows, lanes), padded, of the members' states (trials, d)."""
        return self._in_lanes(self.layout.by_row(states[self.members]))

    def _neurons_by_lane(self, values: np.ndarray) -> np.ndarray:
        """(rows, lanes), padded, of the members' values (trials, ..., n_neurons)."""
        return self._in_lanes(values[self.members])

    def _in_lanes(self, values: np.ndarray) -> np.ndarray:
        """The same of values (members, ..., n_neurons)."""
        rows = np.moveaxis(values, 0, -1).reshape(-1, self.lanes)
        return np.ascontiguousarray(np.pad(rows, ((0, 0), (0, self.padding)), mode="edge"))

    def by_trial(self, lanes: np.ndarray) -> np.ndarray:
        """(members, d) of the state (rows, lanes), or (members, n_neurons) of (lanes,): a copy."""
        rows = lanes[..., : self.lanes].reshape(*lanes.shape[:-1], -1, len(self.members))
        values = np.moveaxis(rows, -1, 0)
        return (self.layout.flat(values) if lanes.ndim == 2 else values).copy()

    @property
    def closed(self) -> np.ndarray:
        """The state (variables, lanes), with no step left open."""
        return self.m.work[1] if self.leaves_open else self.m.x

    # -- several threads on one block --------------------------------------------------------------

    def shares(self, threads: int) -> list[Block]:
        """The block in as many parts as are worth a thread, each a range of its neurons.

        They work in the same arrays, and where neurons feel each other they wait for each other.
        """
        n, many = self.layout.n_neurons, len(self.members)
        parts = max(1, min(threads, self.lanes // _LEAST_LANES))
        if parts == 1:
            return [self]
        whole = _WIDTH[self.problem.dtype] // np.gcd(_WIDTH[self.problem.dtype], many)
        bounds = np.linspace(0, n / whole, parts + 1).astype(int) * whole
        bounds[-1] = n
        meets = bool(self.m.sums.shape[0]) or self.way is not None
        meeting = room_to_meet()
        return [
            self._share(range(first, last), k, parts, meets, meeting)
            for k, (first, last) in enumerate(pairwise(bounds.tolist()))
        ]

    def _share(
        self, neurons: range, number: int, parts: int, meets: bool, meeting: np.ndarray
    ) -> Block:
        many = len(self.members)
        lane, used = neurons.start * many, len(neurons) * many
        last = neurons.stop == self.layout.n_neurons
        share = copy(self)
        share.first, share.used = lane, used
        share.inputs = self.inputs.of_neurons(neurons)
        own = Own(
            first=neurons.start,
            neurons=len(neurons),
            lane=lane,
            lanes=used + (self.padding if last else 0),
            used=used,
            meeting=meeting,
            members=parts if meets else 1,
            number=number,
        )
        share.m = self.m._replace(
            own=own,
            ranges=_within(self.m.ranges, own),
            opened=self.m.opened.copy(),
            at=np.zeros(1, np.int64),
        )
        rows = self.kept.bounded.copy()
        begin = np.maximum(rows[:, 1], lane)
        rows[:, 2] = np.minimum(rows[:, 1] + rows[:, 2], lane + used) - begin
        rows[:, 1] = begin
        share.kept = self.kept._replace(
            bounded=rows[rows[:, 2] > 0],
            spikes=np.empty_like(self.kept.spikes),
            counts=np.zeros(2, np.int64),
        )
        return share

    def by_component(self, parts: list[np.ndarray]) -> np.ndarray:
        """(saves, trials, kept) of what its shares saved, each (saves, rows, their lanes)."""
        done = min(map(len, parts))
        out = (
            np.concatenate([part[:done] for part in parts], axis=2) if len(parts) > 1 else parts[0]
        )
        width = len(self.rows) * self.lanes // len(self.members)
        states = out.reshape(done, width, len(self.members))
        return states.transpose(0, 2, 1)[:, :, self.columns]

    def advance(self, start: int, stop: int) -> np.ndarray:
        """Make steps start + 1 ... stop; what is saved of its lanes, (saves, rows, lanes)."""
        try:
            return self._advance(start, stop)
        except BaseException:
            self._leave()  # nobody waits for what does not come
            raise

    def _advance(self, start: int, stop: int) -> np.ndarray:
        problem = self.problem
        out = np.empty((self._saves(start, stop), len(self.rows), self.lanes), problem.dtype)
        made = 0
        while made < stop - start and self.failure is None and not self._left():
            begin = start + made
            inputs, m = self.inputs.of_window(begin, stop, self.m)
            kept = self.kept._replace(out=out[self._saves(start, begin) :])
            made += window(
                self.address, m, inputs, kept, problem.dt, problem.first_step, begin, stop - begin
            )
            self._collect_spikes()
            if not np.all(np.isfinite(self.m.x[:, self.first : self.first + self.used])):
                self.failure = self._failure(start + made)
                made -= 1
        done = self._saves(start, start + made)
        return out[:done, :, self.first : self.first + self.used]

    def _leave(self) -> None:
        if self.m.own.members > 1:
            self.m.own.meeting[LEFT] = 1

    def _left(self) -> bool:
        """Whether one that is waited for has gone."""
        return self.m.own.members > 1 and bool(self.m.own.meeting[LEFT])

    def _saves(self, start: int, stop: int) -> int:
        every = self.problem.save_every
        return stop // every - start // every

    def _collect_spikes(self) -> None:
        counts, spikes = self.kept.counts, self.kept.spikes
        found = int(counts[0])
        if found:
            neuron, member = np.divmod(spikes[0, :found].astype(int), len(self.members))
            self.problem.events.append((self.members[member], neuron, spikes[1, :found].copy()))
        counts[0] = 0

    def _failure(self, step: int) -> Diverged:
        mine = np.zeros_like(self.m.x)
        lanes = slice(self.first, self.first + self.used)
        mine[:, lanes] = self.m.x[:, lanes]
        member, component = np.argwhere(~np.isfinite(self.by_trial(mine)))[0]
        return Diverged(step, int(component), int(self.members[member]))

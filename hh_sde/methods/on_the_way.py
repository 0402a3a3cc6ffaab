"""Spikes and potentials on their way between the neurons of a block, as the engine has them."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NoReturn

import numpy as np

from hh_sde import memory
from hh_sde.addresses import ROUNDING, domain, in_steps
from hh_sde.equations.layout import StateLayout
from hh_sde.equations.module import Compiled
from hh_sde.equations.tables import Late, Sender
from hh_sde.kernels.events import PER_CELL, Events, OnTheWay, after_step, sums_with_delays
from hh_sde.kernels.jit import address_of
from hh_sde.kernels.random import derived_key
from hh_sde.methods.method import Problem

#: Sums that a step of any scheme makes, at most.
_SUMS = 2
#: What has a place for each step, the step's number modulo their length.
RINGS = ("slots", "history")


class Way:
    """What is on its way in some trials of a problem.

    Parameters
    ----------
    problem : Problem
    compiled : Compiled
    members : (trials,) array of int
        Positions of the trials.
    x : (rows, lanes) array
        The state to begin with.
    """

    def __init__(
        self, problem: Problem, compiled: Compiled, members: np.ndarray, x: np.ndarray
    ) -> None:
        self.problem = problem
        self.layout: StateLayout = problem.sde.program.layout
        self.members = members
        self.trials = len(members)
        self.lanes = x.shape[1]
        self.senders: tuple[Sender, ...] = compiled.tables.senders
        self.late: Late | None = compiled.tables.late
        self.x = x
        self._compiled = compiled
        self._of_trains = [
            (k, one) for k, one in enumerate(self.senders) if hasattr(one.spikes, "means")
        ]
        self._given = [
            (k, one) for k, one in enumerate(self.senders) if hasattr(one.spikes, "spike_time")
        ]
        self.events = self._events()
        self._carry(problem.carried)

    def handled(self, sums: np.ndarray, wiring: tuple[np.ndarray, ...]) -> OnTheWay:
        """With the addresses of what handles it."""
        counts = (self.layout.n_neurons, self.trials)
        at_sums = address_of(sums_with_delays, self.events, self.x, sums, *counts, *wiring)
        after = address_of(after_step, self.events, self.x, *counts, 0, 0.0)
        return OnTheWay(at_sums, after, self.events)

    # -- arrays ------------------------------------------------------------------------------------

    def _events(self) -> Events:
        problem, dtype = self.problem, self.x.dtype
        rules = list(
            dict.fromkeys(one.spikes for one in self.senders if isinstance(one.spikes, tuple))
        )
        rows, starts, blocks = [], [np.zeros(0, np.int64)], [np.zeros((0, 4), np.int64)]
        n_edges = n_starts = n_blocks = 0
        for one in self.senders:
            rule = rules.index(one.spikes) if isinstance(one.spikes, tuple) else -1
            rows.append(
                (rule, one.first_source, one.n_sources, n_starts, n_blocks,
                 n_blocks + len(one.blocks), int(one.plasticity is not None))
            )  # fmt: skip
            starts.append(n_edges + one.start)
            delay = self._steps(np.array([one.block_delay]), one.name)[0]
            places = self._places(one.blocks[:, 0])
            blocks.append(np.column_stack([places, one.blocks[:, 1:], np.full(len(places), delay)]))
            n_edges += one.place.size
            n_starts += one.start.size
            n_blocks += len(one.blocks)
        delays = [self._steps(one.delay, one.name) for one in self.senders]
        delay, all_blocks = _joined(delays, np.int64), np.concatenate(blocks)
        longest = max(delay.max(initial=0), all_blocks[:, 3].max(initial=0))
        ahead = round(1.0 / problem.dt) + 2 if self._of_trains else 0
        n_slots = int(longest + ahead + 1)
        most = max((one.n_sources for one in self.senders if one.plasticity), default=0)
        to, n_inputs, scale = self._arrivals()
        self._see_room(n_slots * n_inputs)
        given = self._given_spikes()
        return Events(
            now=np.array([problem.first_step, 0]),
            rules=np.array(rules, dtype=float).reshape(-1, 3),
            seen=np.zeros((len(rules), 3, self.lanes)),
            spikes=np.empty((2, self.lanes)),
            counts=np.zeros(2, np.int64),
            senders=np.array(rows, dtype=np.int64).reshape(-1, 7),
            start=_joined(starts, np.int64),
            target=self._places(_joined([one.place for one in self.senders], np.int64)),
            weight=_joined([one.weight for one in self.senders], dtype),
            delay=delay,
            blocks=np.ascontiguousarray(all_blocks, dtype=np.int64),
            block_weight=_joined([one.block_weight for one in self.senders], dtype),
            plasticity=np.array(
                [one.plasticity or (0.0, 0.0, 0.0) for one in self.senders], dtype=float
            ).reshape(-1, 3),
            resources=self._rested(most),
            slots=np.zeros((n_slots, n_inputs, self.lanes), dtype),
            filled=np.zeros(n_slots, np.int64),
            to=to,
            scale=scale,
            **self._history(),
            **self._poisson(),
            trials=problem.words(self.members)[0],
            **given,
        )

    def _places(self, places: np.ndarray) -> np.ndarray:
        return self.layout.among_lanes(places, self.trials, self.lanes)

    def _steps(self, delay: np.ndarray, name: str) -> np.ndarray:
        return in_steps(delay, self.problem.dt, f"delay of {name}")

    def _arrivals(self) -> tuple[np.ndarray, int, np.ndarray]:
        """Rows of the state that jump: `Events.to`; how many inputs of a population; factors."""
        found: list[tuple[int, ...]] = []
        most = 0
        scales: list[tuple[int, np.ndarray]] = []
        for own, equations in zip(self.layout.ranges, self._compiled.populations, strict=True):
            inputs = equations.model.jumping
            for number, one in enumerate(inputs):
                name = one.name
                jumps = f"h_{name}" if one.tau_rise is not None else ""
                kind = "i" if one.E is None else "g"
                row = own.names.index(jumps or f"{kind}_{name}")
                if one.scale is not None:
                    scales.append((len(found), self._of_members(one.scale)))
                found.append((row, own.first * self.trials, own.n * self.trials, number))
            most = max(most, len(inputs))
        scale = np.ones((len(found) if scales else 0, self.lanes), self.x.dtype)
        for k, values in scales:
            _, first, many, _ = found[k]
            scale[k, first : first + many] = values
        return np.array(found, dtype=np.int64).reshape(-1, 4), most, scale

    def _of_members(self, values: np.ndarray) -> np.ndarray:
        """Numbers (n_neurons,) or (n_neurons, points) in all trials of each neuron."""
        if values.ndim == 1:
            return np.repeat(values, self.trials)
        return values[:, self.problem.points(self.members)].ravel()

    def _rested(self, sources: int) -> np.ndarray:
        """Synapses that have not been used: u = 0, x = 1, long ago."""
        memory.require(
            24.0 * len(self.senders) * sources * self.trials,
            f"the resources of synapses from {sources} neurons or trains with plasticity",
            "take fewer trials at once",
        )
        found = np.zeros((len(self.senders) if sources else 0, 3, sources * self.trials))
        found[:, 1], found[:, 2] = 1.0, -1e300
        return found

    def _see_room(self, per_lane: int) -> None:
        """Refuse delays for which there is no memory; a result holds a copy of what is late."""
        memory.require(
            2 * 8.0 * per_lane * self.lanes,
            "what is on its way between neurons, for each step of the longest delay,",
            "take shorter delays, a larger dt or fewer trials at once",
        )

    def _history(self) -> dict[str, np.ndarray]:
        late = self.late
        if late is None:
            none = np.zeros(0, np.int64)
            return {
                "history": np.zeros((0, 0, 0, self.lanes), self.x.dtype), "history_rows": none,
                "late_start": none, "late_source": none,
                "late_weight": np.zeros(0, self.x.dtype), "late_delay": none,
            }  # fmt: skip
        delay = self._steps(late.delay, "a synapse with delays")
        steps = int(delay.max(initial=0)) + 1
        self._see_room(steps * _SUMS * late.rows.size)
        history = np.empty((steps, _SUMS, late.rows.size, self.lanes))
        history[:] = self.x[late.rows]  # before the run it was as it is at its beginning
        return {
            "history": history.astype(self.x.dtype),
            "history_rows": late.rows,
            "late_start": late.start,
            "late_source": self._places(late.source),
            "late_weight": late.weight.astype(self.x.dtype),
            "late_delay": delay,
        }

    def _poisson(self) -> dict[str, np.ndarray]:
        problem = self.problem
        first = int(np.floor(problem.times(0, 0)[0] + ROUNDING * problem.dt))
        last = int(np.ceil(problem.times(problem.n_steps, problem.n_steps)[0])) + 1
        trains, means, keys, place = [], [np.zeros(0)], [], 0
        for k, one in self._of_trains:
            mean = one.spikes.means(first, last)  # type: ignore[union-attr]
            if mean.shape[1] not in (1, one.n_sources):
                raise ValueError(
                    f"{one.name}: the PoissonInput has rates for {mean.shape[1]} trains, and there "
                    f"are {one.n_sources}"
                )
            trains.append((k, place, mean.shape[1], one.n_sources, one.each, int(len(mean) > 1)))
            means.append(mean.ravel())
            place += mean.size
            keys.append(self._key(one.trains))
        return {
            "cell": np.array([first]),
            "trains": np.array(trains, dtype=np.int64).reshape(-1, 6),
            "means": np.concatenate(means),
            "first_cell": np.array([first]),
            "keys": np.array(keys, dtype=np.uint64).reshape(-1, self.trials, 2),
            "times": np.empty(2 * PER_CELL),
        }

    def _key(self, name: str) -> np.ndarray:
        """The keys of trains in each trial, (trials, 2): of the seed and their name."""
        number = int.from_bytes(blake2b(name.encode(), digest_size=4).digest())
        use, (_, keys) = domain("spike trains"), self.problem.words(self.members)
        if keys is not None:
            return np.stack([derived_key(key, use, number) for key in keys])
        assert self.problem.seed is not None
        key = self.problem.seed.generate_state(2, np.uint32).astype(np.uint64)
        return np.broadcast_to(derived_key(key, use, number), (self.trials, 2))

    def _given_spikes(self) -> dict[str, np.ndarray]:
        """Spikes that are given, by the steps in which they are."""
        columns: list[tuple[np.ndarray, ...]] = [(np.zeros(0, np.int64),) * 3]
        for k, one in self._given:
            times = one.spikes.spike_time / self.problem.dt  # type: ignore[union-attr]
            # a spike on the grid is found by the step that ends there
            step = np.ceil(times - ROUNDING).astype(np.int64) - 1
            if self.problem.carried is None:  # nor has another run sent those of the beginning
                step[np.abs(times - self.problem.first_step) <= ROUNDING] += 1
            inside = step >= self.problem.first_step
            train = one.spikes.train[inside]  # type: ignore[union-attr]
            columns.append((step[inside], np.full(train.size, k), train))
        step, sender, source = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        order = np.lexsort((source, sender, step))
        return {
            "given_step": step[order],
            "given_sender": sender[order],
            "given_source": source[order],
            "given_at": np.zeros(1, np.int64),
        }

    # -- from run to run ---------------------------------------------------------------------------

    def _carry(self, carried: Mapping[str, np.ndarray] | None) -> None:
        """Take up what another run left, or begin afresh."""
        events, problem = self.events, self.problem
        events.seen[:, 0] = self.x[0]
        if carried is None:
            events.seen[:, 1], events.seen[:, 2] = 1.0, -np.inf
            return
        # what began before the run has been sent by the one that it goes on from
        begun = problem.times(0, 0)[0] - ROUNDING * problem.dt
        events.cell[0] = int(np.floor(begun)) + 1
        kept = self._kept()
        if set(carried) != set(kept):
            self._refuse()
        for name, own in kept.items():
            given = self._by_lane(carried[name])
            if given.shape != own.shape or (name == "names" and np.any(given != own)):
                self._refuse()
            own[:] = np.roll(given, problem.first_step, axis=0) if name in RINGS else given
        events.filled[:] = np.any(events.slots != 0, axis=(1, 2))

    def _refuse(self) -> NoReturn:
        raise ValueError(
            "x0: what is on its way there is that of other event-driven synapses or delays, or of "
            "the same in another order: a run is continued with its own network"
        )

    def _names(self) -> int:
        """A checksum of what the arrays stand for, in their order."""
        past = [] if self.late is None else self.late.rows.tolist()
        names = [
            [one.name for one in self.senders],
            [[one.name for one in p.model.jumping] for p in self._compiled.populations],
            [
                [one.rows[row] for one in self._compiled.populations if row < len(one.rows)]
                for row in past
            ],
        ]
        return int.from_bytes(blake2b(repr(names).encode(), digest_size=6).digest())

    def _by_lane(self, values: np.ndarray) -> np.ndarray:
        """(..., lanes) of the members' values (trials, ..., neurons or sources)."""
        lanes = np.moveaxis(values[self.members], 0, -1)
        return lanes.reshape(*lanes.shape[:-2], -1)

    def _kept(self) -> dict[str, np.ndarray]:
        """What is carried, each array (..., lanes) as it lies here; `RINGS` begin at step 0."""
        events, used = self.events, self.layout.n_neurons * self.trials
        found = {"names": np.full(self.trials, float(self._names()))}
        if events.slots.size:
            found["slots"] = events.slots[..., :used]
        if events.history.size:
            found["history"] = events.history[..., :used]
        if events.rules.size:
            found["armed"], found["last_spike"] = (events.seen[:, k, :used] for k in (1, 2))
        if events.resources.size:
            found["resources"] = events.resources
        return found

    def carried(self, step: int) -> dict[str, np.ndarray]:
        """What a run from grid step `step` on goes on from, each (trials, ..., neurons)."""
        found = {}
        for name, own in self._kept().items():
            values = np.roll(own, -step, axis=0) if name in RINGS else own
            values = values.reshape(*own.shape[:-1], -1, self.trials)
            found[name] = np.moveaxis(values, -1, 0).copy()
        return found


def _joined(parts: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0), *parts]).astype(dtype)

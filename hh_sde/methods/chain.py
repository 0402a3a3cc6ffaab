"""The Markov chain of ion channels: whole channels that change their states at random times.

The chain and V together are a piecewise deterministic Markov process: Chow & White (1996), Biophys.
J. 71, 3013, doi:10.1016/S0006-3495(96)79494-8; Anderson, Ermentrout & Thomas (2015), J. Comput.
Neurosci. 38, 67, doi:10.1007/s10827-014-0528-2. How it is simulated: `hh_sde.kernels.chain`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np

from hh_sde.equations.module import Program
from hh_sde.equations.tables import ChannelTable, Model
from hh_sde.kernels.chain import Chain, ChainKept, ChainLanes, GateRates, Pieces, gillespie_window
from hh_sde.methods.method import Diverged, Problem, Reached, in_engine

#: Transitions in a window, about: a second's work, so that progress shows.
_TRANSITIONS = 2**24
#: Transitions of a channel per ms, roughly, and at most in common cells.
_PER_CHANNEL = 2.0
#: Numbers saved in a window.
_SAVED = 2**21
#: Steps of the output grid that have random numbers of their own: one word of an address.
_MOST_STEPS = 2**32
#: Spikes of a window for which there is room at first.
_ROOM = 2**10
#: Jumps of the current closer than this to a grid point are at the grid point, ms.
_SAME_TIME = 2e-9


@in_engine
def gillespie(problem: Problem) -> Iterator[np.ndarray]:
    """The method: lanes, each a neuron of a trial, are independent and spread over threads."""
    if problem.first_step + problem.n_steps > _MOST_STEPS:
        raise ValueError(
            f"gillespie addresses its random numbers by 2^32 steps of dt = {problem.dt:g} ms, and "
            f"this run ends at step {problem.first_step + problem.n_steps}; take a larger dt"
        )
    runs = [_Run(problem, k) for k in range(len(problem.sde.program.layout.ranges))]
    ranges = [one for run in runs for one in run.ranges(problem.threads)]
    with ThreadPoolExecutor(max_workers=problem.threads) as pool:
        for start, stop in problem.windows(min(run.steps_at_once() for run in runs)):
            pieces = [run.pieces(start, stop) for run in runs]
            saves = int(pieces[0].saves.max()) + 1
            outs = [np.empty((saves, len(run.rows), run.size)) for run in runs]
            futures = [
                pool.submit(one.advance, pieces[one.run.number], outs[one.run.number])
                for one in ranges
            ]
            failures = [failure for future in futures if (failure := future.result())]
            events = sum(int(run.lanes.n_transitions.sum()) for run in runs)
            problem.report["transition_events"] = events
            failed = min(failures, key=lambda failure: failure.step, default=None)
            done = saves if failed is None else failed.step // problem.save_every
            done -= 0 if failed is None else start // problem.save_every
            if failed is None:
                problem.reach(_reached(problem, stop, runs))
            kept = np.empty((done, len(problem.trials), problem.keep.size))
            for run, out in zip(runs, outs, strict=True):
                kept[..., run.wanted] = run.kept(out[:done])
            yield kept
            if failed is not None:
                raise failed


def _reached(problem: Problem, step: int, runs: list[_Run]) -> Reached:
    """All lanes after so many steps."""
    detection = problem.detection and replace(
        problem.detection,
        armed=np.concatenate([run.by_trial(run.lanes.armed) for run in runs], axis=1),
        last_spike=np.concatenate([run.by_trial(run.lanes.last_spike) for run in runs], axis=1),
    )
    return Reached(step, np.concatenate([run.state for run in runs], axis=1), detection)


class _Run:
    """All lanes of a population: lane = neuron * trials + trial."""

    def __init__(self, problem: Problem, number: int) -> None:
        assert problem.path is not None
        program: Program = problem.sde.program
        compiled, own = program.compiled, program.layout.ranges[number]
        self.problem, self.program, self.number, self.own = problem, program, number, own
        self.chain = chain_of(compiled.populations[number].model)
        numbers = compiled.of_lanes(1, program.layout.n_neurons)
        p, curves = numbers.ranges[1 + 6 * number + 4 : 1 + 6 * number + 6]
        self.gate_rates = GateRates(
            getattr(compiled.module, f"gate_rates_{compiled.kinds[number]}").link("f64").address,
            numbers.p[p:],
            np.ascontiguousarray(numbers.q[:, own.neurons]),
            numbers.curves[curves:],
        )
        n, trials = own.n, problem.trials
        self.size = n * len(trials)
        x = problem.x0[:, own.components].reshape(len(trials), -1, n).transpose(1, 2, 0)
        states = self.chain.number[:, :, None]
        counts = np.rint(x[1:] * states).astype(np.int64)
        found = problem.detection
        shape = (len(trials), n)
        armed = np.zeros(shape, dtype=np.bool_) if found is None else found.armed[:, own.neurons]
        last_spike = np.zeros(shape) if found is None else found.last_spike[:, own.neurons]
        # copies: the kernel goes on in these arrays, and the problem's may be asked for again
        self.lanes = ChainLanes(
            V=x[0].flatten(),
            counts=counts.reshape(len(states), -1).T.copy(),
            armed=armed.T.flatten(),
            last_spike=last_spike.T.flatten(),
            n_transitions=np.zeros(self.size, dtype=np.int64),
            key=problem.path.chain_key(),
            trials=trials,
            first_neuron=own.first,
        )
        begin = own.components.start
        mine = (problem.keep >= begin) & (problem.keep < own.components.stop)
        self.wanted = np.flatnonzero(mine)  # which of what is kept is of this population
        keep = problem.keep[mine] - begin
        self.rows = np.unique(keep // n)
        row = np.searchsorted(self.rows, keep // n)
        self.columns = row * n + keep % n

    def ranges(self, threads: int) -> list[_Range]:
        """Its lanes in as many parts."""
        bounds = np.linspace(0, self.size, min(threads, self.size) + 1).astype(int)
        return [_Range(self, *pair) for pair in pairwise(bounds)]

    def steps_at_once(self) -> int:
        """Steps of the output grid in a window."""
        first = self.chain.conducting  # one state of each channel
        channels = self.chain.number[first].sum() * len(self.problem.trials)
        work = _TRANSITIONS / (_PER_CHANNEL * channels * self.problem.dt)
        saved = _SAVED * self.problem.save_every / max(1, len(self.rows) * self.size)
        return max(1, int(min(work, saved)))

    def pieces(self, start: int, stop: int) -> Pieces:
        """The window of steps start + 1 ... stop."""
        problem = self.problem
        grid = problem.times(start, stop)
        breaks = np.empty(0)
        if problem.sde.breakpoints is not None:
            breaks = np.sort(problem.sde.breakpoints(grid[0], grid[-1]))
            nearest = grid[np.clip(np.searchsorted(grid, breaks - _SAME_TIME), 0, len(grid) - 1)]
            breaks = breaks[np.abs(breaks - nearest) > _SAME_TIME]
        edges = np.union1d(grid, breaks)
        step = np.searchsorted(grid, edges[:-1], side="right") - 1
        ends = np.searchsorted(grid, edges[1:])
        on_grid = grid[ends] == edges[1:]
        saved = on_grid & ((start + ends) % problem.save_every == 0)
        number = (start + ends) // problem.save_every - start // problem.save_every - 1
        middle = 0.5 * (edges[:-1] + edges[1:])
        return Pieces(
            edges=edges,
            steps=problem.first_step + start + step,
            saves=np.where(saved, number, -1),
            current=np.ascontiguousarray(self.program.current(middle)[:, self.own.neurons]),
        )

    @property
    def state(self) -> np.ndarray:
        """Its part of the flat state, (trials, components)."""
        trials = len(self.problem.trials)
        number = self.chain.number[:, :, None]
        fractions = self.lanes.counts.T.reshape(len(number), -1, trials) / number
        x = np.concatenate([self.lanes.V.reshape(1, -1, trials), fractions])
        return x.transpose(2, 0, 1).reshape(trials, -1)

    def by_trial(self, lanes: np.ndarray) -> np.ndarray:
        """(trials, neurons) of (lanes,), a copy."""
        return lanes.reshape(-1, len(self.problem.trials)).T.copy()

    def kept(self, out: np.ndarray) -> np.ndarray:
        """(saves, trials, kept) of (saves, rows, lanes)."""
        trials = len(self.problem.trials)
        width = len(self.rows) * self.size // trials
        return out.reshape(len(out), width, trials).transpose(0, 2, 1)[:, :, self.columns]


class _Range:
    """The lanes of one thread."""

    def __init__(self, run: _Run, first: int, last: int) -> None:
        self.run = run
        self.first, self.last = int(first), int(last)
        found = run.problem.detection
        self.rule = np.array((np.nan,) * 3 if found is None else found.rule)
        self.room = 0 if found is None else _ROOM

    def advance(self, pieces: Pieces, out: np.ndarray) -> Diverged | None:
        """Go through a window; once more from its start if there was no room for its spikes."""
        run, lanes = self.run, self.run.lanes
        all_lanes = (lanes.V, lanes.counts, lanes.armed, lanes.last_spike, lanes.n_transitions)
        changing = [array[self.first : self.last] for array in all_lanes]
        before = [array.copy() for array in changing]
        while True:
            lane, time = np.empty(self.room, dtype=np.int64), np.empty(self.room)
            found = np.zeros(1, dtype=np.int64)
            kept = ChainKept(run.rows, out, self.rule, lane, time, found)
            step, failed = gillespie_window(
                self.first, self.last, lanes, pieces, run.chain, run.gate_rates, kept
            )
            if found[0] <= self.room:
                break
            self.room = 2 * int(found[0])
            for array, values in zip(changing, before, strict=True):
                array[:] = values
        neuron, member = np.divmod(lane[: found[0]], len(run.problem.trials))
        if found[0]:
            run.problem.events.append((member, run.own.first + neuron, time[: found[0]]))
        if step < 0:
            return None
        neuron, member = divmod(failed, len(run.problem.trials))
        component = run.own.components.start + int(neuron)
        return Diverged(int(step) - run.problem.first_step, component, int(member))


def chain_of(model: Model) -> Chain:
    """The chain of a model in which all channels with gates are counted."""
    n = model.n_neurons
    counted = [channel for channel in model.channels if channel.gates]
    others = [channel for channel in model.channels if not channel.gates]
    sizes = [len(channel.levels) for channel in counted]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    conducting = offsets[1:] - 1  # the last state of a channel is the open one
    classes = [
        _transitions(channel, gate, opening, int(offset))
        for channel, offset in zip(counted, offsets[:-1], strict=True)
        for gate in range(len(channel.gates))
        for opening in (True, False)
    ]
    transitions = np.concatenate(classes)
    # of whole channels alone, no reversal potential is asked for: it may follow a concentration
    E = {channel.name: np.asarray(channel.E) if isinstance(channel.E, np.ndarray)
         else np.full(n, np.nan) for channel in model.channels}  # fmt: skip
    g = [(channel.g, channel.g * E[channel.name]) for channel in others]
    numbers = np.array([_number(channel) for channel in counted])
    return Chain(
        C=model.C,
        leak=np.sum(g, axis=0) if g else np.zeros((2, n)),
        g_single=np.array([channel.g for channel in counted]) / numbers,
        E=np.array([E[channel.name] for channel in counted]),
        conducting=conducting,
        conducts=np.isin(np.arange(offsets[-1]), conducting),
        number=np.repeat(numbers, sizes, axis=0),
        start=np.concatenate([[0], np.cumsum([len(one) for one in classes])]).astype(np.int64),
        source=np.ascontiguousarray(transitions[:, 0]),
        target=np.ascontiguousarray(transitions[:, 1]),
        multiplicity=np.ascontiguousarray(transitions[:, 2]),
        by_tau=np.array([gate.by_tau for channel in counted for gate in channel.gates]),
    )


def _transitions(channel: ChannelTable, gate: int, opening: bool, offset: int) -> np.ndarray:
    """(source, target, multiplicity) of the transitions in which that gate opens, or closes."""
    pairs = [pair for pair in channel.pairs if pair.gate == gate]
    if opening:
        rows = [(pair.source + offset, pair.target + offset, pair.opening) for pair in pairs]
    else:
        rows = [(pair.target + offset, pair.source + offset, pair.closing) for pair in pairs]
    return np.array(rows, dtype=np.int64)


def _number(channel: ChannelTable) -> np.ndarray:
    assert channel.number is not None
    return channel.number[0]


def whole_channels(program: Program, x: np.ndarray) -> np.ndarray:
    """States (trials, d) with the channels' occupancies rounded to whole channels.

    Those that lose most by being rounded down are rounded up, so that no channel is lost.

    Raises
    ------
    ValueError
        If the occupancies of a channel are negative or do not add up to 1.
    """
    x = np.array(x)
    for own, equations in zip(program.layout.ranges, program.compiled.populations, strict=True):
        chain = chain_of(equations.model)
        state = x[:, own.components].reshape(len(x), -1, own.n)
        first = 0
        for last in chain.conducting:
            rows = slice(1 + first, 2 + last)
            number = chain.number[first]
            state[:, rows] = _rounded(state[:, rows] * number, number) / number
            first = last + 1
        x[:, own.components] = state.reshape(len(x), -1)
    return x


def _rounded(expected: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Whole numbers (trials, states, n_neurons) near those expected, of sum `number`."""
    tolerance = 1e-6 * number
    if np.any(expected < -tolerance[None, None]) or np.any(
        np.abs(expected.sum(axis=1) - number) > tolerance
    ):
        raise ValueError(
            "x0: the fractions of a channel's states must not be negative and add up to 1; those "
            "of a run of ConductanceNoise by another method need not, so give other ones"
        )
    expected = np.maximum(expected, 0.0)
    expected = expected * (number / expected.sum(axis=1))[:, None]
    nearest = np.rint(expected)
    # what is whole but for rounding stays so
    whole = np.where(np.abs(expected - nearest) < 1e-6, nearest, np.floor(expected))
    missing = number - whole.sum(axis=1)
    rank = np.argsort(np.argsort(whole - expected, axis=1, kind="stable"), axis=1)
    return whole + (rank < missing[:, None])

"""The size of tasks: a few seconds each, from the measured time of small ones."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from hh_sde.errors import StoreError
from hh_sde.sweeps.coordinates import Region
from hh_sde.sweeps.plan import Plan

#: Seconds that a task is to take: long beside what is spent on writing and on handing it out, short
#: enough that little is lost with a worker.
AIM = 3.0
#: Of a sweep that is shorter than so many tasks for each worker, each is smaller, but not below
#: `LEAST` seconds.
TASKS_PER_WORKER = 4
LEAST = 0.2
#: Bytes of a task's result, at most.
LARGEST = 2**28
#: Cells beside each other for which the engine's lanes are full.
LANES = 8
#: Cells that cost each as much as in a large task: fewer leave lanes empty, or wait for each
#: other's arithmetic.
MANY = LANES**2
#: Two cells beside each other that take less than so many times the one share the lanes.
SHARED = 1.5
#: Cells that are tried, one after another, where they raise.
MOST_TRIED = 32

Compute = Callable[[Plan, Region], xr.Dataset]


def blocks_of(sizes: Mapping[str, int], cells: float, alone: Sequence[str] = ()) -> dict[str, int]:
    """Blocks of about so many cells, the last dims whole before the others are begun.

    Examples
    --------
    >>> blocks_of({"g_Na": 50, "sigma": 10, "trial": 100}, 3000)
    {'g_Na': 3, 'sigma': 10, 'trial': 100}
    >>> blocks_of({"dt": 3, "trial": 1000}, 300, alone=("dt",))
    {'dt': 1, 'trial': 256}
    """
    blocks = {}
    room = max(1, int(cells))
    for dim, size in reversed(list(sizes.items())):
        most = 1 if dim in alone else min(size, room)
        even = math.ceil(size / math.ceil(size / most))  # no small block at the end
        if LANES < even < size:
            even = min(most // LANES, math.ceil(even / LANES)) * LANES
        blocks[dim] = even
        room = max(1, room // even)
    return {dim: blocks[dim] for dim in sizes}


def measured(
    plan: Plan, run: Callable[[Region], tuple[xr.Dataset, float]], workers: int
) -> tuple[dict[str, int], xr.Dataset]:
    """Blocks for a plan that has none, and what was computed of some of its cells.

    Parameters
    ----------
    plan : Plan
    run : callable
        Computes a region, and says how many seconds that took.
    workers : int
        How many tasks run at a time.
    """
    total = math.prod(plan.sizes.values())
    cells, least, ds, seconds = _timed_cells(plan, run, total, workers)
    cost = max(seconds, 1e-6) / cells
    share = cost * total / (TASKS_PER_WORKER * workers)
    wanted = max(max(min(AIM, share), LEAST) / cost, least)
    if wanted > MANY:
        wanted += LANES  # so that lanes are full and no few cells are left for a task of their own
    wanted = min(wanted, LARGEST * cells / max(ds.nbytes, 1))
    return blocks_of(plan.sizes, wanted, plan.alone), ds


def _timed_cells(
    plan: Plan, run: Callable[[Region], tuple[xr.Dataset, float]], total: int, workers: int
) -> tuple[int, int, xr.Dataset, float]:
    """How many cells were timed, how few a task may have; what came of them, and the seconds."""
    # compiles; only what is long without is measured by it
    first, (ds, seconds) = first_cells(plan, run)
    cells = 1 if seconds > AIM / 60 else MANY

    def some(wanted: int) -> tuple[int, xr.Dataset, float]:
        blocks = blocks_of(plan.sizes, wanted, plan.alone)
        return math.prod(blocks.values()), *run(_at(plan, first, blocks))

    while seconds < 10 * AIM:
        done, ds, seconds = some(cells)
        told = seconds > AIM / 60 and done >= MANY
        if told or seconds > AIM / LANES or done >= total or cells > total:
            cells = done
            break
        cells *= LANES
    lanes = min(LANES, total // workers)  # every worker is to have a task
    if cells == 1 < lanes and (seconds < 10 * AIM or total >= MANY * workers):
        pair, _, both = some(2)
        if pair == 2 and both < SHARED * seconds:  # a cell alone leaves lanes empty
            cells, ds, seconds = some(lanes)
            return cells, cells, ds, seconds
    return cells, 1, ds, seconds


def first_cells(
    plan: Plan, run: Callable[[Region], tuple[xr.Dataset, float]]
) -> tuple[dict[str, int], tuple[xr.Dataset, float]]:
    """Where a cell can be computed, and what came of it: the first, or where it raises another.

    Those that raise are tasks that fail when their turn comes. Where all do that are tried, what
    the first raised is raised.
    """
    raised: Exception | None = None
    for place in _places(plan):
        try:
            return place, run(_at(plan, place, dict.fromkeys(plan.sizes, 1)))
        except (StoreError, OSError):
            raise
        except Exception as error:  # whatever a cell may raise
            raised = raised or error
    assert raised is not None
    raise raised


def _places(plan: Plan) -> Iterator[dict[str, int]]:
    """The first cell, then others: of runs of their own, and at the ends of other dims."""
    tried = [
        range(size) if dim in plan.alone else sorted({0, size - 1})
        for dim, size in plan.sizes.items()
    ]
    shape = tuple(map(len, tried))
    many = math.prod(shape)
    for number in np.unique(np.linspace(0, many - 1, min(many, MOST_TRIED)).astype(np.int64)):
        places = np.unravel_index(number, shape)
        yield {dim: int(one[k]) for dim, one, k in zip(plan.sizes, tried, places, strict=True)}


def _at(plan: Plan, place: Mapping[str, int], cells: Mapping[str, int]) -> Region:
    """So many cells from a place on, or up to the end."""
    found = {}
    for dim, size in plan.sizes.items():
        start = min(place[dim], size - cells[dim])
        found[dim] = (start, start + cells[dim])
    return found


def timed(compute: Compute, plan: Plan, region: Region) -> tuple[xr.Dataset, float]:
    """What was computed of a region, and the seconds that it took."""
    begun = time.perf_counter()
    ds = compute(plan, region)
    return ds, time.perf_counter() - begun

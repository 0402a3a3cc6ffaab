"""Execution of the tasks of a sweep, on threads or a cluster: what is missing is computed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import lru_cache, partial
from typing import Any

import xarray as xr

from hh_sde.errors import Interrupted, StoreError, warn
from hh_sde.files.chunks import FULL
from hh_sde.progress import Progress, quiet_if_asked
from hh_sde.provenance import warn_of_differences
from hh_sde.sweeps.form import FAILED, Form
from hh_sde.sweeps.gathered import Gathered
from hh_sde.sweeps.plan import Block, Plan
from hh_sde.sweeps.pools import AHEAD, Cluster, Outcome, Pool, Threads, outcome_of
from hh_sde.sweeps.sizes import Compute, first_cells, measured, timed
from hh_sde.sweeps.store import Store

#: Of a task that may go well another time: how often it is tried.
TRIES = 2


@quiet_if_asked
def execute(
    plan: Plan,
    compute: Compute,
    *,
    store: str | os.PathLike[str] | None = None,
    client: Any = None,
    threads: int | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """The result of a sweep; of one whose store has some of it, the rest is computed.

    Parameters
    ----------
    plan : Plan
        Without blocks they are chosen, by the time that small ones take, or are those of the store.
    compute : callable
        Makes the Dataset of a region of a plan; on a cluster it is looked up by its name.
    store : path, optional
        A folder. Default: the result is kept in memory.
    client : distributed.Client, optional
        Default: threads of this process. Its workers write to the store themselves.
    threads : int, optional
        Default: one for each core.
    progress : bool, optional
        As that of `solve`.

    Raises
    ------
    ValueError
        If the store is of another plan, which this one does not extend.
    StoreError
        If it can go no further: the store is being written to by another process, the disk is full,
        the cluster is gone. What is done is kept.
    Interrupted
        At Ctrl-C. What is done is kept.

    Warns
    -----
    UserWarning
        If tasks failed; the store has where and why.
    """
    pool: Pool = Threads(threads or _cores()) if client is None else Cluster(client)
    try:
        if store is None:
            return _in_memory(plan, compute, pool, progress)
        return _in_store(plan, compute, store, pool, progress)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise StoreError(f"{outcome_of(error).reason}; {_way_on(store)}") from error
    finally:
        pool.close(wait=True)


def resume(store: str | os.PathLike[str], compute: Compute, **options: Any) -> xr.Dataset:
    """Compute what is missing or damaged in a store: `execute` of its own plan.

    Parameters
    ----------
    store : path
    compute : callable
    **options
        `client`, `threads`, `progress`.
    """
    return execute(Store.open(store).plan, compute, store=store, **options)


def _in_memory(plan: Plan, compute: Compute, pool: Pool, progress: bool | None) -> xr.Dataset:
    plan, form = _sized(plan, compute, pool)
    result = Gathered(plan, form)
    task = partial(_computed, plan=plan, compute=compute)
    _drive(result, plan.tasks(), plan.n_tasks, task, pool, progress)
    return _told(result)


def _in_store(
    plan: Plan,
    compute: Compute,
    path: str | os.PathLike[str],
    pool: Pool,
    progress: bool | None,
) -> xr.Dataset:
    with ExitStack() as stack:
        if os.path.lexists(path):
            store = stack.enter_context(Store.writing(path))
            _extend(store, plan)
        else:
            sized, form = _sized(plan, compute, pool)
            store = stack.enter_context(Store.created(path, sized, form))
        task: Callable[..., Outcome]
        if isinstance(pool, Threads):
            task = partial(_written, store=store, compute=compute)
        else:
            task = partial(_written_by_worker, str(store.path), store.token, compute)
        missing = list(store.missing())
        done = store.plan.n_tasks - len(missing)
        _drive(store, missing, store.plan.n_tasks, task, pool, progress, done)
        return _told(store)


def _extend(store: Store, plan: Plan) -> None:
    """See that a store is of this plan, or make it so."""
    try:
        larger = plan.grown_from(store.plan)
    except ValueError as error:
        raise ValueError(
            f"{store.path} is the store of another sweep: {error}. More trials, and more points "
            "after those of an axis, go into the same store; anything else needs another"
        ) from None
    if plan.versions:
        warn_of_differences(store.plan.versions)
    if larger != store.plan:
        store.grow(larger)


def _sized(plan: Plan, compute: Compute, pool: Pool) -> tuple[Plan, Form]:
    """The plan with its blocks, and the form of its result, by computing the first cells."""

    def run(region: Any) -> tuple[xr.Dataset, float]:
        return pool.call(timed, compute, plan, region)

    if plan.blocks:
        return plan, Form.of(plan, first_cells(plan, run)[1][0])
    blocks, ds = measured(plan, run, pool.workers())
    return plan.replace(blocks=blocks), Form.of(plan, ds)


def _drive(
    result: Store | Gathered,
    blocks: Iterable[Block],
    total: int,
    task: Callable[..., Outcome],
    pool: Pool,
    progress: bool | None,
    done: int = 0,
) -> None:
    """Do the tasks, some at a time; those that fail are recorded."""
    left = iter(blocks)
    tries: dict[Block, int] = {}
    ended, exhausted = done, False
    try:
        with Progress(total, progress, "sweep") as bar:
            bar.update(ended)
            while not exhausted or pool.waiting:
                while not exhausted and pool.waiting < AHEAD * pool.workers():
                    block = next(left, None)
                    if block is None:
                        exhausted = True
                    else:
                        pool.submit(block, task)
                if not pool.waiting:
                    break
                block, outcome = pool.next()
                if outcome.state == "stop":
                    raise StoreError(outcome.reason)
                tries[block] = tries.get(block, 0) + 1
                if outcome.state == "again" and tries[block] < TRIES:
                    pool.submit(block, task)
                    continue
                del tries[block]
                _keep(result, block, outcome)
                done += outcome.state == "done"
                ended += 1
                bar.update(ended)
    except KeyboardInterrupt:
        pool.close(wait=True)
        said = f"interrupted with {done} of {total} tasks done; {_way_on(result.path)}"
        raise Interrupted(said, result.dataset()) from None
    except StoreError as error:
        pool.close(wait=True)
        raise StoreError(f"{error}; {_way_on(result.path)}") from error


def _keep(result: Store | Gathered, block: Block, outcome: Outcome) -> None:
    if outcome.state != "done":
        result.fail(block, outcome.reason)
    elif outcome.ds is not None:
        try:
            result.write(block, outcome.ds, outcome.seconds)
        except (TypeError, ValueError) as error:
            result.fail(block, outcome_of(error).reason)


def _way_on(path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        return f"what is done is kept, and hh_sde.resume({os.fspath(path)!r}) goes on"
    return "what was computed is in this error's attribute 'dataset'; a store, store=..., keeps it"


def _told(result: Store | Gathered) -> xr.Dataset:
    """The result, with what failed as an attribute, of which a warning tells."""
    failures = result.failures()
    if not failures:
        return result.dataset()
    first, tasks = failures[0], len({str(one["region"]) for one in failures})
    warn(
        f"{tasks} of {result.plan.n_tasks} tasks failed, or some of their cells, which are missing "
        f"in the result; its attribute {FAILED!r} lists them. The first, {first['coordinates']}: "
        f"{first['reason']}"
    )
    return result.dataset().assign_attrs({FAILED: json.dumps(failures)})


def _computed(block: Block, plan: Plan, compute: Compute) -> Outcome:
    """A task whose result is handed back."""
    try:
        ds, seconds = timed(compute, plan, plan.region(block))
        return Outcome("done", ds=ds, seconds=seconds)
    except Exception as error:
        return outcome_of(error)


def _written(block: Block, store: Store, compute: Compute) -> Outcome:
    """A task whose result is written where it is made."""
    try:
        ds, seconds = timed(compute, store.plan, store.plan.region(block))
        store.write(block, ds, seconds)
    except Exception as error:
        return outcome_of(error)
    return Outcome("done")


def _written_by_worker(path: str, token: str, compute: Compute, block: Block) -> Outcome:
    """The same on a worker of a cluster, which opens the store once for each of its owners."""
    try:
        store = _store(path, token)
    except (OSError, ValueError) as error:
        return Outcome(
            "stop", f"a worker does not reach the store, {error}: it needs the same disk"
        )
    return _written(block, store, compute)


@lru_cache(maxsize=4)
def _store(path: str, token: str) -> Store:
    return Store.open(path, token)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

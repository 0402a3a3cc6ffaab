"""Where tasks run: threads of this process, or the workers of a dask cluster.

A pool takes calls of functions with blocks and returns the outcome of each, in any order. On a
cluster a task writes its own result: only a path, a block and the outcome are sent.
"""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import xarray as xr

from hh_sde.errors import StoreError
from hh_sde.files.chunks import FULL
from hh_sde.records import shown
from hh_sde.sweeps.plan import Block

#: Tasks that are handed out before one is done, for each that runs.
AHEAD = 2
#: Seconds between looks at the state of a cluster.
LOOK = 1.0
#: States of what a scheduler no longer knows.
LOST = ("cancelled", "lost")
GONE = "the scheduler of the cluster is gone"


class Outcome(NamedTuple):
    """The outcome of a task.

    Parameters
    ----------
    state : {"done", "failed", "again", "stop"}
        ``again``: a retry may succeed; ``stop``: no other task can succeed.
    reason : str
    ds : Dataset, optional
        What was computed, of a task that does not write it.
    seconds : float
    """

    state: str
    reason: str = ""
    ds: xr.Dataset | None = None
    seconds: float = 0.0


def outcome_of(error: BaseException) -> Outcome:
    """The outcome of a task that raised this."""
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.errno in FULL:
        return Outcome("stop", f"the disk is full ({error})")
    if isinstance(error, StoreError):
        return Outcome("stop", str(error))
    if isinstance(error, OSError) or type(error).__name__ == "KilledWorker":
        return Outcome("again", reason)
    return Outcome("failed", reason)


class Pool(Protocol):
    """Where tasks run."""

    waiting: int

    def workers(self) -> int:
        """Number of tasks that run at a time."""

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """What a function gives there, waited for."""

    def submit(self, block: Block, function: Callable[..., Outcome], *args: Any) -> None:
        """Submit a task."""

    def next(self) -> tuple[Block, Outcome]:
        """The outcome of a submitted task."""

    def close(self, *, wait: bool) -> None:
        """Take back what has not begun; wait for what has, where that can be."""


class Threads:
    """Threads of this process; the engine leaves the GIL."""

    def __init__(self, threads: int) -> None:
        self.waiting = 0
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="hh_sde-sweep")
        self._ended: queue.SimpleQueue[tuple[Block, Outcome]] = queue.SimpleQueue()

    def workers(self) -> int:
        return self._threads

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    def submit(self, block: Block, function: Callable[..., Outcome], *args: Any) -> None:
        self.waiting += 1
        future = self._pool.submit(function, block, *args)
        future.add_done_callback(lambda ended: self._put(block, ended))

    def _put(self, block: Block, future: Future[Outcome]) -> None:
        if not future.cancelled():
            error = future.exception()
            self._ended.put((block, future.result() if error is None else outcome_of(error)))

    def next(self) -> tuple[Block, Outcome]:
        found = self._ended.get()
        self.waiting -= 1
        return found

    def close(self, *, wait: bool) -> None:
        self._pool.shutdown(wait=wait, cancel_futures=True)


class Cluster:
    """The workers of a dask cluster."""

    def __init__(self, client: Any) -> None:
        if not (hasattr(client, "nthreads") and hasattr(client, "submit")):
            raise TypeError(f"client must be a distributed.Client, got {shown(client)}")
        self.waiting = 0
        self._client = client
        self._ended: queue.SimpleQueue[tuple[Block, Any]] = queue.SimpleQueue()
        self._futures: dict[Block, Any] = {}
        self._name = f"hh_sde-sweep-{uuid.uuid4().hex}"
        self._workers, self._looked = 0, -LOOK

    def workers(self) -> int:
        now = time.monotonic()
        if now - self._looked > LOOK:
            self._looked = now
            try:
                self._workers = sum(self._client.nthreads().values())
            except OSError as error:  # the connection is closed
                raise StoreError(GONE) from error
        return max(1, self._workers)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        future = self._client.submit(function, *args, pure=False)
        try:
            return future.result()
        except BaseException as error:
            if future.status in LOST:
                raise StoreError(f"{GONE}: a task was {future.status}") from error
            raise

    def submit(self, block: Block, function: Callable[..., Outcome], *args: Any) -> None:
        self.waiting += 1
        key = f"{self._name}-{'.'.join(map(str, block))}-{uuid.uuid4().hex[:8]}"
        future = self._client.submit(function, block, *args, key=key, pure=False)
        self._futures[block] = future
        future.add_done_callback(lambda ended: self._ended.put((block, ended)))

    def next(self) -> tuple[Block, Outcome]:
        from distributed.comm.core import CommClosedError

        while True:
            try:
                block, future = self._ended.get(timeout=LOOK)
                break
            except queue.Empty:
                if self._client.status in ("closed", "closing"):
                    raise StoreError(GONE) from None
        self.waiting -= 1
        del self._futures[block]
        if future.status in LOST:
            raise StoreError(f"{GONE}: a task was {future.status}")
        try:
            # what is finished may be lost with its worker, is computed again then, and may fail
            return block, future.result()
        except CommClosedError as error:
            raise StoreError(GONE) from error
        except Exception as error:  # whatever a task may raise
            return block, outcome_of(error)

    def close(self, *, wait: bool) -> None:
        if self._futures and self._client.status == "running":
            self._client.cancel(list(self._futures.values()))
        self._futures.clear()

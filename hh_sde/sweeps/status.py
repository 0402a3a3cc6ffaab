"""Progress and failures of a sweep in a store, at any time and from any process."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hh_sde import memory
from hh_sde.files.lock import held, owner
from hh_sde.sweeps.skeleton import DONE, FAILED
from hh_sde.sweeps.store import Store


@dataclass(frozen=True)
class Status:
    """Progress of a sweep.

    Attributes
    ----------
    total, done : int
        Number of tasks, and of completed tasks.
    failed : int
        Tasks that failed, as a whole or in some entries.
    running : bool
        Whether a process writes to the store.
    rate : float
        Tasks per second since the process began; NaN before the first.
    left : float
        Estimated remaining time at that rate, s; NaN if no process computes it.
    size : int
        Bytes of all files.
    """

    total: int
    done: int
    failed: int
    running: bool
    rate: float
    left: float
    size: int

    def __str__(self) -> str:
        share = f"{self.done} of {self.total} tasks done ({100 * self.done / self.total:.3g} %)"
        parts = [share, f"{self.failed} failed" if self.failed else "", memory.in_words(self.size)]
        if self.running and self.rate > 0:
            parts.append(f"{self.rate:.3g} tasks/s, {in_words(self.left)} left")
        elif self.done < self.total:
            parts.append("running" if self.running else "not running")
        return ", ".join(filter(None, parts))


def status(store: str | os.PathLike[str]) -> Status:
    """Progress of the sweep in a store.

    It counts the marks of completed tasks, and does not check their data; `hh_sde.resume` does.

    Parameters
    ----------
    store : path

    Returns
    -------
    Status

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no store.
    """
    opened = Store.open(store)
    done = len(opened.blocks(DONE))
    running = held(opened.own)
    rate = left = float("nan")
    since = owner(opened.own).get("since")
    if running and isinstance(since, int | float):
        marks = [file.stat().st_mtime for file in (opened.own / DONE).iterdir()]
        new = sum(one >= since for one in marks)
        if new:
            rate = new / max(time.time() - since, 1e-3)
            left = (opened.plan.n_tasks - done) / rate
    return Status(
        total=opened.plan.n_tasks,
        done=done,
        failed=len(opened.blocks(FAILED)),
        running=running,
        rate=rate,
        left=left,
        size=_size(opened.path),
    )


def failures(store: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Failures in a store: region, coordinates, reason, and the call that runs each alone.

    Parameters
    ----------
    store : path
    """
    return Store.open(store).failures()


def _size(folder: Path) -> int:
    """Bytes of all files; some may go while they are counted."""
    size = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += os.lstat(os.path.join(inside, name)).st_size
    return size


def in_words(seconds: float) -> str:
    """A time.

    Examples
    --------
    >>> in_words(7500)
    '2 h 5 min'
    """
    for unit, length, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if seconds >= length:
            whole, rest = divmod(round(seconds / part), length // part)
            return f"{whole} {unit} {rest} {smaller}"
    return f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"

"""A progress bar for long runs, shown only where somebody may be watching."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from hh_sde.kernels.waiting import WAITING

Item = TypeVar("Item")
P = ParamSpec("P")
T = TypeVar("T")

#: Seconds a run must have taken before the bar appears of itself.
PATIENCE = 2.0


class Progress:
    """A bar over `total` units of `what`; `show` is True, False, or None: on a terminal, later."""

    def __init__(self, total: int, show: bool | None, what: str) -> None:
        self.total, self.what = total, what
        self.show = sys.stderr.isatty() and not WAITING.silent if show is None else show
        self.wait_until = time.monotonic() + (PATIENCE if show is None else 0.0)
        self.bar: Any = None

    def __enter__(self) -> Self:
        return self

    def update(self, done: int) -> None:
        """Say that `done` units are complete."""
        if not self.show or time.monotonic() < self.wait_until:
            return
        if self.bar is None:
            self.bar = _rich_bar()
            self.bar.start()
            WAITING.above_bar = self.bar.console.print
            self.task = self.bar.add_task(self.what, total=self.total)
        self.bar.update(self.task, completed=done)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            WAITING.above_bar = None
            self.bar.stop()


def quiet_if_asked(function: Callable[P, T]) -> Callable[P, T]:
    """Keep silent about compiling too inside a function that is called with progress=False."""

    @wraps(function)
    def wrapper(*args: P.args, **keywords: P.kwargs) -> T:
        with WAITING.silenced(keywords.get("progress") is False):
            return function(*args, **keywords)

    return wrapper


def watched(items: Sequence[Item]) -> Iterator[Item]:
    """The items, with a bar of how many are done if they take long and somebody may be watching."""
    with Progress(len(items), None, "study") as bar:
        for done, item in enumerate(items, start=1):
            yield item
            bar.update(done)


def _rich_bar() -> Any:
    from rich import progress  # only long runs need it
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
    )

"""A line that says what is waited for while loops are compiled.

It comes after half a second of compiling, where somebody may be watching: on a terminal and in a
notebook. It goes when the loops are there.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TextIO

from hh_sde.kernels import cache

#: Seconds of compiling before anything is said.
PATIENCE = 0.5


class Waiting:
    """What is said of compilations; those that follow each other closely are one wait."""

    def __init__(self) -> None:
        #: Prints a line where a progress bar is being shown, which must not be overwritten.
        self.above_bar: Callable[[str], Any] | None = None
        #: Nothing is to be said: whoever waits asked for no progress.
        self.silent = False
        self._decided = 0
        self._depth = 0
        self._began = self._ended = -PATIENCE
        self._timer: threading.Timer | None = None
        self._said: Callable[[], Any] | None = None  # takes it away
        self._output: Any = None  # of this wait, in a notebook
        self._lock = threading.RLock()

    def begin(self) -> None:
        """Something is being compiled, perhaps for something else that is."""
        with self._lock:
            self._depth += 1
            if self._depth > 1:
                return
            now = time.monotonic()
            if now - self._ended > PATIENCE:
                self._began, self._output = now, None
            self._timer = threading.Timer(max(0.0, self._began + PATIENCE - now), self._say)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        """It is compiled, or cannot be."""
        with self._lock:
            self._depth -= 1
            if self._depth:
                return
            self._ended = time.monotonic()
            if self._timer is not None:
                self._timer.cancel()
            if self._said is not None:
                self._said()
            self._timer = self._said = None

    @contextmanager
    def silenced(self, silent: bool) -> Iterator[None]:
        """Whether nothing is said inside; of several, one in another, the outermost decides."""
        with self._lock:
            self._decided += 1
            if self._decided == 1:
                self.silent = silent
        try:
            yield
        finally:
            with self._lock:
                self._decided -= 1
                if not self._decided:
                    self.silent = False

    def _say(self) -> None:
        with self._lock:
            if not self._depth or self.silent:
                return
            if self.above_bar is not None:
                self.above_bar(_text())
            elif sys.stderr is not None and sys.stderr.isatty():
                self._said = _on_terminal(_text(), sys.stderr)
            elif type(sys.stderr).__module__.startswith("ipykernel"):
                self._output = self._output or _notebook_output()
                self._output.update({"text/plain": _text()}, raw=True)
                self._said = partial(self._output.update, {"text/plain": ""}, raw=True)


#: That of this process.
WAITING = Waiting()


def _text() -> str:
    path = cache.folder()
    path = path.parent if cache.STATE.fullmatch(path.name) else path
    return f"compiling the loops of this model, once; kept in {path}"


def _on_terminal(text: str, terminal: TextIO) -> Callable[[], Any]:
    """Write a line; return what takes it away, or ends it where it is more than a row."""
    terminal.write(text)
    terminal.flush()
    erasing = "\r" + " " * len(text) + "\r" if len(text) < _columns(terminal) else "\n"

    def erase() -> None:
        with suppress(OSError, ValueError):  # a terminal that is gone fails no compilation
            terminal.write(erasing)
            terminal.flush()

    return erase


def _columns(terminal: TextIO) -> int:
    try:
        return os.get_terminal_size(terminal.fileno()).columns
    except (OSError, ValueError):  # one that does not say
        return 0


def _notebook_output() -> Any:
    """An output of its own, empty."""
    from IPython.display import display  # a notebook has it

    return display({"text/plain": ""}, raw=True, display_id=True)

"""Who writes to a store: one process at a time, as long as it lives."""

from __future__ import annotations

import fcntl  # POSIX has it
import json
import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hh_sde.errors import StoreError

#: The file in a store's own group.
NAME = "lock"


class Lock:
    """The right to write to a store, which the system takes back when its process ends, however.

    What is in the file says who has it, and its `token` which of the owners, one after another:
    a worker that outlived the owner it worked for writes no more.

    Attributes
    ----------
    token : str
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.token = uuid.uuid4().hex
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            _lock(self._descriptor)
            owner = {"token": self.token, "pid": os.getpid(), "host": os.uname().nodename}
            text = json.dumps(owner | {"since": time.time()}).encode()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text, 0)
        except BlockingIOError:
            self._close()
            raise StoreError(
                f"{_store(self.path)} is being written to by {owner_in_words(self.path.parent)}; "
                "wait for it, or stop it: what it did is kept"
            ) from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def owner(folder: Path) -> dict[str, Any]:
    """What the last owner of a store said of itself; empty if nothing can be read."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / NAME).read_text())
        if isinstance(found, dict):
            return found
    return {}


def owner_in_words(folder: Path) -> str:
    """The process that writes to a store."""
    known = owner(folder)
    return (
        f"process {known['pid']} of {known['host']}"
        if {"pid", "host"} <= set(known)
        else ("another process")
    )


def held(folder: Path) -> bool:
    """Whether a process writes to a store."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int, tries: int = 10) -> None:
    """Lock a file, or raise BlockingIOError; `held` has it for an instant."""
    for left in reversed(range(tries)):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not left:
                raise
            time.sleep(0.02)
    return None


def _store(path: Path) -> Path:
    return path.parent.parent

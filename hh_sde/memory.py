"""Whether there is room for a result, asked before any of it is made."""

from __future__ import annotations

import os
import re
from pathlib import Path


def available() -> float:
    """Bytes that a process can get now; infinite where the system does not say."""
    try:
        line = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        if line:
            return 1024.0 * int(line[1])
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, AttributeError):  # not Linux; not POSIX
        return float("inf")


def require(size: float, what: str, remedy: str) -> None:
    """Refuse what is larger than the memory there is.

    Raises
    ------
    ValueError
    """
    room = available()
    if size > room:
        raise ValueError(
            f"{what} would take {in_words(size)}, which does not fit: {in_words(room)} of memory "
            f"are free; {remedy}"
        )


def in_words(size: float) -> str:
    """A number of bytes.

    Examples
    --------
    >>> in_words(3.2e13)
    '29.1 TiB'
    """
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024 or unit == "PiB":
            break
        size /= 1024
    return f"{size:.3g} {unit}"

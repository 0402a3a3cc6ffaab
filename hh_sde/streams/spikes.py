"""The spikes of a stored run: segment by segment as they come, then train by train."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

#: Spikes that are put in order at a time, at most, where they are of several trains.
AT_ONCE = 2**22


def to_bytes(train: np.ndarray, time: np.ndarray) -> bytes:
    """The file of a segment's spikes, train by train: two rows, their trains and their times."""
    order = np.lexsort((time, train))
    file = io.BytesIO()
    np.save(file, np.stack([train[order].astype(float), time[order]]), allow_pickle=False)
    return file.getvalue()


def counts_of(files: Iterable[Path], n_trains: int, t_end: float) -> np.ndarray:
    """How many spikes each train has up to `t_end` in all segments, (trains,)."""
    counts = np.zeros(n_trains, dtype=np.int64)
    for file in files:
        train, time = _loaded(file)
        counts += np.bincount(train[time <= t_end].astype(np.int64), minlength=n_trains)
    return counts


def in_order(files: Sequence[Path], counts: np.ndarray, t_end: float) -> Iterator[np.ndarray]:
    """The spikes of all segments, train by train, some at a time: rows as in the files.

    Parameters
    ----------
    files : sequence of Path
        In the order of time.
    counts : (trains,) array
        As `counts_of` has them.
    t_end : float
        ms; interpolated times may be later by rounding, and those are not of the run.
    """
    for first, last in _ranges(counts):
        parts = (_between(file, first, last, t_end) for file in files)
        if last - first == 1:  # however long it is
            yield from parts
        else:
            found = np.concatenate(list(parts), axis=1)
            yield found[:, np.argsort(found[0], kind="stable")]


def pieces(parts: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same in pieces of one size, but for the last.

    Examples
    --------
    >>> parts = [np.zeros((2, n)) for n in (3, 0, 4)]
    >>> [piece.shape[1] for piece in pieces(parts, 2)]
    [2, 2, 2, 1]
    """
    held = np.zeros((2, 0))
    for part in parts:
        held = np.concatenate([held, part], axis=1)
        whole = held.shape[1] - held.shape[1] % size
        yield from (held[:, start : start + size] for start in range(0, whole, size))
        held = held[:, whole:]
    if held.size:
        yield held


def _ranges(counts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of trains with as many spikes as are put in order at a time."""
    first, total = 0, 0
    for train, n in enumerate(counts.tolist()):
        if train > first and total + n > AT_ONCE:
            yield first, train
            first, total = train, 0
        total += n
    yield first, len(counts)


def _between(file: Path, first: int, last: int, t_end: float) -> np.ndarray:
    """Those of trains from `first` up to `last`, (2, spikes)."""
    spikes = _loaded(file)
    start, stop = np.searchsorted(spikes[0], [first, last])
    own: np.ndarray = spikes[:, start:stop]
    return own[:, own[1] <= t_end]


def _loaded(file: Path) -> np.ndarray:
    spikes: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
    return spikes

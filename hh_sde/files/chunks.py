"""The files of a store: chunks as Zarr has them, each written at once or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from hh_sde.errors import optional

#: Errors of a disk that is full, or of a quota.
FULL = {errno.ENOSPC, errno.EDQUOT}


def codecs() -> dict[str, Any]:
    """How arrays are kept: deflated, so that padding takes no room, with a checksum."""
    library = optional("zarr", "sweep").codecs
    return {
        "filters": None,
        "compressors": [library.ZstdCodec(level=1), library.Crc32cCodec()],
        "config": {"write_empty_chunks": True},
    }


def encoded(values: np.ndarray, shape: tuple[int, ...], fill: float) -> bytes:
    """A chunk of this shape whose first cells are `values`, the rest `fill`, as it is in a file.

    Nothing is read for it: a chunk that was there before, damaged perhaps, is of no account.
    """
    zarr = optional("zarr", "sweep")
    held: dict[str, Any] = {}
    array = zarr.create_array(
        zarr.storage.MemoryStore(held),
        shape=shape,
        chunks=tuple(max(1, size) for size in shape),
        dtype=values.dtype,
        fill_value=fill,
        **codecs(),
    )
    array[tuple(map(slice, values.shape))] = values
    data: bytes = held[array.metadata.encode_chunk_key((0,) * len(shape))].to_bytes()
    return data


def digest(data: bytes) -> str:
    """What a file's content is known by."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def put(path: Path, data: bytes, temporary: Path, *, last: bool = False) -> None:
    """Write a file so that it is there whole, or not, whenever the process ends.

    Parameters
    ----------
    path : Path
    data : bytes
    temporary : Path
        A folder on the same disk.
    last : bool
        Also when the machine stops: the file is on the disk before it has its name. Chunks need not
        be, since the mark of their task has their digests.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = temporary / uuid.uuid4().hex
    try:
        with new.open("xb") as file:
            file.write(data)
            if last:
                file.flush()
                os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if last:
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Bring the names in a folder onto the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def see_inside(path: Path, root: Path) -> None:
    """See that a file of a store lies in it: a folder in its place may lead elsewhere.

    Raises
    ------
    ValueError
        If it does not.
    """
    folder = path.parent
    while not folder.exists() and not folder.is_symlink():
        folder = folder.parent
    if path.is_symlink() or not folder.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{path} leads out of the store {root}: it is not written to")

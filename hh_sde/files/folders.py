"""A new store, which is there whole, or not."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hh_sde.errors import StoreError
from hh_sde.files.lock import NAME, Lock, held

#: How often a new store is begun where others that are made beside it take it for abandoned.
ATTEMPTS = 5


@contextmanager
def created(
    path: str | os.PathLike[str], group: str, fill: Callable[[Path], None]
) -> Iterator[Lock]:
    """A new store, that of this process inside of the block.

    Parameters
    ----------
    path : path
    group : str
        The group of the store that is its own, where its lock is.
    fill : callable
        Writes into a folder what the store has from the beginning; that group is there already.

    Raises
    ------
    StoreError
        If another process makes it at the same time.
    """
    root = Path(path).absolute()
    _clear_abandoned(root, group)
    for left in reversed(range(ATTEMPTS)):
        new = root.with_name(f".{root.name}.{uuid.uuid4().hex}")
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, new, ignore_errors=True)
            try:
                (new / group).mkdir(parents=True)
                lock = stack.enter_context(Lock(new / group))
                fill(new)
                new.rename(root)
            except (FileNotFoundError, StoreError) as error:
                if left and not root.exists():
                    continue  # another looked at it, or cleared it, before its lock was taken
                raise _made_elsewhere(root) from error
            except OSError as error:
                if root.exists():
                    raise _made_elsewhere(root) from error
                raise
            yield lock
            return


def _made_elsewhere(root: Path) -> StoreError:
    return StoreError(f"the store {root} was made by another process at the same time")


def _clear_abandoned(root: Path, group: str) -> None:
    """Remove what processes left that were killed while they made this store."""
    for folder in root.parent.glob(f".{root.name}.*"):
        own = folder / group
        if (
            re.fullmatch("[0-9a-f]{32}", folder.suffix[1:])
            and (own / NAME).is_file()
            and not held(own)
        ):
            shutil.rmtree(folder, ignore_errors=True)

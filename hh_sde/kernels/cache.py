"""Where compiled code is kept, and whose code is run from there.

Everything that is written at run time lies in the cache folder: the modules that
`hh_sde.equations` writes for each shape of model, and numba's machine code for them and for the
kernels of this package. A folder inside it is for one state of the kernels, of numba and of numpy,
so that no code outlives what it was compiled from.

Code in that folder is executed. It is used only if it belongs to the user and nobody else may write
there; of the modules, the text that is wanted is executed, whatever stands in their files.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import llvmlite
import numba
import numpy as np
import platformdirs

#: Modules that are compiled, into each other and into the loops of every model.
COMPILED = (
    "binomial", "chain", "coupling", "elementary", "events", "jit", "meeting", "random", "rows",
    "single", "slopes", "watch", "weak", "window",
)  # fmt: skip
#: Days without use after which code compiled from other kernels or another numba is removed.
KEPT_DAYS = 30
#: The time of a module's file, whoever wrote it when: numba takes it for the age of the text.
EPOCH = (0, 0)

#: Names of the folders that are made in the cache folder.
STATE = re.compile("kernels-[0-9a-f]{16}")

OWNER_ALONE = 0o700
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def root() -> Path:
    """The cache folder: what HH_SDE_CACHE_DIR names, or one of the user's."""
    wanted = os.environ.get("HH_SDE_CACHE_DIR")
    return Path(wanted).absolute() if wanted else platformdirs.user_cache_path("hh_sde")


@cache
def folder() -> Path:
    """The folder of this state of the kernels; a temporary one where the cache cannot be used."""
    try:
        path = _private(root()) / _fingerprint()
        _private(path)
        os.utime(path)  # in use
        _prune(keep=path)
        return path
    except OSError as error:
        path = Path(tempfile.mkdtemp(prefix="hh_sde_"))
        atexit.register(shutil.rmtree, path, ignore_errors=True)
        warnings.warn(
            f"compiled code cannot be kept in {root()} ({error}), so that every process compiles "
            f"anew, into a temporary folder ({path}); set the environment variable "
            "HH_SDE_CACHE_DIR to a folder that you alone can write",
            RuntimeWarning,
            stacklevel=2,
        )
        return path


@cache
def load(text: str) -> ModuleType:
    """The module with this text; its file is for numba and for readers, and is not executed."""
    name = f"hh_sde_{_digest(text)}"
    path = folder() / f"{name}.py"
    if not (path.exists() and path.read_bytes() == text.encode()):
        _write(path, text)
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    exec(compile(text, path, "exec"), module.__dict__)
    return module


class Kept(NamedTuple):
    """What is kept for one state of the kernels."""

    path: Path
    in_use: bool  # of the kernels that are installed
    modules: int  # one for each shape of model, another for its Jacobian
    size: int  # bytes


def contents() -> list[Kept]:
    """What is kept in the cache folder, for each state of the kernels."""
    return [
        Kept(
            path,
            in_use=path.name == _fingerprint(),
            modules=sum(1 for _ in path.glob("hh_sde_*.py")),
            size=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        )
        for path in _states()
    ]


def clear() -> None:
    """Remove what is kept, and nothing else that lies in the cache folder.

    Raises
    ------
    OSError
        If it cannot be removed.
    """
    for path in _states():
        shutil.rmtree(path)
    folder.cache_clear()  # it is made again when something is compiled


def _private(path: Path) -> Path:
    """`path`, made if need be, if the user alone can write there.

    Raises
    ------
    OSError
        If it is not so.
    """
    path.mkdir(mode=OWNER_ALONE, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):  # elsewhere a user's folder is the user's by default
        status = path.stat()
        if status.st_uid != os.getuid():
            raise PermissionError(f"{path} belongs to another user")
        if status.st_mode & OTHERS_WRITE:
            raise PermissionError(f"others may write to {path}; chmod go-w would change that")
    with tempfile.TemporaryFile(dir=path):
        return path


def _prune(keep: Path) -> None:
    """Remove what was compiled from other kernels and has not been used for a while."""
    for path in _states():
        if path != keep and time.time() - path.stat().st_mtime > KEPT_DAYS * 86400:
            shutil.rmtree(path, ignore_errors=True)  # another process may be at it too


def _states() -> Iterator[Path]:
    """The folders that `folder` makes: nothing else is ever removed."""
    for path in sorted(root().iterdir()) if root().is_dir() else ():
        if STATE.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield path


def _write(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode())
    os.utime(temporary, EPOCH)
    os.replace(temporary, path)  # whole or not at all, also if two processes do it at once


def _fingerprint() -> str:
    """Of all that is compiled besides a model's own text, and of what compiles it."""
    versions = (sys.version, numba.__version__, llvmlite.__version__, np.__version__)
    sources = [Path(__file__).with_name(f"{name}.py").read_text("utf-8") for name in COMPILED]
    return f"kernels-{_digest(*versions, *sources)}"


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]

"""What may come of an input: a result, or a documented error, in time, inside of its folder."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from hh_sde.records import shown

#: Seconds after which an input gets a Ctrl-C, and then seconds until it counts as hung.
PATIENCE, GRACE = 20.0, 60.0


@dataclass(frozen=True)
class Finding:
    """An input of which came what may not.

    Parameters
    ----------
    what : str
        The error's class, or what else there is.
    place : str
        The innermost line of the library, or the variable.
    name : str
        What was called.
    told : str
        The input, and the error.
    """

    what: str
    place: str
    name: str
    told: str


@dataclass(frozen=True)
class Input:
    """Something to call, and what to judge it by.

    Parameters
    ----------
    name : str
        Of what is called.
    call : callable
    errors : tuple of classes
        Those that may come.
    told : callable
        Words for it.
    finite : callable
        Whether all its numbers are finite.
    says_missing : bool
        Whether its documentation says what is NaN.
    outputs : callable
        Names of files that it may leave.
    """

    name: str
    call: Callable[[], Any]
    errors: tuple[type[BaseException], ...]
    told: Callable[[], str]
    finite: Callable[[], bool] = lambda: True
    says_missing: bool = False
    outputs: Callable[[], Collection[str]] = tuple

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.name)  # hypothesis writes down every input


class _Hung(BaseException):
    pass


@dataclass
class Judge:
    """Runs inputs and judges what comes of them.

    Parameters
    ----------
    folder : Path
        Where they run. What is written outside of it, and of the folders above it that are its
        own, was not asked for.
    """

    folder: Path

    def __post_init__(self) -> None:
        cache = os.environ.get("HH_SDE_CACHE_DIR", str(Path.home() / ".cache"))
        own = self.folder.resolve().parents[1]
        self._roots = (os.fspath(own), os.path.realpath(cache), "/dev/", "/proc/")
        self._written: list[str] = []
        self._watching = False
        sys.addaudithook(self._see)

    def _see(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching or event not in _WRITING:
            return
        if event == "open" and not (isinstance(args[2], int) and args[2] & _FLAGS):
            return
        for path in args[: 2 if event in ("os.rename", "os.link", "os.symlink") else 1]:
            if isinstance(path, str | bytes | os.PathLike):
                place = os.path.realpath(os.fsdecode(path))
                if not place.startswith(self._roots) and "__pycache__" not in place:
                    self._written.append(f"{event} {place}")

    def of(self, one: Input) -> Finding | None:
        """What is wrong with what comes of an input; None if nothing is."""
        self._written.clear()
        try:
            result = self._run(one.call)
        except one.errors as error:
            if not str(error) and not isinstance(error, KeyboardInterrupt | SystemExit):
                return self._finding("no message", error, one)
        except (_Hung, KeyboardInterrupt) as error:  # or a Ctrl-C that is no documented end
            return self._finding("hung", error, one)
        except BaseException as error:
            return self._finding(type(error).__name__, error, one)
        else:
            missing = silent(result)
            labelled = isinstance(result, xr.Dataset | xr.DataArray)  # and has nan_means
            if missing and (labelled or not one.says_missing) and one.finite():
                return Finding("silent NaN", missing, one.name, one.told())
        left = self._left() - {Path(name).parts[0] for name in one.outputs() if Path(name).parts}
        if self._written or left:
            place = self._written[0] if self._written else str(sorted(left))
            return Finding("written elsewhere", place, one.name, one.told())
        return None

    def _finding(self, what: str, error: BaseException, one: Input) -> Finding:
        text = f"{one.told()}\n{type(error).__name__}: {str(error)[:300]}"
        return Finding(what, place_of(error), one.name, text)

    def _left(self) -> set[str]:
        """What there is in the folder, which goes."""
        left = {path.name for path in self.folder.iterdir()}
        for name in left:
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return left

    def _run(self, call: Callable[[], Any]) -> Any:
        def ring(number: int, frame: Any) -> None:
            signal.signal(signal.SIGALRM, late)
            signal.setitimer(signal.ITIMER_REAL, GRACE)
            os.kill(os.getpid(), signal.SIGINT)

        def late(number: int, frame: Any) -> None:
            signal.setitimer(signal.ITIMER_REAL, GRACE)
            raise _Hung

        signal.signal(signal.SIGALRM, ring)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        with contextlib.chdir(self.folder), warnings.catch_warnings(), _silent():
            warnings.simplefilter("ignore")
            try:
                self._watching = True
                return call()
            finally:
                self._watching = False
                signal.setitimer(signal.ITIMER_REAL, 0.0)


_WRITING = {
    "open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink",
    "os.truncate", "os.chmod", "shutil.rmtree", "shutil.copyfile", "shutil.move",
}  # fmt: skip
_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def place_of(error: BaseException) -> str:
    """The innermost line of the library that an error passed, and where it was raised if beyond."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}hh_sde{os.sep}" in frame.filename]
    if not ours:
        return "outside"
    last, raised = ours[-1], frames[-1]
    place = f"{last.filename.rpartition('hh_sde' + os.sep)[2]}:{last.lineno}"
    return place if raised is last else f"{place} ({Path(raised.filename).name}:{raised.lineno})"


def arrays(value: Any, depth: int = 0) -> Iterator[tuple[str, np.ndarray, Mapping[str, Any]]]:
    """The floating-point numbers in a value, with the names and attributes that they have."""
    if isinstance(value, xr.Dataset):
        found = [(str(name), one.values, one.attrs) for name, one in value.variables.items()]
    elif isinstance(value, xr.DataArray):
        found = [("values", value.values, value.attrs)]
    elif isinstance(value, np.ndarray | np.number | float):
        found = [("values", np.asarray(value), {})]
    else:
        found = []
        some = value.values() if isinstance(value, Mapping) else value
        if depth < 4 and isinstance(value, tuple | list | Mapping):
            for one in some:
                yield from arrays(one, depth + 1)
    yield from (one for one in found if one[1].dtype.kind in "fc")


def silent(result: Any) -> str:
    """Where a result has NaN that it says nothing of; empty if nowhere."""
    for name, values, attrs in arrays(result):
        if "nan_means" not in attrs and np.isnan(values).any():
            return name
    return ""


def finite(value: Any) -> bool:
    """Whether all numbers of an input are."""
    return all(np.isfinite(values).all() for _, values, _ in arrays(value))


def told(value: Any, depth: int = 0) -> str:
    """Words for an input, by which it can be made again."""
    if isinstance(value, xr.Dataset):
        kinds = ", ".join(f"{name}{one.dims}{one.dtype}" for name, one in value.variables.items())
        return f"Dataset({kinds}; {shown(dict(value.attrs))})"
    if isinstance(value, Mapping) and depth < 2:
        return (
            "{"
            + ", ".join(f"{shown(key)}: {told(one, depth + 1)}" for key, one in value.items())
            + "}"
        )
    return shown(value)


@contextlib.contextmanager
def judging() -> Iterator[Judge]:
    """A judge with a folder of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder) / "of" / "inputs"
        place.mkdir(parents=True)
        tempfile.tempdir = os.fspath(place)
        yield Judge(place)

"""What may come of an input: a result, or a documented error, in time, inside of its folder."""

import contextlib
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
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


class _Hung(BaseException):
    pass


@dataclass
class Judge:
    """Runs inputs and judges what comes of them.

    Parameters
    ----------
    folder : Path
        The only one, beside the cache of compiled code, in which files may be written.
    """

    folder: Path

    def __post_init__(self) -> None:
        cache = os.environ.get("HH_SDE_CACHE_DIR", str(Path.home() / ".cache"))
        self._roots = (
            os.fspath(self.folder.resolve().parents[1]),
            os.path.realpath(cache),
            "/dev/",
            "/proc/",
        )
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

    def of(
        self,
        name: str,
        call: Callable[[], Any],
        documented: tuple[type[BaseException], ...],
        told: Callable[[], str],
        finite: Callable[[], bool] = lambda: True,
        says_missing: bool = False,
    ) -> Finding | None:
        """What is wrong with what comes of a call; None if nothing is.

        Parameters
        ----------
        name : str
            Of what is called.
        call : callable
        documented : tuple of classes
            Errors that may come.
        told : callable
            Words for the input.
        finite : callable
            Whether all numbers of the input are finite.
        says_missing : bool
            Whether its documentation says what is NaN.
        """
        self._written.clear()
        try:
            result = self._run(call)
        except documented as error:
            if str(error) or isinstance(error, KeyboardInterrupt | SystemExit):
                return self._of_files(name, told)
            return Finding("no message", place_of(error), name, f"{told()}\n{type(error).__name__}")
        except (_Hung, KeyboardInterrupt) as error:  # or a Ctrl-C that is no documented end
            return Finding("hung", place_of(error), name, told())
        except BaseException as error:
            text = f"{told()}\n{type(error).__name__}: {str(error)[:300]}"
            return Finding(type(error).__name__, place_of(error), name, text)
        missing = silent(result)
        labelled = isinstance(result, xr.Dataset | xr.DataArray)  # which says so itself, nan_means
        if missing and (labelled or not says_missing) and finite():
            return Finding("silent NaN", missing, name, told())
        return self._of_files(name, told)

    def _of_files(self, name: str, told: Callable[[], str]) -> Finding | None:
        if self._written:
            return Finding("written elsewhere", self._written[0], name, told())
        return None

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

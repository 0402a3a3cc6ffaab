"""Files: whether a target can be written, before a long run; results read and written whole."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hh_sde.cli.messages import note, printable, reason, stop

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


#: The endings of results.
RESULTS = (".nc", ".nc4", ".netcdf")


def check_targets(source: Path, out: Path | None, plot: Path | None) -> None:
    """Before a long run: can these be written, and is nothing lost by it?"""
    if out:
        check_target(out)
        _check_other(out, "--out", source, "what is read")
    if plot:
        check_target(plot)
        _check_ending(plot)
        _check_other(plot, "the figure", source, "what is read")
    if out and plot:
        _check_other(plot, "--plot", out, "--out")
    if out and out.suffix.lower() not in RESULTS:
        stop(f"{out} has {_ending(out)}, but a result is written as netCDF: .nc", code=2)


def check_target(path: Path) -> None:
    if not path.parent.is_dir():
        stop(f"the folder {path.parent} does not exist; make it first", code=2)
    if path.is_dir():
        stop(f"{path} is a folder; give the name of a file", code=2)
    if path.exists() and not path.is_file():
        stop(f"{path} is a device or a pipe; give the name of a file", code=2)
    if not os.access(path.resolve().parent, os.W_OK):
        stop(f"the folder {path.parent} cannot be written to; choose another", code=2)


def check_folder(path: Path) -> None:
    """Before a long run: can this folder be made, or gone on with?"""
    if not path.parent.is_dir():
        stop(f"the folder {path.parent} does not exist; make it first", code=2)
    if path.exists() and not path.is_dir():
        stop(f"{path} is a file; give the name of a folder, which is made", code=2)
    if not os.access(path.resolve() if path.exists() else path.resolve().parent, os.W_OK):
        stop(f"{path} cannot be written to; choose another", code=2)


def check_store(path: Path) -> None:
    """Before a long sweep: can this folder be made, or gone on with?"""
    see_store(path)
    check_folder(path)


def see_store(path: Path) -> None:
    """Stop at a folder that is not the store of a sweep."""
    if path.is_dir() and not is_store(path):
        stop(f"{path} is a folder, but not the store of a sweep (hh-sde sweep makes one)", code=2)


def is_store(path: Path) -> bool:
    from hh_sde.sweeps import is_store

    return is_store(path)


def is_run(path: Path) -> bool:
    """Whether a folder is the store of a long run."""
    from hh_sde.streams import is_store

    return is_store(path)


def _check_other(path: Path, what: str, other: Path, its: str) -> None:
    same = path.resolve() == other.resolve()
    if same or (path.exists() and other.exists() and path.samefile(other)):
        stop(f"{path} is {its}: {what} would overwrite it; give another name", code=2)


def _check_ending(path: Path) -> None:
    from matplotlib.backend_bases import FigureCanvasBase

    endings = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix[1:].lower() not in endings:
        listed = f".{', .'.join(endings)}"
        stop(f"{path} has {_ending(path)}, but a figure has one of: {listed}", code=2)


def _ending(path: Path) -> str:
    return f"the ending {path.suffix}" if path.suffix else "no ending"


def see_configuration(path: Path) -> None:
    """Stop at a result where a configuration is wanted."""
    if path.suffix.lower() in RESULTS:
        stop(
            f"{path} is a result, and this takes a configuration, CONFIG.toml (hh-sde init writes "
            f"one); hh-sde info {path} says what it holds, hh-sde plot {path} draws it",
            code=2,
        )


def see_result(path: Path) -> None:
    """Stop at a configuration, or a folder of something else, where a result is wanted."""
    if not is_run(path):
        see_store(path)
    if path.suffix == ".toml":
        stop(
            f"{path} is a configuration, and this takes a result, FILE.nc: hh-sde run {path} "
            "--out FILE.nc --plot FILE.png makes and draws it",
            code=2,
        )


def opened(file: Path) -> xr.Dataset:
    """The Dataset in a file, its units those of this library; of a store, read when it is used."""
    if file.is_dir():
        from hh_sde import streams, sweeps

        return streams.open_store(file) if is_run(file) else sweeps.open_store(file)
    import xarray as xr

    from hh_sde import memory
    from hh_sde.dataset import upgrade

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the reader about what is wrong with the file
        # times stay numbers: to xarray "days since 2000" is a date, to this library a fault
        with xr.open_dataset(file, decode_times=False) as ds:
            memory.require(ds.nbytes, "it", "read parts of it with xarray.open_dataset")
            ds.load()
    ds = upgrade(ds)
    for name in ("time", "spike_time"):
        if name in ds and ds[name].attrs.get("units", "ms") != "ms":
            raise ValueError(f"{name} is in {printable(ds[name].attrs['units'])}, not in ms")
    for name in ("time", "spike_time", "trial", "neuron", "V", "x"):
        if name in ds and ds[name].dtype.kind not in "iuf":
            raise ValueError(f"{name} holds {ds[name].dtype}, not numbers")
    for name in ("time", "spike_time"):
        if name in ds and (ds[name].ndim != 1 or not bool(ds[name].notnull().all())):
            raise ValueError(f"{name} is not a row of times")
    if ds.sizes.get("time") == 0:
        raise ValueError("it holds no time")
    if "spike_time" in ds and not _number(ds, "t_start") < _number(ds, "t_end"):
        raise ValueError("t_end is not after t_start")
    if "sweep" in ds.attrs:
        return ds
    if "spike_time" in ds and "neurons" not in ds.attrs:
        raise ValueError("it has no attribute 'neurons'")
    if "study" not in ds.attrs and "spike_time" not in ds and "time" not in ds.coords:
        raise ValueError(
            "it has neither a coordinate time nor spikes, but "
            + (", ".join(printable(name) for name in ds.variables) or "nothing")
        )
    return ds


def selected(ds: xr.Dataset, choices: Sequence[str]) -> xr.Dataset:
    """The cells of a sweep that have given values, each NAME=VALUE.

    Raises
    ------
    ValueError
        If there are none, or a choice is not one.
    """
    import numpy as np

    from hh_sde.assignments import assign
    from hh_sde.records import shown

    for choice in choices:
        tree: dict[str, Any] = {}
        assign(tree, choice)
        ((name, value),) = tree.items()
        if name not in ds.coords or name not in ds.dims:
            known = ", ".join(map(str, ds.coords))
            raise ValueError(f"--sel {printable(choice)}: it has no dim {name}, but {known}")
        values = ds[name].values
        if isinstance(value, int | float) and values.dtype.kind in "if":
            near = np.isclose(values, value, rtol=1e-9, atol=0.0)  # of a range: last bits
        else:
            near = values == value
        if np.count_nonzero(near) != 1:
            raise ValueError(f"--sel {printable(choice)}: {name} has {shown(values.tolist())}")
        ds = ds.isel({name: int(np.flatnonzero(near)[0])})
    return ds


def _number(ds: xr.Dataset, attribute: str) -> float:
    from hh_sde.records import single

    if attribute not in ds.attrs:
        raise ValueError(f"it has no attribute {attribute!r}")
    return single(ds.attrs[attribute], f"the attribute {attribute!r}")


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Whatever is wrong with a result file, said in one line."""
    try:
        yield
    except Exception as error:  # a file may be wrong in any way
        if "IO backends" in str(error):
            stop(f"{file} is not a netCDF file: run --out and study --out write one", code=2)
        reason = printable(error, 400) or type(error).__name__
        reason = f"no {reason}" if isinstance(error, KeyError) else reason
        broken = " is not a netCDF file, or one that was not written to its end"
        what = broken if isinstance(error, OSError) else ""
        stop(f"{file}{what}: {reason}", code=2)


def figure_of(ds: xr.Dataset, rule: Any, trial: int | None = None) -> Figure:
    import matplotlib

    matplotlib.use("Agg")
    figure: Figure = ds.hh.plot(rule=rule, trial=trial)
    return figure


def write(ds: xr.Dataset, out: Path | None, plot: Path | None, rule: Any) -> list[Path]:
    """Write the result and its figure, each whether or not the other can be; those that were."""

    def draw(path: Path) -> None:
        figure_of(ds, rule).savefig(path, dpi=150)

    paths = written(out, ds.to_netcdf) if out else []
    return paths + (written(plot, draw) if plot else [])


def written(path: Path, write: Callable[[Path], object]) -> list[Path]:
    """The path once it is written: beside it first, so that a failure leaves what was there."""
    target = path.resolve()
    try:
        with TemporaryDirectory(prefix=".hh-sde-", dir=target.parent) as folder:
            write(Path(folder, target.name))
            Path(folder, target.name).replace(target)
    except (OSError, RuntimeError, ValueError) as error:
        note(f"{path} cannot be written: {reason(error)}")
        return []
    return [path]

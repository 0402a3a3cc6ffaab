"""The store of one long run: a Zarr group that is its result, and grows along time.

Beside the arrays of the result it has a group of its own, ``run``: the plan; the position after the
last whole segment; the spikes of each segment. A segment's part of a trace is one chunk. All of a
segment is written before the position: killed at any instant, a segment is done, or as if it had
never begun, and the next run of the store writes it again. What the result has besides traces
(spikes in order, the state at the end, labels) is written at the end, and last the metadata of the
whole, without which the store cannot be opened; they are taken away when a run goes on.

It is no store of a sweep: tasks of a sweep are known beforehand and are done in any order, a run's
segments follow from each other, and how many there will be, and how many spikes, nobody knows.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr

from hh_sde.errors import StoreError
from hh_sde.files import arrays, folders
from hh_sde.files.chunks import encoded, put, see_inside
from hh_sde.files.lock import Lock
from hh_sde.methods import Problem
from hh_sde.runs import Run
from hh_sde.streams import spikes
from hh_sde.streams.plan import FILE, read, see_same
from hh_sde.streams.position import Position
from hh_sde.streams.result import GROUP, Result, chunk_of

#: The file of the position, and the folders of spikes and of files that are being written.
POSITION, SPIKES, TEMPORARY = "position.npz", "spikes", "temporary"


class Store:
    """A run on disk.

    Parameters
    ----------
    path : Path
    plan : dict
    """

    def __init__(self, path: Path, plan: dict[str, Any]) -> None:
        self.path, self.plan = path, plan
        self.own = path / GROUP
        self.temporary = self.own / TEMPORARY

    @classmethod
    def found(cls, path: str | os.PathLike[str], plan: dict[str, Any]) -> Self | None:
        """The store in a folder, which is that of this plan; None if there is nothing.

        Raises
        ------
        ValueError
            If it is another's.
        """
        root = Path(path).absolute()
        if not os.path.lexists(root):
            return None
        known = read(root)
        see_same(root, known, plan)
        return cls(root, known)

    @classmethod
    @contextmanager
    def writing(cls, path: str | os.PathLike[str], plan: dict[str, Any]) -> Iterator[Self]:
        """The store in a folder, new or found, that of this process inside of the block.

        Raises
        ------
        StoreError
            If another process writes to it.
        """
        store = cls.found(path, plan)
        if store is not None:
            with Lock(store.own):
                shutil.rmtree(store.temporary, ignore_errors=True)
                store._see_folders()
                yield store
            return
        store = cls(Path(path).absolute(), plan)

        def fill(new: Path) -> None:
            for name in (SPIKES, TEMPORARY):
                (new / GROUP / name).mkdir()
            text = json.dumps(plan, sort_keys=True, indent=1).encode()
            put(new / GROUP / FILE, text, new / GROUP / TEMPORARY, last=True)

        with folders.created(store.path, GROUP, fill):
            yield store

    def _see_folders(self) -> None:
        for name in (SPIKES, TEMPORARY):
            see_inside(self.own / name / "file", self.path)
            (self.own / name).mkdir(exist_ok=True)

    @property
    def t_end(self) -> float:
        """Where the result ends that is there, ms; -inf: there is none."""
        try:
            attrs = json.loads((self.path / "zarr.json").read_text())["attributes"]
            return float(attrs["t_end"])
        except (OSError, ValueError, KeyError, TypeError):
            return -np.inf

    def position(self, problem: Problem) -> Position:
        """Where the run goes on."""
        file = self.own / POSITION
        see_inside(file, self.path)
        return Position.of_file(file, problem) if file.exists() else Position.of_start(problem)

    def go_on(self, traces: list[str], number: int) -> None:
        """Take away what the result has besides its traces, the metadata of the whole first.

        Raises
        ------
        StoreError
            If chunks of these are gone, of which there are `number` each.
        """
        for name in traces:
            lost = set(range(number)) - _chunks(self.path / name / "c")
            if lost:
                raise StoreError(
                    f"{self.path} is damaged: segment {min(lost)} of {name} is gone; take the "
                    "store away and run it again"
                )
        (self.path / "zarr.json").unlink(missing_ok=True)
        for one in self.path.iterdir():
            see_inside(one / "file", self.path)
            if one.name not in (GROUP, *traces) and (one / "zarr.json").is_file():
                shutil.rmtree(one)

    def dataset(self) -> xr.Dataset:
        """The result, read when it is asked for."""
        return arrays.opened(self.path)

    def write(self, part: Run, ds: xr.Dataset, number: int, saves: int) -> int:
        """Write a segment, or what there is of it; how many states are saved with it.

        Parameters
        ----------
        part : Run
            The segment's.
        ds : Dataset
            Its result.
        number : int
            How many segments came before.
        saves : int
            Saved states of a whole segment.
        """
        new = ds.isel(time=slice(int(number > 0), None)) if "time" in ds.dims else ds
        for name, one in new.data_vars.items():
            if "time" in one.dims and one.sizes["time"]:
                place = [number if dim == "time" else 0 for dim in one.dims]
                data = encoded(one.values, chunk_of(one, saves), arrays.fill_of(one.dtype))
                self._put("/".join([str(name), "c", *map(str, place)]), data)
        if part.rule:
            trial, neuron, time = part.events()
            train = trial * part.layout.width + neuron
            self._put(f"{GROUP}/{SPIKES}/{number}.npy", spikes.to_bytes(train, time))
        return number * saves + new.sizes.get("time", 0)

    def mark(self, position: Position) -> None:
        """Say how far the run is: all before is written."""
        self._put(f"{GROUP}/{POSITION}", position.to_bytes())

    def _put(self, name: str, data: bytes) -> None:
        see_inside(self.path / name, self.path)
        put(self.path / name, data, self.temporary, last=True)

    def finish(self, result: Result) -> None:
        """Write what the result has besides the chunks of its traces."""
        files = [self.own / SPIKES / f"{k}.npy" for k in range(result.number + 1)]
        arrays.renew(self.path, self.temporary, lambda new: result.make(new, files))


def _chunks(folder: Path) -> set[int]:
    """The segments that a trace has chunks of: only along time there are several."""
    files = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return {max(map(int, file.parts)) for file in files if all(map(str.isdecimal, file.parts))}


def open_store(path: str | os.PathLike[str]) -> xr.Dataset:
    """The result in the store of a run, read when it is used.

    Raises
    ------
    ValueError
        If it has none yet.
    """
    root = Path(path).absolute()
    if not (root / "zarr.json").is_file():
        raise ValueError(
            f"{root} has no result yet: its run goes on, or was killed, and the same call of solve "
            "goes on with it"
        )
    return arrays.opened(root)

"""The store of a sweep: a Zarr group that knows its plan, and which of its tasks are done.

Beside the arrays of the result it has a group of its own, ``sweep``: the plan, the form of the
result, and a file for each task that is done, its mark. A task's part of a variable is one chunk,
which no other task writes; its spikes are chunks of its own of ``spike_time``, at an offset that
follows from the task's number, so that the times lie in pieces with nothing between them, not even
on the disk. All of a task is written before its mark, which holds the digests of its chunks: killed
at any instant, a task is done, or as if it had never begun.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import lt
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr

from hh_sde.addresses import is_whole
from hh_sde.errors import StoreError
from hh_sde.files import arrays, folders
from hh_sde.files.chunks import digest, encoded, put, see_inside
from hh_sde.files.lock import Lock, owner
from hh_sde.sweeps import skeleton
from hh_sde.sweeps.form import OWN_GROUP, START, TIME, Form, failed_cells
from hh_sde.sweeps.plan import Block, Plan

#: Text files of a store, at most, in bytes: what is larger is none of ours.
LARGEST = 2**30


def is_store(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is the store of a sweep, by its plan; it may be damaged."""
    return (Path(path) / OWN_GROUP / "plan.json").is_file()


class Store:
    """A sweep on disk.

    Parameters
    ----------
    path : Path
    plan : Plan
    form : Form
    token : str
        Of the owner for whom it is written to; empty for a reader.
    """

    def __init__(self, path: Path, plan: Plan, form: Form, token: str = "") -> None:
        self.path, self.plan, self.form, self.token = path, plan, form, token
        self.own = path / OWN_GROUP
        self.temporary = self.own / skeleton.TEMPORARY

    @classmethod
    def open(cls, path: str | os.PathLike[str], token: str = "") -> Self:
        """The store in a folder.

        Raises
        ------
        FileNotFoundError
            If there is nothing.
        ValueError
            If it is no store of a sweep, or a damaged one.
        """
        root = Path(path).absolute()
        if not root.exists():
            raise FileNotFoundError(f"there is no store {root}")
        if not is_store(root):
            raise ValueError(f"{root} is not the store of a sweep: it has no plan")
        try:
            plan = Plan.from_json(_text(root / OWN_GROUP / "plan.json"))
            form = Form.from_json(_text(root / OWN_GROUP / "form.json"))
            if not plan.blocks:
                raise ValueError("its plan has no blocks")
        except (OSError, ValueError) as error:
            raise ValueError(f"{root} is not the store of a sweep, or damaged: {error}") from error
        return cls(root, plan, form, token)

    @classmethod
    @contextmanager
    def created(cls, path: str | os.PathLike[str], plan: Plan, form: Form) -> Iterator[Self]:
        """A new store, that of this process inside of the block; it is there whole, or not."""

        def fill(new: Path) -> None:
            skeleton.make(new, plan, form)
            temporary = new / OWN_GROUP / skeleton.TEMPORARY
            for name, text in (("plan", plan.to_json()), ("form", form.to_json())):
                put(new / OWN_GROUP / f"{name}.json", text.encode(), temporary, last=True)

        with folders.created(path, OWN_GROUP, fill) as lock:
            yield cls(Path(path).absolute(), plan, form, lock.token)

    @classmethod
    @contextmanager
    def writing(cls, path: str | os.PathLike[str]) -> Iterator[Self]:
        """The store in a folder, that of this process inside of the block.

        Raises
        ------
        StoreError
            If it is another's.
        """
        store = cls.open(path)
        folders = [store.own / one for one in skeleton.FOLDERS]
        for folder in folders:
            see_inside(folder / "file", store.path)
        with Lock(store.own) as lock:
            shutil.rmtree(store.temporary, ignore_errors=True)
            for folder in folders:
                folder.mkdir(exist_ok=True)
            # its plan may have grown before the lock was taken; its skeleton not yet, after a kill
            plan = cls.open(path).plan
            skeleton.renew(store.path, plan, store.form)
            yield cls(store.path, plan, store.form, lock.token)

    def grow(self, plan: Plan) -> None:
        """Make room for a plan that extends this one's."""
        smaller, self.plan = self.plan, plan
        for block in smaller.tasks():
            if smaller.region(block) != plan.region(block):
                self._mark(block).unlink(missing_ok=True)
        put(self.own / "plan.json", plan.to_json().encode(), self.temporary, last=True)
        skeleton.renew(self.path, plan, self.form)

    def write(self, block: Block, ds: xr.Dataset, seconds: float = 0.0) -> None:
        """Write what was computed of a block, then its mark.

        Raises
        ------
        StoreError
            If the store is no longer that of the owner for whom this is.
        TypeError, ValueError
            If the Dataset is not of the form, or has more spikes than there is room for.
        """
        region = self.plan.region(block)
        self.form.see(self.plan, region, ds)
        cells = failed_cells(ds)
        n_spikes = ds.sizes["spike"] if self.form.spikes else 0
        files = self._files(block, n_spikes)
        digests = {}
        self._see_owner()
        self._mark(block).unlink(missing_ok=True)
        for name, data in zip(files, self._contents(block, ds), strict=True):
            see_inside(self.path / name, self.path)
            put(self.path / name, data, self.temporary)
            digests[name] = digest(data)
        mark = {
            "region": [list(span) for span in region.values()],
            "n_spikes": n_spikes,
            "digests": digests,
            "seconds": seconds,
            "finished": time.time(),
        }
        self._see_owner()
        if cells:
            self._put(self._failure(block), {"cells": cells})
        else:
            self._failure(block).unlink(missing_ok=True)
        self._put(self._mark(block), mark)

    def _see_owner(self) -> None:
        if not self.token or owner(self.own).get("token") != self.token:
            raise StoreError(f"{self.path} is written to for another owner now")

    def _put(self, path: Path, tree: dict[str, Any]) -> None:
        see_inside(path, self.path)
        put(path, json.dumps(tree).encode(), self.temporary, last=True)

    def _files(self, block: Block, n_spikes: int) -> list[str]:
        """The names of a task's chunks, those of its spikes last."""
        names = []
        for one in self.form.dense:
            place = self.form.place(self.plan, one, block)
            names.append("/".join([one.name, "c", *map(str, place)]))
        if self.form.spikes:
            room, chunk = self.form.room(self.plan), self.form.spike_chunk(self.plan)
            if not is_whole(n_spikes) or not 0 <= n_spikes <= room:
                raise ValueError(
                    f"there are {n_spikes} spikes in a task that has room for {room}: more than "
                    f"{self.plan.spikes_per_neuron} of each neuron in a cell are not expected"
                )
            first = self.plan.number(block) * room // chunk
            names += [f"{TIME}/c/{first + k}" for k in range(-(-n_spikes // chunk))]
        return names

    def _contents(self, block: Block, ds: xr.Dataset) -> Iterator[bytes]:
        """The contents of these files."""
        plan, form = self.plan, self.form
        for one in form.dense:
            values = ds[one.name].values
            if one.name == START and form.spikes:
                first = plan.number(block) * form.room(plan)
                values = np.where(values < 0, values, values + first)  # < 0: a cell that failed
            yield encoded(values, form.chunk(plan, one), one.fill)
        if form.spikes:
            chunk, times = form.spike_chunk(plan), ds[TIME].values
            for first in range(0, len(times), chunk):
                yield encoded(times[first : first + chunk], (chunk,), form.spikes.fill)

    def fail(self, block: Block, reason: str) -> None:
        """Record that a task failed."""
        self._see_owner()
        self._put(self._failure(block), {"reason": reason})

    def failures(self) -> list[dict[str, Any]]:
        """What there is to say of the tasks, and of single cells, that failed: see `described`."""
        found = []
        for block in self.blocks(skeleton.FAILED):
            record = _json(self._failure(block))
            if "cells" in record or not self._mark(block).exists():
                found += described(
                    self.plan, block, record, f"hh_sde.sweeps.open_store({str(self.path)!r})"
                )
        return found

    def blocks(self, folder: str) -> list[Block]:
        """The blocks that have a file in one of the folders of the store's own group."""
        names = (
            file.name.removesuffix(".json").split(".") for file in (self.own / folder).iterdir()
        )
        grid = self.plan.grid
        found = sorted(tuple(map(int, one)) for one in names if all(map(str.isdecimal, one)))
        return [one for one in found if len(one) == len(grid) and all(map(lt, one, grid))]

    def is_done(self, block: Block) -> bool:
        """Whether a task is done and all that it wrote is as it was."""
        mark = _json(self._mark(block))
        try:
            if mark["region"] != [list(span) for span in self.plan.region(block).values()]:
                return False
            for name in self._files(block, mark["n_spikes"]):
                see_inside(self.path / name, self.path)
                if digest((self.path / name).read_bytes()) != mark["digests"][name]:
                    return False
        except (OSError, KeyError, TypeError, ValueError):
            return False
        return True

    def missing(self) -> Iterator[Block]:
        """The tasks that are not done, or damaged."""
        return (block for block in self.plan.tasks() if not self.is_done(block))

    def dataset(self) -> xr.Dataset:
        """The result, read when it is asked for; cells that are not done are NaN, counts -1."""
        return arrays.opened(self.path)

    def _mark(self, block: Block) -> Path:
        return self.own / skeleton.DONE / f"{_key(block)}.json"

    def _failure(self, block: Block) -> Path:
        return self.own / skeleton.FAILED / f"{_key(block)}.json"


def described(
    plan: Plan, block: Block, record: Mapping[str, Any], result: str
) -> list[dict[str, Any]]:
    """What there is to say of a task that failed, or of those of its cells that did.

    Parameters
    ----------
    plan : Plan
    block : Block
    record : mapping
        ``reason``, of a whole task, or ``cells``, `hh_sde.sweeps.form.FAILED`.
    result : str
        What the result is called where it is at hand.

    Returns
    -------
    list of dict
        region, coordinates, reason, and the call that runs it alone, `rerun`.
    """
    region = plan.region(block)
    ranges = ", ".join(f"{dim}=slice({start}, {stop})" for dim, (start, stop) in region.items())
    labels = plan.labels(region).coords
    whole = {str(name): one.values.tolist() for name, one in labels.items()}
    cells = record.get("cells") or [{"cell": {}, "reason": str(record.get("reason"))}]
    return [
        {
            "region": {dim: list(span) for dim, span in region.items()},
            "coordinates": {**whole, **one["cell"]},
            "reason": one["reason"],
            "rerun": f"hh_sde.rerun({result}.isel({ranges}))",
        }
        for one in cells
    ]


def _key(block: Block) -> str:
    return ".".join(map(str, block))


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes")
    return path.read_text(encoding="utf-8")


def _json(path: Path) -> dict[str, Any]:
    """What is in a small file; empty if nothing can be read."""
    try:
        tree = json.loads(_text(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}

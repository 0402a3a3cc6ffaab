"""Whatever ends a sweep, after it is resumed its store is that of one that nothing ended.

Files are compared byte by byte.
"""

import errno
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import toy_sweep as toy
from kill_sweeps import PLAN

from hh_sde.errors import Interrupted, StoreError
from hh_sde.files import chunks, folders
from hh_sde.sweeps import status
from hh_sde.sweeps.tasks import execute, resume

pytest.importorskip("zarr", minversion="3")

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The files of the store of a sweep that nothing ended."""
    path = tmp_path_factory.mktemp("undisturbed") / "out.zarr"
    execute(PLAN, toy.compute, store=path)
    return toy.files(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out.zarr"


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_kill_9(path, undisturbed, kills):
    command = [sys.executable, HERE / "kill_sweeps.py", path, str(kills), str(kills)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stdout.endswith("code 0\n"), run.stdout + run.stderr
    assert toy.files(path) == undisturbed
    assert os.listdir(path.parent) == [path.name]
    assert not os.listdir(path / "sweep" / "temporary")


def test_ctrl_c(path, undisturbed):
    main, hits = threading.main_thread().ident, []

    def interrupting(plan, region):
        hits.append(region)
        if len(hits) == 6:
            signal.pthread_kill(main, signal.SIGINT)
        return toy.compute(plan, region)

    with pytest.raises(
        Interrupted, match=r"\d of 15 tasks done.*hh_sde.resume\('.*out.zarr'\)"
    ) as e:
        execute(PLAN, interrupting, store=path, threads=2)
    assert 2 <= status(path).done < 15
    assert e.value.dataset.V.notnull().any()
    resume(path, toy.compute)
    assert toy.files(path) == undisturbed
    hits.clear()
    with pytest.raises(Interrupted, match="attribute 'dataset'") as held:
        execute(PLAN, interrupting, threads=2)
    assert 0 < held.value.dataset.V.notnull().sum() < held.value.dataset.V.size


@pytest.mark.parametrize("writes", [0, 1, 20, 60])
def test_full_disk(path, undisturbed, writes, monkeypatch):
    """The disk is full after so many files."""
    left = iter(range(writes))

    class Full(type(path)):
        def open(self, mode="r", *args, **keywords):
            file = super().open(mode, *args, **keywords)
            if mode == "xb" and next(left, None) is None:
                file.close()  # its name is there, and nothing in it
                raise OSError(errno.ENOSPC, "No space left on device")
            return file

    put = chunks.put
    for module in ("sweeps.store", "files.chunks"):
        monkeypatch.setattr(
            f"hh_sde.{module}.put",
            lambda to, data, temporary, **k: put(to, data, Full(temporary), **k),
        )
    with pytest.raises(StoreError, match=r"disk is full.*hh_sde.resume\(") as caught:
        execute(PLAN, toy.compute, store=path, threads=2)
    assert "No space left" in str(caught.value)
    assert os.listdir(path.parent) in ([], [path.name])
    assert not path.exists() or not os.listdir(path / "sweep" / "temporary")
    monkeypatch.undo()
    execute(PLAN, toy.compute, store=path)
    assert toy.files(path) == undisturbed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")
def test_a_small_disk(tmp_path, undisturbed):
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    path = tmp_path / "out.zarr"
    try:
        filler = tmp_path / "filler"
        filler.write_bytes(bytes(100_000))
        with pytest.raises(StoreError, match="disk is full"):
            execute(PLAN, toy.compute, store=path)
        with pytest.raises(StoreError, match="disk is full"):
            execute(PLAN, toy.compute, store=path)
        assert 0 < status(path).done < 15
        subprocess.run(["mount", "-o", "remount,size=4m", tmp_path], check=True)
        execute(PLAN, toy.compute, store=path)
        assert toy.files(path) == undisturbed
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_what_may_go_well_another_time_is_tried_again(path, undisturbed):
    tried = {}

    def unreliable(plan, region):
        key = str(region)
        tried[key] = tried.get(key, 0) + 1
        if tried[key] == 1 and len(tried) > 1:
            raise OSError(errno.EIO, "Input/output error")
        return toy.compute(plan, region)

    execute(PLAN, unreliable, store=path, threads=2)
    assert toy.files(path) == undisturbed
    assert sorted(tried.values()) == [1, *[2] * 15]


def test_corrupted_and_missing_chunks(path, undisturbed):
    execute(PLAN, toy.compute, store=path)
    draw = random.Random(3)
    for _ in range(5):
        chunk = draw.choice([name for name in undisturbed if "/c/" in name])
        data = bytearray(undisturbed[chunk])
        if draw.random() < 0.5:
            (path / chunk).unlink()
        else:
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            (path / chunk).write_bytes(data)
    assert toy.files(path) != undisturbed
    resume(path, toy.compute)
    assert toy.files(path) == undisturbed


def test_two_clients_at_once(path, undisturbed):
    def attempt(_):
        try:
            execute(PLAN, toy.compute, store=path, threads=1)
        except StoreError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(3) as pool:
        said = sorted(pool.map(attempt, range(3)))
    assert said[0] == ""
    assert all("is being written to by" in one or "another process" in one for one in said if one)
    assert any(said)
    assert toy.files(path) == undisturbed


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def wait_for(path):
    """Until some tasks are done."""
    while not path.exists() or status(path).done < 2:
        time.sleep(0.01)


@pytest.mark.filterwarnings("default")
def test_killed_workers(path, undisturbed, cluster):
    def kill():
        wait_for(path)
        for pid in list(cluster.run(os.getpid).values())[:1]:
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    execute(PLAN, toy.compute, store=path, client=cluster)
    killer.join()
    assert toy.files(path) == undisturbed
    held = execute(PLAN, toy.compute, client=cluster)  # in memory, by workers
    assert held.V.equals(execute(PLAN, toy.compute).V)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_task_that_kills_its_workers_fails_alone(path, undisturbed, cluster):
    cluster.cluster.scheduler.allowed_failures = 0
    with pytest.warns(UserWarning, match="(?s)5 of 15 tasks failed.*KilledWorker"):
        execute(
            toy.plan(5, 20, arguments={"kills_at": 8.0}), toy.compute, store=path, client=cluster
        )
    assert (status(path).done, status(path).failed) == (10, 5)
    there = {name: data for name, data in toy.files(path).items() if "/c/" in name}
    assert there.items() <= undisturbed.items()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_killed_scheduler(path, tmp_path):
    distributed = pytest.importorskip("distributed")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    place = tmp_path / "scheduler.json"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stderr": subprocess.DEVNULL, "env": env}
    scheduler = subprocess.Popen(
        [*dask, "scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", place], **quiet
    )
    worker = subprocess.Popen([*dask, "worker", "--scheduler-file", place], **quiet)
    try:
        with distributed.Client(scheduler_file=str(place)) as client:
            slow = PLAN.replace(arguments={**PLAN.arguments, "seconds": 0.3})
            killer = threading.Thread(target=lambda: (wait_for(path), scheduler.kill()))
            killer.start()
            with pytest.raises(StoreError, match=r"scheduler of the cluster is gone.*resume\("):
                execute(slow, toy.compute, store=path, client=client)
            killer.join()
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
    assert 0 < status(path).done < 15
    for store in (path, tmp_path / "undisturbed.zarr"):
        execute(slow, toy.compute, store=store)
    assert toy.files(path) == toy.files(tmp_path / "undisturbed.zarr")


def test_a_new_store_that_others_take_for_abandoned_is_begun_again(tmp_path, monkeypatch):
    """All of several clients that began at the same instant could find theirs cleared."""
    begun = []

    def fill(new):
        begun.append(new)
        if len(begun) < 3:
            shutil.rmtree(new)
            raise FileNotFoundError(new)

    with folders.created(tmp_path / "out", "own", fill):
        assert (tmp_path / "out" / "own").is_dir()
    assert len(begun) == 3
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]

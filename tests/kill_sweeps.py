"""Sweeps of one store killed at random instants: kill_sweeps.py STORE KILLS SEED.

This process loads the library once and forks each sweep, so that a kill costs less than a second.
"""

import os
import random
import shutil
import signal
import sys
import time

import toy_sweep as toy
import zarr  # noqa: F401, loaded before it is forked

from hh_sde.sweeps import status
from hh_sde.sweeps.tasks import execute

#: 15 tasks of 20 ms.
PLAN = toy.plan(5, 20, arguments={"seconds": 0.02})


def sweep(store):
    """The number of a process that does what is missing."""
    pid = os.fork()
    if not pid:
        execute(PLAN, toy.compute, store=store, threads=2)
        os._exit(0)
    return pid


def main(store, kills, seed):
    draw = random.Random(seed)
    killed = 0
    while killed < kills:
        pid = sweep(store)
        time.sleep(draw.uniform(0.0, 0.5))
        os.kill(pid, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        known = status(store) if os.path.exists(store) else None
        print(killed, known, flush=True)
        if known and known.done == known.total:  # begun anew, or nothing would be left to kill
            shutil.rmtree(store)
    _, code = os.waitpid(sweep(store), 0)
    print("code", code)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

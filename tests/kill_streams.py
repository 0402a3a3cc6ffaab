"""Runs of one store killed at random instants: kill_streams.py STORE KILLS SEED.

This process loads the library once and forks each run, so that a kill costs less than a second.
"""

import os
import random
import shutil
import signal
import sys
import time

import numpy as np
import zarr  # noqa: F401, loaded before it is forked

import hh_sde as hh
from hh_sde.streams import segments

#: Of 30 steps each, so that a run of 40 ms has some 35.
segments.STEPS = {"engine": 30, "python": 60}

SDE = hh.SDE(
    f=lambda x, t: -0.5 * x, G=lambda x, t: np.diag(0.4 * x), x0=[1.0, 2.0], noise_type="diagonal"
)


def run(store=None, t_end=40.0, **options):
    return hh.solve(SDE, t_end, **{"dt": 0.04, "rng": 3, "trials": 2, **options}, store=store)


def child(store):
    """The number of a process that runs to the end."""
    pid = os.fork()
    if not pid:
        run(store)
        os._exit(0)
    return pid


def main(store, kills, seed):
    os.fsync = lambda descriptor: None  # the machine goes on
    draw = random.Random(seed)
    begun = time.monotonic()
    run()
    whole = 2 * (time.monotonic() - begun)
    killed = 0
    while killed < kills:
        pid = child(store)
        time.sleep(draw.uniform(0.0, whole))
        os.kill(pid, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        print(killed, os.path.exists(store), flush=True)
        if os.path.exists(os.path.join(store, "zarr.json")):  # begun anew, or nothing is left
            shutil.rmtree(store)
    _, code = os.waitpid(child(store), 0)
    print("code", code)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

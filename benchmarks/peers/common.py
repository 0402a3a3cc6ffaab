"""What every peer is asked: the case on the command line, laps of it as JSON on the last line."""

import argparse
import json
import math
import time
from dataclasses import dataclass


@dataclass
class Case:
    """Euler-Maruyama, dt 0.01 ms, I = 10 uA/cm^2, sigma = 1, one mean of the last V as output."""

    neurons: int
    trials: int
    coupled: bool
    steps: int
    threads: int
    dt: float = 0.01


def run(prepare):
    """`prepare(case)` returns a function that simulates once and returns the mean of the last V."""
    parser = argparse.ArgumentParser()
    for name in ("neurons", "trials", "coupled", "steps", "threads", "repeats"):
        parser.add_argument(f"--{name}", type=int, default=1)
    options = vars(parser.parse_args())
    repeats = options.pop("repeats")
    case = Case(**{**options, "coupled": bool(options["coupled"])})
    simulate = prepare(case)
    simulate()  # compiled before the clock starts
    laps = []
    for _ in range(repeats):
        start = time.perf_counter()
        mean = simulate()
        laps.append(time.perf_counter() - start)
        # a peer that returns its own time (without its start-up) does so as a tuple
        if isinstance(mean, tuple):
            mean, laps[-1] = mean
    assert math.isfinite(mean), mean
    assert -90.0 < mean < 50.0, mean
    print(json.dumps({"laps": laps, "mean_V": mean}))

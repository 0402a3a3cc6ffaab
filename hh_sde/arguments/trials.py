"""The trials of a run: their numbers, and the noise that they receive."""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde import continuation, memory
from hh_sde.addresses import check_trials, is_whole
from hh_sde.arguments.scalars import positive_int
from hh_sde.brownian import BrownianPath, Rng, seed_sequence
from hh_sde.methods import Method
from hh_sde.records import shown
from hh_sde.sde import SDE


def trial_numbers(
    trials: Any, x0: Any, path: BrownianPath | None, d: int
) -> tuple[np.ndarray, bool]:
    """The trials' numbers, and whether the result has a dimension for them."""
    if path is not None and not isinstance(path, BrownianPath):
        raise TypeError(f"path must be a BrownianPath, got {type(path).__name__}")
    if path is not None and path.trial and trials is not None:
        raise ValueError(
            f"path is that of trial {path.trial}: give trials and a path of trial 0, or no trials"
        )
    if trials is None:
        return _trials_of(x0, path)
    if is_whole(trials):
        n = positive_int(trials, "trials")
        check_trials(n - 1)
        memory.require(16.0 * n * d, f"the states of {n} trials", "take fewer at a time")
        return np.arange(n), True
    numbers = np.asarray(trials)
    if numbers.ndim != 1 or numbers.size == 0 or numbers.dtype.kind not in "iu":
        raise ValueError(f"trials must be a number or a list of trial numbers, got {shown(trials)}")
    if np.ma.is_masked(trials):
        raise ValueError(f"trials must not be masked, got {shown(trials)}")
    _see_trials(numbers, "trial numbers")
    return numbers.astype(np.int64), True


def _trials_of(x0: Any, path: BrownianPath | None) -> tuple[np.ndarray, bool]:
    """The trials' numbers where `trials` is not given: those of `x0`, or that of `path`."""
    known = continuation.trials_of(x0)
    if known is None:
        return np.array([0 if path is None else path.trial]), False
    numbers = np.atleast_1d(known.values)
    if numbers.ndim != 1 or numbers.size == 0 or numbers.dtype.kind not in "iu":
        raise ValueError(f"the trials of x0 must be whole numbers, got {shown(numbers)}")
    _see_trials(numbers, "the trials of x0")
    if path is not None and path.trial and numbers.tolist() != [path.trial]:
        raise ValueError(
            f"path is that of trial {path.trial}, but x0 has the trials "
            f"{shown(numbers.tolist())}: give a path of trial 0, which is that of all "
            f"trials, or x0.sel(trial={path.trial})"
        )
    return numbers.astype(np.int64), known.ndim == 1


def _see_trials(numbers: np.ndarray, what: str) -> None:
    if numbers.min() < 0 or len(set(numbers.tolist())) != numbers.size:
        raise ValueError(
            f"{what} must be different and not negative, got {shown(numbers.tolist())}"
        )
    check_trials(numbers.max())


def noise_path(
    path: BrownianPath | None, rng: Rng, sde: SDE, dt: float, method: Method
) -> BrownianPath | None:
    if path is not None and method.exact:
        raise ValueError(
            "path holds Wiener processes, of which this method takes none; give rng, its seed: "
            "rng=path.seed"
        )
    if path is not None and method.own_noise:
        raise ValueError(
            "path is that of all methods, and this one draws noise of its own, at steps that "
            "follow its error: it has no error along a path. Give rng, its seed: rng=path.seed"
        )
    if path is not None and method.weak and not path.is_in_law:
        raise ValueError(
            "path is a Brownian path, and this method approximates the law of the solution alone: "
            "its increments, of two and three values, belong to no such path, along which it has "
            "no error. Give rng=path.seed; or path.in_law(), for its random numbers alone"
        )
    if path is None:
        seed = seed_sequence(rng)
        return sde.path(seed, dt) if sde.m else None
    if rng is not None:
        raise ValueError("give rng or path, not both: the path has its own seed")
    if path.m != sde.m or not np.isclose(path.dt, dt, rtol=1e-9, atol=0.0):
        raise ValueError(
            f"path has m = {path.m} and dt = {path.dt:g}; this run has m = {sde.m} and dt = {dt:g} "
            "(sde.path(rng, dt) makes one that fits, path.coarsen(k) gives it on a coarser grid)"
        )
    if sde.noise_type == "general" and _splits(path, sde):
        raise ValueError(
            "path has no areas between processes that belong together in this model: its "
            "area_groups part what the model's join (SDE.area_groups); "
            "sde.path(rng, dt) makes one that fits"
        )
    return path if sde.m else None


def _splits(path: BrownianPath, sde: SDE) -> bool:
    """Whether an area group of the model falls into several of the path's.

    Larger groups do no harm: areas of columns that commute drop out.
    """
    groups = np.asarray(sde.area_groups)
    both = np.unique(np.stack([groups, path.area_groups]), axis=1)
    return both.shape[1] > np.unique(groups).size

"""The grid of times of a run: its start, its steps, its saves."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from hh_sde import continuation
from hh_sde.addresses import in_steps
from hh_sde.arguments.layout import Layout
from hh_sde.arguments.scalars import number, positive


def grid(t_end: float, dt: float, x0: Any, layout: Layout) -> tuple[float, int, int]:
    """Start time, its grid step, and the number of steps to t_end."""
    dt, t_end = positive(dt, "dt"), number(t_end, "t_end")
    start = continuation.last_time(x0, layout.labels, dt) if isinstance(x0, xr.Dataset) else 0.0
    first_step = whole_steps(start, dt, "the last time of x0") if start else 0
    if not np.isfinite(t_end) or t_end <= start:
        raise ValueError(
            f"t_end must be finite and later than the start ({start:g} ms), got {t_end}"
        )
    return start, first_step, whole_steps(t_end, dt, "t_end") - first_step


def whole_steps(time: float, dt: float, name: str) -> int:
    """A time (ms) as a number of steps, of which there is at least one."""
    steps = int(in_steps(number(time, name), dt, name))
    if steps < 1:
        raise ValueError(f"{name} = {time} ms must be a multiple of dt = {dt} ms, at least one")
    return steps


def saving(save_dt: Any, discard: Any, dt: float, n_steps: int, traces: bool) -> tuple[int, int]:
    """Steps from save to save, and steps at the beginning of which nothing is kept."""
    skipped = 0
    if discard is not None and number(discard, "discard") != 0:
        if discard < 0:
            raise ValueError(f"discard must not be negative, got {discard}")
        skipped = whole_steps(discard, dt, "discard")
        if skipped >= n_steps:
            raise ValueError(
                f"discard = {discard} ms must be shorter than the run of {n_steps * dt:g} ms"
            )
    kept = n_steps - skipped
    if not traces:
        if save_dt is not None:
            raise ValueError(
                "save_dt spaces traces, of which record=('spikes',) keeps none: leave it out, or "
                "record=('V', 'spikes')"
            )
        return kept, skipped
    every = whole_steps(dt if save_dt is None else save_dt, dt, "save_dt")
    if kept % every:
        raise ValueError(
            f"the run of {kept} steps must end on a save; save_dt = {save_dt} is {every:.15g} "
            "steps, which does not divide them"
        )
    return every, skipped

"""When a trace first reaches a level."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hh_sde.measures.labels import labels
from hh_sde.measures.over_time import increasing_times, over_time


def first_passage(
    ds: xr.Dataset, level: float, direction: str = "up", *, variable: str = "V"
) -> xr.Dataset:
    r"""First-passage time, :math:`\inf \{t : V(t) \ge \mathrm{level}\}` for direction "up".

    Interpolated linearly between samples. A record that starts beyond the level has passed at its
    start. Between samples a noisy path may pass and return unseen, so that times come out late by
    the time it takes to move by about :math:`0.58\, \sigma \sqrt{\Delta t}`.

    Parameters
    ----------
    ds : Dataset with `variable` over time
    level : float
        In the units of the variable (mV for V).
    direction : {"up", "down"}
        Whether the level is to be reached from below or from above.
    variable : str

    Returns
    -------
    Dataset
        first_passage (ms, on the clock of `ds.time`), dims (trial, neuron); NaN if the level is not
        reached. Lazy if the variable is.

    Raises
    ------
    ValueError
        If `direction` or `variable` is not known, or `level` is not finite.

    References
    ----------
    Shift of a barrier watched at discrete times: Broadie, Glasserman & Kou 1997, Math. Finance 7,
    325, doi:10.1111/1467-9965.00035.

    Examples
    --------
    >>> import hh_sde as hh
    >>> ds = hh.solve(hh.Network(2, stimulus=[0.0, 10.0]), 20.0)
    >>> first_passage(ds, 0.0).first_passage.values.round(2)
    array([ nan, 1.92])
    """
    if direction not in ("up", "down"):
        raise ValueError(f"direction must be 'up' or 'down', got {direction!r}")
    if not np.isfinite(level):
        raise ValueError(f"level must be finite, got {level!r}")
    V = over_time(ds, variable)
    increasing_times(ds)
    passage = xr.apply_ufunc(
        _first,
        V,
        ds["time"].drop_attrs(),
        kwargs={"level": float(level), "sign": 1.0 if direction == "up" else -1.0},
        input_core_dims=[["time"], ["time"]],
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[float],
    )
    way = {"up": "rises to", "down": "falls to"}[direction]
    text = f"time when {variable} first {way} {level:g} {V.attrs.get('units', '')}"
    passage = passage.assign_attrs(
        labels("ms", text.strip()), nan_means="the level is not reached, or a value is nan"
    )
    return xr.Dataset({"first_passage": passage}, attrs=ds.attrs)


def _first(V: np.ndarray, times: np.ndarray, level: float, sign: float) -> np.ndarray:
    """First passage along the last axis."""
    beyond = sign * (V - level) >= 0
    after = beyond.argmax(axis=-1)
    before = np.maximum(after - 1, 0)
    V_after, V_before = (
        np.take_along_axis(V, k[..., None], axis=-1)[..., 0] for k in (after, before)
    )
    change = V_after - V_before  # 0 only where it starts beyond the level
    fraction = (level - V_before) / np.where(after > 0, change, 1.0)
    passage = times[before] + np.where(after > 0, fraction, 0.0) * (times[after] - times[before])
    return np.where(beyond.any(axis=-1) & ~np.isnan(V).any(axis=-1), passage, np.nan)

"""`ds.hh`: the measures and pictures of this library on any Dataset that it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from hh_sde import dataset, measures

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@xr.register_dataset_accessor("hh")
class HHAccessor:
    """Sugar over `hh_sde.measures`, `hh_sde.dataset` and `hh_sde.plot`."""

    def __init__(self, ds: xr.Dataset) -> None:
        self._ds = ds

    def spikes(self, rule: measures.SpikeRule | None = None) -> xr.Dataset:
        """Spike times: see `hh_sde.measures.spikes`."""
        return measures.spikes(self._ds, rule)

    def rates(self, rule: measures.SpikeRule | None = None) -> xr.Dataset:
        """Firing rates: see `hh_sde.measures.rates`."""
        return measures.rates(self._ds, rule)

    def intervals(self, rule: measures.SpikeRule | None = None) -> xr.Dataset:
        """Inter-spike intervals: see `hh_sde.measures.intervals`."""
        return measures.intervals(self._ds, rule)

    @property
    def gates(self) -> xr.DataArray:
        """All gates in one array: see `hh_sde.measures.gates`."""
        return measures.gates(self._ds)

    def validate(self) -> xr.Dataset:
        """Check the schema: see `hh_sde.dataset.validate`."""
        return dataset.validate(self._ds)

    def plot(self, **options: Any) -> Figure:
        """Voltages, gates and raster in one figure: see `hh_sde.plot.overview`."""
        from hh_sde import plot  # matplotlib is loaded when a picture is asked for

        return plot.overview(self._ds, **options)

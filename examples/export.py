"""Export to other programs: netCDF with all labels, tables of spikes and traces, a Matlab file.

    python examples/export.py [--quick]

Writes export.nc, export_spikes.csv, export_V.csv, export.mat, and export.png of the data read back.
"""

import sys

import pandas as pd
import xarray as xr
from scipy.io import savemat

import hh_sde as hh

net = hh.Network(2, stimulus=10.0, noise=hh.CurrentNoise(1.0))
t_end = 50.0 if "--quick" in sys.argv else 200.0
ds = hh.solve(net, t_end, rng=1, trials=3, save_dt=0.1)

ds.to_netcdf("export.nc")  # everything: the network, the method and the seed too
ds.hh.spikes().to_dataframe().to_csv("export_spikes.csv")  # a row for each spike
ds.V.sel(trial=0).to_pandas().to_csv("export_V.csv")  # a column for each neuron
savemat("export.mat", {"time": ds.time.values, "V": ds.V.values})  # (trial, time, neuron)

again = xr.load_dataset("export.nc")
print(pd.read_csv("export_spikes.csv").head())
print("the same network:", hh.Network.from_dataset(again) == net)
again.hh.plot(trial=1).savefig("export.png", dpi=150)

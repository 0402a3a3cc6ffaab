"""A user-defined channel: a slow potassium current (M-type) makes the classic cell adapt.

    python examples/own_channel.py [--quick]

Writes own_channel.png. The channel: a gate with the steady state and time constant of Yamada, Koch
& Adams (1989), in Methods in Neuronal Modeling, MIT Press.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import hh_sde as hh

classic = hh.CELLS["hodgkin_huxley"]
slow = hh.Gate(
    "w",
    power=1,
    x_inf=hh.Sigmoid(rate=1.0, mid=-35.0, scale=10.0),
    tau=hh.Tabulated.sample(
        lambda V: 1000.0 / (3.3 * np.exp((V + 35.0) / 20.0) + np.exp(-(V + 35.0) / 20.0))
    ),
)
adapting = classic.replace(channels=(*classic.channels, hh.Channel("M", 0.4, -77.0, gates=(slow,))))

t_end = 100.0 if "--quick" in sys.argv else 600.0
fig, axes = plt.subplots(2, sharex=True, figsize=(8, 4.5), layout="constrained")
for ax, cell, name in zip(axes, (classic, adapting), ("classic", "with M channel"), strict=True):
    ds = hh.solve(hh.Network(1, cell=cell, stimulus=15.0), t_end, dt=0.02, method="strang")
    lengths = ds.hh.intervals().interval_length.values
    print(f"{name}: first intervals {lengths[:3].round(2)} ms, last {lengths[-1]:.2f} ms")
    hh.plot.traces(ds, ax=ax)
    ax.set_title(name, loc="left", fontsize="small")
    ax.label_outer()
fig.savefig("own_channel.png", dpi=150)

"""Two conductances fitted by gradient: mean potential over noisy trials, and its derivatives.

    python examples/fit_conductances.py [--quick] [--out .]

The data are means of V over 4,000 trials of a cell with other g_Na and g_K. Gauss-Newton steps with
pathwise derivatives (`hh_sde.sensitivity`) start from the classic values.

Writes fit_conductances.png.
"""

import argparse
from pathlib import Path

import numpy as np

import hh_sde as hh

T_END, SAVE = 8.0, 0.25  # ms
NAMES = ["cell.g_Na", "cell.g_K"]
TRUTH = {"g_Na": 112.0, "g_K": 33.0}  # mS/cm^2
NET = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
RECORD = {"record": ("V",), "save_dt": SAVE, "progress": False}


def potential(ds):
    """V of the neuron over time."""
    return ds.V.isel(neuron=0, drop=True)


def with_conductances(values):
    """The network with these."""
    return NET.replace(cell=NET.cell.replace(**dict(zip(TRUTH, values, strict=True))))


def fitted(data, trials, steps):
    """Values after each Gauss-Newton step, and the root mean square of what is left."""
    values, found = np.array([NET.cell.parameters[name] for name in TRUTH]), []
    for _ in range(steps + 1):
        ds = hh.sensitivity(
            with_conductances(values), NAMES, potential, T_END, by="along the path",
            trials=trials, rng=0, record=("V",), save_dt=SAVE,
        )  # fmt: skip
        left = (ds["mean"] - data).values
        found.append((*values, float(np.sqrt((left**2).mean())), ds["mean"]))
        change = np.linalg.lstsq(ds.derivative.values.T, -left, rcond=None)[0]
        values = values + np.clip(change, -0.15 * values, 0.15 * values)
    return found


def draw(data, found, path):
    """The means, first and last, beside the data; and the conductances step by step."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, (trace, steps) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    trace.plot(data.time, data, "k.", ms=4, label="data")
    trace.plot(data.time, found[0][3], color="#E69F00", label="at the beginning")
    trace.plot(data.time, found[-1][3], color="#0072B2", label="fitted")
    trace.set(xlabel="time (ms)", ylabel="mean of V (mV)")
    trace.legend(frameon=False, fontsize="small")
    for k, (name, colour) in enumerate(zip(TRUTH, ("#D55E00", "#009E73"), strict=True)):
        steps.plot([one[k] / TRUTH[name] for one in found], "o-", color=colour, label=name)
    steps.axhline(1.0, color="#999999", lw=0.8)
    steps.set(xlabel="Gauss-Newton step", ylabel="value / true value")
    steps.set_xticks(range(len(found)))
    steps.legend(frameon=False, fontsize="small")
    for ax in (trace, steps):
        ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(path, dpi=150)


def main():
    """Make data, fit, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=Path())
    options = parser.parse_args()
    many, steps = (200, 1) if options.quick else (4000, 4)
    made = hh.solve(with_conductances(TRUTH.values()), T_END, trials=many, rng=100, **RECORD)
    data = potential(made).mean("trial")
    found = fitted(data, many // 2, steps)
    for step, (g_Na, g_K, left, _) in enumerate(found):
        print(f"step {step}: g_Na {g_Na:.2f}, g_K {g_K:.2f} mS/cm^2, {left:.3f} mV left")
    draw(data, found, options.out / "fit_conductances.png")


if __name__ == "__main__":
    main()

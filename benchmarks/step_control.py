"""What step control costs and gains on the question's pair: docs/step_control.md.

    python benchmarks/step_control.py [--trials 40] [--sigma 2] [--out docs]

Two classic cells that excite each other, I = 10 uA/cm^2, white current noise. All runs are on the
paths of the same trials: those with error control halve steps of 0.125 ms, uniform ones are steps
of the same fine path, and the reference is sra1 on it. Work is counted in values of f for each ms,
of steps that were given up too: a property of the method, not of the machine.
"""

import argparse
from pathlib import Path

import numpy as np

import hh_sde as hh

LONGEST = 0.125  # ms, between states among which spikes are found
FINE = LONGEST / 2**7
WINDOW, T_END = 10.0, 150.0  # of errors along the path, and of intervals, ms
TOLERANCES = (1e-2, 1e-3, 1e-4)
UNIFORM = {"heun": (3, 4, 5), "sra1": (3, 4, 5)}  # halvings of the longest step


def pair(sigma):
    synapses = hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]])
    return hh.Network(2, stimulus=10.0, synapses=synapses, noise=hh.CurrentNoise(sigma))


def solved(net, path, method, dt, t_end, trials, **options):
    """The run on the path's points that are dt apart."""
    coarse = path.coarsen(round(dt / FINE))
    return hh.solve(
        net, t_end, dt=dt, method=method, path=coarse, trials=trials, save_dt=LONGEST,
        record=("V", "spikes"), progress=False, **options,
    )  # fmt: skip


def evaluations(ds, dt, trials):
    """Values of f for each ms of a trial: two of a step; with error control see `HalvedSteps`."""
    if "steps_accepted" not in ds.attrs:
        return 2.0 / dt
    accepted, rejected = (ds.attrs[f"steps_{name}"] for name in ("accepted", "rejected"))
    return 2.0 / dt + (1.5 * accepted + 5.0 * rejected) / (trials * T_END)


def mean_intervals(ds):
    """Of each trial, ms."""
    intervals = ds.hh.intervals()
    return intervals.interval_length.groupby(intervals.trial).mean().values


def row(net, path, reference, method, dt, trials, **tolerances):
    """Steps and values of f per ms; the error of V along the path; that of the mean interval."""
    ds = solved(net, path, method, dt, T_END, trials, **tolerances)
    V, exact = (one.V.sel(time=slice(0.0, WINDOW)).values for one in (ds, reference))
    each = mean_intervals(ds) / mean_intervals(reference).mean()
    each = 100.0 * (each - mean_intervals(reference) / mean_intervals(reference).mean())
    accepted = ds.attrs.get("steps_accepted", trials * T_END / dt)
    return (
        f"`{method}`",
        f"{tolerances['rtol']:g}" if tolerances else f"{dt:g} ms",
        f"{accepted / (trials * T_END):.0f}",
        f"{evaluations(ds, dt, trials):.0f}",
        f"{np.sqrt(((V - exact) ** 2).mean()):.3g}",
        f"{each.mean():+.3f} ± {each.std(ddof=1) / np.sqrt(trials):.3f}",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--sigma", type=float, default=2.0)
    parser.add_argument("--out", type=Path, help="folder for step_control.md; without it, print")
    options = parser.parse_args()
    net, trials = pair(options.sigma), options.trials
    path = net.sde().path(1, FINE)
    reference = solved(net, path, "sra1", FINE, T_END, trials)
    lines = [
        ("method", "rtol, atol or dt", "steps / ms", "values of f / ms", "error of V, mV",
         "error of the mean interval, %"),
        ("---",) * 6,
    ]  # fmt: skip
    for method in ("adaptive_heun", "adaptive_sra1"):
        for tolerance in TOLERANCES:
            both = {"rtol": tolerance, "atol": tolerance}
            lines.append(row(net, path, reference, method, LONGEST, trials, **both))
    for method, halvings in UNIFORM.items():
        for k in halvings:
            lines.append(row(net, path, reference, method, LONGEST / 2**k, trials))
    text = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    if options.out is None:
        print(text)
    else:
        (options.out / "step_control.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

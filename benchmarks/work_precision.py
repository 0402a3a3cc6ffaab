"""Work and precision of the engine's methods: what a given error costs.

    python benchmarks/work_precision.py [--two-neurons] [--quick] [--trials 1500] [--out results]

The classic cell, I = 10 uA/cm^2, white current noise of sigma = 2; with --two-neurons the
question's. Two kinds of error, both against sra1 on the finest grid, all methods and steps on
one Brownian path that is coarsened: the mean interval between spikes and the rate, and the
potential along the path up to 10 ms, before phases part. The cost is measured in the same run, one
thread, on an ensemble of its own with random numbers included; methods and steps take their turn in
every round. Writes work_precision_KIND.json, .md and .png for this kind of processor.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import processor

import hh_sde as hh

METHODS = {  # Okabe-Ito colours
    "euler_maruyama": ("#D55E00", "o"),
    "heun": ("#E69F00", "s"),
    "sra1": ("#0072B2", "^"),
    "exponential_euler": ("#CC79A7", "D"),
    "lie_trotter": ("#009E73", "v"),
    "strang": ("#000000", "x"),
}
STEPS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2]  # ms
FINER = [0.00125, 0.0025]  # for the path alone, where the first order needs them
FINE = 0.0025  # grid of the reference's statistics, ms
FINEST = 0.0003125  # grid of the reference's path, ms
WINDOW, SAMPLES = 10.0, 0.2  # the path is compared up to 10 ms, every 0.2 ms
SETTLED = 10.0  # intervals that begin before, in the first of which is the start, are left out, ms
TOLERANCES = [0.01, 0.03]  # of the mean interval
LEVELS = [1.0, 0.1, 0.01]  # mV along the path


def network(coupled: bool) -> hh.Network:
    synapses = hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]) if coupled else ()
    return hh.Network(
        1 + coupled, stimulus=10.0, synapses=synapses, noise=hh.CurrentNoise(sigma=2.0)
    )


def solved(net, path, dt, method, t_end, **options):
    """The run on the path's points that are dt apart; None if it diverges."""
    coarse = path.coarsen(round(dt / path.dt))
    options |= {"threads": 2} if hh.METHODS[method].compiled else {}
    try:
        return hh.solve(net, t_end, dt=dt, method=method, path=coarse, progress=False, **options)
    except hh.DivergenceError:
        return None


class Statistics:
    """Mean interval and rate, compared with the reference trial by trial."""

    def __init__(self, net: hh.Network, trials: int, t_end: float) -> None:
        self.net, self.trials, self.t_end = net, trials, t_end
        self.path = net.sde().path(1, dt=FINE)
        resampled = np.random.default_rng(2).multinomial(trials, [1 / trials] * trials, size=400)
        self.weights = np.vstack([np.ones(trials), resampled])  # the sample, then the bootstrap's
        self.reference = self.means(FINE, "sra1")

    def means(self, dt: float, method: str) -> dict | None:
        """Mean interval (ms) and rate (Hz) of the sample and of every bootstrap resample."""
        ds = solved(
            self.net, self.path, dt, method, self.t_end, trials=self.trials, record=("spikes",)
        )
        if ds is None:
            return None
        intervals = ds.hh.intervals()
        later = intervals.interval_start.values > SETTLED
        length = intervals.interval_length.values[later]
        trial = intervals.trial.values[later]
        total = self.weights @ np.bincount(trial, length, minlength=self.trials)
        number = self.weights @ np.bincount(trial, minlength=self.trials)
        rate = self.weights @ ds.hh.rates().rate.mean("neuron").values / self.trials
        return {"interval": total / number, "rate": rate}

    def errors(self, dt: float, method: str) -> dict | None:
        """Relative errors and their standard errors."""
        means = self.means(dt, method)
        if means is None:
            return None
        errors = {}
        for name, values in means.items():
            relative = values / self.reference[name] - 1.0
            errors[name] = float(relative[0])
            errors[f"{name}_se"] = float(relative[1:].std())
        return errors


class Along:
    """The root mean square of V - V_ref along the path, averaged over trials."""

    def __init__(self, net: hh.Network, trials: int) -> None:
        self.net, self.trials = net, trials
        self.path = net.sde().path(3, dt=FINEST)
        self.reference = self.potentials(FINEST, "sra1")

    def potentials(self, dt: float, method: str) -> np.ndarray | None:
        ds = solved(
            self.net,
            self.path,
            dt,
            method,
            WINDOW,
            trials=self.trials,
            record=("V",),
            save_dt=SAMPLES,
        )
        return None if ds is None else ds.V.values

    def errors(self, dt: float, method: str) -> dict | None:
        V = self.potentials(dt, method)
        if V is None:
            return None
        each = np.sqrt(((V - self.reference) ** 2).mean(axis=(1, 2)))
        return {"path": float(each.mean()), "path_se": float(each.std() / np.sqrt(len(each)))}


def costs(net: hh.Network, cases: list, steps: int, repeats: int) -> dict:
    """Nanoseconds per neuron and ms of its time; an ensemble of 1,000 lanes."""
    trials = 1000 // net.n_neurons
    laps = np.empty((repeats + 1, len(cases)))
    for laps_of_round in laps:
        for i, (method, dt) in enumerate(cases):
            start = time.perf_counter()
            hh.solve(
                net,
                steps * dt,
                dt=dt,
                method=method,
                rng=1,
                trials=trials,
                record=("spikes",),
                progress=False,
            )
            seconds = time.perf_counter() - start
            laps_of_round[i] = 1e9 * seconds / (steps * trials * net.n_neurons)
    laps = laps[1:]  # the first round compiles
    # against its own round first, so that a round on a busy machine shifts no case against another
    pace = np.median(laps, axis=1, keepdims=True)
    per_step = np.median(laps / pace, axis=0) * np.median(pace)
    return {case: ns / case[1] for case, ns in zip(cases, per_step.tolist(), strict=True)}


def measure(net: hh.Network, trials: int, t_end: float, steps: int, repeats: int) -> dict:
    """A row for each method and step, with None where it diverged."""
    along, ensemble = Along(net, trials), Statistics(net, trials, t_end)
    rows = []
    for method in METHODS:
        for dt in FINER + STEPS:
            path = along.errors(dt, method)
            means = ensemble.errors(dt, method) if path and dt in STEPS else None
            diverged = path is None or (dt in STEPS and means is None)
            row = {"method": method, "dt": dt, "diverged": diverged}
            rows.append(row if diverged else row | path | (means or {}))
    cases = [(row["method"], row["dt"]) for row in rows if not row["diverged"]]
    cost = costs(net, cases, steps, repeats)
    for row in rows:
        if not row["diverged"]:
            row["cost"] = cost[row["method"], row["dt"]]
    interval = ensemble.reference["interval"]
    return {
        "rows": rows,
        "trials": trials,
        "t_end": t_end,
        "reference": {
            "interval": float(interval[0]),
            "interval_se": float(interval[1:].std()),
            "rate": float(ensemble.reference["rate"][0]),
        },
    }


def cost_at(rows: list[dict], level: float) -> tuple[float, bool] | None:
    """Cost at this error along the path, log-log between steps, and whether it is extrapolated."""
    error = np.array([row["path"] for row in rows])
    cost = np.array([row["cost"] for row in rows])
    order = np.argsort(error)
    x, y = np.log(error[order]), np.log(cost[order])
    if np.log(level) > x[-1]:  # no coarser step is stable
        return None
    if np.log(level) < x[0]:  # the cost goes with 1/dt, the error with a power of dt
        dt = np.log([rows[i]["dt"] for i in order[:2]])
        slope = -(dt[1] - dt[0]) / (x[1] - x[0])
        return float(np.exp(y[0] + slope * (np.log(level) - x[0]))), True
    return float(np.exp(np.interp(np.log(level), x, y))), False


def findings(result: dict) -> dict:
    """The cheapest for each tolerance of the mean interval, and for each error along the path."""
    rows = [row for row in result["rows"] if not row["diverged"]]
    timed = [row for row in rows if "interval" in row]
    euler = max((r for r in timed if r["method"] == "euler_maruyama"), key=lambda r: r["dt"])
    cheapest = {}
    for tolerance in TOLERANCES:
        # two standard errors on the safe side
        good = [r for r in timed if abs(r["interval"]) + 2 * r["interval_se"] <= tolerance]
        cheapest[tolerance] = [
            {**best, "relative": best["cost"] / euler["cost"]}
            for method in METHODS
            if (
                best := min(
                    (r for r in good if r["method"] == method), key=lambda r: r["cost"], default={}
                )
            )
        ]
        cheapest[tolerance].sort(key=lambda row: row["cost"])
    along = {
        level: {
            method: cost
            for method in METHODS
            if (cost := cost_at([row for row in rows if row["method"] == method], level))
        }
        for level in LEVELS
    }
    return {"euler": euler, "cheapest": cheapest, "along": along}


def sentences(found: dict) -> list[str]:
    """What the table says, in words."""
    euler = found["euler"]
    lines = [
        f"The largest step of Euler-Maruyama here that is stable is {euler['dt']:g} ms: "
        f"{euler['cost']:.0f} ns per ms and neuron, mean interval {euler['interval']:+.2%}."
    ]
    for tolerance, ranking in found["cheapest"].items():
        listed = "; ".join(
            f"{row['method']} at {row['dt']:g} ms ({row['interval']:+.2%}, "
            f"{row['relative']:.2f} of that cost)"
            for row in ranking
        )
        lines.append(f"For {tolerance:.0%} in the mean interval, cheapest first: {listed}.")
    for level, costs in found["along"].items():
        ranking = sorted(costs.items(), key=lambda item: item[1][0])
        least = ranking[0][1][0]
        listed = "; ".join(
            f"{method} {cost:.0f} ns ({cost / least:.1f}{', extrapolated' if beyond else ''})"
            for method, (cost, beyond) in ranking
        )
        lines.append(f"For {level:g} mV along the path, ns per ms and neuron: {listed}.")
    return lines


def markdown(result: dict) -> str:
    """The table, a row for each method and step, and the sentences."""
    reference = result["reference"]
    lines = [
        "| method | dt (ms) | cost (ns per ms and neuron) | mean interval | rate | V (mV) |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        if row["diverged"]:
            continue
        cells = [f"{row['method']} | {row['dt']:g} | {row['cost']:.0f}"]
        for name in ("interval", "rate"):
            cells.append(f"{row[name]:+.2%} ± {row[f'{name}_se']:.2%}" if name in row else "-")
        cells.append(f"{row['path']:.2g} ± {row['path_se']:.1g}")
        lines.append("| " + " | ".join(cells) + " |")
    unstable: dict[str, list[str]] = {}
    for row in result["rows"]:
        if row["diverged"]:
            unstable.setdefault(row["method"], []).append(f"{row['dt']:g}")
    lines.append("")
    if unstable:
        listed = "; ".join(f"{method} at {', '.join(dts)}" for method, dts in unstable.items())
        lines.append(f"Left out, because they diverged: {listed} ms.\n")
    lines.append(
        f"{result['trials']} trials of {result['t_end']:g} ms; the reference's mean interval is "
        f"{reference['interval']:.3f} ± {reference['interval_se']:.3f} ms, its rate "
        f"{reference['rate']:.2f} Hz. ± is one standard error (of differences on the same path; "
        "bootstrap over trials).\n"
    )
    lines += [f"- {sentence}" for sentence in sentences(findings(result))]
    return "\n".join(lines) + "\n"


def plot(result: dict, path: Path) -> None:
    """Error over cost, for the mean interval and along the path."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
    panels = (
        ("interval", "relative error of the mean interval (%)", 100),
        ("path", "rms error of V up to 10 ms (mV)", 1),
    )
    for ax, (name, label, unit) in zip(axes, panels, strict=True):
        for method, (colour, marker) in METHODS.items():
            rows = [r for r in result["rows"] if r["method"] == method and name in r]
            cost = np.array([row["cost"] for row in rows])
            error = np.array([abs(row[name]) for row in rows]) * unit
            bar = np.array([row[f"{name}_se"] for row in rows]) * unit
            seen = error > 2 * bar
            ax.plot(cost[seen], error[seen], f"{marker}-", color=colour, label=method)
            ax.errorbar(cost[seen], error[seen], bar[seen], fmt="none", color=colour, lw=0.8)
            # what two standard errors cannot tell from 0 is at most this
            bound = (error + 2 * bar)[~seen]
            ax.plot(cost[~seen], bound, "_", color=colour, markersize=8)
            ax.plot(cost[~seen], 0.88 * bound, marker="$\\downarrow$", ls="", color=colour)
        ax.set(xscale="log", yscale="log", ylabel=label)
        ax.set_xlabel("cost (ns per ms of time and neuron)")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].axhspan(1, 3, color="0.92", zorder=0)
    axes[0].text(0.99, 1.05, "1 to 3 %", ha="right", transform=axes[0].get_yaxis_transform())
    axes[0].set_title("bar and arrow: at most this, not told from 0", fontsize=9, loc="left")
    axes[1].legend(frameon=False, fontsize=8)
    fig.savefig(path, dpi=150)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--two-neurons", action="store_true", help="the question's network")
    parser.add_argument("--quick", action="store_true", help="a small size, to see that it works")
    parser.add_argument("--trials", type=int, default=1500)
    parser.add_argument("--t-end", type=float, default=500.0, help="ms")
    parser.add_argument("--steps", type=int, default=2000, help="of each measurement of cost")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    size = (options.trials, options.t_end, options.steps, options.repeats)
    if options.quick:
        size = (40, 100.0, 200, 3)
    result = measure(network(options.two_neurons), *size)
    found = {**result, "findings": findings(result)}
    text = markdown(result)
    processor.write(options.out, "work_precision", found, text, lambda path: plot(result, path))


if __name__ == "__main__":
    main()

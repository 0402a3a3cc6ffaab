"""Which channel noise: models and methods beside the exact Markov chain of channels.

    python examples/channel_noise.py [--quick] [--parts published areas cost] [--out docs]

Writes channel_noise.png; unless quick, also channel_noise.json and the tables of
docs/channel_noise.md. Parts not named are taken from the channel_noise.json already there. The
whole takes about a quarter of an hour.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

import hh_sde as hh

CELL = hh.CELLS["hodgkin_huxley"].replace(E_L=-54.4)  # that of Pu & Thomas (2020)
PER_AREA = 60 + 18  # channels per um^2
RULE = hh.SpikeRule(threshold=-10.0, rearm=None)
BEGINNING = 150.0  # ms, dropped: ten intervals
TRIAL = 1000.0  # ms, kept
LENGTH = 84  # trials that make the published length
RESAMPLED = 300
CONDUCTANCE, SHIELDED = hh.ConductanceNoise, hh.ShieldedNoise
SUBUNIT, EFFECTIVE = hh.SubunitNoise, hh.EffectiveConductanceNoise

#: Label: model, its arguments, method, dt, published distance (ms).
PUBLISHED = {
    "conductance": (CONDUCTANCE, {}, "euler_maruyama", 0.008, None),
    "conductance, absolute": (
        CONDUCTANCE, {"bounds": "absolute"}, "euler_maruyama", 0.008, "0.0493; Fox & Lu 0.0474",
    ),
    "conductance, paired": (
        CONDUCTANCE, {"paired": True, "bounds": "absolute"}, "euler_maruyama", 0.008, "0.0452",
    ),
    "conductance, reflect": (CONDUCTANCE, {"bounds": "reflect"}, "euler_maruyama", 0.008, "0.218"),
    "shielded": (SHIELDED, {"bounds": "absolute"}, "euler_maruyama", 0.008, "0.0762"),
    "subunit": (SUBUNIT, {}, "euler_maruyama", 0.008, "0.801"),
    "effective": (EFFECTIVE, {}, "euler_maruyama", 0.008, None),
    "conductance, Euler, short step": (CONDUCTANCE, {}, "euler_maruyama", 0.002, None),
    "conductance, lie_trotter": (CONDUCTANCE, {}, "lie_trotter", 0.008, None),
    "conductance, lie_trotter, long step": (CONDUCTANCE, {}, "lie_trotter", 0.1, None),
    "conductance, strang": (CONDUCTANCE, {}, "strang", 0.008, None),
    "conductance, strang, long step": (CONDUCTANCE, {}, "strang", 0.1, None),
    "chain, tau_leap": (CONDUCTANCE, {}, "tau_leap", 0.008, None),
    "chain, tau_leap, long step": (CONDUCTANCE, {}, "tau_leap", 0.05, None),
}  # fmt: skip

AREAS = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0]  # um^2
CURRENTS = [0.0, 6.0, 10.0]  # uA/cm^2
OVER_AREA = {
    "conductance": (CONDUCTANCE, {}, "lie_trotter", 0.02),
    "conductance, reflect": (CONDUCTANCE, {"bounds": "reflect"}, "lie_trotter", 0.02),
    "tau_leap": (CONDUCTANCE, {}, "tau_leap", 0.02),
    "subunit": (SUBUNIT, {}, "lie_trotter", 0.02),
}

#: What is timed beside the rows of PUBLISHED; 512 lanes. White noise is the unit.
LANES = 512
TIMED = {
    "white current": (hh.CurrentNoise, {"sigma": 1.0}, "euler_maruyama", 0.008),
    "shielded, paired": (SHIELDED, {"paired": True}, "euler_maruyama", 0.008),
    "conductance at 0.02": (CONDUCTANCE, {}, "lie_trotter", 0.02),
    "tau_leap at 0.02": (CONDUCTANCE, {}, "tau_leap", 0.02),
}
SPENT = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]  # areas timed, um^2
COLOURS = {
    "gillespie": "#000000", "conductance": "#0072B2", "conductance, reflect": "#56B4E9",
    "tau_leap": "#009E73", "subunit": "#D55E00", "shielded": "#CC79A7", "effective": "#E69F00",
}  # fmt: skip


def noisy(model, arguments, area, current):
    """A neuron with this noise."""
    if "sigma" not in arguments:
        arguments = {**arguments, "area": area}
    return hh.Network(1, cell=CELL, stimulus=current, noise=model(**arguments))


def simulate(net, method, dt, trials, seed):
    """Intervals that begin after the beginning, the trial of each, and every trial's rate, Hz."""
    ds = hh.solve(
        net, BEGINNING + TRIAL, dt=dt, method=method, rng=seed, trials=trials,
        record=("spikes",), spike_rule=RULE, progress=False,
    )  # fmt: skip
    late = ds.spike_time.values > BEGINNING
    rate = np.bincount(ds.trial.values[late], minlength=trials) * 1e3 / TRIAL
    found = hh.measures.intervals(ds)
    late = found.interval_start.values > BEGINNING
    return found.interval_length.values[late], found.trial.values[late], rate


class Pair:
    """Two samples, and distances between them when trials count more than once or not at all."""

    def __init__(self, a, b):
        self.trials = len(a[2]), len(b[2])
        values = np.concatenate([a[0], b[0]])
        trial = np.concatenate([a[1], b[1] + len(a[2])])
        order = np.argsort(values, kind="stable")
        self.values, self.trial = values[order], trial[order]

    def distances(self, weight_a, weight_b):
        """L1-Wasserstein (ms), Kolmogorov-Smirnov, and the second mean over the first less 1."""
        a, b = weight_a[self.trial].astype(float), weight_b[self.trial].astype(float)
        if not a.sum() or not b.sum():
            return np.full(3, np.nan)
        a, b = a / a.sum(), b / b.sum()
        gap = np.abs(np.cumsum(a - b))
        mean = self.values @ a
        return np.array([gap[:-1] @ np.diff(self.values), gap.max(), self.values @ b / mean - 1])

    def own(self):
        """The weights of the two samples as they are."""
        first = np.arange(sum(self.trials)) < self.trials[0]
        return first, ~first

    def compared(self, seed=0):
        """Distances; bootstrap intervals over trials; what trials dealt out at random would give.

        A bootstrap adds to a distance what sampling adds; its interval is reflected about the
        distance to take that away.
        """
        rng = np.random.default_rng(seed)
        here = self.distances(*self.own())
        n_a, n_b = self.trials
        drawn, dealt = [], []
        for _ in range(RESAMPLED):
            a = rng.multinomial(n_a, np.full(n_a, 1 / n_a))
            b = rng.multinomial(n_b, np.full(n_b, 1 / n_b))
            drawn.append(self.distances(np.append(a, 0 * b), np.append(0 * a, b)))
            first = rng.permutation(n_a + n_b) < n_a
            dealt.append(self.distances(first, ~first))
        low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
        low, high = 2 * here - high, 2 * here - low
        low[:2], high[:2] = np.maximum(low[:2], 0.0), np.maximum(high[:2], 0.0)
        names = ("wasserstein", "ks", "mean")
        return {
            name: [float(here[k]), float(low[k]), float(high[k])] for k, name in enumerate(names)
        } | {
            "floor": [float(v) for v in np.nanpercentile(np.array(dealt)[:, 0], [50, 95])],
            "floor ks": [float(v) for v in np.nanpercentile(np.array(dealt)[:, 1], [50, 95])],
        }  # fmt: skip


def batches(sample):
    """A sample cut into pieces of the published length."""
    length, trial, rate = sample
    for first in range(0, len(rate) - LENGTH + 1, LENGTH):
        inside = (trial >= first) & (trial < first + LENGTH)
        yield length[inside], trial[inside] - first, rate[first : first + LENGTH]


def as_published(a, b):
    """Mean distance between samples of the published length, ms; of one with itself: its pieces."""
    return float(
        np.mean(
            [
                (pair := Pair(x, y)).distances(*pair.own())[0]
                for i, x in enumerate(batches(a))
                for j, y in enumerate(batches(b))
                if a is not b or i < j
            ]
        )
    )


def histogram(sample, edges):
    """Density of the intervals, 1/ms."""
    return (np.histogram(sample[0], edges)[0] / len(sample[0]) / np.diff(edges)).tolist()


def measure_published(pieces=3):
    """Every row of PUBLISHED against `pieces` times the published length of the exact chain."""
    trials = pieces * LENGTH
    edges = np.linspace(6, 24, 73)
    chain = simulate(noisy(CONDUCTANCE, {}, 100.0, 10.0), "gillespie", 1.0, trials, 1)
    result = {
        "mean": float(chain[0].mean()),
        "cv": float(chain[0].std() / chain[0].mean()),
        "intervals": len(chain[0]),
        "floor": as_published(chain, chain),
        "edges": edges.tolist(),
        "gillespie": histogram(chain, edges),
        "rows": {},
    }
    for seed, (label, (model, arguments, method, dt, _)) in enumerate(PUBLISHED.items(), 2):
        sample = simulate(noisy(model, arguments, 100.0, 10.0), method, dt, trials, seed)
        row = Pair(chain, sample).compared()
        row["published length"] = as_published(chain, sample)
        row["cv"] = float(sample[0].std() / sample[0].mean())
        row["density"] = histogram(sample, edges)
        result["rows"][label] = row
        print(label, row["published length"], row["wasserstein"], row["mean"], flush=True)
    return result


def interval_of_mean(values):
    """Mean and bootstrap interval over trials."""
    drawn = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
    return [float(values.mean()), *map(float, np.percentile(drawn, [2.5, 97.5]))]


def measure_areas(areas, currents, models, trials=32):
    """Distances to the chain, and rates, over area and current."""
    rows = []
    for current in currents:
        for k, area in enumerate(areas):
            seed = 100 * (1 + k) + int(current)
            net = noisy(CONDUCTANCE, {}, area, current)
            chain = simulate(net, "gillespie", 1.0, trials, seed)
            row = {"area": area, "current": current, "models": {}}
            row |= {"intervals": len(chain[0]), "rate": interval_of_mean(chain[2])}
            for shift, label in enumerate(models, 10):
                model, arguments, method, dt = OVER_AREA[label]
                net = noisy(model, arguments, area, current)
                try:
                    sample = simulate(net, method, dt, trials, seed + shift)
                except hh.DivergenceError:
                    row["models"][label] = None
                    continue
                found = {"rate": interval_of_mean(sample[2])}
                if min(len(chain[0]), len(sample[0])) >= 200:
                    found |= Pair(chain, sample).compared()
                    mean = chain[0].mean()
                    for name in ("wasserstein", "floor"):
                        found[name] = [value / mean for value in found[name]]
                row["models"][label] = found
            rows.append(row)
            print(area, current, {k: v and v.get("wasserstein") for k, v in row["models"].items()})
    return rows


def lap(net, method, dt, lanes, steps):
    """Seconds of so many steps, and transitions of the chain; what a call costs at any length
    is taken off.
    """

    def run(n):
        start = time.perf_counter()
        ds = hh.solve(
            net, n * dt, dt=dt, method=method, rng=1, trials=lanes,
            record=("spikes",), spike_rule=RULE, progress=False,
        )  # fmt: skip
        return time.perf_counter() - start, ds.attrs.get("transition_events", 0)

    (few, fired), (many, fired_too) = run(steps // 5), run(steps)
    return many - few, fired_too - fired, (steps - steps // 5) * dt


def measure_cost(rounds=5, areas=None, timed=True):
    """Nanoseconds per neuron and ms of everything, medians of rounds in which all take turns."""
    runs = {
        ("chain", area): (noisy(CONDUCTANCE, {}, area, 10.0), "gillespie", 1.0, 16)
        for area in areas or SPENT
    }
    rows = {**TIMED, **{k: v[:4] for k, v in PUBLISHED.items()}} if timed else {}
    for label, (model, arguments, method, dt) in rows.items():
        runs[label] = (noisy(model, arguments, 100.0, 10.0), method, dt, LANES)
    laps = {}
    for _ in range(rounds):
        for key, (net, method, dt, lanes) in runs.items():
            # few enough for a thousand spikes: a window with more is run once more
            steps = max(20, round(4000 / max(key[1], 7))) if method == "gillespie" else 600
            wall, fired, span = lap(net, method, dt, lanes, steps)
            each = 1e9 * wall / (lanes * span)
            per_event = 1e9 * wall / fired if fired else np.nan
            laps.setdefault(key, []).append((each, per_event, each * dt))
    median = {key: np.median(values, axis=0).tolist() for key, values in laps.items()}
    return {
        "chain": {f"{key[1]:g}": v for key, v in median.items() if key[0] == "chain"},
        "rows": {key: v for key, v in median.items() if key[0] != "chain"},
    }


def by_chance(result):
    """Median over the rows of what chance keeps a distance below, ms."""
    return float(np.median([row["floor"][1] for row in result["published"]["rows"].values()]))


def published_table(result):
    """Distances at the published conditions, and costs."""
    rows, cost = result["published"]["rows"], result["cost"]
    chain = cost["chain"]["100"][0]
    lines = [
        "| model | method, dt (ms) | 84 s against 84 s | published | 252 s against 252 s | "
        "by chance, below | KS | mean interval | CV | µs per ms | chain's cost over it |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        f"| the chain | `gillespie` | {result['published']['floor']:.3f} | about 0.04 | | "
        f"{by_chance(result):.3f} | | "
        f"{result['published']['mean']:.3f} ms | {result['published']['cv']:.3f} | "
        f"{chain / 1e3:.1f} | 1 |",
    ]
    for label, (model, arguments, method, dt, published) in PUBLISHED.items():
        row, spent = rows[label], cost["rows"][label][0]
        name = "the chain" if method == "tau_leap" else f"`{model.__name__}`"
        options = ", ".join(
            key if value is True else str(value) for key, value in arguments.items()
        )
        w, k, m = row["wasserstein"], row["ks"], [100 * v for v in row["mean"]]
        lines.append(
            f"| {name}{', ' + options if options else ''} | `{method}`, {dt:g} | "
            f"{row['published length']:.3f} | {published or ''} | {w[0]:.3f} ({w[1]:.3f} to "
            f"{w[2]:.3f}) | {row['floor'][1]:.3f} | {k[0]:.3f} | {m[0]:+.2f} % ({m[1]:+.2f} to "
            f"{m[2]:+.2f}) | {row['cv']:.3f} | {spent / 1e3:.2f} | {chain / spent:.0f} |"
        )
    return "\n".join(lines) + "\n"


def cells_of(values):
    """A row of a table."""
    return "| " + " | ".join(values) + " |"


def areas_table(result):
    """Relative distance by area, a table for each current, and the rates at rest."""
    labels = list(OVER_AREA)
    lines = []
    for current in dict.fromkeys(row["current"] for row in result["areas"]):
        here = [row for row in result["areas"] if row["current"] == current]
        lines += [
            f"I = {current:g} µA/cm²:\n",
            cells_of(["area, µm²", "channels", "intervals", "by chance, below", *labels]),
            cells_of(["---:"] * (4 + len(labels))),
        ]
        for row in here:
            models = [row["models"][label] for label in labels]
            floors = [f"{100 * m['floor'][1]:.1f}" for m in models if m and "floor" in m]
            start = [f"{row['area']:g}", f"{row['area'] * PER_AREA:,.0f}", f"{row['intervals']:,}"]
            lines.append(cells_of([*start, *(floors or ["-"])[:1], *map(apart, models)]))
        lines.append("")
    lines += [
        "Spontaneous firing at I = 0, Hz:\n",
        cells_of(["area, µm²", "channels", "the chain", *labels]),
        cells_of(["---:"] * (3 + len(labels))),
    ]
    for row in result["areas"]:
        if row["current"] == 0:
            found = [row, *(row["models"][label] for label in labels)]
            rates = [
                "{:.2f} ({:.2f} to {:.2f})".format(*m["rate"]) if m else "runs away" for m in found
            ]
            lines.append(cells_of([f"{row['area']:g}", f"{row['area'] * PER_AREA:,.0f}", *rates]))
    return "\n".join(lines) + "\n"


def apart(found):
    """The relative distance of a model, per cent."""
    if found is None:
        return "runs away"
    if "wasserstein" not in found:
        return "too few"
    values = [100 * value for value in found["wasserstein"]]
    return "{:.1f} ({:.1f} to {:.1f})".format(*values)


def cost_table(result):
    """Cost of a neuron's step relative to white noise on V, and of the chain over area."""
    rows = result["cost"]["rows"]
    unit = rows["white current"][2]
    chosen = {
        "`CurrentNoise`": "white current", "`SubunitNoise`": "subunit",
        "`EffectiveConductanceNoise`, 11 processes": "effective",
        "`ShieldedNoise`, 6 processes": "shielded",
        "`ShieldedNoise`, paired, 3 processes": "shielded, paired",
        "`ConductanceNoise`, 28 processes": "conductance",
        "`ConductanceNoise`, paired, 14 processes": "conductance, paired",
        "`ConductanceNoise`, `lie_trotter`": "conductance, lie_trotter",
        "`ConductanceNoise`, `strang`": "conductance, strang",
        "the chain, `tau_leap`": "chain, tau_leap",
    }  # fmt: skip
    lines = ["| one step of 0.008 ms | ns | relative |", "| --- | ---: | ---: |"]
    lines += [
        f"| {name} | {rows[key][2]:.1f} | {rows[key][2] / unit:.1f} |"
        for name, key in chosen.items()
    ]
    lines += ["", "| area, µm² | `gillespie`, µs per ms | ns per transition |"]
    lines += ["| ---: | ---: | ---: |"]
    for area, (each, per_event, _) in result["cost"]["chain"].items():
        lines.append(f"| {area} | {each / 1e3:.2f} | {per_event:.0f} |")
    lines.append("")
    for label, name in (
        ("conductance at 0.02", "`ConductanceNoise` with `lie_trotter`"),
        ("tau_leap at 0.02", "`tau_leap`"),
    ):
        spent = rows[label][0]
        lines.append(
            f"{name} at 0.02 ms takes {spent / 1e3:.2f} µs per ms at any area, as the chain "
            f"does at {crossing(result, spent):.2g} µm².\n"
        )
    return "\n".join(lines)


def crossing(result, spent):
    """Area where the chain costs so much, um^2; below the least one, in proportion."""
    chain = result["cost"]["chain"]
    area, cost = np.array([(float(k), v[0]) for k, v in chain.items()]).T
    if spent < cost[0]:
        return area[0] * spent / cost[0]
    return float(np.exp(np.interp(np.log(spent), np.log(cost), np.log(area))))


def series(ax, result, current, label, name, colour):
    """A model's quantity over area, with its interval."""
    rows = [row for row in result["areas"] if row["current"] == current]
    found = [(row["area"], (row["models"].get(label) or {}).get(name)) for row in rows]
    found = [(area, *value) for area, value in found if value]
    if found:
        area, middle, low, high = np.array(found).T
        sure = (low > 0) | (name == "rate")  # on a logarithmic axis 0 is far below
        ax.fill_between(area, low, high, where=sure, color=colour, alpha=0.2, linewidth=0)
        ax.plot(area, middle, "o-", color=colour, markersize=3.5)


def draw(result, path):
    """Intervals, distance and spontaneous rate over area, and cost over area."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(2, 2, figsize=(9, 6.6), layout="constrained")
    (density, distance), (rate, cost) = axes
    published = result.get("published")
    if published:
        edges = np.array(published["edges"])
        density.stairs(published["gillespie"], edges, color="0.8", fill=True, label="gillespie")
        for label in ("conductance", "shielded", "effective", "subunit"):
            values = published["rows"][label]["density"]
            middle = 0.5 * (edges[1:] + edges[:-1])
            density.plot(middle, values, color=COLOURS[label], label=label, linewidth=1.3)
        density.legend(frameon=False, fontsize="small")
    density.set(xlabel="interval (ms)", ylabel="density (1/ms)", xlim=(10, 24))
    density.set_title("100 µm², I = 10 µA/cm²", fontsize="medium")

    current = 10.0
    rows = [row for row in result["areas"] if row["current"] == current]
    floors = [(row["area"], row["models"]["conductance"]) for row in rows]
    floors = [(area, *found["floor"]) for area, found in floors if found and "floor" in found]
    if floors:
        area, _, high = np.array(floors).T
        distance.fill_between(area, 1e-4, high, color="0.88", linewidth=0, label="by chance")
    for label in rows[0]["models"] if rows else ():
        distance.plot([], [], "o-", color=COLOURS[label], markersize=3.5, label=label)
        series(distance, result, current, label, "wasserstein", COLOURS[label])
    distance.set(xscale="log", yscale="log", ylim=(1e-3, 1), xlabel="area (µm²)")
    distance.set_ylabel("distance / mean interval")
    distance.set_title("Wasserstein distance to the chain, I = 10", fontsize="medium")
    distance.legend(frameon=False, fontsize="small", ncols=2)

    rest = [row for row in result["areas"] if row["current"] == 0.0]
    if rest:
        area = [row["area"] for row in rest]
        middle, low, high = np.array([row["rate"] for row in rest]).T
        rate.fill_between(area, low, high, color="0.7", alpha=0.5, linewidth=0)
        rate.plot(area, middle, "s-", color=COLOURS["gillespie"], label="gillespie")
        for label in rest[0]["models"]:
            if label != "tau_leap":
                rate.plot([], [], "o-", color=COLOURS[label], markersize=3.5, label=label)
                series(rate, result, 0.0, label, "rate", COLOURS[label])
    rate.set(xscale="log", xlabel="area (µm²)", ylabel="firing rate (Hz)", ylim=(0, None))
    rate.set_title("spontaneous firing, I = 0", fontsize="medium")
    rate.legend(frameon=False, fontsize="small")

    chain = result["cost"]["chain"]
    area = np.array([float(key) for key in chain])
    spent = [value[0] / 1e3 for value in chain.values()]
    cost.plot(area, spent, "s-", color=COLOURS["gillespie"], label="gillespie")
    for key, label, name in (
        ("tau_leap at 0.02", "tau_leap", "tau_leap, 0.02 ms"),
        ("conductance at 0.02", "conductance", "conductance, lie_trotter, 0.02 ms"),
    ):
        if key in result["cost"]["rows"]:
            level = result["cost"]["rows"][key][0] / 1e3
            cost.axhline(level, color=COLOURS[label], label=name, linewidth=1.3)
    cost.set(xscale="log", yscale="log", xlabel="area (µm²)", ylabel="µs per neuron and ms")
    cost.set_title("cost", fontsize="medium")
    cost.legend(frameon=False, fontsize="small")
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.flat[1:]:
        ticks = [1, 10, 100]
        ax.set_xticks(ticks, [f"{tick}" for tick in ticks])
    fig.savefig(path, dpi=150)


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parts = ("published", "areas", "cost")
    parser.add_argument("--parts", nargs="*", choices=parts, default=parts)
    parser.add_argument("--out", type=Path, default=Path())
    options = parser.parse_args()
    if options.quick:
        models = ["conductance", "subunit"]
        result = {
            "areas": measure_areas([2.0, 10.0], [0.0, 10.0], models, trials=4),
            "cost": measure_cost(1, areas=[2.0, 10.0], timed=False),
        }
        draw(result, options.out / "channel_noise.png")
        return
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "channel_noise.json"
    result = json.loads(kept.read_text()) if kept.exists() else {}
    measure = {
        "published": measure_published,
        "areas": lambda: measure_areas(AREAS, CURRENTS, list(OVER_AREA)),
        "cost": measure_cost,
    }
    for part in options.parts:
        result[part] = measure[part]()
        kept.write_text(json.dumps(result, indent=1))
    if set(result) < set(parts):
        return
    for name, table in (
        ("published", published_table), ("areas", areas_table), ("cost", cost_table),
    ):  # fmt: skip
        text = table(result)
        print(text)
        (options.out / f"channel_noise_{name}.md").write_text(text)
    draw(result, options.out / "channel_noise.png")


if __name__ == "__main__":
    main()

"""How often the intervals of studies cover the truth, and how often percentiles would.

    python benchmarks/coverage.py [--quick] [--out docs/coverage.md] [--pools FOLDER]

Draws 2,000 studies (of 3,000 trials 400) from pools of 20,000 trials of the engine, and gives their
trials to the library's own estimators. True are: the mean rate, the weak error and the slope over
the steps that a study fitted, of the whole pool; the coefficient of variation of long records. The
pools take ten minutes on two cores; --pools keeps them.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

import hh_sde as hh
from hh_sde.measures.isi import coefficient_of_variation, moments, variation
from hh_sde.studies import common, convergence, noise_levels, orders, weak
from hh_sde.studies.intervals import RESAMPLES, _resampled
from hh_sde.studies.observables import OBSERVABLES, Firing
from hh_sde.studies.subject import Subject

CONFIDENCE = 0.95
#: Single neurons: current (uA/cm^2), sigma of white noise, length of a trial (ms).
FIRING = [(6.0, 3.0, 500.0), (10.0, 2.0, 500.0), (5.0, 2.0, 2000.0), (6.0, 3.0, 100.0)]
LONG = 50_000.0  # ms, 400 trials
PAIR = hh.Network(
    2,
    stimulus=10.0,
    synapses=hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]),
    noise=hh.CurrentNoise(1.0),
)
STRONG_STEPS, STRONG_END = [0.00125, 0.0025, 0.005, 0.01, 0.02], 5.0
STRONG_METHODS = ["euler_maruyama", "lie_trotter"]
WEAK_STEPS, WEAK_END = [0.01, 0.025, 0.05, 0.1, 0.2], 100.0
WEAK_STEP = 0.1  # whose errors are asked about


def firing(current, sigma, t_end, trials, seed):
    """Spikes of each trial, and the intervals with the trial of each."""
    net = hh.Network(1, stimulus=current, noise=hh.CurrentNoise(sigma))
    count, length, trial = [], [], []
    for first in range(0, trials, 4000):
        here = list(range(first, min(first + 4000, trials)))
        ds = hh.solve(
            net, t_end, dt=0.05, method="strang", rng=seed, trials=here, record=("spikes",),
            progress=False,
        )  # fmt: skip
        found = ds.hh.intervals()
        count.append(ds.hh.rates()["count"].values[:, 0])
        length.append(found.interval_length.values)
        trial.append(found.trial.values)
    return {
        "count": np.concatenate(count),
        "length": np.concatenate(length),
        "trial": np.concatenate(trial),
    }


def ensembles(steps, finest, trials, chunk, seed):
    """Trials in parts that fit into memory, each with noise of its own."""
    for k in range(trials // chunk):
        yield common.Ensemble.of(Subject(PAIR), steps, finest, chunk, seed + k, 1)


def strong_errors(trials, seed=100):
    """Squared errors at STRONG_END, (methods, steps, trials)."""
    options = {"t_end": STRONG_END, "save_dt": STRONG_END, "record": ["V"]}
    parts = []
    for ensemble in ensembles(STRONG_STEPS, STRONG_STEPS[0] / 8, trials, min(trials, 5000), seed):
        exact = ensemble.reference("sra1", **options).V.values[:, -1]

        def squares(method, dt, ensemble=ensemble, exact=exact):
            V = ensemble.run(method, dt=dt, **options).V.values[:, -1]
            return ((V - exact) ** 2).mean(axis=-1)

        parts.append([[squares(method, dt) for dt in STRONG_STEPS] for method in STRONG_METHODS])
    return {"squares": np.concatenate(parts, axis=2)}


def weak_sums(trials, seed=1000):
    """The sums of `weak`, of the reference and of lie_trotter at WEAK_STEP, (sums, trials)."""
    exact, found = [], []
    for ensemble in ensembles(WEAK_STEPS, WEAK_STEPS[0] / 2, trials, min(trials, 400), seed):
        kept = common.end_and_spikes(WEAK_END)
        exact.append(Firing(WEAK_END).sums(ensemble.reference("sra1", WEAK_END, **kept)))
        ds = ensemble.run("lie_trotter", WEAK_END, WEAK_STEP, **kept)
        found.append(Firing(WEAK_END).sums(ds))
    return {"exact": np.concatenate(exact, axis=1), "found": np.concatenate(found, axis=1)}


def pool(folder, name, make):
    """What `make` returns, from the folder if it is there."""
    path = None if folder is None else folder / f"{name}.npz"
    if path is not None and path.exists():
        with np.load(path) as stored:
            return dict(stored)
    found = make()
    if path is not None:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, **found)
    print("pool", name, flush=True)
    return found


def percentiles(statistic, trials):
    """The interval that is not taken: percentiles over resamples of the trials."""
    rng = np.random.default_rng(0)
    _, values = _resampled(
        statistic, trials, RESAMPLES, lambda n, rows: rng.integers(0, n, (len(rows), n))
    )
    tail = (1 - CONFIDENCE) / 2
    values = np.where(np.isfinite(values).any(axis=0), values, 0.0)  # no value at all: not covered
    return np.nanquantile(values, [tail, 1 - tail], axis=0)


def row(what, where, trials, truth, ends, others):
    """A line of the table: per cent covered, missed below and above, and by percentiles.

    All of them of the studies that give an interval (nan: none), nan if none does.
    """
    low, high = np.array(ends, dtype=float).T
    old_low, old_high = np.array(others, dtype=float).T
    truth = np.broadcast_to(truth, low.shape)
    given = np.isfinite(low)
    inside, old = (low <= truth) & (truth <= high), (old_low <= truth) & (truth <= old_high)
    of_given = (inside, truth > high, truth < low, old, np.isinf(high))
    covered, above, below, other, unbounded = (per_cent(cases[given]) for cases in of_given)
    cells = [
        what, where, f"{trials}", f"{covered:.1f}", f"{above:.1f}", f"{below:.1f}", f"{other:.1f}",
        f"{per_cent(given):.0f}", f"{unbounded:.0f}",
    ]  # fmt: skip
    print("| " + " | ".join(cells) + " |", flush=True)
    return "| " + " | ".join(cells) + " |"


def per_cent(cases):
    return 100 * cases.mean() if cases.size else np.nan


def rates_and_variation(case, data, long_cv, trials, samples):
    """Rows of the mean rate and of the coefficient of variation."""
    current, sigma, t_end = case
    net = hh.Network(1, stimulus=current, noise=hh.CurrentNoise(sigma))
    where = f"I = {current:g}, sigma = {sigma:g}, {t_end:g} ms"
    order = np.argsort(data["trial"], kind="stable")
    length = data["length"][order]
    bounds = np.searchsorted(data["trial"][order], np.arange(len(data["count"]) + 1))
    rates, cvs = [], []
    for drawn in samples:
        counts = data["count"][drawn].astype(float)
        mean = partial(common.mean_of, counts)
        interval = common.rate_interval(net, counts, CONFIDENCE)
        rates.append((interval, percentiles(mean, trials)))
        parts = [length[bounds[k] : bounds[k + 1]] for k in drawn]
        of_trial = np.repeat(np.arange(trials), [len(part) for part in parts])
        lengths = np.concatenate(parts)
        found = xr.Dataset(
            {"interval_length": ("interval", lengths), "trial": ("interval", of_trial)}
        )
        origin = lengths.mean()
        rows = moments(lengths, origin)
        sums = np.array([np.bincount(of_trial, one, trials) for one in rows])

        def plain(r, sums=sums, origin=origin):
            return variation(sums[:, r].sum(axis=-1), origin)

        interval = noise_levels._irregularity(found, t_end, trials, CONFIDENCE)[1:]
        cvs.append((interval, percentiles(plain, trials)))
    yield row("mean rate", where, trials, data["count"].mean(), *zip(*rates, strict=True))
    yield row("CV", where, trials, long_cv, *zip(*cvs, strict=True))


def order_rows(squares, method, trials, samples):
    """A row of the order of convergence along the path."""
    dts = np.array(STRONG_STEPS)
    pooled = np.sqrt(squares.mean(axis=1))
    ends, others, truth = [], [], []

    def nothing(r):
        return np.zeros((len(r), 1))

    for drawn in samples:
        errors = partial(convergence._root_mean_square, squares[:, drawn])
        order, kept = orders.fitted_order(dts, errors, nothing, trials, CONFIDENCE)
        ends.append(order[1:])
        truth.append(orders.slope(np.log(dts), pooled, kept))

        def slopes(r, errors=errors, kept=kept):
            return orders.slope(np.log(dts), errors(r), kept[None])

        others.append(percentiles(slopes, trials))
    yield row("order", f"two neurons, `{method}`", trials, np.array(truth), ends, others)


def weak_rows(data, trials, samples):
    """Rows of the weak errors."""
    firing = Firing(WEAK_END)
    size = data["exact"].shape[1]
    of_all = weak.Estimate(firing, ((1.0, data["found"]),))
    whole = weak._differences(of_all, data["exact"], np.arange(size)[None])[0]
    ends, others = [], []
    for drawn in samples:
        found, exact = data["found"][:, drawn], data["exact"][:, drawn]
        estimate = weak.Estimate(firing, ((1.0, found),))
        ends.append(weak._interval(estimate, True, exact, CONFIDENCE))
        others.append(percentiles(partial(weak._differences, estimate, exact), trials))
    ends, others = np.array(ends), np.array(others)
    for o, name in enumerate(OBSERVABLES):
        yield row(
            f"weak error, {name}", f"two neurons, `lie_trotter`, {WEAK_STEP:g} ms", trials,
            whole[o], ends[:, :, o], others[:, :, o],
        )  # fmt: skip


def main():
    """Make the pools, draw the studies, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pools", type=Path)
    options = parser.parse_args()
    size, studies = (400, 40) if options.quick else (20_000, 2000)
    lines = [
        "| estimate | case | trials | coverage, % | truth above, % | truth below, % | "
        "coverage of percentiles, % | interval given, % | no upper end, % |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    rng = np.random.default_rng(1)

    def samples(trials, studies=studies):
        return rng.integers(0, size, (studies, trials))

    for seed, case in enumerate(FIRING, 1):
        current, sigma, _ = case
        name = "_".join(f"{number:g}" for number in case)
        data = pool(options.pools, f"firing_{name}", partial(firing, *case, size, seed))
        long = pool(
            options.pools, f"long_{current:g}_{sigma:g}",
            partial(firing, current, sigma, LONG, max(size // 50, 2), 11),
        )  # fmt: skip
        cv = coefficient_of_variation(long["length"])
        for trials in (5, 10, 20) if seed == 1 else (10,):
            lines += rates_and_variation(case, data, cv, trials, samples(trials))
    squares = pool(options.pools, "strong", partial(strong_errors, size))["squares"]
    for method, own in zip(STRONG_METHODS, squares, strict=True):
        for trials in (10, 100, 200):
            lines += order_rows(own, method, trials, samples(trials))
    data = pool(options.pools, "weak", partial(weak_sums, size))
    for trials, number in ((10, studies), (200, studies), (3000, studies // 5)):
        lines += weak_rows(data, trials, samples(trials, number))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Every method on every problem that it takes, declared beside measured order: docs/orders.md.

    python benchmarks/orders.py --out docs          # minutes: strong, and without noise
    python benchmarks/orders.py --out docs --weak   # also weak: longer

Methods of frameworks that are not installed are left out. It exits with 1 where a measured order is
below the declared one.
"""

import argparse
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import hh_sde as hh
from hh_sde.problems import PROBLEMS, SolvedProblem

HEADINGS = {
    "strong": "Strong order, of the error along the path",
    "without noise": "Order without noise",
    "weak": "Weak order, of a mean at the end",
}
#: Which methods have a table of their own.
OF = {
    "the engine": lambda method: method.compiled,
    "in NumPy": lambda method: method.library == "numpy" and not method.adaptive,
    "with error control, in the mean step": lambda method: method.adaptive,
    "sdeint": lambda method: method.library == "sdeint",
    "diffrax": lambda method: method.library == "diffrax",
    "torchsde": lambda method: method.library == "torchsde",
}
SCHEMES = {
    name: method
    for name, method in hh.METHODS.items()
    if method.noise_types
    and not method.own_noise  # no path to have an error along
    and importlib.util.find_spec(method.library) is not None
}


def outside(problem):
    """The same of functions alone, with which the engine can do nothing."""
    if isinstance(problem.model, hh.Network):
        return problem
    if isinstance(problem, SolvedProblem):
        return replace(problem, sde=replace(problem.sde, program=None))
    return replace(problem, make=lambda: replace(problem.make(), program=None))


#: States of few channels, whose noise is the root of their number: not smooth where that is 0,
#: and what that does to weak errors is reported without a claim.
GATE = hh.Gate("a", 2, alpha=hh.Sigmoid(1.0, -60.0, 5.0), beta=hh.Constant(0.7))
CHANNELS = hh.Cell(
    "channels",
    (hh.Channel("L", g=0.5, E=-60.0), hh.Channel("A", g=1.0, E=-80.0, gates=(GATE,))),
    V0=-61.0,
)
#: Numbers of channels; methods; steps, of the first of which the reference is, ms; end, ms.
FEW, ON_CHANNELS = (5, 500), ("euler_maruyama", "strang", "dri1")
CHANNEL_STEPS, CHANNEL_END, CHANNEL_TRIALS = (1 / 128, 1 / 8, 1 / 4, 1 / 2, 1.0), 4.0, 100_000
#: Orders below the declared ones at these steps: taming is the larger part of the error there.
BELOW = {("weak", "tamed_euler")}
#: Trials of weak orders, above the sampling noise; outside of the engine as many, and those
#: problems, as are solved in minutes.
MANY = {"trials": 10_000}
IN_MINUTES = {"trials": 1_000, "problems": ["additive", "cubic", "geometric"]}


def tables(kind, title):
    """What was measured of each method of a table, as Datasets."""
    for name, method in SCHEMES.items():
        if OF[title](method):
            yield hh.studies.measured_orders([name], kind=kind, **asked(kind, name))


def asked(kind, name):
    """Of which problems, by how many trials."""
    if kind != "weak":
        return {}
    if not hh.METHODS[name].compiled:
        return IN_MINUTES
    if hh.METHODS[name].weak:  # means over all values of the increments are taken outside
        return {"problems": {name: outside(one) for name, one in PROBLEMS.items()}, **MANY}
    if name == "sri2":  # iterated integrals of so many trials take hours
        few = [one for one in PROBLEMS if PROBLEMS[one].sde.noise_type != "general"]
        return {"problems": few, **MANY}
    return MANY


def channel_noise():
    """Weak errors on channel noise, of the mean square of the open state, as a table."""
    lines = [("channels", "method", *(f"{dt:g} ms" for dt in CHANNEL_STEPS[1:]))]
    lines.append(tuple("---" for _ in lines[0]))
    for number in FEW:
        net = hh.Network(1, cell=CHANNELS, noise=hh.ConductanceNoise(numbers={"A": number}))
        path = net.sde().path(1, CHANNEL_STEPS[0])

        def squares(method, dt, net=net, path=path):
            coarse = path.coarsen(round(dt / path.dt))
            ds = hh.solve(
                net, CHANNEL_END, dt=dt, method=method, record="a2", save_dt=CHANNEL_END,
                path=coarse.in_law() if hh.METHODS[method].weak else coarse, trials=CHANNEL_TRIALS,
            )  # fmt: skip
            return ds.a2.values[:, -1, 0] ** 2

        reference = squares("dri1", path.dt)
        for method in ON_CHANNELS:
            errors = [squares(method, dt) - reference for dt in CHANNEL_STEPS[1:]]
            cells = (f"{one.mean():.2e} ± {one.std() / np.sqrt(one.size):.0e}" for one in errors)
            lines.append((str(number), method, *cells))
    rows = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"### Weak errors on channel noise\n\n{rows}\n"


def cell(one):
    """Declared: measured (low, high) of a method on a problem; ! where it is below."""
    if not np.isfinite(one.order):
        return ""
    low, high = float(one.order_low), float(one.order_high)
    interval = f" ({low:.2f}, {high:.2f})" if low < high else ""
    below = "" if one.agrees else " **!**"
    return f"{float(one.declared_order):g}: {float(one.order):.2f}{interval}{below}"


def markdown(heading, found):
    """A table of methods over problems."""
    measured = [
        name
        for name in PROBLEMS
        if any(name in ds.problem and np.isfinite(ds.order.sel(problem=name)) for ds in found)
    ]
    lines = [("problem", *(str(ds.scheme.values[0]) for ds in found))]
    lines.append(tuple("---" for _ in lines[0]))
    for name in measured:
        cells = (
            cell(ds.isel(scheme=0).sel(problem=name)) if name in ds.problem else "" for ds in found
        )
        lines.append((f"`{name}`", *cells))
    rows = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"### {heading}\n\n{rows}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder for orders.md; without it, print")
    parser.add_argument("--weak", action="store_true")
    options = parser.parse_args()
    parts, below = [], 0
    for kind in ("strong", "without noise", *(["weak"] if options.weak else [])):
        for title in OF:
            found = [ds for ds in tables(kind, title) if np.isfinite(ds.order).any()]
            below += sum(
                int((np.isfinite(ds.order) & (ds.agrees == 0)).sum())
                for ds in found
                if (kind, ds.scheme.item()) not in BELOW
            )
            if found:
                parts.append(markdown(f"{HEADINGS[kind]}: {title}", found))
    if options.weak:
        parts.append(channel_noise())
    text = "\n".join(parts)
    if options.out is None:
        print(text)
    else:
        (options.out / "orders.md").write_text(text, encoding="utf-8")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())

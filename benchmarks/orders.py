"""Every method on every problem that it takes, declared beside measured order: docs/orders.md.

    python benchmarks/orders.py --out docs          # minutes: strong, and without noise
    python benchmarks/orders.py --out docs --weak   # also weak, for additive noise: longer

It exits with 1 where a measured order is below the declared one.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import hh_sde as hh
from hh_sde.problems import PROBLEMS

HEADINGS = {
    "strong": "Strong order, of the error along the path",
    "without noise": "Order without noise",
    "weak": "Weak order, of the mean at the end, for additive noise",
}
#: Which methods have a table of their own: the engine's take networks alone.
OF = {
    "the engine, on networks": lambda method: method.compiled,
    "in NumPy": lambda method: method.library == "numpy" and not method.adaptive,
    "with error control, in the mean step": lambda method: method.adaptive,
    "sdeint": lambda method: method.library == "sdeint",
}
STOCHASTIC = [name for name, method in hh.METHODS.items() if method.strong_order]
#: Trials of weak orders, above the sampling noise; of others than the engine as many, and those
#: problems, as they solve in minutes.
MANY = {"trials": 20_000}
FEW = {"trials": 1_000, "problems": ["additive", "ornstein_uhlenbeck"]}


def tables(kind):
    """What was measured of each method, as Datasets."""
    for name in STOCHASTIC:
        options = (MANY if hh.METHODS[name].compiled else FEW) if kind == "weak" else {}
        yield hh.studies.measured_orders([name], kind=kind, **options)


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
        cells = (cell(ds.isel(scheme=0).sel(problem=name)) for ds in found)
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
        found = list(tables(kind))
        below += sum(int((np.isfinite(ds.order) & (ds.agrees == 0)).sum()) for ds in found)
        for name, belongs in OF.items():
            own = [ds for ds in found if belongs(hh.METHODS[str(ds.scheme.values[0])])]
            if any(np.isfinite(ds.order).any() for ds in own):
                parts.append(markdown(f"{HEADINGS[kind]}: {name}", own))
    text = "\n".join(parts)
    if options.out is None:
        print(text)
    else:
        (options.out / "orders.md").write_text(text, encoding="utf-8")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())

"""The engine and other simulators: the same equations, step, duration and output, in one run.

    python benchmarks/peers.py [--only engine "JAX scan" ...] [--repeats 5] [--out results]

Each peer gets a virtual environment of its own, made under --environments and kept. Needs
matplotlib, gcc, and a package index for pip. All run on one thread unless said; figures are medians
over the repeats. Every round measures each peer in turn, so other load affects all alike. C and
Brian2 run with all of -ffast-math and without it, Brian2 also with its own default flags; the
others run with their defaults. Those in float32 are compared with the engine in float32. Writes
peers_KIND.json, .md and .png for this kind of processor.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import processor

HERE = Path(__file__).parent
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


class Peer(NamedTuple):
    """Its script, what pip installs for it, its environment variables, its share of the steps."""

    script: str
    packages: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    share: float = 1.0

    @property
    def dtype(self) -> str:
        return self.variables.get("DTYPE", "float64")


REPOSITORY = (str(HERE.parent),)
BRIAN2 = ("brian2", "numpy<2")
STANDALONE = {"BRIAN2_TARGET": "standalone"}
FAST_MATH, STRICT = {"BRIAN2_FAST_MATH": "full"}, {"BRIAN2_FAST_MATH": "none"}
FLOAT32 = {"DTYPE": "float32"}
O3 = "-O3 -fno-math-errno"  # a function that may set errno is not vectorised
PEERS = {
    "engine": Peer("engine.py", REPOSITORY),
    "engine, 2 threads": Peer("engine.py", REPOSITORY, {"THREADS": "2"}),
    "C, gcc -O3, libmvec": Peer("c_libmvec.py", (), {"C_FLAGS": O3}),
    "C, gcc -Ofast, libmvec": Peer("c_libmvec.py", (), {"C_FLAGS": "-Ofast"}),
    "C, gcc -Ofast, libmvec, no sincos": Peer(
        "c_libmvec.py", (), {"C_FLAGS": "-Ofast -DNO_SINCOS"}
    ),
    "Brian2 C++": Peer("brian2_.py", BRIAN2, STANDALONE, 0.5),
    "Brian2 C++, full -ffast-math": Peer("brian2_.py", BRIAN2, STANDALONE | FAST_MATH),
    "Brian2 C++, no -ffast-math": Peer("brian2_.py", BRIAN2, STANDALONE | STRICT, 0.5),
    "Brian2 Cython": Peer("brian2_.py", BRIAN2, {}, 0.2),
    "JAX scan": Peer("jax_.py", ("jax",), {}, 0.5),
    "diffrax Euler": Peer("jax_.py", ("jax", "diffrax"), {"JAX_SOLVER": "diffrax"}, 0.2),
    # no Euler: two drifts a step, random numbers for gates too (see the script)
    "jitcsde, SRA": Peer("jitcsde_.py", ("jitcsde",), {}, 0.2),
    # this version, because a wheel for the processor alone, where pip is given one, counts as it
    "torchsde Euler": Peer("torchsde_.py", ("torch==2.13.0", "torchsde"), {}, 0.05),
    "sdeint, numpy f and G": Peer("sdeint_numpy.py", ("sdeint", "numpy", "scipy"), {}, 0.1),
    "engine, float32": Peer("engine.py", REPOSITORY, FLOAT32),
    "Brian2 C++, float32": Peer("brian2_.py", BRIAN2, STANDALONE | FLOAT32, 0.5),
    "Brian2 C++, full -ffast-math, float32": Peer(
        "brian2_.py", BRIAN2, STANDALONE | FAST_MATH | FLOAT32
    ),
    "JAX scan, float32": Peer("jax_.py", ("jax",), FLOAT32, 0.5),
    "diffrax Euler, float32": Peer(
        "jax_.py", ("jax", "diffrax"), {"JAX_SOLVER": "diffrax"} | FLOAT32, 0.2
    ),
}
REFERENCES = {"float64": "engine", "float32": "engine, float32"}
CASES = {
    "512 neurons": {"neurons": 512, "trials": 1, "coupled": 0, "steps": 20_000},
    "1000 trials of two neurons": {"neurons": 2, "trials": 1000, "coupled": 1, "steps": 5_000},
    "1 trial of two neurons": {"neurons": 2, "trials": 1, "coupled": 1, "steps": 100_000},
}
IMPOSSIBLE = {  # by script
    # it has no trials: they would be 1000 runs, or 10^4 equations to compile
    ("jitcsde_.py", "1000 trials of two neurons"),
    ("c_libmvec.py", "1000 trials of two neurons"),
    ("c_libmvec.py", "1 trial of two neurons"),
    ("sdeint_numpy.py", "512 neurons"),  # G alone has 10^6 entries
    ("sdeint_numpy.py", "1000 trials of two neurons"),
}


def environment(name: str, folder: Path) -> Path:
    """The python of a peer's own environment."""
    peer = PEERS[name]
    home = folder / "-".join([Path(peer.script).stem, str(len(peer.packages))])
    python = home / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet"]
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        if peer.packages:
            subprocess.run([*pip, "setuptools", *peer.packages], check=True)
    if peer.packages == REPOSITORY:  # as it is now, not as it was when the environment was made
        subprocess.run([*pip, "--force-reinstall", "--no-deps", *peer.packages], check=True)
    return python


def lap(name: str, case: str, python: Path, steps_factor: float) -> float:
    """Nanoseconds per neuron and step of one measurement."""
    peer = PEERS[name]
    options = dict(CASES[case])
    options["steps"] = max(1, round(options["steps"] * peer.share * steps_factor))
    options["threads"] = int(peer.variables.get("THREADS", 1))
    arguments = ["--repeats=3", *(f"--{key}={value}" for key, value in options.items())]
    run = subprocess.run(
        [python, HERE / "peers" / peer.script, *arguments],
        env={**os.environ, **ONE_THREAD, **peer.variables},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise RuntimeError(f"{name}, {case}:\n{run.stderr[-2000:]}")
    seconds = min(json.loads(run.stdout.splitlines()[-1])["laps"])
    return 1e9 * seconds / (options["neurons"] * options["trials"] * options["steps"])


def measure(names: Sequence[str], pythons: dict, repeats: int, steps_factor: float) -> dict:
    """{case: {name: its median and its laps, ns per neuron and step}}"""
    table: dict[str, dict] = {case: {} for case in CASES}
    for _ in range(repeats):
        for case in CASES:
            for name in names:
                if (PEERS[name].script, case) not in IMPOSSIBLE:
                    row = table[case].setdefault(name, {"laps": []})
                    row["laps"].append(lap(name, case, pythons[name], steps_factor))
    for rows in table.values():
        for row in rows.values():
            row["ns"] = statistics.median(row["laps"])
    return table


def shown(ns: float) -> str:
    """Three digits."""
    return f"{ns:.3g}" if ns < 1000 else f"{float(f'{ns:.3g}'):,.0f}"


def cell(rows: dict, name: str) -> str:
    """ns per neuron and step, and in brackets the ratio to the engine in the same precision."""
    if name not in rows:
        return "-"
    ns, engine = rows[name]["ns"], rows.get(REFERENCES[PEERS[name].dtype])
    return f"{shown(ns)} ns" + (f" ({ns / engine['ns']:.2f})" if engine else "")


def markdown(table: dict) -> str:
    """A table for each precision, and the speed-up of the engine by float32."""
    parts = []
    for dtype in REFERENCES:
        measured = {name for rows in table.values() for name in rows}
        names = [name for name in PEERS if name in measured and PEERS[name].dtype == dtype]
        if names:
            lines = [f"| {dtype} | " + " | ".join(table) + " |"]
            lines.append("| --- " * (len(table) + 1) + "|")
            for name in names:
                cells = [cell(rows, name) for rows in table.values()]
                lines.append(f"| {name} | " + " | ".join(cells) + " |")
            parts.append("\n".join(lines) + "\n")
    gains = [
        f"{rows['engine']['ns'] / rows['engine, float32']['ns']:.2f} ({case})"
        for case, rows in table.items()
        if {*REFERENCES.values()} <= rows.keys()
    ]
    if gains:
        parts.append(f"Speed-up of the engine by float32 over float64: {', '.join(gains)}.\n")
    return "\n".join(parts)


def plot(table: dict, path: Path) -> None:
    """Bars of nanoseconds per neuron and step, one panel a case."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name in PEERS if any(name in rows for rows in table.values())][::-1]
    height = 0.8 + 0.24 * len(names)
    fig, axes = plt.subplots(1, len(table), figsize=(11, height), sharey=True, layout="constrained")
    colours = ["#D55E00" if name.startswith("engine") else "#0072B2" for name in names]
    for ax, (case, rows) in zip(axes, table.items(), strict=True):
        values = [rows[name]["ns"] if name in rows else float("nan") for name in names]
        bars = ax.barh(names, values, color=colours)
        ax.set(xscale="log", xlabel="ns per neuron and step", title=case)
        labels = [f" {shown(value)}" if value == value else "" for value in values]
        ax.bar_label(bars, labels, fontsize=8)
        ax.margins(x=0.25, y=0.01)
        ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(path, dpi=150)
    plt.close(fig)


def missing(names: list[str]) -> list[str]:
    """What the script and the peers asked for need of this machine, and is not there."""
    lacking = []
    if importlib.util.find_spec("matplotlib") is None:
        lacking.append(f"matplotlib in {sys.executable}")
    compiled = {"c_libmvec.py", "brian2_.py", "jitcsde_.py"}
    if compiled & {PEERS[name].script for name in names} and shutil.which("gcc") is None:
        lacking.append("gcc")
    return lacking


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER",
                        help=f"of {', '.join(map(repr, PEERS))}")  # fmt: skip
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--steps-factor", type=float, default=1.0, help="0.01: short runs, to see that all work"
    )
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache/hh_sde_peers")
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    if lacking := missing(options.only):  # before minutes of measuring, not after
        parser.error(f"this needs {', '.join(lacking)}; nothing was measured")
    pythons = {name: environment(name, options.environments) for name in options.only}
    table = measure(options.only, pythons, options.repeats, options.steps_factor)
    processor.write(options.out, "peers", table, markdown(table), lambda path: plot(table, path))


if __name__ == "__main__":
    main()

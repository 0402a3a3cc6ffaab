"""The engine compared with itself at another commit, in one run.

    git worktree add ../before COMMIT
    python benchmarks/engine.py --before ../before [--only single calls ...] [--repeats 5]

Both trees are measured in turn, each measurement in a fresh process of this Python with the tree
first on PYTHONPATH; every figure is the least of all repeats. A target is a bound on the ratio
now/before, or on the value measured now. Two threads need two idle cores. Writes
engine_KIND.json and .md for this kind of processor.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import processor

HERE = Path(__file__).parent
LAPS = HERE / "laps.py"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
ROUNDS = 3  # inside a process
Values = dict[str, float]  # of one tree


class Row(NamedTuple):
    """A line of the table.

    `bound` is what is asked at most of now/before, or `of` "now" of the value itself; `least` turns
    it round. `base`: what is divided by, where that is another value before.
    """

    group: str
    label: str
    unit: str
    value: Callable[[Values], float]
    bound: float | None = None
    of: str = "ratio"
    least: bool = False
    base: Callable[[Values], float] | None = None


def of(name: str, factor: float = 1.0) -> Callable[[Values], float]:
    """The value of that name."""
    return lambda values: factor * values[name]


def over(name: str, other: str) -> Callable[[Values], float]:
    """One value over another."""
    return lambda values: values[name] / values[other]


def noise_alone(v: Values) -> float:
    """What white noise adds to a run without noise, besides its normal numbers."""
    return v["euler_maruyama"] - v["quiet"] - v["normal"]


def strang_over_lie(v: Values) -> float:
    """Of 28 processes, less their normals: one each for lie_trotter, halves take two."""
    lie, strang = v["conductance, lie_trotter"], v["conductance, strang"]
    return (strang - 2 * 28 * v["normal"]) / (lie - 28 * v["normal"])


NS, MS = "ns", "ms"
CHANNELS = of("conductance, euler_maruyama")
ROWS = [
    Row("neurons", "512 neurons, Euler, white noise", NS, of("euler_maruyama")),
    Row("neurons", "the same without noise", NS, of("quiet")),
    Row("neurons", "a normal random number", NS, of("normal"), 0.7),
    Row("neurons", "white noise, without its random numbers", NS, noise_alone, 1.0, "now"),
    Row("neurons", "lie_trotter", NS, of("lie_trotter")),
    Row("neurons", "strang", NS, of("strang")),
    Row("neurons", "lie_trotter/Euler", "", over("lie_trotter", "euler_maruyama"), 2.1, "now"),
    Row("neurons", "strang/lie_trotter", "", over("strang", "lie_trotter"), 1.1, "now"),
    Row("neurons", "Euler, float64/float32", "", over("euler_maruyama", "float32"),
        2.2, "now", least=True),
    Row("single", "1 trial of two neurons", NS, of("two neurons"), 0.5),
    Row("channels", "ConductanceNoise, 28 processes", NS, CHANNELS, 0.6),
    Row("channels", "paired, 14 (over 28 before)", NS, of("paired, euler_maruyama"),
        0.35, base=CHANNELS),
    Row("channels", "ShieldedNoise, 6 (over 28 before)", NS, of("shielded, euler_maruyama"),
        0.25, base=CHANNELS),
    *(
        Row("channels", f"{label}, {method}", NS, of(f"{noise}, {method}"))
        for noise, label in (
            ("conductance", "28"), ("paired", "14"), ("shielded", "6")
        )
        for method in ("lie_trotter", "strang")
    ),
    Row("channels", "a normal random number of 28 processes", NS, of("normal")),
    Row("channels", "28, strang/lie_trotter, without random numbers", "", strang_over_lie,
        1.6, "now"),
    Row("calls", "a call, two neurons", MS, of("call, two neurons", 1e3), 3.0, "now"),
    Row("calls", "a call, 512 neurons, 28 processes", MS, of("call, channels", 1e3), 10.0, "now"),
    Row("first", "first solve, nothing compiled, CPU", "s", of("first"), 1 / 3),
    Row("first", "another model structure, CPU", "s", of("new shape"), 1 / 4),
    Row("first", "process start to result, compiled, CPU", "s", of("start"), 1.1),
    Row("threads", "1,000 trials, 1 thread/2 threads", "", over("1 threads", "2 threads"),
        1.85, "now", least=True),
    Row("threads", "1 trial of 16,384 neurons, the same", "",
        over("one trial, 1 threads", "one trial, 2 threads"), 1.6, "now", least=True),
]  # fmt: skip
GROUPS = list(dict.fromkeys(row.group for row in ROWS))


class Tree:
    """A checkout, the folder of its compiled code, and the least values seen of each group."""

    def __init__(self, path: Path, cache: Path) -> None:
        self.path, self.cache = path.resolve(), cache
        if not (self.path / "hh_sde").is_dir():
            raise SystemExit(f"{path} has no folder hh_sde: give a checkout of the repository")
        self.commit = _commit(self.path)
        self.values: dict[str, Values] = {group: {} for group in GROUPS}

    def measure(self, group: str) -> None:
        """Once more."""
        new = self._first() if group == "first" else self._process(group, self.cache)
        for name, value in new.items():
            old = self.values[group].get(name, float("inf"))
            self.values[group][name] = min(old, value)

    def _first(self) -> Values:
        """In a fresh cache, then as compiled there, then another model structure."""
        with tempfile.TemporaryDirectory() as fresh:
            cold, warm, other = (
                self._process(group, Path(fresh)) for group in ("first", "first", "new shape")
            )
        return {**cold, "start": warm["first"], **other}

    def _process(self, group: str, cache: Path) -> Values:
        places = {"PYTHONPATH": str(self.path), "HH_SDE_CACHE_DIR": str(cache)}
        run = subprocess.run(
            [sys.executable, LAPS, group, str(ROUNDS)],
            env={**os.environ, **ONE_THREAD, **places},
            capture_output=True,
            text=True,
        )
        if run.returncode:
            raise SystemExit(f"{group} of {self.path}:\n{run.stderr[-2000:]}")
        found = json.loads(run.stdout.splitlines()[-1])
        if not Path(found["of"]).is_relative_to(self.path):
            raise SystemExit(f"{self.path} was to be measured, but {found['of']} was imported")
        return found["laps"]

    def value(self, function: Callable[[Values], float], group: str) -> float:
        """What a row has of this tree; nan if it cannot be had there."""
        try:
            return function(self.values[group])
        except KeyError:
            return float("nan")


def _commit(path: Path) -> str:
    """Its short name, with a + if files differ from it; of no checkout, its folder."""
    git = ["git", "-C", str(path), "describe", "--always", "--dirty=+", "--exclude=*"]
    run = subprocess.run(git, capture_output=True, text=True)
    return f"commit {run.stdout.strip()}" if run.returncode == 0 else path.name


def line(row: Row, before: Tree, now: Tree) -> dict:
    """before, now, ratio, what is asked, and whether it is so."""
    old, new = before.value(row.value, row.group), now.value(row.value, row.group)
    base = old if row.base is None else before.value(row.base, row.group)
    ratio = new / base if base > 0 else float("nan")
    found = {"label": row.label, "unit": row.unit, "before": old, "now": new, "ratio": ratio}
    if row.bound is None:
        return {**found, "asked": "-"}
    seen = new if row.of == "now" else ratio
    sign = "≥" if row.least else "≤"
    asked = f"{'now' if row.of == 'now' else 'ratio'} {sign} {row.bound:.3g}"
    met = seen >= row.bound if row.least else seen <= row.bound
    if seen == seen:
        asked += ", met" if met else ", missed"
    return {**found, "asked": asked}


def markdown(lines: list[dict], before: Tree, now: Tree) -> str:
    """The table."""
    text = ["| | before | now | now/before | target |", "| --- | ---: | ---: | ---: | --- |"]
    for one in lines:
        numbers = [
            "-" if value != value else f"{value:.3g} {unit}".strip()
            for value, unit in (
                (one["before"], one["unit"]), (one["now"], one["unit"]), (one["ratio"], ""),
            )
        ]  # fmt: skip
        text.append(f"| {one['label']} | {' | '.join(numbers)} | {one['asked']} |")
    return "\n".join(text) + f"\n\nBefore: {before.commit}. Now: {now.commit}.\n"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, help="a checkout of another commit")
    parser.add_argument("--now", type=Path, default=HERE.parent, help="default: this checkout")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, metavar="ROWS",
                        help=f"of {', '.join(GROUPS)}")  # fmt: skip
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--caches", type=Path, default=Path.home() / ".cache/hh_sde_benchmarks",
                        help="folder of compiled code, kept")  # fmt: skip
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    trees = [Tree(path, options.caches / side)
             for side, path in (("before", options.before), ("now", options.now))]  # fmt: skip
    for repeat in range(options.repeats):
        for group in options.only:
            print(f"\rround {repeat + 1} of {options.repeats}: {group:12}", end="", file=sys.stderr)
            for tree in trees:
                tree.measure(group)
    print(file=sys.stderr)
    lines = [line(row, *trees) for row in ROWS if row.group in options.only]
    processor.write(options.out, "engine", {"rows": lines}, markdown(lines, *trees))


if __name__ == "__main__":
    main()

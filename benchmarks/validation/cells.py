"""Every cell of CELLS beside its equations in Brian2, the classic one beside NEURON's too.

    python benchmarks/validation/cells.py [--only prinz_abpd ...] [--out docs]

Both get a virtual environment of their own, made under --environments and kept; that needs a
package index for pip, and a C compiler for Brian2. A current begins at 10 ms, from the same initial
state; what is compared are the spike times: of the equations, by scipy's DOP853 at a relative
tolerance of 1e-11, and of `strang` and `lie_trotter` at 0.01 ms. Writes validation_cells.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import hh_sde as hh

HERE = Path(__file__).parent
START = 10.0  # ms


class Case(NamedTuple):
    """A cell, and what is injected."""

    cell: hh.Cell
    current: float  # uA/cm^2
    duration: float = 200.0  # ms
    rule: hh.SpikeRule = hh.SpikeRule()
    peers: tuple[str, ...] = ("Brian2",)

    @property
    def network(self) -> hh.Network:
        """One neuron."""
        return hh.Network(1, cell=self.cell, stimulus=hh.StepCurrent(self.current, start=START))


BOTH = ("Brian2", "NEURON")
CELLS = hh.CELLS
CASES = {
    "hodgkin_huxley": Case(CELLS["hodgkin_huxley"], 10.0, peers=BOTH),
    "hodgkin_huxley, 18.5 °C": Case(CELLS["hodgkin_huxley"](temperature=18.5), 30.0, peers=BOTH),
    "hodgkin_huxley_1952": Case(
        CELLS["hodgkin_huxley_1952"], 10.0, rule=hh.SpikeRule(threshold=50.0, rearm=10.0)
    ),
    "wang_buzsaki": Case(CELLS["wang_buzsaki"], 1.0),
    "morris_lecar": Case(CELLS["morris_lecar"], 100.0, 600.0),
    "connor_stevens": Case(CELLS["connor_stevens"], 12.0),
    "traub_miles": Case(CELLS["traub_miles"], 2.0),
    "pospischil_RS": Case(CELLS["pospischil_RS"], 2.59, 400.0),
    "pospischil_FS": Case(CELLS["pospischil_FS"], 3.55),
    "pospischil_IB": Case(CELLS["pospischil_IB"], 1.0, 300.0),
    "pospischil_LTS": Case(CELLS["pospischil_LTS"], 2.0, 300.0),
    "traub_ca3": Case(CELLS["traub_ca3"], 2.0, 400.0),
    "prinz_abpd": Case(CELLS["prinz_abpd"], 1.0, 600.0),
}
PEERS = {"Brian2": ("brian2_.py", "brian2", "numpy<2"), "NEURON": ("neuron_.py", "neuron")}
OURS = {
    "equations": {"method": "scipy.DOP853", "dt": 0.005, "rtol": 1e-11, "atol": 1e-13},
    "`strang`, 0.01 ms": {"method": "strang", "dt": 0.01},
    "`lie_trotter`, 0.01 ms": {"method": "lie_trotter", "dt": 0.01},
}


def environment(packages: Sequence[str], folder: Path) -> Path:
    """The python of a peer's own environment."""
    home = folder / packages[0]
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "setuptools"]
        subprocess.run([*pip, *packages], check=True)
    return python


def asked(name: str, case: Case) -> dict[str, Any]:
    """What a peer is asked for."""
    net = case.network
    return {
        "cell": name,
        "state": dict(zip(net.variables, net.steady_state(), strict=True)),
        "current": case.current,
        "start": START,
        "duration": case.duration,
        "threshold": case.rule.threshold,
        "temperature": case.cell.temperature,
    }


def theirs(peer: str, names: list[str], folder: Path) -> dict[str, np.ndarray]:
    """Spike times by name."""
    script, *packages = PEERS[peer]
    cases = [asked(name, CASES[name]) for name in names]
    run = subprocess.run(
        [environment(packages, folder), HERE / script],
        input=json.dumps(cases), capture_output=True, text=True,
    )  # fmt: skip
    if run.returncode:
        raise RuntimeError(f"{peer}:\n{run.stderr[-3000:]}")
    found = json.loads(run.stdout.splitlines()[-1])
    return {name: np.array(times) for name, times in zip(names, found, strict=True)}


def ours(case: Case, **options: Any) -> np.ndarray:
    """Spike times of the library, ms."""
    ds = hh.solve(case.network, case.duration, record=["V"], **options)
    return ds.hh.spikes(case.rule).spike_time.values


def difference(a: np.ndarray, b: np.ndarray) -> str:
    """The largest of two lists of times, ms."""
    if len(a) != len(b):
        return f"{len(a)} and {len(b)} spikes"
    return f"{np.abs(a - b).max():.1g}"


def table(names: list[str], folder: Path) -> str:
    """Markdown: a row for each cell and peer."""
    found = {
        peer: theirs(peer, wanted, folder)
        for peer in PEERS
        if (wanted := [name for name in names if peer in CASES[name].peers])
    }
    heads = ["cell", "beside", "µA/cm²", "ms", "spikes", *OURS]
    lines = [f"| {' | '.join(heads)} |", "| --- | --- |" + " ---: |" * (len(heads) - 2)]
    for name in names:
        case = CASES[name]
        mine = [ours(case, **options) for options in OURS.values()]
        for peer in case.peers:
            times = found[peer][name]
            row = [f"`{name}`", peer, f"{case.current:g}", f"{case.duration:g}", str(len(times))]
            lines.append(f"| {' | '.join([*row, *(difference(one, times) for one in mine)])} |")
            print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CELL")
    parser.add_argument(
        "--environments", type=Path, default=Path.home() / ".cache/hh_sde_validation"
    )
    parser.add_argument("--out", type=Path, default=HERE.parent / "results")
    options = parser.parse_args()
    text = table(options.only, options.environments)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "validation_cells.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

"""Every check against the literature and other simulators in one table.

    python benchmarks/validation/table.py [--out docs]

Published and independently computed values of cells and small networks are compared here, in half a
minute. Other comparisons are read from docs/, where their scripts wrote them: cells.py compares
cells with Brian2 and NEURON, ../channel_noise.py the distances of channel noise with published
ones, ../cobahh.py the network of Brette et al. (2007). Writes validation_table.md.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

import hh_sde as hh

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HERE = "benchmarks/validation/table.py"
HEADER = ("what", "source", "theirs", "ours", "difference", "script")


class Row(NamedTuple):
    """A line of the table."""

    what: str
    source: str
    theirs: str
    ours: str
    difference: str
    script: str = HERE


def compared(what: str, source: str, theirs: float, ours: float, unit: str, digits: int = 2) -> Row:
    """A row that compares two numbers."""
    return Row(
        what, source, f"{theirs:.{digits}f} {unit}", f"{ours:.{digits}f} {unit}",
        f"{ours - theirs:+.{digits}f} {unit}",
    )  # fmt: skip


def spikes(net: hh.Network, t_end: float, dt: float = 0.01, **options) -> np.ndarray:
    """Spike times of a network, ms."""
    ds = hh.solve(net, t_end, dt=dt, method="strang", record=["spikes"], progress=False, **options)
    return ds.spike_time.values


def last_interval(cell: hh.Cell | str, current: float, t_end: float) -> float:
    """Interval between the last two spikes of a cell, ms."""
    return np.diff(spikes(hh.Network(1, cell=cell, stimulus=current), t_end))[-1]


def hopf(cell: hh.Cell | str, low: float, high: float) -> float:
    """The current between two others at which the equilibrium changes its stability."""
    from scipy.optimize import brentq

    def growth(current: float) -> float:
        net = hh.Network(1, cell=cell, stimulus=current)
        return np.linalg.eigvals(net.sde().jac(net.equilibrium(), 0.0)).real.max()

    return brentq(growth, low, high, xtol=1e-6)


def squid_axon() -> Iterator[Row]:
    """Hodgkin & Huxley's axon, and the classic cell."""
    figure = "Hodgkin & Huxley 1952, fig. 12, read to 0.1 ms"
    net = hh.Network(1, cell="hodgkin_huxley_1952")
    for shock, peak in ((90.0, 0.3), (15.0, 1.1), (7.0, 3.4)):
        x0 = net.steady_state(0.0)
        x0[0] = shock
        V = hh.solve(net, 10.0, dt=0.005, method="strang", x0=x0, progress=False).V[:, 0]
        what = f"squid axon, peak after a shock of {shock:g} mV"
        yield compared(what, figure, peak, float(V.idxmax()), "ms")
    cell = hh.CELLS["hodgkin_huxley"](E_L=-54.4)
    calculated = "independent computation, scipy at 1e-11"
    rest = hh.Network(1, cell=cell).equilibrium()
    yield compared("classic cell, V at rest", calculated, -64.99972, rest[0], "mV", 5)
    ours = hopf(cell, 9.0, 10.5)
    yield compared("classic cell, Hopf bifurcation", calculated, 9.7793, ours, "µA/cm²", 4)
    for current, period in ((7.0, 17.151), (10.0, 14.63832), (20.0, 11.565), (50.0, 8.545)):
        what = f"classic cell, period at {current:g} µA/cm²"
        yield compared(what, calculated, period, last_interval(cell, current, 300.0), "ms", 3)
    listed = [102.180, 118.377, 134.370, 150.355, 166.339, 182.324, 198.308]
    cell = hh.CELLS["hodgkin_huxley"](E_L=-54.3)
    net = hh.Network(1, cell=cell, stimulus=hh.StepCurrent(8.0, start=100.0, stop=200.0))
    found = spikes(net, 300.0, x0={"V": -65.0})
    worst = np.abs(found - listed).max() if len(found) == len(listed) else np.nan
    yield Row(
        "classic cell, 7 spikes of NeuroML's example Ex5", "LSODA at tight tolerance",
        f"{listed[0]:.2f} to {listed[-1]:.2f} ms", f"{found[0]:.2f} to {found[-1]:.2f} ms",
        f"at most {worst:.3f} ms",
    )  # fmt: skip


def other_cells() -> Iterator[Row]:
    """Cells of later papers."""
    figure = "Wang & Buzsáki 1996, fig. 1A, ModelDB 26997, a pixel is 1.4 Hz"
    for current, rate in ((5.1, 194.0), (10.1, 288.0), (15.1, 353.0), (19.3, 400.5)):
        what = f"`wang_buzsaki`, rate at {current:g} µA/cm²"
        ours = 1e3 / last_interval("wang_buzsaki", current, 150.0)
        yield compared(what, figure, rate, ours, "Hz", 1)
    paper = "the paper's equations, by scipy"
    for low, high, theirs in ((90.0, 97.0, 93.858), (205.0, 220.0, 212.019)):
        what = "`morris_lecar`, Hopf bifurcation"
        yield compared(what, paper, theirs, hopf("morris_lecar", low, high), "µA/cm²", 3)
    rest = hh.Network(1, cell="connor_stevens").equilibrium()[0]
    yield compared("`connor_stevens`, V at rest", paper, -67.978, rest, "mV", 3)
    for changes, current, rate, label in (
        ({}, 8.4, 7.80, "with"),
        ({"g_A": 0.0, "E_L": -72.8}, 8.8, 79.1, "without"),
    ):
        ours = 1e3 / last_interval(hh.CELLS["connor_stevens"](**changes), current, 800.0)
        what = f"`connor_stevens`, rate at onset {label} the A current"
        yield compared(what, paper, rate, ours, "Hz")
    area = np.pi * 96.0**2 * 1e-8  # cm^2
    pulse = hh.StepCurrent(0.15e-3 / area, 500.0, 2500.0)
    for g_CaL, bursts in ((0.1, 0), (0.17, 1), (0.2, 2), (0.22, 4)):
        net = hh.Network(1, cell=hh.CELLS["pospischil_IB"](g_CaL=g_CaL), stimulus=pulse)
        near = np.diff(spikes(net, 2500.0, 0.02)) < 40.0
        ours = int(np.sum(near & ~np.concatenate([[False], near[:-1]])))
        what = f"`pospischil_IB`, bursts at g_CaL = {g_CaL:g} mS/cm²"
        source = "Pospischil et al. 2008, fig. 5B, conductances of ModelDB 123623"
        yield Row(what, source, str(bursts), str(ours), str(ours - bursts))
    found = spikes(hh.Network(1, cell="prinz_abpd"), 4500.0, 0.02)
    starts = found[1:][np.diff(found) > 300.0]
    yield compared("`prinz_abpd`, period of bursts", paper, 1503.0, starts[2] - starts[1], "ms", 1)


def networks() -> Iterator[Row]:
    """Small networks."""
    pyramidal = hh.CELLS["traub_miles"](g_K=80.0, g_L=0.1, E_K=-100.0, E_L=-67.0, V_T=-67.0)
    rise = hh.Sigmoid(rate=2.0, mid=0.0, scale=5.0)
    AMPA = hh.SYNAPSES["AMPA"](0.25, alpha=rise, beta=hh.Constant(1 / 3.0), source="E", target="I")
    GABA_A = hh.SYNAPSES["GABA_A"](
        0.25, alpha=rise, beta=hh.Constant(1 / 9.0), E=-75.0, source="I", target="E"
    )
    net = hh.Network(
        {"E": hh.Population(1, pyramidal, stimulus=1.4), "I": hh.Population(1, "wang_buzsaki")},
        synapses=[AMPA, GABA_A, GABA_A.replace(target="I")],
    )
    ds = hh.solve(net, 300.0, dt=0.01, method="strang", record=["spikes"], progress=False)
    ours = ds.hh.intervals(start=150.0).interval_length.mean().item()
    source = "Börgers 2017, ch. 30, by LSODA"
    yield compared("PING of two cells, period", source, 20.893, ours, "ms", 3)
    net = hh.Network(2, stimulus=10.0, synapses=hh.Synapse.sigmoidal([[0, 0.1], [0.1, 0]]))
    ds = hh.solve(net, 300.0, dt=0.01, method="strang", progress=False)
    ours = ds.hh.intervals().interval_length[-1].item()
    source = "independent computation, scipy at 1e-11"
    yield compared("two coupled neurons, period", source, 14.6435, ours, "ms", 3)
    yield compared("two coupled neurons, peak of s", source, 0.8225, float(ds.s.max()), "", 4)


def by_other_scripts(docs: Path) -> Iterator[Row]:
    """What cells.py, channel_noise.py and cobahh.py wrote."""
    for line in _lines(docs / "validation_cells.md"):
        cell, beside, current, _, number, equations, strang, _ = line
        what = f"`{cell.strip('`')}`, {number} spike times at {current} µA/cm²"
        script = "benchmarks/validation/cells.py"
        difference = f"{equations} ms; `strang` at 0.01 ms: {strang} ms"
        yield Row(what, beside, "spike times", "the same number", difference, script)
    source = "Pu & Thomas 2020, table 3 (L1 distance of intervals to the chain's)"
    for model, method, _, distance, _, published, *_ in _lines(docs / "channel_noise_long.md"):
        theirs = re.match(r"0\.\d+$|0\.\d+(?=;)", published)
        if theirs:
            ours = float(distance.split()[0])
            yield Row(
                f"channel noise, {model}, {method}", source, f"{theirs[0]} ms", f"{distance} ms",
                f"{ours - float(theirs[0]):+.3f} ms", "benchmarks/channel_noise.py",
            )  # fmt: skip
    for path in sorted(docs.glob("cobahh_*.json")):
        kept = json.loads(path.read_text())["statistics"]
        theirs, ours = kept["Brian2, 0.02 ms"], kept["ours, 0.02 ms"]
        source = f"Brian2 at 0.02 ms, {len(theirs)} seeds (range)"
        for name in theirs[0]:
            a, b = (np.array([one[name] for one in many]) for many in (theirs, ours))
            yield Row(
                f"COBAHH, {name}", source, _range(a), _range(b),
                f"{b.mean() - a.mean():+.3g}", "benchmarks/cobahh.py",
            )  # fmt: skip


def _range(values: np.ndarray) -> str:
    return f"{values.mean():.3g} ({values.min():.3g} to {values.max():.3g})"


def _lines(path: Path) -> Iterator[list[str]]:
    """Cells of the rows of a table in a file."""
    for line in path.read_text(encoding="utf-8").splitlines()[2:]:
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def main() -> None:
    """Compute, read, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder for validation_table.md; else printed")
    asked = parser.parse_args()
    rows = [*squid_axon(), *other_cells(), *networks(), *by_other_scripts(DOCS)]
    lines = [HEADER, ("---",) * len(HEADER)]
    lines += [row._replace(script=f"`{row.script}`") for row in rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
    if asked.out:
        (asked.out / "validation_table.md").write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()

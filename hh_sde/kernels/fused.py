"""From tables to compiled loops: one loop over lanes for each thing an integrator asks for.

The physics is written out, once for each SHAPE of tables (kinds of rates, gates per channel,
powers, which parameters differ between neurons), as straight-line loops that LLVM turns into SIMD.
All values stay arguments, so another network of that shape needs no compilation. The text, with the
steps of `steps.py` behind it, goes into the user's cache folder as a module, where numba's disk
cache finds it again.

    C dV/dt = I - sum_channels g prod(x^power) (V - E) + sum_synapses B(V) (E - V) u + gap currents
    dx/dt   = alpha(V) (1 - x) - beta(V) x            for every gate x, those of synapses included

Exponentials are shared: where scales are in small whole ratios, as 80, 20, 10 and 8 are, one
exponential and products of it serve all. Numbers equal in all neurons are scalars (`p`), others
are rows with one column per lane (`q`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numba
import numpy as np
import platformdirs

from hh_sde.kernels import coupling, elementary, jit
from hh_sde.kernels.tables import GateTable, Links, Model, RateTable

#: exp(k x) with k up to this is had by multiplication from exp(x).
MOST_POWERS = 12
#: A rate whose factor exp(mid/scale) would lie beyond exp(+-this) gets an exponential of its own.
LARGEST_SHIFT = 40.0

STEPS_MARK = "# -- the steps --\n"

HEADER = '''"""{title}"""
from math import sqrt

import numpy as np

from hh_sde.kernels.coupling import (
    Lanes, all_finite, couple, detect, excursions, inject, is_diagonal, kicks,
)
from hh_sde.kernels.elementary import (
    exp, linoid, linoid_of, relaxed, table_value,
)
from hh_sde.kernels.jit import kernel
'''


class Compiled(NamedTuple):
    """A model's module and the arguments that its functions take."""

    module: ModuleType
    n_neurons: int
    p: np.ndarray  # numbers that are the same in all neurons
    q: np.ndarray  # (rows, n_neurons): numbers that differ
    curves: np.ndarray  # tabulated values
    links: Links

    def numbers(self, trials: int, lanes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(p, q, curves) for `trials` trials of every neuron, q padded to `lanes` columns."""
        q = np.repeat(self.q, trials, axis=1)
        return self.p, np.pad(q, ((0, 0), (0, lanes - q.shape[1])), mode="edge"), self.curves


def compiled(model: Model) -> Compiled:
    """The compiled loops for a model, and its numbers."""
    writer = _Writer(model)
    text = writer.module()
    return Compiled(
        module=load(text),
        n_neurons=model.n_neurons,
        p=np.array(writer.scalars or [0.0]),
        q=np.array(writer.rows or np.zeros((0, model.n_neurons))),
        curves=np.concatenate([np.zeros(1), *writer.curves]),
        links=model.links,
    )


class Program(NamedTuple):
    """What the engine runs: the compiled model, the noise on V, and the injected current."""

    compiled: Compiled
    first_synapse: int  # its row in the state
    noise: Links  # rows of A: dV_i gets sum_k A_ik dW_k
    current: Callable[[np.ndarray], np.ndarray]  # (times,) ms -> (times or 1, n_neurons)
    f: Callable[..., np.ndarray]  # the functions that say the same
    G: Callable[..., np.ndarray]

    def stands_for(self, f: Callable[..., np.ndarray], G: Callable[..., np.ndarray]) -> bool:
        """Whether f and G are still the functions that this program was made with."""
        return f is self.f and G is self.G

    def without_noise(self, G: Callable[..., np.ndarray]) -> Program:
        """The same equations with nothing in the rows of the noise; G is what they have for G."""
        start = np.zeros_like(self.noise.start)
        none = Links(start, self.noise.source[:0], self.noise.weight[:0])
        return self._replace(noise=none, G=G)


class _Writer:
    """Writes the loops; collects the numbers in the order in which the text uses them."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.scalars: list[float] = []
        self.rows: list[np.ndarray] = []
        self.curves: list[np.ndarray] = []
        self.gates = [gate for channel in model.channels for gate in channel.gates]
        self.n_variables = 1 + len(self.gates) + len(model.synapses)
        self.exponentials: dict[str, str] = {}
        self.bases = _Bases(
            [rate for gate in self.gates for rate in gate.rates]
            + [rate for s in model.synapses for rate in (s.alpha, s.beta, s.block) if rate]
        )
        self.base_names = [self.number(np.array([k])) for k in self.bases.values]
        # written once, used in several loops
        self.rate_lines = self._rates()
        self.block_lines = self._blocks()
        self.conductance_lines = self._conductances()
        self.C = self.number(model.C)

    # -- numbers ----------------------------------------------------------------------------------

    def number(self, values: np.ndarray) -> str:
        """The name of a number in the text: p3, or q2[i] where neurons differ."""
        if np.all(values == values[0]):
            self.scalars.append(float(values[0]))
            return f"p{len(self.scalars) - 1}"
        self.rows.append(values)
        return f"q{len(self.rows) - 1}[i]"

    # -- rates ------------------------------------------------------------------------------------

    def _rates(self) -> list[str]:
        """Lines that give a1, b1, a2, b2, ... (alpha and beta of variable 1, 2, ...) from V."""
        lines: list[str] = []
        for k, gate in enumerate(self.gates, start=1):
            lines += self._pair(k, gate)
        for k, synapse in enumerate(self.model.synapses, start=1 + len(self.gates)):
            lines += self._pair(k, GateTable(1, False, (synapse.alpha, synapse.beta)))
        return lines

    def _pair(self, k: int, gate: GateTable) -> list[str]:
        first, second = (self._rate(rate) for rate in gate.rates)
        if not gate.by_tau:
            return [f"a{k} = {first}", f"b{k} = {second}"]
        return [
            f"inf{k} = {first}",
            f"tau{k} = {second}",
            f"a{k} = inf{k} / tau{k}",
            f"b{k} = (1.0 - inf{k}) / tau{k}",
        ]

    def _blocks(self) -> list[str]:
        return [
            f"block{s} = {self._rate(synapse.block)}"
            for s, synapse in enumerate(self.model.synapses)
            if synapse.block is not None
        ]

    def _rate(self, rate: RateTable) -> str:
        if rate.kind == "constant":
            return self.number(rate.numbers[0])
        if rate.kind == "tabulated":
            return self._tabulated(rate)
        r, mid, scale = rate.numbers
        sign = 1.0 if rate.kind == "exponential" else -1.0
        power = self.bases.power_for(rate)
        u = f"(V - {self.number(mid)}) * {self.number(1 / scale)}"
        if power is None:  # not shared
            return {
                "exponential": "{r} * exp({u})",
                "sigmoid": "{r} / (1.0 + exp(-({u})))",
                "linoid": "{r} * linoid({u})",
            }[rate.kind].format(r=self.number(r), u=u)
        factor = np.exp(-sign * mid / scale)
        if rate.kind == "exponential":
            return f"{self.number(r * factor)} * {power}"
        e = f"{self.number(factor)} * {power}"
        if rate.kind == "sigmoid":
            return f"{self.number(r)} / (1.0 + {e})"
        return f"{self.number(r)} * linoid_of({u}, {e})"

    def _tabulated(self, rate: RateTable) -> str:
        assert rate.curve is not None
        start, step, values = rate.curve
        begin = 1 + sum(map(len, self.curves))
        self.curves.append(values)
        numbers = [self.number(np.array([float(v)])) for v in (start, 1 / step, begin, len(values))]
        return "table_value(V, {}, {}, curves, int({}), int({}))".format(*numbers)

    # -- currents ---------------------------------------------------------------------------------

    def _conductances(self) -> list[str]:
        """Lines that give G, the sum of all conductances, and J, the current at V."""
        lines = ["J = I[i]", "G = 0.0"]
        k = 1
        for channel in self.model.channels:
            factors = [self.number(channel.g)]
            for gate in channel.gates:
                factors.append(_power(f"y{k}", gate.power))
                k += 1
            lines += self._add(" * ".join(factors), f"({self.number(channel.E)} - V)")
        for s, synapse in enumerate(self.model.synapses):
            block = f" * block{s}" if synapse.block is not None else ""
            lines += self._add(f"u{s}[i]{block}", f"({self.number(synapse.E)} - V)")
        if self.model.gap is not None:
            gap = self.number(self.model.gap)
            s = len(self.model.synapses)
            lines += [f"J = J + (u{s}[i] - {gap} * V)", f"G = G + {gap}"]
        return lines

    @staticmethod
    def _add(conductance: str, driving: str) -> list[str]:
        return [f"g = {conductance}", f"J = J + g * {driving}", "G = G + g"]

    # -- loops ------------------------------------------------------------------------------------

    def module(self) -> str:
        """The text of the module."""
        n = self.n_variables
        frozen = bool(self.block_lines) or self.model.gap is not None
        head = HEADER.format(title=f"{n} variables: written by hh_sde.kernels.fused, not by hand.")
        head += f"\nFROZEN = {frozen}  # inputs that depend on V\n"
        loops = [self._loop(name, *loop) for name, loop in self._loops().items()]
        return "\n\n".join([head, *loops, _steps_text()])

    def _loops(self) -> dict[str, tuple[str, list[str]]]:
        """Arguments and lines of each loop."""
        gates = range(1, self.n_variables)
        rates = self.bases.lines(self.base_names) + self.rate_lines
        J_and_G = self.block_lines + self.conductance_lines
        f0 = f"f0 = J / {self.C}"
        f = [f"f{k} = a{k} * (1.0 - y{k}) - b{k} * y{k}" for k in gates]
        slopes = [*rates, *J_and_G, f0, *f]
        size = " + ".join(f"f{k} * f{k}" for k in [0, *gates])
        relax = [f"x{k}[i] = relaxed(y{k}, a{k}, b{k}, h)" for k in gates]

        def euler(h: str) -> list[str]:
            return [
                f"x0[i] = V + f0 * {h} + kick[i]",
                *(f"x{k}[i] = y{k} + f{k} * {h}" for k in gates),
            ]

        tame = [f"tame = h / (1.0 + h * sqrt({size}))"]
        step = "x, I, u, kick, h"
        return {
            "drift": ("x, I, u, dx", [*slopes, *(f"d{k}[i] = f{k}" for k in [0, *gates])]),
            "euler": (step, [*slopes, *euler("h")]),
            "tamed": (step, [*slopes, *tame, *euler("tame")]),
            "rush_larsen": (
                step,
                [*rates, *J_and_G, f0, *relax, "x0[i] = V + f0 * h + kick[i]"],
            ),
            "relax": ("x, h", [*rates, *relax]),
            "flow": ("x, w, I, u, kick, h", self._flow()),
            "steady": ("x", [*rates, *(f"x{k}[i] = a{k} / (a{k} + b{k})" for k in gates)]),
            "gate_rates": (
                "x, a, b",
                [
                    *rates,
                    *(f"{rate}[{k - 1}, i] = {rate}{k}" for k in gates for rate in "ab"),
                ],
            ),
        }

    def _flow(self) -> list[str]:
        """V_inf + (V - V_inf) e^-z after a time h, z = G h/C, and the noise gathered on the way.

        That noise has the variance of the kick, h, times (1 - e^-2z)/(2z). Blocks are taken at the
        potential w.
        """
        blocks = ["V = w[i]", *self.bases.lines(self.base_names), *self.block_lines, "V = x0[i]"]
        return [
            *(blocks if self.block_lines else []),
            *self.conductance_lines,
            f"z = G * h / {self.C}",
            f"x0[i] = V + J * (h / {self.C}) / linoid(z) + kick[i] / sqrt(linoid(2.0 * z))",
        ]

    def _loop(self, name: str, arguments: str, lines: list[str]) -> str:
        """One function: what its lines use is taken out of the arrays first."""
        inputs = len(self.model.synapses) + (self.model.gap is not None)
        rows = [
            ("p", "p", len(self.scalars)),
            ("q", "q", len(self.rows)),
            ("x", "x", self.n_variables),
            ("d", "dx", self.n_variables),
            ("u", "u", inputs),
        ]
        values = [f"y{k} = x{k}[i]" for k in range(1, self.n_variables)]
        values = [line for line in values if _uses(lines, line.split()[0])]
        body = ["V = x0[i]", *values, *lines]
        views = [f"{short}{k} = {array}[{k}]" for short, array, count in rows for k in range(count)]
        views = [line for line in views if _uses(body, line.split()[0])]
        text = [f"@kernel\ndef {name}({arguments}, p, q, curves):"]
        text += [f"    {line}" for line in views]
        text += ["    for i in range(x0.size):"]
        text += [f"        {line}" for line in body]
        return "\n".join(text) + "\n"


class _Bases:
    """Which exponentials to take: exp(V * k) for few k, of which whole powers give the others."""

    def __init__(self, rates: list[RateTable]) -> None:
        slopes = [k for rate in rates if (k := _shared_slope(rate)) is not None]
        bases: list[float] = []
        found = {k: _power_of(k, bases) for k in sorted(set(slopes), key=abs)}
        # numbered as they are first used, so that the text does not depend on their sizes
        self.values = list(dict.fromkeys(found[k][0] for k in slopes))
        self.powers = {k: (self.values.index(base), power) for k, (base, power) in found.items()}
        self.needed = sorted(set(self.powers.values()))

    def power_for(self, rate: RateTable) -> str | None:
        """The name of exp(V * slope) for this rate, or None if it is not shared."""
        slope = _shared_slope(rate)
        if slope is None:
            return None
        index, power = self.powers[slope]
        return f"e{index}_{power}"

    def lines(self, names: list[str]) -> list[str]:
        """Lines that give e0_1 = exp(V * k0) and the powers of it."""
        lines = [f"e{index}_1 = exp(V * {name})" for index, name in enumerate(names)]
        have = {(index, 1) for index in range(len(names))}
        for index, power in self.needed:
            self._power_lines(index, power, have, lines)
        return lines

    def _power_lines(
        self, index: int, power: int, have: set[tuple[int, int]], lines: list[str]
    ) -> None:
        if (index, power) in have:
            return
        half, rest = (power // 2, power // 2) if power % 2 == 0 else (power - 1, 1)
        self._power_lines(index, half, have, lines)
        self._power_lines(index, rest, have, lines)
        lines.append(f"e{index}_{power} = e{index}_{half} * e{index}_{rest}")
        have.add((index, power))


def _power_of(k: float, bases: list[float]) -> tuple[float, int]:
    """A base and n with k = n * base; k itself becomes a base if there is none."""
    for base in bases:
        ratio = k / base
        if 0 < ratio <= MOST_POWERS and abs(ratio - round(ratio)) < 1e-12 * ratio:
            return base, round(ratio)
    bases.append(k)
    return k, 1


def _shared_slope(rate: RateTable) -> float | None:
    """k if the rate can be had from exp(V * k)."""
    if rate.kind not in ("exponential", "sigmoid", "linoid"):
        return None
    _, mid, scale = rate.numbers
    if np.any(scale != scale[0]) or np.any(np.abs(mid / scale) > LARGEST_SHIFT):
        return None
    return float((1.0 if rate.kind == "exponential" else -1.0) / scale[0])


def _power(name: str, power: int) -> str:
    if power == 4:
        return f"(({name} * {name}) * ({name} * {name}))"
    return " * ".join([name] * power)


def _uses(lines: list[str], name: str) -> bool:
    return any(re.search(rf"\b{name}\b", line) for line in lines)


def _steps_text() -> str:
    """The text of steps.py, its function `window` once for every integrator there."""
    text = Path(__file__).with_name("steps.py").read_text(encoding="utf-8")
    text = text.partition(STEPS_MARK)[2].lstrip()
    schemes, mark, window = text.partition("@kernel\ndef window(")
    names = re.findall(r"^def (\w+)\(m, h\):", schemes, re.MULTILINE)
    windows = [
        mark.replace("window", f"{name}_window") + window.replace("step(m, h)", f"{name}(m, h)")
        for name in names
    ]
    return schemes + "\n\n".join(windows)


@cache
def load(text: str) -> ModuleType:
    """The module with this text, from the cache folder; numba's compiled code lies beside it."""
    name = f"hh_sde_{_fingerprint(text)}"
    path = folder() / f"{name}.py"
    if not path.exists():
        _write(path, text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@cache
def folder() -> Path:
    """Where modules are kept: HH_SDE_CACHE_DIR, or the user's cache folder, or a temporary one."""
    wanted = os.environ.get("HH_SDE_CACHE_DIR")
    path = Path(wanted) if wanted else platformdirs.user_cache_path("hh_sde")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError:
        return Path(tempfile.mkdtemp(prefix="hh_sde_"))


def _write(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(temporary, 0o644)  # a shared folder serves all
    os.replace(temporary, path)  # whole or not at all, also if two processes do it at once


def _fingerprint(text: str) -> str:
    """Of the text and of all that is compiled into it."""
    parts = [text, numba.__version__, np.__version__]
    parts += [
        Path(module.__file__ or "").read_text(encoding="utf-8")
        for module in (coupling, elementary, jit)
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

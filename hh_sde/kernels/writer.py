"""From tables to text: one loop over lanes for each thing an integrator asks for.

The physics is written out, once for each SHAPE of tables (kinds of rates, gates per channel,
powers, noise, which parameters differ between neurons), as straight-line loops that LLVM turns
into SIMD. All values stay arguments, so another network of that shape needs no compilation.

    C dV/dt = I - sum_channels g p (V - E) + sum_synapses B(V) (E - V) u + gap and coloured currents
    dx/dt   = alpha(V) (1 - x) - beta(V) x            for every gate x, those of synapses included

where p, the open fraction, is prod(x^power), or the occupancy of the channel's open state.

Exponentials are shared: where scales are in small whole ratios, as 80, 20, 10 and 8 are, one
exponential and products of it serve all. Numbers equal in all neurons are scalars (`p`), others
are rows with one column per lane (`q`).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from hh_sde.kernels.bases import Bases
from hh_sde.kernels.parts import (
    ColoredPart,
    FluctuationPart,
    GatePart,
    Part,
    StatesPart,
    Term,
)
from hh_sde.kernels.tables import ChannelTable, GateTable, Model, RateTable

STEPS_MARK = "# -- the steps --\n"

HEADER = '''"""{title}"""
from math import sqrt

import numpy as np

from hh_sde.kernels.binomial import binomial, uniform_of
from hh_sde.kernels.coupling import (
    all_finite, copy, couple, detect, excursions, fill, inject, kicks, lanes_of, save,
)
from hh_sde.kernels.elementary import (
    decayed, exp, log, linoid, linoid_of, relaxed, {root} as root, table_value,
)
from hh_sde.kernels.jit import expression, kernel
from hh_sde.kernels.random import waits_and_choices

FROZEN = {frozen}  # inputs that depend on V
TERMS = {terms}  # Wiener processes of a lane's own
BOUNDED = {bounded}  # states are brought back into [0, 1] after each step
FREE = {free}  # rows of variables that may leave [0, 1]: from, up to
'''


class Writer:
    """Writes the loops; collects the numbers in the order in which the text uses them."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.scalars: list[float] = []
        self.rows: list[np.ndarray] = []
        self.curves: list[np.ndarray] = []
        self.gates = [gate for channel in model.channels for gate in channel.gates]
        self.gates += [GateTable(1, False, (s.alpha, s.beta)) for s in model.synapses]
        self.bases = Bases(
            [rate for gate in self.gates for rate in gate.rates]
            + [synapse.block for synapse in model.synapses if synapse.block]
        )
        self.base_names = [self.number(np.array([k])) for k in self.bases.values]
        # written once, used in several loops
        self.rate_lines = self._rates()
        self.block_lines = self._blocks()
        self.parts: list[Part] = []
        self.open_fractions: list[str] = []  # of the channels
        self.colored_rows: list[int] = []
        self.free = (0, 0)
        self._lay_out()
        self.terms = self._number_terms()
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

    # -- variables --------------------------------------------------------------------------------

    @property
    def n_variables(self) -> int:
        return 1 + sum(len(part.rows) for part in self.parts)

    def _lay_out(self) -> None:
        """Give every variable its row: gates and states, what is free, synapses."""
        rate = 1
        fluctuations: list[tuple[int, list[int], ChannelTable]] = []
        for channel in self.model.channels:
            rates = list(range(rate, rate + len(channel.gates)))
            rate += len(rates)
            if channel.form == "states":
                self.open_fractions.append(self._add_states(channel, rates))
                continue
            if channel.form == "fluctuations":
                fluctuations.append((len(self.open_fractions), rates, channel))
            self.open_fractions.append(self._add_gates(channel, rates))
        first_free = self.n_variables
        for k, rates, channel in fluctuations:
            self._add_fluctuations(k, rates, channel)
        self._add_colored()
        self.free = (first_free, self.n_variables)
        for k in range(len(self.model.synapses)):
            self.parts.append(GatePart(self.n_variables, rate + k))

    def _add_gates(self, channel: ChannelTable, rates: list[int]) -> str:
        factors = []
        for k, (r, gate) in enumerate(zip(rates, channel.gates, strict=True)):
            row = self.n_variables
            share = None
            if channel.number is not None and channel.form == "gates":
                share = self.number(1.0 / channel.number[k])
            self.parts.append(GatePart(row, r, share))
            factors.append(_power(f"y{row}", gate.power))
        return " * ".join(factors)

    def _add_states(self, channel: ChannelTable, rates: list[int]) -> str:
        assert channel.number is not None
        part = StatesPart(
            self.n_variables,
            rates,
            channel.levels,
            channel.pairs,
            channel.paired,
            self.number(1.0 / channel.number[0]),
            self.number(channel.number[0]),
        )
        part.policy = self.model.bounds
        self.parts.append(part)
        return f"y{part.rows[-1]}"

    def _add_fluctuations(self, k: int, rates: list[int], channel: ChannelTable) -> None:
        assert channel.number is not None
        share = self.number(1.0 / channel.number[0])
        powers = [gate.power for gate in channel.gates]
        names = []
        for chosen in channel.levels[1:]:
            row = self.n_variables
            self.parts.append(FluctuationPart(row, rates, powers, chosen, share))
            names.append(f"y{row}")
        self.open_fractions[k] = f"({' + '.join([self.open_fractions[k], *names])})"

    def _add_colored(self) -> None:
        for colored in self.model.colored:
            row = self.n_variables
            numbers = (colored.mean, colored.sigma**2, 1.0 / colored.tau)
            self.parts.append(ColoredPart(row, *map(self.number, numbers)))
            self.colored_rows.append(row)

    def _number_terms(self) -> list[Term]:
        terms: list[Term] = []
        for part in self.parts:
            part.first_term = len(terms)
            terms += part.terms()
        return terms

    # -- rates ------------------------------------------------------------------------------------

    def _rates(self) -> list[str]:
        """Lines that give a1, b1, a2, b2, ... (alpha and beta of gate 1, 2, ...) from V."""
        return [line for k, gate in enumerate(self.gates, start=1) for line in self._pair(k, gate)]

    def _pair(self, k: int, gate: GateTable) -> list[str]:
        first, second = (self._rate(rate) for rate in gate.rates)
        if not gate.by_tau:
            return [f"a{k} = {first}", f"b{k} = {second}"]
        return [
            f"limit{k} = {first}",
            f"tau{k} = {second}",
            f"a{k} = limit{k} / tau{k}",
            f"b{k} = (1.0 - limit{k}) / tau{k}",
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
        for channel, fraction in zip(self.model.channels, self.open_fractions, strict=True):
            g = self.number(channel.g)
            conductance = f"{g} * {fraction}" if fraction else g
            lines += _add(conductance, f"({self.number(channel.E)} - V)")
        for row, colored in zip(self.colored_rows, self.model.colored, strict=True):
            if colored.E is None:
                lines.append(f"J = J + y{row}")
            else:
                lines += _add(f"y{row}", f"({self.number(colored.E)} - V)")
        for s, synapse in enumerate(self.model.synapses):
            block = f" * block{s}" if synapse.block is not None else ""
            lines += _add(f"u{s}[i]{block}", f"({self.number(synapse.E)} - V)")
        if self.model.gap is not None:
            gap = self.number(self.model.gap)
            s = len(self.model.synapses)
            lines += [f"J = J + (u{s}[i] - {gap} * V)", f"G = G + {gap}"]
        return lines

    # -- loops ------------------------------------------------------------------------------------

    def module(self) -> str:
        """The text of the module."""
        title = f"{self.n_variables} variables: written by hh_sde.kernels.writer, not by hand."
        head = HEADER.format(
            title=title,
            root="absolute_root" if self.model.bounds == "absolute" else "positive_root",
            frozen=bool(self.block_lines) or self.model.gap is not None,
            terms=len(self.terms),
            bounded=self.model.bounds in ("clip", "reflect"),
            free=self.free,
        )
        loops = self._loops()
        texts = [self._loop(name, *loop) for name, loop in loops.items()]
        if loops["relax_back"] == loops["relax"]:  # compiled once
            texts[list(loops).index("relax_back")] = "relax_back = relax\n"
        return "\n\n".join([head, *texts, _steps_text(), _chain_text()])

    def _loops(self) -> dict[str, tuple[str, list[str]]]:
        """Arguments and lines of each loop."""
        variables = range(1, self.n_variables)
        gates = range(1, len(self.gates) + 1)
        rates = self.bases.lines(self.base_names) + self.rate_lines
        rates += list(dict.fromkeys(line for part in self.parts for line in part.prepare()))
        J_and_G = self.block_lines + self.conductance_lines
        f0 = f"f0 = J / {self.C}"
        f = [line for part in self.parts for line in part.slopes()]
        slopes = [*rates, *J_and_G, f0, *f]
        amplitudes = [f"s{t} = root({term.radicand})" for t, term in enumerate(self.terms)]
        size = " + ".join(f"f{k} * f{k}" for k in [0, *variables])
        store = [f"x{k}[i] = y{k}" for k in variables]
        flows = [line for part in self.parts for line in part.flow(backward=False)]
        leaps = [line for part in self.parts for line in part.leap()]
        flows_back = [line for part in self.parts for line in part.flow(backward=True)]
        bound = [line for part in self.parts for line in part.bound(self.model.bounds)]
        terms = range(len(self.terms))
        taken = [f"s{t} * xi{t}" for t in terms]
        corrections = [self._correction(term) for term in self.terms]
        milstein = [
            f"{noise} + {correction} * (xi{t} * xi{t} - h)" if correction else noise
            for t, (noise, correction) in enumerate(zip(taken, corrections, strict=True))
        ]

        def euler(h: str, noise: list[str]) -> list[str]:
            gains = self._gains(noise)
            return [
                *amplitudes,
                f"x0[i] = V + f0 * {h} + kick[i]",
                *(f"x{k}[i] = y{k} + f{k} * {h}{gains.get(k, '')}" for k in variables),
            ]

        tame = [f"tame = h / (1.0 + h * sqrt({size}))"]
        step = "x, I, u, kick, xi, h"
        first_V = "x0[i] = V + f0 * h + kick[i]"
        return {
            "drift": ("x, I, u, dx", [*slopes, *(f"d{k}[i] = f{k}" for k in [0, *variables])]),
            "euler": (step, [*slopes, *euler("h", taken)]),
            "tamed": (step, [*slopes, *tame, *euler("tame", taken)]),
            "milstein_euler": (step, [*slopes, *euler("h", milstein)]),
            "rush_larsen": (step, [*rates, *J_and_G, f0, first_V, *flows, *store]),
            "relax": ("x, xi, h", [*rates, *flows, *store]),
            "leap": ("x, xi, h", [*rates, *leaps, *store]),
            "relax_back": ("x, xi, h", [*rates, *flows_back, *store]),
            "flow": ("x, w, I, u, kick, h", self._flow()),
            "steady": ("x", [*rates, *(l for part in self.parts for l in part.steady()), *store]),
            "gate_rates": (
                "x, a, b",
                [*rates, *(f"{rate}[{k - 1}, i] = {rate}{k}" for k in gates for rate in "ab")],
            ),
            "bound": ("x", [*bound, *store]),
            "amplitudes": ("x, s", [*rates, *amplitudes, *(f"r{t}[i] = s{t}" for t in terms)]),
            "spread": ("x, xi, c, out", [*rates, *amplitudes, *self._gained(taken, "c * ")]),
            "push": ("x, s, out", self._gained([f"r{t}[i]" for t in terms])),
            "correct": ("x, c, out", [*rates, *self._gained(corrections, "c * ")]),
        }

    def _correction(self, term: Term) -> str:
        """1/2 (dg) g of g = root(R): a quarter of dR, and where R < 0 nothing, or its opposite."""
        if term.slope is None:
            return ""
        quarter = f"0.25 * ({term.slope})"
        below = f"-{quarter}" if self.model.bounds == "absolute" else "0.0"
        return f"({quarter} if ({term.radicand}) > 0.0 else {below})"

    def _gains(self, moves: list[str]) -> dict[int, str]:
        """What each row gets, as " + ... - ...", where the terms move by `moves`."""
        gains: dict[int, str] = {}
        for term, move in zip(self.terms, moves, strict=True):
            for row, sign in term.to if move else ():
                gains[row] = gains.get(row, "") + f" {sign} ({move})"
        return gains

    def _gained(self, moves: list[str], factor: str = "") -> list[str]:
        """Lines that add the terms' moves to `out`."""
        gains = self._gains(moves)
        return [f"o{k}[i] = o{k}[i] + {factor}(0.0{gains[k]})" for k in gains]

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
            ("o", "out", self.n_variables),
            ("u", "u", inputs),
            ("xi", "xi", len(self.terms)),
            ("r", "s", len(self.terms)),
        ]
        lines = [re.sub(r"\b(xi\d+)\b", r"\1[i]", line) for line in lines]
        values = [f"y{k} = x{k}[i]" for k in range(1, self.n_variables)]
        body = ["V = x0[i]", *_used(values, lines), *lines]
        views = [f"{short}{k} = {array}[{k}]" for short, array, count in rows for k in range(count)]
        views = _used([*views, "rh = 1.0 / h"], body)
        text = [f"@kernel\ndef {name}({arguments}, p, q, curves):"]
        text += [f"    {line}" for line in views]
        text += ["    for i in range(x0.size):"]
        text += [f"        {line}" for line in body]
        return "\n".join(text) + "\n"


def _add(conductance: str, driving: str) -> list[str]:
    return [f"g = {conductance}", f"J = J + g * {driving}", "G = G + g"]


def _power(name: str, power: int) -> str:
    if power == 4:
        return f"(({name} * {name}) * ({name} * {name}))"
    return " * ".join([name] * power)


def _used(assignments: list[str], lines: list[str]) -> list[str]:
    """Those assignments whose names stand in the lines."""
    words = set(re.findall(r"\w+", "\n".join(lines)))
    return [line for line in assignments if line.split()[0] in words]


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


def _chain_text() -> str:
    """The text of chain.py."""
    text = Path(__file__).with_name("chain.py").read_text(encoding="utf-8")
    return text.partition(STEPS_MARK)[2].lstrip()

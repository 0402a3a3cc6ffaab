"""The parts of the documentation that are made from the library's tables when it is built."""

import inspect
from pathlib import Path

import numpy as np

import hh_sde as hh
from hh_sde.methods.table import markdown

HERE = Path(__file__).parent


def write() -> None:
    """Write generated/*.md, and see that the API page names every public object."""
    pages = {
        "cells": "\n".join(map(cell, hh.CELLS.values())),
        "synapses": "\n".join(synapse(name, make) for name, make in hh.SYNAPSES.items()),
        "stimuli": records(hh.STIMULI),
        "noises": records(hh.NOISES),
        "methods": markdown() + "\n",
        "method_sources": "\n".join(f"- `{k}`: {v.source}" for k, v in hh.METHODS.items()) + "\n",
    }
    (HERE / "generated").mkdir(exist_ok=True)
    for name, text in pages.items():
        target = HERE / "generated" / f"{name}.md"
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
    api = (HERE / "api.md").read_text(encoding="utf-8")
    missing = [name for name in hh.__all__ if f"hh_sde.{name}" not in api]
    if missing:
        raise RuntimeError(f"docs/api.md lacks {', '.join(missing)}")


def cell(cell: hh.Cell) -> str:
    """Current balance, channels and gates of a cell."""
    currents = "".join(
        rf" - g_{{\mathrm{{{c.name}}}}} {_gating(c)}\,(V - E_{{\mathrm{{{c.name}}}}})"
        for c in cell.channels
    )
    channels = [
        (c.name, _number(c.g), _number(c.E), ", ".join(g.name for g in c.gates) or "none",
         "not given" if c.density is None else _number(c.density))
        for c in cell.channels
    ]  # fmt: skip
    rates = []
    for gate in cell.gates:
        names = ("alpha", "beta") if gate.alpha is not None else ("x_inf", "tau")
        for name, rate in zip(names, gate.rates, strict=True):
            symbol, unit = _RATE_NAMES[name]
            symbol = f"${symbol.format(gate.name)}$"
            rates.append((gate.name, symbol, rf"$\displaystyle {rate.latex()}$", unit))
    return "\n".join(
        [
            f"### `{cell.name}`\n",
            f"Source: {cell.source}.\n",
            rf"$$C \frac{{dV}}{{dt}} = I(t){currents} + I_\mathrm{{syn}}$$" + "\n",
            f"$C$ = {_number(cell.C)} µF/cm²; a run starts at $V$ = {_number(cell.V0)} mV with "
            "every gate at its steady state.\n",
            _table(("channel", "g (mS/cm²)", "E (mV)", "gates", "density (1/µm²)"), channels),
            _table(("gate", "function of V (mV)", "formula", "units"), rates),
        ]
    )


def synapse(name: str, make) -> str:
    """Gate, current and source of a synapse; the docstring of what has no gate."""
    made = make(weights=1.0)
    if not isinstance(made, hh.Synapse):
        return f"### `{name}`\n\n{_summary(type(made))}\n"
    rows = [
        (r"$\alpha_s$", rf"$\displaystyle {made.alpha.latex()}$", "1/ms"),
        (r"$\beta_s$", rf"$\displaystyle {made.beta.latex()}$", "1/ms"),
        ("$E$", _number(made.E), "mV"),
    ]
    if made.block is not None:
        rows.append(("$B$", rf"$\displaystyle {made.block.latex()}$", "1"))
    table = _table(("quantity", "value", "units"), rows)
    return f"### `{name}`\n\nSource: {made.source}.\n\n{table}"


def records(table: dict) -> str:
    """The summaries and fields of a table of records."""
    rows = [
        (f"`{kind}`", f"{{py:obj}}`~hh_sde.{record.__name__}`", _summary(record), _fields(record))
        for kind, record in table.items()
    ]
    return _table(("kind", "class", "what it is", "fields"), rows)


_RATE_NAMES = {
    "alpha": (r"\alpha_{0}", "1/ms"),
    "beta": (r"\beta_{0}", "1/ms"),
    "x_inf": (r"{0}_\infty", "1"),
    "tau": (r"\tau_{0}", "ms"),
}


def _gating(channel: hh.Channel) -> str:
    powers = [f"{g.name}^{g.power}" if g.power > 1 else g.name for g in channel.gates]
    return r"\,".join(powers)


def _number(value: float | np.ndarray) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.min():g} to {value.max():g}"
    return f"{value:.10g}"


def _summary(record: type) -> str:
    return " ".join(inspect.getdoc(record).split("\n\n")[0].split())


def _fields(record: type) -> str:
    names = list(inspect.signature(record).parameters)
    units = record.units
    return ", ".join(f"{name} ({units[name]})" if name in units else name for name in names)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"

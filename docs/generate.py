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
        "method_sources": "\n".join(f"- `{k}`: {v.reference}" for k, v in hh.METHODS.items())
        + "\n",
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
    """The equations of a cell, as the engine takes them, and its parameters."""
    equations = hh.Network(1, cell=cell).equations()
    density = ", ".join(
        f"{c.name} {_number(c.density)}" for c in cell.channels if c.density is not None
    )
    return "\n".join(
        [
            f"### `{cell.name}`\n",
            f"Reference: {cell.reference}.\n",
            f"A run starts at $V$ = {_number(cell.V0)} mV with every gate at its steady state. "
            f"Channels per µm², for channel noise: {density or 'not given'}.\n",
            equations.markdown(values=True),
        ]
    )


def synapse(name: str, make) -> str:
    """Gate, current and reference of a synapse; the docstring of what has no gate."""
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
    return f"### `{name}`\n\nReference: {made.reference}.\n\n{table}"


def records(table: dict) -> str:
    """The summaries and fields of a table of records."""
    rows = [
        (f"`{kind}`", f"{{py:obj}}`~hh_sde.{record.__name__}`", _summary(record), _fields(record))
        for kind, record in table.items()
    ]
    return _table(("kind", "class", "what it is", "fields"), rows)


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

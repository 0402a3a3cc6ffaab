"""How numbers, records, cells and networks show themselves: as text, and as HTML in a notebook."""

from __future__ import annotations

import dataclasses
import html
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

#: Lines are at most about this long.
WIDTH = 100
#: Arrays with more numbers than this, and texts with more letters, are not shown whole.
MOST_NUMBERS, MOST_LETTERS = 9, 60
_NO_BREAK = "\N{NO-BREAK SPACE}"


def short(value: Any) -> str:
    """A value in few letters: of large arrays the shape and the range."""
    if hasattr(value, "nnz"):  # sparse
        what = f"sparse matrix of {value.nnz} entries"
        return f"<{_times(value.shape)} {what}{_range(value.data)}>"
    if isinstance(value, np.ndarray):
        if value.size <= MOST_NUMBERS:
            return repr(value.tolist())
        return f"<{_times(value.shape)} {'numbers' if value.ndim == 1 else 'array'}{_range(value)}>"
    if isinstance(value, str) and len(value) > MOST_LETTERS:
        return repr(f"{value[: MOST_LETTERS - 3]}...")
    if isinstance(value, tuple):
        items = [short(item) for item in value[: MOST_NUMBERS + 1]]
        if len(value) > MOST_NUMBERS:
            items[-1] = f"... {len(value)} in all"
        return f"({', '.join(items)}{',' * (len(value) == 1)})"
    return repr(value)


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _range(numbers: np.ndarray) -> str:
    return f" from {np.min(numbers):.4g} to {np.max(numbers):.4g}" if numbers.size else ""


def quantity(value: Any, units: str = "1") -> str:
    """A value with its units.

    Examples
    --------
    >>> quantity(120.0, "mS/cm^2"), quantity(np.linspace(100.0, 140.0, 50), "mS/cm^2")
    ('120 mS/cm^2', '<50 numbers from 100 to 140> mS/cm^2')
    """
    if isinstance(value, float):
        text = f"{value:.10g}"
    else:
        text = short(value)
        if not (_is_numbers(value) or hasattr(value, "nnz")):
            return text  # a rate, a text: no number
    return text if units == "1" else f"{text} {units}"


def _is_numbers(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(one, int | float) for one in value)
    return isinstance(value, int | np.ndarray)


def parameters(values: Iterable[tuple[str, Any, str]]) -> str:
    """Names with values and units, in one line, to be broken between them."""
    return listed(f"{name} = {quantity(value, units)}" for name, value, units in values)


def listed(items: Iterable[str]) -> str:
    """Items in one line, which is not broken within those that are short."""
    return ", ".join(
        item.replace(" ", _NO_BREAK) if len(item) <= WIDTH // 2 else item for item in items
    )


def summary(record: Any) -> tuple[str, str]:
    """What a record is called, and its fields with their units, but for its citation."""
    title, given = _given(record)
    return title, parameters(given)


def _given(record: Any) -> tuple[str, list[tuple[str, Any, str]]]:
    """What a record is called, and of each field its name, value and units."""
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    title = " ".join([type(record).__name__, *filter(None, [values.pop("name", None)])])
    given = [
        (name, value, _units(record, name))
        for name, value in values.items()
        if value is not None and name != "reference"
    ]
    return title, given


def _units(record: Any, name: str) -> str:
    """Units of a field, 1 where they are those of what the record is given for."""
    units = str(record.units.get(name, "1"))
    return "1" if units.startswith("of ") else units


def record_text(record: Any) -> str:
    """A record in lines: what it is called, its fields with their units, its paper."""
    title, given = _given(record)
    lines = wrapped(f"{title}: {parameters(given)}" if given else title, first="", indent="    ")
    reference = getattr(record, "reference", "")
    return "\n".join([*lines, *(wrapped(reference) if reference else [])])


def record_html(record: Any) -> str:
    """A record as a table of its fields, with the formula where it has one, and its paper."""
    title, given = _given(record)
    rows = [
        (name, f"${value.latex()}$ {units}" if hasattr(value, "latex") else quantity(value, units))
        for name, value, units in given
    ]
    formula = f"<p>${html.escape(record.latex())}$</p>" if hasattr(record, "latex") else ""
    reference = html.escape(getattr(record, "reference", ""))
    paper = f"<p>{reference}</p>" if reference else ""
    return f"<b>{html.escape(title)}</b>{formula}{html_table(rows)}{paper}"


# -- layout ----------------------------------------------------------------------------------------


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Rows of text, their columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        indent + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def wrapped(text: str, first: str = "  ", indent: str = "  ") -> list[str]:
    """A long text in lines, the later ones indented."""
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace(_NO_BREAK, " ") for line in lines]


def html_table(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> str:
    """Rows as an HTML table; text between dollars is LaTeX."""
    left = 'style="text-align: left"'
    head = "".join(f"<th {left}>{html.escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td {left}>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


# -- channels and cells ----------------------------------------------------------------------------


def channel_lines(channels: Sequence[Any], indent: str) -> list[str]:
    """Each channel in a line, and below it its gates with their rates."""
    rows = [(channel.name, *_numbers(channel)) for channel in channels]
    lines = []
    for channel, line in zip(channels, aligned(rows, indent), strict=True):
        lines += [line, *gate_lines(channel, f"{indent}  ")]
    return lines


def gate_lines(channel: Any, indent: str) -> list[str]:
    """Each rate of a channel's gates in a line."""
    names = [
        gate.name if gate.power == 1 else f"{gate.name}^{gate.power}" for gate in channel.gates
    ]
    width = max(map(len, names), default=0)
    lines = []
    for name, gate in zip(names, channel.gates, strict=True):
        for k, (slot, rate) in enumerate(_rates(gate)):
            start = f"{indent}{'' if k else name:{width}}  {slot:5} = "
            lines += wrapped(repr(rate), start, " " * len(start))
    return lines


def _rates(gate: Any) -> list[tuple[str, Any]]:
    slots = ("alpha", "beta", "x_inf", "tau")
    return [(slot, getattr(gate, slot)) for slot in slots if getattr(gate, slot) is not None]


def _numbers(channel: Any) -> tuple[str, str, str]:
    g, E, density = (
        "" if value is None else f"{name} = {_quantity_or_record(value, channel.units[name])}"
        for name in ("g", "E", "density")
        for value in [getattr(channel, name)]
    )
    return g, E, density


def _quantity_or_record(value: Any, unit: str) -> str:
    """A number with its unit, or what it follows."""
    return repr(value) if hasattr(value, "pool") else quantity(value, unit)


def _own_numbers(cell: Any) -> list[tuple[str, Any, str]]:
    """The numbers of a cell that are of no channel and no pool."""
    return [(name, *cell.quantities[name]) for name in cell.units if name in cell.quantities]


def _pool_lines(cell: Any) -> list[str]:
    """Each pool of a cell in a line."""
    rows = [
        (pool.name, f"fed by {', '.join(pool.channels)}",
         parameters((name, getattr(pool, name), unit) for name, unit in pool.units.items()))
        for pool in cell.pools
    ]  # fmt: skip
    return aligned(rows, "  ")


def channel_text(channel: Any) -> str:
    """A channel: its numbers, its gates and their rates."""
    numbers = ", ".join(filter(None, _numbers(channel)))
    return "\n".join([f"Channel {channel.name}: {numbers}", *gate_lines(channel, "  ")])


def cell_text(cell: Any) -> str:
    """A cell: its numbers, its channels, its paper."""
    numbers = parameters(_own_numbers(cell))
    reference = wrapped(cell.reference) if cell.reference else []
    title = wrapped(f"Cell {cell.name}: {numbers}", first="", indent="    ")
    return "\n".join([*title, *channel_lines(cell.channels, "  "), *_pool_lines(cell), *reference])


def channels_html(channels: Sequence[Any]) -> str:
    """Currents of channels, and the rates of their gates."""
    currents, gates = [], []
    for channel in channels:
        factors = [
            gate.name if gate.power == 1 else f"{gate.name}^{{{gate.power}}}"
            for gate in channel.gates
        ]
        current = r" \, ".join(["g", *factors, "(V - E)"])
        currents.append((channel.name, f"${current}$", *(one[4:] for one in _numbers(channel)[:2])))
        for gate in channel.gates:
            for slot, rate in _rates(gate):
                units = gate.units[slot]
                gates.append((gate.name, slot, f"${rate.latex()}$", units))
    of_gates = html_table(gates, ("gate", "rate", "of V in mV", "units")) if gates else ""
    return html_table(currents, ("channel", "current", "g", "E")) + of_gates


def cell_html(cell: Any) -> str:
    """A cell as tables, with the formulas of its currents and rates."""
    numbers = [(name, quantity(value, unit)) for name, value, unit in _own_numbers(cell)]
    numbers += [
        (f"{name} of {pool.name}", quantity(getattr(pool, name), unit))
        for pool in cell.pools
        for name, unit in pool.units.items()
    ]
    reference = f"<p>{html.escape(cell.reference)}</p>" if cell.reference else ""
    return f"<b>Cell {cell.name}</b>{html_table(numbers)}{channels_html(cell.channels)}{reference}"


# -- networks --------------------------------------------------------------------------------------


def network_rows(net: Any) -> list[tuple[str, str, str]]:
    """Its parts: what each is, its name, its numbers."""
    rows = []
    for name, part in net.parts.items():
        if name:
            rows.append((name, f"{part.n} neurons", ""))
        rows += population_rows(part, "  ") if name else _driven(part)
    rows += _of_several("synapses", net.synapses)
    return rows + _of_several("noise", net.noise)


def population_rows(part: Any, indent: str = "") -> list[tuple[str, str, str]]:
    """The cell, the stimulus and the noise of a population."""
    rows = [*_driven(part), *_of_several("noise", part.noise)]
    return [(f"{indent}{label}", name, text) for label, name, text in rows]


def _driven(part: Any) -> list[tuple[str, str, str]]:
    cell = parameters((name, value, unit) for name, (value, unit) in part.cell.quantities.items())
    return [("cell", part.cell.name, cell), ("stimulus", *summary(part.stimulus))]


def _of_several(label: str, parts: Sequence[Any]) -> list[tuple[str, str, str]]:
    return [("" if k else label, *summary(part)) for k, part in enumerate(parts)]


def population_text(part: Any) -> str:
    """A population: a line for each part."""
    plural = "" if part.n == 1 else "s"
    return _with_parts(f"Population of {part.n} neuron{plural}", population_rows(part))


def network_title(net: Any) -> str:
    """How many neurons, and the variables of each."""
    plural = "" if net.n_neurons == 1 else "s"
    of = f" in the populations {', '.join(net.populations)}" if net.populations else ""
    return f"Network of {net.n_neurons} neuron{plural}{of} with {', '.join(net.variables)}"


def network_text(net: Any) -> str:
    """A network: a line for each part."""
    return _with_parts(network_title(net), network_rows(net))


def _with_parts(title: str, rows: Sequence[tuple[str, str, str]]) -> str:
    starts = aligned([(label, name, "|") for label, name, _ in rows])
    lines = wrapped(title, first="", indent="    ")
    for start, (*_, text) in zip(starts, rows, strict=True):
        start = start[:-1]
        lines += wrapped(text, start, " " * len(start)) or [start.rstrip()]
    return "\n".join(lines)


def network_html(net: Any) -> str:
    """A network as a table, and its equations."""
    title = f"<b>{html.escape(network_title(net))}</b>"
    equations = html.escape(net.equations().latex(values=True))
    return f"{title}{html_table(network_rows(net))}$${equations}$$"

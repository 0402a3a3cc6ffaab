"""The tables in the documentation that are made from the library's own: python docs/generate.py.

They stand in the pages, each between a line `<!-- table: NAME -->` and `<!-- end of table -->`.
"""

import inspect
import json
import re
from pathlib import Path

import numpy as np
import typer

import hh_sde as hh
from hh_sde.cli import app
from hh_sde.config import document
from hh_sde.methods.table import markdown
from hh_sde.sweeps import REDUCTIONS
from hh_sde.tables import Table

HERE = Path(__file__).parent
#: What scripts of benchmarks/ write into this folder, NAME_KIND.md for each kind of processor, and
#: what their figure, NAME_KIND.png, shows.
MEASURED = {
    "peers": "Nanoseconds per neuron and step of the engine and its peers",
    "cobahh": "Raster and rates of the network; its intervals and their variation beside Brian2's",
    "limit": "",
    "engine": "",
    "frameworks": "",
    "jacobian": "",
    "single": "",
    "simulator": "",
    "sweeps": "",
    "multilevel": "",
    "scaling": "Nanoseconds per lane and step over lanes, and per synapse and step over inputs",
    "precision_additive": "Three kinds of error over cost, under white current noise",
    "precision_channels": "Three kinds of error over cost, under channel noise",
}
PROCESSORS = {"avx2": "AVX2", "avx512": "AVX-512"}
#: The tables of a configuration, and what their keys hold.
MODELS = {
    "network": document._NetworkModel,
    "network.populations.NAME": document._PopulationModel,
    "run": document._RunModel,
    "sweep": document._SweepModel,
}
KINDS = {
    "n_neurons": "number of neurons",
    "n": "number of neurons of the population",
    "populations": "a table for each population, in place of the keys above",
    "cell": "a name of `CELLS`, or a table with `name` and the parameters to change",
    "stimulus": "a number in uA/cm^2, or one or several tables with a `kind` of `STIMULI`",
    "synapses": "tables with a `kind` of `SYNAPSES`, `weights`, and the fields of that kind",
    "noise": "one or several tables with a `kind` of `NOISES`",
    "run.noise": '`"ignore"`: omit the noise of the network, for every method',
    "t_end": "final time, ms",
    "dt": "time step, ms",
    "method": "a name of `METHODS`; the default is that of `solve`",
    "rng": "the seed; by default a random one, which is recorded",
    "trials": "number of trials, or a list of trial indices",
    "x0": "initial values by variable: numbers, lists or distributions",
    "stop": '`"first spike"`, or a table with `variable`, `level`, `direction`',
    "save_dt": "sampling interval of the output, ms",
    "record": "names of variables, currents, conductances, `spikes`",
    "discard": "initial transient to discard, ms",
    "threads": "number of threads",
    "rtol": "relative tolerance of methods with error control",
    "atol": "absolute tolerance of methods with error control",
    "over": "a table of the swept parameters: names as in `hh.sweep`, with lists or ranges",
    "reduce": "names of reductions, or a table of them with their options",
    "common_noise": "the same noise at every point (common random numbers)",
}
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(\n<!-- end of table -->)", re.DOTALL)


def tables() -> dict[str, str]:
    """The tables by name."""
    references = (f"- `{name}`: {method.reference}" for name, method in hh.METHODS.items())
    return {
        "cells": "\n".join(map(cell, hh.CELLS.values())),
        "synapses": "\n".join(synapse(name, make) for name, make in hh.SYNAPSES.items()),
        "topologies": records(hh.TOPOLOGIES),
        "stimuli": records(hh.STIMULI),
        "noises": records(hh.NOISES),
        "summaries": "\n".join(map(summary, hh.SUMMARIES)),
        "methods": markdown(),
        "references": "\n".join(references),
        "reductions": reductions(),
        "problems": described(hh.problems.PROBLEMS, "kind"),
        "studies": described(hh.studies.STUDIES, "arguments"),
        "keys": keys(),
        "commands": commands(),
        **{name: measured(name) for name in MEASURED},
    }


def pages() -> dict[Path, str]:
    """The pages as they should be."""
    made = tables()
    found = {}
    for path in sorted(HERE.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        found[path] = PLACE.sub(lambda m: f"{m[1]}\n{made[m[2]].strip()}\n{m[3]}", text)
    return found


def check() -> None:
    """See that the pages are up to date, and that the API page names every public object."""
    for path, text in pages().items():
        if path.read_text(encoding="utf-8") != text:
            raise RuntimeError(f"the tables in {path.name} are old: run python docs/generate.py")
    api = (HERE / "api.md").read_text(encoding="utf-8")
    missing = [name for name in hh.__all__ if f"hh_sde.{name}" not in api]
    if missing:
        raise RuntimeError(f"docs/api.md lacks {', '.join(missing)}")


def measured(name: str) -> str:
    """What a script of benchmarks/ wrote here, one kind of processor after the other."""
    parts = []
    for path in sorted(HERE.glob(f"{name}_*.md")):
        kind = path.stem.removeprefix(f"{name}_")
        parts.append(f"On a processor with {PROCESSORS.get(kind, kind)}:\n")
        parts.append(path.read_text(encoding="utf-8"))
        if (figure := path.with_suffix(".png")).exists():
            parts.append(f"![{MEASURED[name]}]({figure.name})\n")
    return "\n".join(parts) or "Not measured yet: the script above does it, with `--out docs`.\n"


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
            f"A run starts at $V$ = {_number(cell.V0)} mV with all else at its steady state. "
            f"Channels per µm², for channel noise: {density or 'not given'}.\n",
            equations.markdown(values=True),
        ]
    )


def synapse(name: str, make) -> str:
    """Gate, current and reference of a graded synapse; of others what they are and take."""
    takes = inspect.signature(make).parameters.values()
    needed = [one.name for one in takes if one.default is one.empty]
    made = make(weights=1.0) if needed == ["weights"] else None
    if not isinstance(made, hh.Synapse):
        return f"### `{name}`\n\n{_summary(make)}\n\nIt takes {_fields(make)}.\n"
    rows = [
        (r"$\alpha_s$", rf"$\displaystyle {made.alpha.latex()}$", "1/ms"),
        (r"$\beta_s$", rf"$\displaystyle {made.beta.latex()}$", "1/ms"),
        ("$E$", _number(made.E), "mV"),
    ]
    if made.messenger is not None:
        one = made.messenger
        rows += [
            ("$K_3$", _number(one.K3), "µM/ms"),
            ("$K_4$", _number(one.K4), "1/ms"),
            ("$K_d$", _number(one.Kd), f"µM^{one.power}"),
            ("$n$", str(one.power), "1"),
        ]
    if made.voltage_block is not None:
        rows.append(("$B$", rf"$\displaystyle {made.voltage_block.latex()}$", "1"))
    table = _table(("quantity", "value", "units"), rows)
    return f"### `{name}`\n\nReference: {made.reference}.\n\n{table}"


def records(table: dict) -> str:
    """The summaries and fields of a table of records."""
    rows = [
        (f"`{kind}`", f"`{record.__name__}`", _summary(record), _fields(record))
        for kind, record in table.items()
    ]
    return _table(("kind", "class", "what it is", "fields"), rows)


def reductions() -> str:
    """What a sweep can keep in place of spikes or traces."""
    rows = [
        (f"`{name}`", one.summary, "spikes" if one.of_spikes else "traces")
        for name, one in REDUCTIONS.items()
    ]
    return _table(("name", "what is kept", "of"), rows)


def described(table: Table, parameters: str) -> str:
    """What a table says of its entries; `parameters` heads the column of theirs."""
    rows = [
        (f"`{name}`", *(" ".join(text.split()).replace("|", r"\|") for text in entry))
        for name, entry in table.describe().items()
    ]
    return _table(("name", "what it is", parameters, "reference"), rows)


def keys() -> str:
    """Every key of a configuration, with what it holds and its default."""
    rows = [
        (f"`{table}.{key}`", KINDS.get(f"{table}.{key}") or KINDS[key], _default(field))
        for table, model in MODELS.items()
        for key, field in model.model_fields.items()
    ]
    return _table(("key", "what it holds", "default"), rows)


def _default(field) -> str:
    if field.is_required():
        return "must be given"
    empty = (None, (), {})
    return "-" if field.default in empty else f"`{json.dumps(field.default)}`"


def commands() -> str:
    """The commands, with their arguments."""
    group = typer.main.get_command(app)
    parts = []
    for name, command in group.commands.items():
        takes = [one for one in command.params if one.help]
        names = {one: one.metavar or one.name for one in takes if one.param_type_name == "argument"}
        words = [word if one.required else f"[{word}]" for one, word in names.items()]
        words += [_option(one) for one in takes if one not in names and one.required]
        parts.append(f"## `hh-sde {name}`\n\n{inspect.cleandoc(command.help)}\n")
        parts.append(f"`hh-sde {' '.join([name, *words])}`\n" if words else "")
        rows = [(f"`{names.get(one) or _option(one)}`", one.help) for one in takes]
        parts.append(_table(("argument", "what it is"), rows) if rows else "")
    return "\n".join(filter(None, parts))


def _option(option) -> str:
    """An option as it is given."""
    value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
    return ", ".join(f"{one}{value}" for one in option.opts)


def summary(name: str) -> str:
    """What a summary is and what it takes."""
    found = hh.SUMMARIES.describe()[name]
    takes = found.parameters.removeprefix("ds").lstrip(", ")
    reference = f" Reference: {found.reference}" if found.reference else ""
    return f"- `{name}`{f', of {takes}' if takes else ''}: {found.summary}{reference}"


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


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")

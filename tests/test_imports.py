"""Imports go one way, and importing the library stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hh_sde

PACKAGE = Path(hh_sde.__file__).parent

# A module may import from those named before it. A package stands for its modules.
ORDER = [
    "errors",
    "attributes",
    "memory",
    "display",
    "records",
    "files",
    "results",
    "descriptions",
    "tables",
    "addresses",
    "stated",
    "kinetics",
    "distributions",
    "cells",
    "topology",
    "weights",
    "stimuli",
    "spike_rule",
    "spike_sources",
    "synapses",
    "markov",
    "noise",
    "kernels",
    "equations",
    "levy",
    "brownian",
    "rows",
    "sde",
    "methods",
    "network",
    "problems",
    "provenance",
    "dataset",
    "measures",
    "interop",
    "plot",
    "accessor",
    "progress",
    "continuation",
    "arguments",
    "initial",
    "choice",
    "stopping",
    "watching",
    "runs",
    "streams",
    "solver",
    "clamp",
    "sweeps",
    "studies",
    "reruns",
    "explorer",
    "assignments",
    "config",
    "cli",
]


def unit(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "hh_sde":
            parts = node.module.split(".")[1:]
            yield from [parts[0]] if parts else [alias.name for alias in node.names]


def test_every_module_has_its_place_and_keeps_to_it():
    for path in PACKAGE.rglob("*.py"):
        name = unit(path)
        if name == "__init__":
            continue
        assert name in ORDER, f"give {name} a place in ORDER"
        for other in set(imported(path)) - {name}:
            assert ORDER.index(other) < ORDER.index(name), f"{path} imports {other}"


def test_only_the_kernels_import_numba():
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if unit(path) != "kernels":
            assert "import numba" not in text
            assert "from numba" not in text


def test_neuroscience_and_numerics_meet_in_the_network_alone():
    neuroscience = {"kinetics", "cells", "synapses", "stimuli", "noise", "topology", "weights"}
    for path in PACKAGE.rglob("*.py"):
        if unit(path) in {"kernels", "sde", "brownian", "methods"}:
            assert not neuroscience & set(imported(path))
        if unit(path) in neuroscience:
            assert not {"kernels", "sde", "brownian", "methods"} & set(imported(path))


def loaded_after(statement):
    code = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_is_light():
    heavy = {
        "matplotlib",
        "dask",
        "distributed",
        "numba",
        "sdeint",
        "typer",
        "pydantic",
        "rich",
        "zarr",
        "netCDF4",
    }
    assert not heavy & loaded_after("import hh_sde")
    assert "matplotlib" not in loaded_after("import hh_sde; hh_sde.solve(hh_sde.Network(1), 1.0)")


def test_public_names_resolve_and_the_accessor_is_there():
    for name in hh_sde.__all__:
        assert getattr(hh_sde, name) is not None
    loaded_after("import hh_sde, xarray; xarray.Dataset().hh")


def test_the_reference_lists_every_measure_and_plot():
    page = PACKAGE.parent / "docs" / "api.md"
    if not page.exists():
        pytest.skip("the tests run outside the repository")
    text = page.read_text(encoding="utf-8")
    internal = {"SpikeRule", "ragged", "rule_attributes", "COLOURS", "MOST_LINES", "PLOTS"}
    for module in (hh_sde.measures, hh_sde.plot):
        for name in set(module.__all__) - internal:
            assert f".. autofunction:: {module.__name__}.{name}\n" in text, name

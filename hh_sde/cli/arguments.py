"""The application, and the arguments that several of its commands take."""

# Everything heavy is imported inside the commands: --help answers at once.
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hh_sde.cli.listing import Commands

app = typer.Typer(
    name="hh-sde",
    cls=Commands,
    help="Networks of Hodgkin-Huxley neurons as stochastic differential equations.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ConfigPath = Annotated[
    Path,
    typer.Argument(
        exists=True,
        dir_okay=False,
        metavar="CONFIG.toml",
        help="A configuration; hh-sde init writes one.",
    ),
]
ResultPath = Annotated[
    Path,
    typer.Argument(
        exists=True,
        metavar="FILE.nc",
        help="A result written by --out, or the store of a run or a sweep.",
    ),
]
StorePath = Annotated[
    Path,
    typer.Argument(
        exists=True,
        file_okay=False,
        metavar="STORE.zarr",
        help="The store of a sweep, made by hh-sde sweep --store.",
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key of the file, as run.dt=0.02; may be given several times.",
    ),
]
OutPath = Annotated[Path | None, typer.Option(help="Write the result here (netCDF).")]
PlotPath = Annotated[Path | None, typer.Option(help="Write a figure here (PNG, PDF, SVG).")]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar="METHOD",
        help="A method instead of the file's: a name in the list of hh-sde methods, or one of "
        "your own, package.module:name, found from this folder too. A study may take several.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")]

"""The commands of hh-sde."""

# Everything heavy is imported inside the commands: --help answers at once.
from __future__ import annotations

import inspect
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hh_sde.cli.arguments import (
    Changes,
    ConfigPath,
    Methods,
    OutPath,
    PlotPath,
    Quiet,
    ResultPath,
    app,
)
from hh_sde.cli.files import (
    check_folder,
    check_target,
    check_targets,
    figure_of,
    is_run,
    opened,
    reading,
    see_configuration,
    see_result,
    selected,
    write,
    written,
)
from hh_sde.cli.messages import (
    note,
    of_files,
    say,
    stop,
    stop_unless_written,
    without_place,
)
from hh_sde.cli.methods import with_methods
from hh_sde.cli.printed import (
    attributes,
    estimates,
    kept_code,
    list_methods,
    list_studies,
    summary,
    summary_of_store,
)

if TYPE_CHECKING:
    from hh_sde.config import Config


def _study_names() -> list[str]:
    from hh_sde.studies import STUDIES

    return list(STUDIES)


@app.command()
def run(
    config: ConfigPath,
    changes: Changes = None,
    method: Methods = None,
    out: OutPath = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN.zarr",
            help="A folder to which the result is written while it runs, for runs longer than "
            "memory. An existing one is resumed.",
        ),
    ] = None,
    plot: PlotPath = None,
    quiet: Quiet = False,
) -> None:
    """Simulate what CONFIG.toml describes (hh-sde init writes one)."""
    from hh_sde.errors import IntegrationError, Interrupted, StoreError
    from hh_sde.solver import solve

    see_configuration(config)
    check_targets(config, out, plot)
    if store:
        check_folder(store)
    wanted = _loaded(config, changes)
    failure: BaseException | None = None
    try:
        arguments = _arguments(wanted) | ({"progress": False} if quiet else {})
        arguments |= with_methods(method or (), ["method"])
        ds = solve(wanted.network, store=store, **arguments)
    except (ImportError, TypeError, ValueError) as error:
        stop(f"{config}: {error}", code=2)
    except StoreError as error:
        stop(str(error), code=1)
    except IntegrationError as error:
        ds, failure = error.dataset, error
    except Interrupted as interrupted:
        ds, failure = interrupted.dataset, interrupted
    except KeyboardInterrupt:
        stop("interrupted before the first step", code=130)
    paths = write(ds, out, plot, wanted.spike_rule) + ([store] if store else [])
    if not quiet:
        lines = summary_of_store(ds, wanted.spike_rule) if store else summary(ds, wanted.spike_rule)
        say([*lines, *(f"written: {path}" for path in paths)])
        if not (paths or failure):
            note(NOT_KEPT)
    if failure:
        code = 1 if isinstance(failure, RuntimeError) else 130
        way_on = "; the same command goes on from there" if store and code == 130 else ""
        stop(of_files(failure, store or out, paths) + way_on, code)
    stop_unless_written(paths, out, plot)


def _loaded(config: Path, changes: list[str] | None) -> Config:
    from hh_sde.config import ConfigError, load

    try:
        return load(config, changes or ())
    except ConfigError as error:
        stop(f"{config}:\n{error}", code=2)


def _arguments(wanted: Config) -> dict[str, Any]:
    """The arguments of `solve`."""
    spiking = wanted.arguments.get("stop") == "first spike"
    if spiking or "spikes" in wanted.arguments.get("record", ()):
        return {**wanted.arguments, "spike_rule": wanted.spike_rule}
    return dict(wanted.arguments)


@app.command()
def study(
    name: Annotated[
        str,
        typer.Argument(
            metavar="STUDY",
            help="A name in the list of hh-sde studies.",
            autocompletion=_study_names,
        ),
    ],
    config: ConfigPath,
    changes: Changes = None,
    method: Methods = None,
    out: OutPath = None,
    plot: PlotPath = None,
    quiet: Quiet = False,
) -> None:
    """Answer a question about the network of CONFIG.toml.

    Its table [study] has the arguments; hh-sde studies lists them.
    """
    from hh_sde.config import ConfigError, load_study
    from hh_sde.errors import IntegrationError, unknown
    from hh_sde.kernels.waiting import WAITING
    from hh_sde.studies import STUDIES

    see_configuration(config)
    check_targets(config, out, plot)
    if name not in STUDIES:
        stop(unknown("study", name, STUDIES), code=2)
    try:
        net, arguments, unused = load_study(config, name, changes or ())
        arguments |= with_methods(method or (), list(inspect.signature(STUDIES[name]).parameters))
        if unused:
            note(f"{name} reads [study], not {', '.join(unused)}")
        if not (quiet or out or plot):
            note(NOT_KEPT)
        with WAITING.silenced(quiet):
            ds = STUDIES[name](net, **arguments)
    except (ConfigError, TypeError, ValueError) as error:
        stop(f"{config}:\n{error}", code=2)
    except IntegrationError as error:
        stop(f"{without_place(error)}; {NOTHING_WRITTEN}", code=1)
    except KeyboardInterrupt:
        stop(f"interrupted; {NOTHING_WRITTEN}", code=130)
    paths = write(ds, out, plot, None)
    if not quiet:
        say([*estimates(ds, warned=True), *(f"written: {path}" for path in paths)])
    stop_unless_written(paths, out, plot)


NOT_KEPT = "the result is printed and not kept; --out FILE.nc keeps it"
NOTHING_WRITTEN = "a study has no result before its end, so nothing was written"


@app.command()
def studies() -> None:
    """List the studies and the arguments that they take, with their defaults."""
    list_studies()


@app.command()
def methods() -> None:
    """List the integration methods, their orders and the noise they take."""
    list_methods()


@app.command()
def info(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            metavar="FILE",
            help="A result (FILE.nc, or a store), or a configuration (CONFIG.toml).",
        ),
    ],
    changes: Changes = None,
) -> None:
    """Show what a result contains and how it was made, or the network of a configuration."""
    if file.suffix == ".toml" and not file.is_dir():
        _show_network(file, changes)
        return
    if changes:
        stop("--set changes keys of a configuration, CONFIG.toml", code=2)
    see_result(file)
    with reading(file):
        ds = opened(file)
        of_run = summary_of_store if is_run(file) else summary
        lines = [*(estimates(ds, warned=False) if "study" in ds.attrs else of_run(ds, None))]
        lines += attributes(ds)
    say(lines)


def _show_network(config: Path, changes: list[str] | None) -> None:
    from hh_sde.config import ConfigError, load_network

    try:
        say([repr(load_network(config, changes or ()))])
    except ConfigError as error:
        stop(f"{config}:\n{error}", code=2)


@app.command("plot")
def plot_file(
    file: ResultPath,
    out: Annotated[
        Path | None, typer.Option(help="Write here. Default: FILE with the ending .png.")
    ] = None,
    trial: Annotated[int | None, typer.Option(help="Trial to plot. Default: the first.")] = None,
    cell: Annotated[
        list[str] | None,
        typer.Option(
            "--sel",
            metavar="NAME=VALUE",
            help="Of a sweep: plot the points with this value; may be given several times.",
        ),
    ] = None,
) -> None:
    """Plot potentials, gates and spikes of a result, or the rate over the swept parameters."""
    see_result(file)
    target = out or file.with_suffix(".png")
    check_targets(file, None, target)
    with reading(file):
        figure = figure_of(selected(opened(file), cell or ()), None, trial)
    stop_unless_written(written(target, partial(figure.savefig, dpi=150)), target)
    say([f"written: {target}"])


@app.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The file to write.")] = Path(
        "hh_sde.toml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a configuration with comments: the two coupled neurons, to be changed."""
    if path.exists() and not force:
        stop(f"{path} exists; give another name, or --force to overwrite it", code=2)
    check_target(path)
    template = (resources.files("hh_sde") / "template.toml").read_text(encoding="utf-8")
    stop_unless_written(written(path, lambda at: at.write_text(template, "utf-8")), path)
    say([f"written: {path}", f"next: hh-sde run {path} --out run.nc --plot run.png"])


@app.command()
def cache(
    warm: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="CONFIG.toml",
            help="Compile now what hh-sde run CONFIG.toml needs.",
        ),
    ] = None,
    clear: Annotated[
        bool,
        typer.Option("--clear", help="Remove all compiled code; it is compiled again when needed."),
    ] = False,
    changes: Changes = None,
) -> None:
    """Show the cache of compiled code and its size; clear it, or compile in advance."""
    from hh_sde.kernels import cache

    if changes and warm is None:
        stop("--set changes keys of the configuration of --warm", code=2)
    if clear:
        cache.clear()
    if warm:
        _compile_ahead(warm, changes)
    say(kept_code())


def _compile_ahead(config: Path, changes: list[str] | None) -> None:
    """Run what a configuration describes for a step or two."""
    from hh_sde.errors import IntegrationError
    from hh_sde.solver import solve

    wanted = _loaded(config, changes)
    arguments = _arguments(wanted)
    dt = arguments["dt"]
    arguments["t_end"] = arguments.get("save_dt", dt)
    if arguments.get("discard"):
        arguments["discard"] = dt
        arguments["t_end"] += dt
    try:
        solve(wanted.network, **arguments)
    except IntegrationError:
        pass  # its loops are compiled all the same, and the run will say it
    except (TypeError, ValueError) as error:
        stop(f"{config}: {error}", code=2)
    except KeyboardInterrupt:
        stop("interrupted; what was compiled by then is kept", code=130)


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options of the command itself."""
    if show:
        from importlib import metadata

        typer.echo(metadata.version("hh_sde"))
        raise typer.Exit

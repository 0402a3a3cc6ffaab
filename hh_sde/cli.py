"""The command hh-sde. Exit codes: 0 done, 1 a run that failed, 2 wrong usage, 130 Ctrl-C."""

# Everything heavy is imported inside the commands: --help answers at once.
from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    import xarray as xr

    from hh_sde.methods import Method

app = typer.Typer(
    name="hh-sde",
    help="Networks of Hodgkin-Huxley neurons as stochastic differential equations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigPath = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="CONFIG.toml")]
ResultPath = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE.nc")]


@app.command()
def run(
    config: ConfigPath,
    out: Annotated[Path | None, typer.Option(help="Write the result here (netCDF).")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture here (PNG, PDF, SVG).")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Simulate what CONFIG.toml describes (hh-sde init writes one)."""
    from hh_sde.config import ConfigError, load
    from hh_sde.errors import IntegrationError, Interrupted
    from hh_sde.solver import solve

    _check_targets(out, plot)
    try:
        wanted = load(config)
    except ConfigError as error:
        _stop(f"{config}:\n{error}", code=2)
    failure, code = "", 0
    try:
        arguments = {**wanted.arguments, "progress": False} if quiet else dict(wanted.arguments)
        if "spikes" in arguments.get("record", ()):
            arguments["spike_rule"] = wanted.spike_rule
        ds = solve(wanted.network, **arguments)
    except (TypeError, ValueError) as error:
        _stop(f"{config}: {error}", code=2)
    except IntegrationError as error:
        ds, failure, code = error.dataset, _of_files(error, out), 1
    except Interrupted as interrupted:
        ds, failure, code = interrupted.dataset, _of_files(interrupted, out), 130
    except KeyboardInterrupt:
        _stop("interrupted before the first step", code=130)
    if out:
        ds.to_netcdf(out)
    if plot:
        _save_picture(ds, plot, wanted.spike_rule)
    if not quiet:
        _summary(ds, wanted.spike_rule)
        for path in filter(None, (out, plot)):
            typer.echo(f"written: {path}")
    if code:
        _stop(failure, code=code)


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="One of hh-sde studies.")],
    config: ConfigPath,
    out: Annotated[Path | None, typer.Option(help="Write the result here (netCDF).")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture here (PNG, PDF, SVG).")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Answer a question about the network of CONFIG.toml; its table "study" has the arguments."""
    from hh_sde.config import ConfigError, load_study
    from hh_sde.errors import IntegrationError, unknown
    from hh_sde.studies import STUDIES

    _check_targets(out, plot)
    if name not in STUDIES:
        _stop(unknown("study", name, STUDIES), code=2)
    try:
        net, arguments, unused = load_study(config, name)
        if unused:
            _note(f"{name} reads [study], not {', '.join(unused)}")
        ds = STUDIES[name](net, **arguments)
    except (ConfigError, TypeError, ValueError) as error:
        _stop(f"{config}:\n{error}", code=2)
    except IntegrationError as error:
        _stop(str(error), code=1)
    except KeyboardInterrupt:
        _stop("interrupted; a study has no result before its end, so nothing was written", 130)
    if out:
        ds.to_netcdf(out)
    if plot:
        _save_picture(ds, plot, None)
    if not quiet:
        _say_study(ds)
        for path in filter(None, (out, plot)):
            typer.echo(f"written: {path}")


@app.command()
def studies() -> None:
    """List the studies and the arguments that they take."""
    import inspect

    from rich.console import Console
    from rich.padding import Padding

    from hh_sde.studies import STUDIES

    console = Console(highlight=False)
    for name, function in STUDIES.items():
        console.print(f"[bold]{name}[/bold]")
        summary = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
        arguments = [key for key in inspect.signature(function).parameters if key != "net"]
        console.print(Padding(f"{summary} Arguments: {', '.join(arguments)}.", (0, 0, 0, 4)))


def _say_study(ds: xr.Dataset) -> None:
    """The study's estimates as a table, or where there are many the shape of them."""
    for name, variable in ds.data_vars.items():
        if str(name).endswith(("_low", "_high")) or variable.ndim > 2 or "network" in str(name):
            continue
        described = variable.attrs.get("long_name", name), variable.attrs.get("units", "1")
        typer.echo("\n{} ({}):".format(*described))
        if variable.ndim:
            table = variable.to_pandas()
            typer.echo(table.to_string(float_format="{:.4g}".format))
        else:
            typer.echo(f"{variable.item():.4g}")
        if "warning" in variable.attrs:
            typer.echo(f"warning: {variable.attrs['warning']}")
    for name in ("recommended_method", "recommended_dt", "advice"):
        if name in ds.attrs:
            typer.echo(f"{name}: {ds.attrs[name]}")


@app.command()
def methods() -> None:
    """List the integration methods, their orders and the noise they take."""
    from rich.console import Console
    from rich.padding import Padding

    from hh_sde.methods import METHODS

    console = Console(highlight=False)
    for name, method in METHODS.items():
        strong = ", ".join(f"{kind} {order:g}" for kind, order in method.strong_order.items())
        console.print(f"[bold]{name}[/bold]")
        about = (
            f"{method.summary} ({method.interpretation}). "
            + (f"Strong order: {strong}. " if strong else "")
            + _noise_taken(method)
        )
        console.print(Padding(about, (0, 0, 0, 4)))


def _noise_taken(method: Method) -> str:
    """What `hh-sde methods` says besides strong orders."""
    if method.exact:
        return "Takes ConductanceNoise alone. No step, no error of one."
    if method.interpretation == "chain":
        order = method.deterministic_order
        return f"Takes ConductanceNoise alone. With ever more channels: order {order:g}."
    taken = "" if method.strong_order else "Takes no noise. "
    if method.adaptive:
        return taken + "Error control by rtol and atol."
    return f"{taken}No noise: order {method.deterministic_order:g}."


@app.command()
def info(file: ResultPath) -> None:
    """Say what a result file holds and how it was made."""
    with _reading(file):
        ds = _opened(file)
        if "study" in ds.attrs:
            _say_study(ds)
        else:
            _summary(ds, None)
        for name, value in ds.attrs.items():
            typer.echo(f"  {_printable(name)} = {_printable(value)}")


@app.command("plot")
def plot_file(
    file: ResultPath,
    out: Annotated[
        Path | None, typer.Option(help="Write here. Default: FILE with the ending .png.")
    ] = None,
    trial: Annotated[int | None, typer.Option(help="Trial to draw. Default: the first.")] = None,
) -> None:
    """Draw potentials, gates and spikes of a result file."""
    target = out or file.with_suffix(".png")
    _check_targets(target)
    with _reading(file):
        _save_picture(_opened(file), target, None, trial=trial)
    typer.echo(f"written: {target}")


@app.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="CONFIG.toml")] = Path("hh_sde.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a configuration with comments: the two coupled neurons, to be changed."""
    if path.exists() and not force:
        _stop(f"{path} exists; give another name, or --force to overwrite it", code=2)
    _check_targets(path)
    template = resources.files("hh_sde") / "template.toml"
    path.write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    typer.echo(f"written: {path}\nnext: hh-sde run {path} --out run.nc --plot run.png")


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options of the command itself."""
    if show:
        from importlib import metadata

        typer.echo(metadata.version("hh_sde"))
        raise typer.Exit


def main() -> None:
    """Entry point."""
    warnings.showwarning = _say_warning  # type: ignore[assignment]
    app()


def _say_warning(message: Warning | str, *where: Any) -> None:
    typer.echo(f"hh-sde: warning: {message}", err=True)


def _summary(ds: xr.Dataset, rule: Any) -> None:
    from hh_sde.dataset import spikes_alone

    sizes = ", ".join(f"{size} {dim}s" for dim, size in ds.sizes.items() if dim in _COUNTED)
    if spikes_alone(ds):
        span = f"{ds.attrs['t_start']:g} to {ds.attrs['t_end']:g} ms"
        typer.echo(f"{_printable(ds.attrs.get('method', 'unknown method'))}: {sizes}; {span}")
        _say_rate(ds.hh.rates().rate)
        return
    typer.echo(
        f"{_printable(ds.attrs.get('method', 'unknown method'))}: {sizes}; "
        f"{float(ds.time[0]):g} to {float(ds.time[-1]):g} ms; "
        f"variables {', '.join(str(v) for v in ds.data_vars if 'time' in ds[v].dims)}"
    )
    if "V" not in ds or ds.sizes["time"] < 2:
        return
    try:
        _say_rate(ds.hh.rates(rule).rate)
    except ValueError as error:
        typer.echo(f"firing rate: not known; {error}")


def _say_rate(rate: xr.DataArray) -> None:
    low, mean, high = float(rate.min()), float(rate.mean()), float(rate.max())
    typer.echo(f"firing rate: mean {mean:.2f} Hz (from {low:.2f} to {high:.2f} over neurons)")


_COUNTED = ("trial", "time", "neuron", "component", "spike")


def _opened(file: Path) -> xr.Dataset:
    """The Dataset in a file, its units those of this library."""
    import xarray as xr

    from hh_sde import memory

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the reader about what is wrong with the file
        # times stay numbers: to xarray "days since 2000" is a date, to this library a fault
        with xr.open_dataset(file, decode_times=False) as ds:
            memory.require(ds.nbytes, "it", "read parts of it with xarray.open_dataset")
            ds.load()
    for name in ("time", "spike_time"):
        if name in ds and ds[name].attrs.get("units", "ms") != "ms":
            raise ValueError(f"{name} is in {_printable(ds[name].attrs['units'])}, not in ms")
    for name in ("time", "spike_time", "trial", "neuron", "V", "x"):
        if name in ds and ds[name].dtype.kind not in "iuf":
            raise ValueError(f"{name} holds {ds[name].dtype}, not numbers")
    for name in ("time", "spike_time"):
        if name in ds and (ds[name].ndim != 1 or not bool(ds[name].notnull().all())):
            raise ValueError(f"{name} is not a row of times")
    if ds.sizes.get("time") == 0:
        raise ValueError("it holds no time")
    if "spike_time" in ds and not _number(ds, "t_start") < _number(ds, "t_end"):
        raise ValueError("t_end is not after t_start")
    if "spike_time" in ds and "neurons" not in ds.attrs:
        raise ValueError("it has no attribute 'neurons'")
    if "study" not in ds.attrs and "spike_time" not in ds and "time" not in ds.coords:
        raise ValueError(
            "it has neither a coordinate time nor spikes, but "
            + (", ".join(_printable(name) for name in ds.variables) or "nothing")
        )
    return ds


def _number(ds: xr.Dataset, attribute: str) -> float:
    from hh_sde.records import single

    if attribute not in ds.attrs:
        raise ValueError(f"it has no attribute {attribute!r}")
    return single(ds.attrs[attribute], f"the attribute {attribute!r}")


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Whatever is wrong with a result file, said in one line."""
    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except Exception as error:  # a file may be wrong in any way
        reason = _printable(error) or type(error).__name__
        reason = f"no {reason}" if isinstance(error, KeyError) else reason
        what = " is not a netCDF file" if _unreadable(error) else ""
        _stop(f"{file}{what}: {reason}", code=2)


def _unreadable(error: Exception) -> bool:
    """Whether it was the reader of the file that failed."""
    return isinstance(error, OSError) or "IO backends" in str(error)


def _printable(value: Any) -> str:
    """At most 80 characters in one line, none that a terminal would obey."""
    text = "".join(c if c.isprintable() else " " for c in str(value)[:400])
    return text if len(text) <= 80 else text[:77] + "..."


def _save_picture(ds: xr.Dataset, path: Path, rule: Any, trial: int | None = None) -> None:
    import matplotlib

    matplotlib.use("Agg")
    ds.hh.plot(rule=rule, trial=trial).savefig(path, dpi=150)


def _of_files(error: BaseException, out: Path | None) -> str:
    """What a run's error says, with a file in place of its attribute."""
    said = str(error).partition("; what was computed")[0]
    return f"{said}; what was computed " + (f"is in {out}" if out else "was not kept (--out)")


def _check_targets(*paths: Path | None) -> None:
    """Before a long run: can these be written?"""
    for path in filter(None, paths):
        if not path.parent.is_dir():
            _stop(f"the folder {path.parent} does not exist; make it first", code=2)
        if path.is_dir():
            _stop(f"{path} is a folder; give the name of a file", code=2)


def _note(message: str) -> None:
    typer.echo(f"hh-sde: {message}", err=True)


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(f"hh-sde: {message}", err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    main()

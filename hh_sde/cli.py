"""The command hh-sde. Exit codes: 0 done, 1 a run that failed, 2 wrong usage, 130 Ctrl-C."""

# Everything heavy is imported inside the commands: --help answers at once.
from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

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
OutPath = Annotated[Path | None, typer.Option(help="Write the result here (netCDF).")]
PlotPath = Annotated[Path | None, typer.Option(help="Write a picture here (PNG, PDF, SVG).")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")]


@app.command()
def run(
    config: ConfigPath,
    out: OutPath = None,
    plot: PlotPath = None,
    quiet: Quiet = False,
) -> None:
    """Simulate what CONFIG.toml describes (hh-sde init writes one)."""
    from hh_sde.config import ConfigError, load
    from hh_sde.errors import IntegrationError, Interrupted
    from hh_sde.solver import solve

    _check_targets(config, out, plot)
    try:
        wanted = load(config)
    except ConfigError as error:
        _stop(f"{config}:\n{error}", code=2)
    failure: BaseException | None = None
    try:
        arguments = {**wanted.arguments, "progress": False} if quiet else dict(wanted.arguments)
        if "spikes" in arguments.get("record", ()):
            arguments["spike_rule"] = wanted.spike_rule
        ds = solve(wanted.network, **arguments)
    except (TypeError, ValueError) as error:
        _stop(f"{config}: {error}", code=2)
    except IntegrationError as error:
        ds, failure = error.dataset, error
    except Interrupted as interrupted:
        ds, failure = interrupted.dataset, interrupted
    except KeyboardInterrupt:
        _stop("interrupted before the first step", code=130)
    written = _write(ds, out, plot, wanted.spike_rule)
    if not quiet:
        _say([*_summary(ds, wanted.spike_rule), *(f"written: {path}" for path in written)])
    if failure:
        _stop(_of_files(failure, out, written), 1 if isinstance(failure, RuntimeError) else 130)
    _stop_unless_written(written, out, plot)


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="A name in the list of hh-sde studies.")],
    config: ConfigPath,
    out: OutPath = None,
    plot: PlotPath = None,
    quiet: Quiet = False,
) -> None:
    r"""Answer a question about the network of CONFIG.toml.

    Its table \[study] has the arguments; hh-sde studies lists them.
    """
    from hh_sde.config import ConfigError, load_study
    from hh_sde.errors import IntegrationError, unknown
    from hh_sde.studies import STUDIES

    _check_targets(config, out, plot)
    if name not in STUDIES:
        _stop(unknown("study", name, STUDIES), code=2)
    try:
        net, arguments, unused = load_study(config, name)
        if unused:
            _note(f"{name} reads [study], not {', '.join(unused)}")
        if not (quiet or out or plot):
            _note("the result is printed and not kept; --out FILE.nc keeps it")
        ds = STUDIES[name](net, **arguments)
    except (ConfigError, TypeError, ValueError) as error:
        _stop(f"{config}:\n{error}", code=2)
    except IntegrationError as error:
        _stop(f"{_without_place(error)}; {NOTHING_WRITTEN}", code=1)
    except KeyboardInterrupt:
        _stop(f"interrupted; {NOTHING_WRITTEN}", code=130)
    written = _write(ds, out, plot, None)
    if not quiet:
        _say([*_estimates(ds, warned=True), *(f"written: {path}" for path in written)])
    _stop_unless_written(written, out, plot)


NOTHING_WRITTEN = "a study has no result before its end, so nothing was written"


@app.command()
def studies() -> None:
    """List the studies and the arguments that they take, with their defaults."""
    import inspect

    from rich.console import Console
    from rich.padding import Padding

    from hh_sde.studies import STUDIES

    console = Console(highlight=False)
    for name, function in STUDIES.items():
        console.print(f"[bold]{name}[/bold]")
        summary = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
        console.print(Padding(summary, (0, 0, 0, 4)))
        for key, parameter in inspect.signature(function).parameters.items():
            if key != "net":
                line = f"{key} = {_value(parameter.default)}"
                console.print(Padding(line, (0, 0, 0, 8)))


def _value(default: Any) -> str:
    """A default as a configuration would give it."""
    if default is None:
        return "(not set)"
    if isinstance(default, tuple):
        return f"[{', '.join(f'{number:g}' for number in default)}]"
    return f'"{default}"' if isinstance(default, str) else f"{default:g}"


def _estimates(ds: xr.Dataset, *, warned: bool) -> Iterator[str]:
    """The study's estimates as tables, each with its last dim across; warnings, if not said yet."""
    for name, variable in ds.data_vars.items():
        if str(name).endswith(("_low", "_high")):
            continue
        described = variable.attrs.get("long_name", name), variable.attrs.get("units", "1")
        yield "\n{} ({}):".format(*described)
        yield _table(variable)
        if "warning" in variable.attrs and not warned:
            yield f"warning: {variable.attrs['warning']}"
    for name in ("recommended_method", "recommended_dt", "advice"):
        if name in ds.attrs and not (name == "advice" and warned):
            yield f"{name}: {ds.attrs[name]}"


def _table(variable: xr.DataArray) -> str:
    if not variable.ndim:
        return f"{variable.item():.4g}"
    if variable.ndim > 2:
        *rows, across = variable.dims
        variable = variable.stack(rows=rows).transpose("rows", across)
    return str(variable.to_pandas().to_string(float_format="{:.4g}".format))


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
        lines = [*(_estimates(ds, warned=False) if "study" in ds.attrs else _summary(ds, None))]
        lines += [f"  {_printable(name)} = {_printable(ds.attrs[name])}" for name in ds.attrs]
    _say(lines)


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
    _check_targets(file, None, target)
    with _reading(file):
        picture = _picture(_opened(file), None, trial)
    _stop_unless_written(_written(target, partial(picture.savefig, dpi=150)), target)
    _say([f"written: {target}"])


@app.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="CONFIG.toml")] = Path("hh_sde.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a configuration with comments: the two coupled neurons, to be changed."""
    if path.exists() and not force:
        _stop(f"{path} exists; give another name, or --force to overwrite it", code=2)
    _check_target(path)
    template = (resources.files("hh_sde") / "template.toml").read_text(encoding="utf-8")
    _stop_unless_written(_written(path, lambda at: at.write_text(template, "utf-8")), path)
    _say([f"written: {path}", f"next: hh-sde run {path} --out run.nc --plot run.png"])


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
    try:
        app()
    except OSError as error:
        _note(f"{error.filename or 'the standard output'} cannot be used: {_reason(error)}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what it still holds is not tried again
        sys.exit(1)


def _say_warning(message: Warning | str, *where: Any) -> None:
    typer.echo(f"hh-sde: warning: {message}", err=True)


def _summary(ds: xr.Dataset, rule: Any) -> Iterator[str]:
    from hh_sde.dataset import spikes_alone

    sizes = ", ".join(f"{size} {dim}s" for dim, size in ds.sizes.items() if dim in _COUNTED)
    if spikes_alone(ds):
        span = f"{ds.attrs['t_start']:g} to {ds.attrs['t_end']:g} ms"
        yield f"{_printable(ds.attrs.get('method', 'unknown method'))}: {sizes}; {span}"
        yield _mean_rate(ds.hh.rates().rate)
        return
    yield (
        f"{_printable(ds.attrs.get('method', 'unknown method'))}: {sizes}; "
        f"{float(ds.time[0]):g} to {float(ds.time[-1]):g} ms; "
        f"variables {', '.join(str(v) for v in ds.data_vars if 'time' in ds[v].dims)}"
    )
    if "V" not in ds or ds.sizes["time"] < 2:
        return
    try:
        yield _mean_rate(ds.hh.rates(rule).rate)
    except ValueError as error:
        yield f"firing rate: not known; {error}"


def _mean_rate(rate: xr.DataArray) -> str:
    low, mean, high = float(rate.min()), float(rate.mean()), float(rate.max())
    return f"firing rate: mean {mean:.2f} Hz (from {low:.2f} to {high:.2f} over neurons)"


_COUNTED = ("trial", "time", "neuron", "component", "spike")


def _opened(file: Path) -> xr.Dataset:
    """The Dataset in a file, its units those of this library."""
    import xarray as xr

    from hh_sde import memory
    from hh_sde.dataset import upgrade

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the reader about what is wrong with the file
        # times stay numbers: to xarray "days since 2000" is a date, to this library a fault
        with xr.open_dataset(file, decode_times=False) as ds:
            memory.require(ds.nbytes, "it", "read parts of it with xarray.open_dataset")
            ds.load()
    ds = upgrade(ds)
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


def _picture(ds: xr.Dataset, rule: Any, trial: int | None = None) -> Figure:
    import matplotlib

    matplotlib.use("Agg")
    figure: Figure = ds.hh.plot(rule=rule, trial=trial)
    return figure


def _write(ds: xr.Dataset, out: Path | None, plot: Path | None, rule: Any) -> list[Path]:
    """Write the result and its picture, each whether or not the other can be; those that were."""

    def draw(path: Path) -> None:
        _picture(ds, rule).savefig(path, dpi=150)

    written = _written(out, ds.to_netcdf) if out else []
    return written + (_written(plot, draw) if plot else [])


def _written(path: Path, write: Callable[[Path], object]) -> list[Path]:
    """The path once it is written: beside it first, so that a failure leaves what was there."""
    target = path.resolve()
    try:
        with TemporaryDirectory(prefix=".hh-sde-", dir=target.parent) as folder:
            write(Path(folder, target.name))
            Path(folder, target.name).replace(target)
    except (OSError, RuntimeError, ValueError) as error:
        _note(f"{path} cannot be written: {_reason(error)}")
        return []
    return [path]


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    hint = "; is the disk full?" if "HDF error" in str(error) else ""
    return _printable(error) + hint


def _stop_unless_written(written: list[Path], *wanted: Path | None) -> None:
    """What could not be written has been said by now."""
    if set(filter(None, wanted)) - set(written):
        raise typer.Exit(1)


def _of_files(error: BaseException, out: Path | None, written: list[Path]) -> str:
    """What a run's error says, with a file in place of its attribute."""
    place = f"is in {out}" if out in written else "was not kept" + ("" if out else " (--out)")
    return f"{_without_place(error)}; what was computed {place}"


def _without_place(error: BaseException) -> str:
    return str(error).partition("; what was computed")[0]


def _check_targets(source: Path, out: Path | None, plot: Path | None) -> None:
    """Before a long run: can these be written, and is nothing lost by it?"""
    if out:
        _check_target(out)
        _check_other(out, "--out", source, "what is read")
    if plot:
        _check_target(plot)
        _check_ending(plot)
        _check_other(plot, "the picture", source, "what is read")
    if out and plot:
        _check_other(plot, "--plot", out, "--out")


def _check_target(path: Path) -> None:
    if not path.parent.is_dir():
        _stop(f"the folder {path.parent} does not exist; make it first", code=2)
    if path.is_dir():
        _stop(f"{path} is a folder; give the name of a file", code=2)
    if path.exists() and not path.is_file():
        _stop(f"{path} is a device or a pipe; give the name of a file", code=2)
    if not os.access(path.resolve().parent, os.W_OK):
        _stop(f"the folder {path.parent} cannot be written to; choose another", code=2)


def _check_other(path: Path, what: str, other: Path, its: str) -> None:
    same = path.resolve() == other.resolve()
    if same or (path.exists() and other.exists() and path.samefile(other)):
        _stop(f"{path} is {its}: {what} would overwrite it; give another name", code=2)


def _check_ending(path: Path) -> None:
    from matplotlib.backend_bases import FigureCanvasBase

    endings = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix[1:].lower() not in endings:
        what = f"the ending {path.suffix}" if path.suffix else "no ending"
        _stop(f"{path} has {what}, but a picture has one of: .{', .'.join(endings)}", code=2)


def _say(lines: list[str]) -> None:
    typer.echo("\n".join(lines))


def _note(message: str) -> None:
    typer.echo(f"hh-sde: {message}", err=True)


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(f"hh-sde: {message}", err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    main()

"""The commands of sweeps: start, resume, status."""

# Everything heavy is imported inside the commands: --help answers at once.
from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hh_sde.cli.arguments import Changes, ConfigPath, Quiet, StorePath, app
from hh_sde.cli.files import check_store, see_configuration, see_store
from hh_sde.cli.messages import note, printable, reason, say, stop, without_place
from hh_sde.cli.printed import as_json, progress_of

if TYPE_CHECKING:
    import xarray as xr

Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Threads of this process. Default: those of [run], or every core."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Of a dask cluster that computes the tasks, as tcp://host:8786, in place of threads.",
    ),
]


@app.command()
def sweep(
    config: ConfigPath,
    store: Annotated[
        Path,
        typer.Option(
            metavar="OUT.zarr",
            help="The folder of the result. It is created; an existing one is resumed.",
        ),
    ],
    changes: Changes = None,
    threads: Threads = None,
    scheduler: Scheduler = None,
    quiet: Quiet = False,
) -> None:
    """Simulate CONFIG.toml at every combination of the values in its table [sweep]."""
    from hh_sde import sweeps
    from hh_sde.config import ConfigError, load_sweep

    see_configuration(config)
    check_store(store)
    try:
        net, over, arguments = load_sweep(config, changes or ())
    except ConfigError as error:
        stop(f"{config}:\n{error}", code=2)
    given = arguments.pop("threads", None) if threads is None else threads
    _compute(
        lambda **where: sweeps.sweep(net, over, **arguments, store=store, **where),
        config, store, None if scheduler and threads is None else given, scheduler, quiet,
    )  # fmt: skip


@app.command()
def resume(
    store: StorePath,
    threads: Threads = None,
    scheduler: Scheduler = None,
    quiet: Quiet = False,
) -> None:
    """Resume a sweep: compute what is missing or damaged in its store."""
    from hh_sde import sweeps

    see_store(store)
    _compute(lambda **where: sweeps.resume(store, **where), store, store, threads, scheduler, quiet)


def _compute(
    run: Callable[..., xr.Dataset],
    source: Path,
    store: Path,
    threads: int | None,
    scheduler: str | None,
    quiet: bool,
) -> None:
    """Do the tasks of a store that are not done, and say how that went."""
    from hh_sde.errors import Interrupted, StoreError
    from hh_sde.sweeps import failures

    if threads is not None and scheduler:
        stop("--threads are of this process, and --scheduler has workers of its own", code=2)
    try:
        with _cluster(scheduler) as client:
            run(client=client, threads=threads, progress=False if quiet else None)
    except Interrupted as error:
        stop(f"{without_place(error)}; {_way_on(store)}", code=130)
    except KeyboardInterrupt:
        stop(f"interrupted before a task was done; {_way_on(store)}", code=130)
    except StoreError as error:
        stop(f"{without_place(error)}; {_way_on(store)}", code=1)
    except (ImportError, TypeError, ValueError) as error:
        stop(f"{source}: {error}", code=2)
    failed = failures(store)
    if not quiet:
        say([*progress_of(store, 1), f"written: {store}"])
    if failed:
        note(f"some entries failed and are missing: hh-sde status {_quoted(store)} lists them")
        raise typer.Exit(1)


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """A client of the cluster at an address, or none."""
    if address is None:
        yield None
        return
    from hh_sde.errors import optional

    distributed = optional("distributed", "sweep")
    try:
        distributed.comm.resolve_address(address)  # a client leaves a connection when it fails here
        client = distributed.Client(address, timeout="10s", set_as_default=False)
    except (OSError, TypeError, ValueError) as error:
        stop(f"there is no scheduler at {printable(address)}: {reason(error)}", code=2)
    with client:
        yield client


def _way_on(store: Path) -> str:
    if not store.exists():
        return "nothing was written"
    return f"what is done is kept, and this goes on: hh-sde resume {_quoted(store)}"


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


@app.command()
def status(
    store: StorePath,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with every failure.")] = False,
) -> None:
    """Show the progress of a sweep, its failures and their reasons."""
    see_store(store)
    try:
        lines = [as_json(store)] if json else [*progress_of(store, 10)]
    except (OSError, ValueError) as error:
        stop(f"{store}: {printable(error)}", code=2)
    say(lines)

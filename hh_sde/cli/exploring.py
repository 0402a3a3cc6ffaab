"""The command that writes a page to play in."""

# Everything heavy is imported inside the commands: --help answers at once.
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hh_sde.cli.arguments import Changes, ConfigPath, app
from hh_sde.cli.files import check_target, see_configuration, written
from hh_sde.cli.messages import note, say, stop, stop_unless_written

if TYPE_CHECKING:
    from hh_sde.config import Config

#: Keys of [run] that a page begins with, and those that make no difference to it.
_TAKEN = ("t_end", "dt", "method", "rng", "trials")
_OF_NO_ACCOUNT = ("save_dt", "record", "threads")


@app.command()
def explore(
    config: ConfigPath,
    changes: Changes = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PAGE.html", help="Write here. Default: CONFIG.html."),
    ] = None,
    show: Annotated[
        bool, typer.Option("--open/--no-open", help="Whether to open it in the browser.")
    ] = True,
) -> None:
    """Write an interactive page of the network of CONFIG.toml: one HTML file, no server."""
    from hh_sde.config import ConfigError, load
    from hh_sde.explorer.page import ENDINGS, page

    see_configuration(config)
    target = out or config.with_suffix(".html")
    check_target(target)
    if target.suffix.lower() not in ENDINGS:
        stop(f"{target}: a page has the ending .html", code=2)
    try:
        wanted = load(config, changes or ())
        text = page(wanted.network, **_arguments(wanted))
    except ConfigError as error:
        stop(f"{config}:\n{error}", code=2)
    except (TypeError, ValueError) as error:
        stop(f"{config}: {error}", code=2)
    stop_unless_written(written(target, lambda at: at.write_text(text, "utf-8")), target)
    say([f"written: {target}"])
    if show:
        import webbrowser

        if not webbrowser.open(target.resolve().as_uri()):
            note(f"no browser was found; open {target} in one")


def _arguments(wanted: Config) -> dict[str, Any]:
    """The arguments of `page`.

    Raises
    ------
    ValueError
        If [run] has what a page cannot do.
    """
    from hh_sde.explorer.controls import METHODS
    from hh_sde.records import shown

    given = {key: value for key, value in wanted.arguments.items() if value is not None}
    other = [f"run.{key}" for key in given if key not in (*_TAKEN, *_OF_NO_ACCOUNT)]
    if other:
        accepted = ", ".join(f"run.{key}" for key in _TAKEN)
        raise ValueError(f"a page cannot do {', '.join(other)}; it takes {accepted}")
    if (method := given.get("method", METHODS[0])) not in METHODS:
        raise ValueError(
            f"a page has no method {shown(method)}; it has {', '.join(METHODS)}: "
            f"--set run.method={METHODS[-1]} takes one of these for the page alone"
        )
    return {key: given[key] for key in _TAKEN if key in given} | {"spike_rule": wanted.spike_rule}

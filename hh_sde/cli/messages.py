"""What the command says on its two outputs, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import typer


def say(lines: Iterable[str]) -> None:
    typer.echo("\n".join(lines))


def note(message: str) -> None:
    typer.echo(f"hh-sde: {message}", err=True)


def stop(message: str, code: int) -> NoReturn:
    note(message)
    raise typer.Exit(code)


def stop_unless_written(written: list[Path], *wanted: Path | None) -> None:
    """What could not be written has been said by now."""
    if set(filter(None, wanted)) - set(written):
        raise typer.Exit(1)


def printable(value: Any, most: int = 80) -> str:
    """At most so many characters in one line, none that a terminal would obey."""
    text = harmless(str(value)[: 5 * most])
    return text if len(text) <= most else text[: most - 3] + "..."


def harmless(text: str) -> str:
    """A text in one line, without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def reason(error: Exception) -> str:
    """Why something cannot be read or written."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    hint = "; is the disk full?" if "HDF error" in str(error) else ""
    return printable(error) + hint


def of_files(error: BaseException, out: Path | None, written: list[Path]) -> str:
    """What a run's error says, with a file in place of its attribute."""
    place = f"is in {out}" if out in written else "was not kept" + ("" if out else " (--out)")
    return f"{without_place(error)}; what was computed {place}"


def without_place(error: BaseException) -> str:
    """What a run's error says, less where its Dataset is, or how a program goes on with it."""
    return re.split("; what (?:was computed|is done)", str(error))[0]

"""The list of commands that --help shows."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class Commands(TyperGroup):
    """Commands, each listed with the whole first sentence of its help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, one.get_short_help_str(limit=1000)) for name, one in commands.items() if one]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

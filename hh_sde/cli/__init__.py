"""The command hh-sde.

Exit codes: 0 success, 1 a run or a part of a sweep failed, 2 wrong usage, 130 Ctrl-C.
"""

import os
import sys
import warnings
from typing import Any

from hh_sde.cli import commands, exploring, sweeping  # noqa: F401, their commands
from hh_sde.cli.arguments import app
from hh_sde.cli.messages import note, reason

__all__ = ["app", "main"]


def main() -> None:
    """Entry point."""
    warnings.showwarning = _say_warning  # type: ignore[assignment]
    try:
        app()
    except OSError as error:
        note(f"{error.filename or 'the standard output'} cannot be used: {reason(error)}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what it still holds is not tried again
        sys.exit(1)


def _say_warning(message: Warning | str, *where: Any) -> None:
    note(f"warning: {message}")

"""The text that is the same for every model: the integrators, put behind its loops.

`kernels/steps.py` and `kernels/tangent.py` are not run from where they are: what stands below their
marks calls the loops of whatever module it stands in.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import hh_sde.kernels

STEPS_MARK = "# -- the steps --\n"
AT_ONCE = "# -- without delays and events --\n"
LATE = "# -- with delays or events --\n"
SCHEMES = "# -- schemes --\n"
ADVANCE = "@stepper\ndef advance("
STEP = "    step(m, k, h)\n"
CLOSE = "    close(m, h)\n"


@cache
def appended_text(late: bool) -> str:
    """The integrators, each with its `advance`, for networks with delays or events, or without."""
    before, text = _split(_below_mark("steps"), AT_ONCE, "steps.py")
    at_once, text = _split(text, LATE, "steps.py")
    with_delays, text = _split(text, SCHEMES, "steps.py")
    chosen = with_delays.replace("  # noqa: F811", "") if late else at_once
    return _steps(before + chosen.strip() + "\n\n" + text)


@cache
def tangent_text() -> str:
    """The steps of the tangent flow."""
    return _below_mark("tangent")


def _below_mark(name: str) -> str:
    path = Path(hh_sde.kernels.__file__).with_name(f"{name}.py")
    return _split(path.read_text(encoding="utf-8"), f"\n{STEPS_MARK}", path.name)[1].lstrip()


def _steps(text: str) -> str:
    """The integrators of steps.py, and its function `advance` once for each of them."""
    schemes, advance = _split(text, ADVANCE, "steps.py")
    names = re.findall(r"^def (\w+)\(m, k, h\):", schemes, re.MULTILINE)
    if not names:
        raise ValueError("steps.py has no integrator, a function def name(m, k, h)")
    return schemes + "\n\n".join(_advance(name, advance, schemes) for name in names)


def _advance(name: str, advance: str, schemes: str) -> str:
    """The function `advance` of an integrator, which closes its steps if it leaves them open."""
    before, after = _split(advance, STEP, "steps.py")
    between, after = _split(after, CLOSE, "steps.py")
    close = f"close_{name}(m, h)\n" if f"def close_{name}(m, h):" in schemes else ""
    close = f"    {close}" if close else ""
    return f"@stepper\ndef {name}_advance({before}    {name}(m, k, h)\n{between}{close}{after}"


def _split(text: str, mark: str, file: str) -> tuple[str, str]:
    """What stands before and after the one place of the mark.

    Raises
    ------
    ValueError
        If it is not there, or is there twice.
    """
    if text.count(mark) != 1:
        raise ValueError(
            f"{file} must have {mark.strip()!r} once, it has it {text.count(mark)} times"
        )
    before, _, after = text.partition(mark)
    return before, after

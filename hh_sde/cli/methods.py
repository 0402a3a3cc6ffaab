"""Methods that are named on the command line."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any


def with_methods(names: Sequence[str], accepted: Sequence[str]) -> dict[str, Any]:
    """The argument `method`, or `methods`, of what takes these arguments.

    Raises
    ------
    ValueError
        If there is no such method, or it takes none, or one alone.
    """
    if not names:
        return {}
    found = [method_from(name) for name in names]
    if "methods" in accepted:
        return {"methods": found}
    if "method" not in accepted:
        raise ValueError("--method: this study takes no method")
    if len(found) > 1:
        raise ValueError(f"--method: one is taken here, got {', '.join(names)}")
    return {"method": found[0]}


def method_from(text: str) -> Any:
    """A name of METHODS as it is; of package.module:name what stands there.

    It is named on the command line alone: a configuration runs nothing.

    Raises
    ------
    ValueError
        If it cannot be imported, or is no method.
    """
    from hh_sde.methods import Method

    module, colon, name = text.partition(":")
    if not colon:
        return text
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"--method {text}: {error}") from error
    if not isinstance(found, Method):
        raise ValueError(
            f"--method {text}: it must be a hh_sde.Method, made by @hh_sde.integrator(...); it is "
            f"{type(found).__name__}"
        )
    return found

"""Attributes of modules and of `ds.hh`: which there are, and where those are that are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hh_sde.errors import did_you_mean

#: What is looked for among the measures and plots, and is elsewhere.
ELSEWHERE = {
    "reliability": "hh_sde.studies.reliability(net), or isi_distance(ds, between='trial')",
    **dict.fromkeys(
        ("fi_curve", "f_i_curve", "rate_curve", "gain_curve"), "hh_sde.studies.rate_curve(net)"
    ),
    **dict.fromkeys(
        ("sta", "spike_triggered_average"),
        "the mean of ds.hh.noise() before spikes, examples/spike_triggered_noise.py",
    ),
}


def no_attribute(owner: str, name: str, known: Iterable[str]) -> str:
    """What to say of an attribute that something has not: where it is, or the nearest.

    Examples
    --------
    >>> no_attribute("ds.hh", "isi", ["intervals", "rates"])
    "ds.hh has no 'isi'; did you mean intervals?"
    >>> no_attribute("ds.hh", "fi_curve", ["intervals", "rates"])
    "ds.hh has no 'fi_curve': it is hh_sde.studies.rate_curve(net)"
    """
    known = list(known)
    hint = did_you_mean(name, known)
    if not hint and name in ELSEWHERE:
        hint = f": it is {ELSEWHERE[name]}"
    return f"{owner} has no {name!r}{hint}"


def public(
    module: str, names: Iterable[str]
) -> tuple[Callable[[], list[str]], Callable[[str], Any]]:
    """`__dir__` and `__getattr__` of a module with these public names."""
    known = sorted(names)

    def listed() -> list[str]:
        return known

    def missing(name: str) -> Any:
        # obj=None: Python would add what is nearest in the module
        raise AttributeError(no_attribute(module, name, known), name=name, obj=None)

    return listed, missing

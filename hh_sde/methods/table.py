"""METHODS as rows of text, for the README, the docs and the command line."""

from __future__ import annotations

from hh_sde.methods import METHODS, Method
from hh_sde.sde import NOISE_TYPES

HEADER = ("method", "equation", *NOISE_TYPES, "no noise", "scheme")


def rows() -> list[tuple[str, ...]]:
    """Name, equation, strong order for each noise type, order without noise, and the scheme.

    Of a method that has none, its weak order, called so.
    """
    table = []
    for name, method in METHODS.items():
        orders, weak = (method.weak_order, "weak ") if method.weak else (method.strong_order, "")
        given = [orders.get(noise_type) for noise_type in NOISE_TYPES]
        table.append(
            (
                name,
                method.interpretation,
                *("-" if order is None else f"{weak}{order:g}" for order in given),
                _without_noise(method),
                method.summary,
            )
        )
    return table


def _without_noise(method: Method) -> str:
    if method.exact:
        return "exact"
    plain = method.deterministic_order
    return "adaptive" if plain is None else f"{plain:g}"


def markdown() -> str:
    """The table in Markdown."""
    lines = [HEADER, tuple("---" for _ in HEADER), *rows()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

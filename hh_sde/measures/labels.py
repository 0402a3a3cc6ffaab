"""What variables of a result are: units, a long name, and what NaN means."""

from __future__ import annotations

from typing import Any, NamedTuple


def labels(units: str, long_name: str) -> dict[str, str]:
    """Attributes of a variable."""
    return {"units": units, "long_name": long_name}


class Labelled(NamedTuple):
    """Values of any shape of the right size, what they are, and what NaN among them means.

    They lie over `dims`, by default all of the Dataset they go into.
    """

    values: Any
    units: str
    long_name: str
    nan_means: str = ""
    dims: tuple[str, ...] | None = None

    @property
    def attrs(self) -> dict[str, str]:
        """Attributes of the variable."""
        missing = {"nan_means": self.nan_means} if self.nan_means else {}
        return labels(self.units, self.long_name) | missing

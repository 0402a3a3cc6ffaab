"""Numbers with units, as NeuroML writes them, in the units of this library.

They stay decimal until all conversions are done, so that a number is rounded once: what is written
and read again is bit for bit the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, Decimal, localcontext

#: For each dimension of NeuroML the unit of this library (mM cm^2/(uA ms) is that of `Pool.k`; uF,
#: uA and mS are those of a whole cell), and what others are in it.
UNITS: dict[str, dict[str, str]] = {
    "number": {"": "1"},
    "voltage": {"mV": "1", "V": "1e3"},
    "time": {"ms": "1", "s": "1e3"},
    "per_time": {"per_ms": "1", "per_s": "1e-3", "Hz": "1e-3"},
    "conductance": {"mS": "1", "S": "1e3", "uS": "1e-3", "nS": "1e-6", "pS": "1e-9"},
    "conductanceDensity": {"mS_per_cm2": "1", "S_per_cm2": "1e3", "S_per_m2": "0.1"},
    "capacitance": {"uF": "1", "F": "1e6", "nF": "1e-3", "pF": "1e-6"},
    "specificCapacitance": {"uF_per_cm2": "1", "F_per_m2": "100"},
    "current": {"uA": "1", "A": "1e6", "nA": "1e-3", "pA": "1e-6"},
    "concentration": {"mM": "1", "M": "1e3", "mol_per_m3": "1", "mol_per_cm3": "1e6"},
    "length": {"um": "1", "cm": "1e4", "m": "1e6"},
    "temperature": {"degC": "1"},
    "rho_factor": {"mol_per_cm_per_uA_per_ms": "1e6", "mol_per_m_per_A_per_s": "1e-5"},
}
#: Dimensions that functions of V and concentrations have.
COHERENT = ("number", "voltage", "time", "per_time", "concentration", "temperature")
#: A number and its unit; no number is longer.
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*([A-Za-z_]\w*)?\s*")
_LONGEST = 200
#: Digits of what is computed, and of what is written: enough to round to the same float.
_COMPUTED, _WRITTEN = 60, 20
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
#: 1 um^2 in cm^2.
UM2 = Decimal("1e-8")


@contextmanager
def exactly() -> Iterator[None]:
    """Decimal arithmetic with digits to spare."""
    with localcontext(Context(prec=_COMPUTED)):
        yield


def quantity(text: str, dimension: str) -> Decimal:
    """The number that `text` says, in this library's unit of its dimension.

    Raises
    ------
    ValueError
        If it is no number with a unit of that dimension.

    Examples
    --------
    >>> quantity("360 S_per_m2", "conductanceDensity")
    Decimal('36.0')
    """
    units = UNITS[dimension]
    found = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or (found[2] or "") not in units:
        kind = "a number" if dimension == "number" else f"a number in {', '.join(units)}"
        raise ValueError(f"must be {kind}, got {text[:_LONGEST]!r}")
    with exactly():
        return Decimal(found[1]) * Decimal(units[found[2] or ""])


def any_quantity(text: str) -> float:
    """A number with any unit of NeuroML, in this library's.

    mV, ms, 1/ms and mM go together: expressions of LEMS may be computed in them.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> any_quantity("-0.06 V")
    -60.0
    """
    found = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    unit = (found[2] or "") if found else ""
    dimension = next((name for name, units in UNITS.items() if unit in units), None)
    if found is None or dimension not in COHERENT:
        raise ValueError(f"must be a number with a unit, got {text[:_LONGEST]!r}")
    return float(quantity(text, dimension))


def exact(value: float) -> Decimal:
    """A float as the shortest decimal number that rounds to it."""
    return Decimal(repr(float(value)))


def written(value: float | Decimal, unit: str = "") -> str:
    """A number with its unit, from which the same float is read.

    Examples
    --------
    >>> written(0.1, "mV")
    '0.1 mV'
    """
    number = value if isinstance(value, Decimal) else exact(value)
    with localcontext(Context(prec=_WRITTEN)):
        number = +number
    text = str(number.normalize()).replace("E+", "E")
    return f"{text} {unit}".strip()

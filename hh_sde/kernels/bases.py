"""Which exponentials to take, so that few of them serve all rates of a model."""

from __future__ import annotations

import numpy as np

from hh_sde.kernels.tables import RateTable

#: exp(k x) with k up to this is had by multiplication from exp(x).
MOST_POWERS = 12
#: A rate whose factor exp(mid/scale) would lie beyond exp(+-this) gets an exponential of its own.
LARGEST_SHIFT = 40.0


class Bases:
    """Which exponentials to take: exp(V * k) for few k, of which whole powers give the others."""

    def __init__(self, rates: list[RateTable]) -> None:
        slopes = [k for rate in rates if (k := _shared_slope(rate)) is not None]
        bases: list[float] = []
        found = {k: _power_of(k, bases) for k in sorted(set(slopes), key=abs)}
        # numbered as they are first used, so that the text does not depend on their sizes
        self.values = list(dict.fromkeys(found[k][0] for k in slopes))
        self.powers = {k: (self.values.index(base), power) for k, (base, power) in found.items()}
        self.needed = sorted(set(self.powers.values()))

    def power_for(self, rate: RateTable) -> str | None:
        """The name of exp(V * slope) for this rate, or None if it is not shared."""
        slope = _shared_slope(rate)
        if slope is None:
            return None
        index, power = self.powers[slope]
        return f"e{index}_{power}"

    def lines(self, names: list[str]) -> list[str]:
        """Lines that give e0_1 = exp(V * k0) and the powers of it."""
        lines = [f"e{index}_1 = exp(V * {name})" for index, name in enumerate(names)]
        have = {(index, 1) for index in range(len(names))}
        for index, power in self.needed:
            self._power_lines(index, power, have, lines)
        return lines

    def _power_lines(
        self, index: int, power: int, have: set[tuple[int, int]], lines: list[str]
    ) -> None:
        if (index, power) in have:
            return
        half, rest = (power // 2, power // 2) if power % 2 == 0 else (power - 1, 1)
        self._power_lines(index, half, have, lines)
        self._power_lines(index, rest, have, lines)
        lines.append(f"e{index}_{power} = e{index}_{half} * e{index}_{rest}")
        have.add((index, power))


def _power_of(k: float, bases: list[float]) -> tuple[float, int]:
    """A base and n with k = n * base; k itself becomes a base if there is none."""
    for base in bases:
        ratio = k / base
        if 0 < ratio <= MOST_POWERS and abs(ratio - round(ratio)) < 1e-12 * ratio:
            return base, round(ratio)
    bases.append(k)
    return k, 1


def _shared_slope(rate: RateTable) -> float | None:
    """k if the rate can be had from exp(V * k)."""
    if rate.kind not in ("exponential", "sigmoid", "linoid"):
        return None
    _, mid, scale = rate.numbers
    if np.any(scale != scale[0]) or np.any(np.abs(mid / scale) > LARGEST_SHIFT):
        return None
    return float((1.0 if rate.kind == "exponential" else -1.0) / scale[0])

"""Where each random number is found: the map of the addresses, and its edges.

An address is (domain, trial, Wiener process, step), of 16, 32, 32 and 49 bits, under the key of a
seed. The domain says what the number is for; one that ran beyond its place would give out the
numbers of another use again, so that everything beyond is refused.

    domain            what for                                     on the grids
    0                 increments                                   first
    1                 tail of the areas, linear in the increment   first
    2 ... 31          terms 1 ... 30 of the areas                  first
    32                time integrals                               first
    33 + 2048 d       bridge from the grid before                  halved d = 1 ... 31 times
    34                key of what is no Wiener process             -
    36                initial states, at step = the variable       -
    38                keys of Poisson trains                       -
    40 + 2048 d       midpoints of `halves`, `weak_increments`     halved d = 0 ... 31 times
    65 ... 2047       tail of the areas, pairs (i, j): 64 + j      first
    2112 ... 4095     terms 31 ... 2014 of the areas               first

Areas exist on the first grid alone, so that their later terms lie where halved grids have nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hh_sde.records import shown

PER_HALVING = 2048
MOST_HALVINGS = 31
#: Bits of a seed: it stands in results as a decimal number, which Python limits to 4300 digits.
_MOST_BITS = 2**13
#: Trials and Wiener processes have 32 bits each.
MOST_TRIALS = 2**32
MOST_PROCESSES = 2**32
#: Rounding of times, in units of the step.
ROUNDING = 1e-6
#: Steps of the finest grid: areas take two numbers for each.
MOST_STEPS = 2**48

DOMAINS = {
    "increment": range(0, 1),
    "area, linear tail": range(1, 2),
    "area, term": range(2, 32),
    "time integral": range(32, 33),
    "bridge": range(33, 34),
    "chain": range(34, 35),
    "initial state": range(36, 37),
    "spike trains": range(38, 39),
    "midpoint": range(40, 41),
    "area, tail of a pair": range(65, 2048),
    "area, later term": range(2112, 4096),
}
#: Processes of one group that have areas, and terms of their series.
MOST_IN_GROUP = len(DOMAINS["area, tail of a pair"]) + 1
MOST_TERMS = len(DOMAINS["area, term"]) + len(DOMAINS["area, later term"])


def domain(use: str, index: int = 0, halvings: int = 0) -> int:
    """The domain of the index-th number for a use, on the first grid halved so many times.

    Raises
    ------
    ValueError
        If it would be one of another use.
    """
    if halvings > MOST_HALVINGS:
        raise ValueError(
            f"a path can be halved {MOST_HALVINGS} times, not {halvings}: there are no random "
            "numbers of its own for a finer grid; begin with a smaller dt"
        )
    return DOMAINS[use][index] + PER_HALVING * halvings


def term_domain(r: int) -> int:
    """The domain of term r = 1, 2, ... of the areas' series."""
    early = len(DOMAINS["area, term"])
    return domain("area, term", r - 1) if r <= early else domain("area, later term", r - 1 - early)


def trial_words(trials: Any) -> np.ndarray:
    """Trial numbers as words of addresses.

    Raises
    ------
    ValueError
        If one is not a whole number from 0 to 2^32 - 1.
    """
    numbers = np.asarray(trials)
    if not np.issubdtype(numbers.dtype, np.integer) or np.any(numbers < 0):
        raise ValueError(f"trials must be whole numbers, not negative, got {trials!r}")
    check_trials(numbers.max(initial=0))
    return numbers.astype(np.uint64)


def check_trials(last: int) -> None:
    """See that there is an address for this trial.

    Raises
    ------
    ValueError
        If there is not.
    """
    if last >= MOST_TRIALS:
        raise ValueError(
            "random numbers are addressed by 2^32 trials, numbered from 0, and there is none for "
            f"trial {last if last < 2**64 else 'numbers so large'}; take smaller numbers, or "
            "another rng"
        )


def check_steps(stop: int) -> None:
    """See that there are addresses for all steps before `stop` of the finest grid.

    Raises
    ------
    ValueError
        If there are not.
    """
    if stop > MOST_STEPS:
        raise ValueError(
            f"random numbers are addressed by 2^48 steps of the finest grid, and step {stop - 1:g} "
            "would get those of another step again; take a larger dt or a shorter run"
        )


def in_steps(times: Any, dt: float, name: str) -> np.ndarray:
    """Times (ms) as whole numbers of steps.

    Raises
    ------
    ValueError
        If they are not such, with the nearest that are, or are too many.

    Examples
    --------
    >>> in_steps([0.5, 1.5], 0.25, "delay")
    array([2, 6])
    """
    times = np.asarray(times, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        exact = times / dt
        steps = np.rint(exact)
        wrong = ~(np.abs(exact - steps) <= ROUNDING)  # so that it holds of nan and inf
    if np.any(wrong):
        first = float(times[wrong][0])
        below = np.floor(first / dt)
        nearest = f"; the nearest are {below * dt:g} and {(below + 1) * dt:g} ms"
        raise ValueError(
            f"{name} = {first} ms must be a multiple of dt = {dt} ms"
            + (nearest if np.isfinite(below) else "")
        )
    try:
        check_steps(int(steps.max(initial=0)))
    except ValueError as error:
        raise ValueError(f"{name} = {np.max(times)} ms: {error}") from None
    return steps.astype(np.int64)


def is_whole(value: Any) -> bool:
    """Whether it is an integer; bool and timedelta64 are none, though Python and numpy say so."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)


def whole(value: Any, name: str, least: int, end: int) -> int:
    """`value` as an int, if it is a whole number, least <= value < end."""
    if not is_whole(value) or not least <= value < end:
        raise ValueError(f"{name} must be a whole number from {least} to {end - 1}, got {value!r}")
    return int(value)


def seed_number(rng: int | np.random.SeedSequence | np.random.Generator | None) -> int:
    """The whole number that stands for `rng`: the entropy of a SeedSequence.

    A Generator gives one draw, None takes fresh entropy.

    Raises
    ------
    TypeError, ValueError
        If `rng` is not an int >= 0, a SeedSequence, a Generator or None.

    Examples
    --------
    >>> seed_number(3)
    3
    """
    if isinstance(rng, np.random.SeedSequence):
        if is_whole(rng.entropy) and not rng.spawn_key:
            return int(rng.entropy)  # type: ignore[arg-type]
        return _joined(rng.generate_state(4, np.uint32))
    if isinstance(rng, np.random.Generator):
        return _joined(rng.integers(0, 2**32, size=4, dtype=np.uint64))
    if rng is None:
        return int(np.random.SeedSequence().entropy)  # type: ignore[arg-type]
    if not is_whole(rng):
        raise TypeError(
            "rng must be an int, a numpy SeedSequence, a numpy Generator or None, "
            f"got {rng!r} ({type(rng).__name__})"
        )
    if rng < 0:
        raise ValueError(f"rng must not be negative, got {shown(rng)}")
    if int(rng).bit_length() > _MOST_BITS:
        raise ValueError(f"rng must be less than 2^{_MOST_BITS}, got {shown(rng)}")
    return int(rng)


def _joined(words: np.ndarray) -> int:
    """Words of 32 bits as one number, the first in its lowest bits."""
    return sum(int(word) << (32 * i) for i, word in enumerate(words))

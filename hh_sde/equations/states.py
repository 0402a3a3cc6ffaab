"""States of channels: their occupancies, with noise on the transitions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hh_sde.equations.expressions import Choice, Expression, Number, Symbol, call, product, total
from hh_sde.equations.part import Part, exchange_probabilities, inv_dt
from hh_sde.equations.quantities import Assignment, Names, NoiseTerm, Variable
from hh_sde.equations.rates import Kinetics
from hh_sde.equations.tables import ChannelTable, PairTable

ZERO, ONE = Number(0.0), Number(1.0)
FORTH, BACK, MOVE = Symbol("forth"), Symbol("back"), Symbol("move")
LOWER, UPPER = Symbol("lower"), Symbol("upper")


class StatesPart(Part):
    """Occupancies of a channel's states: a Langevin equation with noise on every transition.

    A transition from i to j at the rate r moves r y_i dt + sqrt(r y_i/N) dW (Fox & Lu 1994, in the
    form of Orio & Soudry 2012, doi:10.1371/journal.pone.0036670, one process for a pair, and of Pu
    & Thomas 2020, doi:10.1162/neco_a_01312, one process for each transition). With the policy
    "steady" the noise takes for y_i the steady state at V (Goldwyn et al. 2011,
    doi:10.1103/PhysRevE.83.041908).
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        first_row: int,
        rates: Sequence[Kinetics],
        channel: ChannelTable,
        N: Symbol,
        inv_N: Symbol,
        bounds: str,
        names: Names,
    ) -> None:
        self.variables = tuple(variables)
        self.first_row = first_row
        self.rates, self.channel = rates, channel
        self.N, self.inv_N, self.bounds = N, inv_N, bounds
        self.fluxes = [names.new(f"flux_{self._way(pair)}") for pair in channel.pairs]
        self.dy = [names.new(f"d{variable.name}") for variable in variables]
        self.of_noise = self._steady_state() if bounds == "steady" else list(self.symbols)
        self.by_pair = [self._terms_of(pair, names) for pair in channel.pairs]
        self.terms = tuple(term for terms in self.by_pair for term in terms)

    def _way(self, pair: PairTable) -> str:
        return f"{self.variables[pair.source].name}_{self.variables[pair.target].name}"

    def _sides(self, pair: PairTable) -> tuple[Symbol, Symbol, Expression, Expression]:
        """The two variables and the two rates of a pair."""
        rates = self.rates[pair.gate]
        return (
            self.symbols[pair.source],
            self.symbols[pair.target],
            _times(pair.opening, rates.alpha),
            _times(pair.closing, rates.beta),
        )

    def drift(self) -> list[Assignment]:
        drifts = []
        gains: list[list[Expression]] = [[] for _ in self.variables]
        for flux, pair in zip(self.fluxes, self.channel.pairs, strict=True):
            source, target, opening, closing = self._sides(pair)
            meaning = f"net flux from {source.name} to {target.name}"
            drifts.append(Assignment(flux, opening * source - closing * target, "1/ms", meaning))
            gains[pair.source].append(-flux)
            gains[pair.target].append(flux)
        for symbol, variable, gain in zip(self.dy, self.variables, gains, strict=True):
            drifts.append(Assignment(symbol, total(gain), "1/ms", f"d{variable.name}/dt"))
        return drifts

    def _terms_of(self, pair: PairTable, names: Names) -> list[NoiseTerm]:
        _, _, opening, closing = self._sides(pair)
        source, target = self.of_noise[pair.source], self.of_noise[pair.target]
        to = ((self.first_row + pair.source, -1.0), (self.first_row + pair.target, 1.0))
        ways = [
            way
            for way, noisy in zip((opening * source, closing * target), pair.noisy, strict=True)
            if noisy
        ]
        groups = [ways] if self.channel.paired and ways else [[way] for way in ways]
        return [
            NoiseTerm(
                names.new(f"noise_{self._way(pair)}"),
                names.new(f"sigma_{self._way(pair)}"),
                to,
                total(group) * self.inv_N,
            )
            for group in groups
        ]

    def flow(self, reverse: bool) -> list[Assignment]:
        """Pair after pair, each an exchange with its exact flow; the sum of a pair stays."""
        order = list(zip(self.channel.pairs, self.by_pair, strict=True))
        return [
            step
            for pair, terms in (reversed(order) if reverse else order)
            for step in self._exchanged(pair, terms)
        ]

    def _exchanged(self, pair: PairTable, terms: list[NoiseTerm]) -> list[Assignment]:
        source, target, opening, closing = self._sides(pair)
        # of the noise of one transition alone; both together are y forth (1 - forth) + ...
        y, z = self.of_noise[pair.source], self.of_noise[pair.target]
        both = 0.5 * FORTH * BACK * (y + z)
        of_forth = y * FORTH * (1.0 - FORTH - BACK) + both
        of_back = z * BACK * (1.0 - FORTH - BACK) + both
        ways = [way for way, n in zip((of_forth, of_back), pair.noisy, strict=True) if n]
        groups = [total(ways)] if self.channel.paired and ways else ways
        noise = [
            call("root", group * self.inv_N * inv_dt) * term.dW
            for group, term in zip(groups, terms, strict=True)
        ]
        return [
            *exchange_probabilities(opening, closing),
            Assignment(MOVE, total([source * FORTH - target * BACK, *noise])),
            *self._kept_inside(source, target),
            Assignment(source, source - MOVE),
            Assignment(target, target + MOVE),
        ]

    def exchange(self) -> list[Assignment]:
        """Pair after pair, each channel of the two states changes to the other or does not.

        Takes one Wiener process for every transition, of which uniform numbers are made.
        """
        steps = []
        for pair, terms in zip(self.channel.pairs, self.by_pair, strict=True):
            if len(terms) != 2:  # the method refuses such a network
                return self.flow(reverse=False)
            source, target, opening, closing = self._sides(pair)
            forth, back = (
                call("binomial", count, p, call("uniform_of", term.dW * call("sqrt", inv_dt)))
                for count, p, term in zip((LOWER, UPPER), (FORTH, BACK), terms, strict=True)
            )
            steps += [
                *exchange_probabilities(opening, closing),
                Assignment(LOWER, call("np.rint", source * self.N)),
                Assignment(UPPER, call("np.rint", target * self.N)),
                Assignment(MOVE, forth - back),
                Assignment(source, (LOWER - MOVE) / self.N),
                Assignment(target, (UPPER + MOVE) / self.N),
            ]
        return steps

    def _kept_inside(self, source: Symbol, target: Symbol) -> list[Assignment]:
        """No more moves than there is: what is below 0 afterwards is cut off, or mirrored."""
        cut = Assignment(MOVE, call("min", call("max", MOVE, -target), source))
        if self.bounds == "reflect":
            return [
                Assignment(MOVE, Choice(MOVE, source, 2.0 * source - MOVE, MOVE)),
                Assignment(MOVE, Choice(-target, MOVE, -2.0 * target - MOVE, MOVE)),
                cut,
            ]
        return [cut] if self.bounds in ("clip", "project") else []

    def steady(self) -> list[Assignment]:
        return list(map(Assignment, self.symbols, self._steady_state()))

    def _steady_state(self) -> list[Expression]:
        """The occupancies where the gates are independent and in their steady state."""
        powers = self.channel.levels[-1]
        occupancies = []
        for level in self.channel.levels:
            factors: list[Expression] = [ways_to_choose(powers, level)]
            for rates, p, k in zip(self.rates, powers, level, strict=True):
                factors += [rates.x_inf] * k + [1.0 - rates.x_inf] * (p - k)
            occupancies.append(product(factors))
        return occupancies

    def bound(self, policy: str) -> list[Assignment]:
        """What is below 0 is cut off or mirrored, and all is scaled so that the sum is 1; or the
        nearest point of the simplex.
        """
        if policy == "project":
            return self._nearest()
        kept = (
            (lambda y: call("abs", y)) if policy == "reflect" else (lambda y: call("max", y, 0.0))
        )
        sum_of_all = Symbol("total")
        return [
            *(Assignment(y, kept(y)) for y in self.symbols),
            Assignment(sum_of_all, total(list(self.symbols))),
            *(Assignment(y, y / sum_of_all) for y in self.symbols),
        ]

    def _nearest(self) -> list[Assignment]:
        """The nearest point of the simplex, by Michelot's passes: occupancies at or below 0 stay
        there, and what that adds to the sum is taken from the others in equal parts. The sum must
        be 1 before, as transitions leave it: of a smaller one some below 0 would have to rise.

        Each pass but the last leaves one more at 0, or nothing to do.

        References
        ----------
        Michelot (1986), J. Optim. Theory Appl. 50, 195, doi:10.1007/BF00938486.
        """
        number, excess = Symbol("number"), Symbol("excess")
        inside = [Choice(y, ZERO, ONE, ZERO) for y in self.symbols]
        one_pass = [
            *(Assignment(y, call("max", y, 0.0)) for y in self.symbols),
            Assignment(number, total(inside)),
            Assignment(excess, (total(list(self.symbols)) - 1.0) / number),
            *(Assignment(y, Choice(y, ZERO, y - excess, ZERO)) for y in self.symbols),
        ]
        return one_pass * len(self.symbols)


def _times(k: int, rate: Symbol) -> Expression:
    return rate if k == 1 else float(k) * rate


def ways_to_choose(powers: Sequence[int], chosen: Sequence[int]) -> Number:
    """In how many ways so many subunits of each gate can be chosen."""
    return Number(float(math.prod(map(math.comb, powers, chosen))))

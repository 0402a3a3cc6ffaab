"""Spikes on their way, and potentials of the past: event-driven synapses and delays.

Everything here is compiled once, not once for each model. What arrives is added up in a ring of
slots, one for each step ahead; what graded synapses with delays felt is kept in a ring of the steps
behind. Arrivals of one step are added in the order in which they were sent: by step, source, edge.
"""

from typing import NamedTuple

import numpy as np

from hh_sde.kernels.coupling import couple_rows
from hh_sde.kernels.elementary import exp
from hh_sde.kernels.jit import expression, shared, stepper
from hh_sde.kernels.random import address, philox4x32, unit_interval
from hh_sde.kernels.rows import row
from hh_sde.kernels.watch import detect

#: Blocks of Philox for a train in a millisecond: two numbers each, the first of all its count.
PER_CELL = 2**12
#: Columns of `Events.senders`.
RULE, FIRST_SOURCE, N_SOURCES, START, FIRST_BLOCK, END_BLOCK, PLASTIC = range(7)


class OnTheWay(NamedTuple):
    """Events, and the addresses of what handles them."""

    sums: int  # of `sums_with_delays`
    after: int  # of `after_step`
    events: "Events"


class Events(NamedTuple):
    """Of a block of lanes: who sends to whom, and what is on its way.

    A place is that of a target among the arrivals of a slot, (inputs, lanes).
    """

    now: np.ndarray  # (2,): the step, and how many sums were made in it
    rules: np.ndarray  # (rules, 3): threshold, re-arm level, lockout
    seen: np.ndarray  # (rules, 3, lanes): see `watch.Kept`
    spikes: np.ndarray  # (2, lanes): lanes and times of those found in a step
    counts: np.ndarray  # (2,)
    senders: np.ndarray  # (senders, 7): see the columns
    start: np.ndarray  # of the edges of each source of each sender
    target: np.ndarray  # (edges,): place of the first trial
    weight: np.ndarray
    delay: np.ndarray  # steps
    blocks: np.ndarray  # (blocks, 4): place of the first target, targets, its neuron, delay
    block_weight: np.ndarray
    plasticity: np.ndarray  # (senders, 3): U, tau_rec, tau_facil
    resources: np.ndarray  # (senders, 3, most sources * trials): u, x, time of the last spike
    slots: np.ndarray  # (slots, inputs, lanes): what arrives, by step modulo slots
    filled: np.ndarray  # (slots,): whether anything does
    to: np.ndarray  # (k, 4): row of the state, its first lane, lanes, input
    scale: np.ndarray  # (k, lanes): factor on what arrives; (0, 0) where there is none
    history: np.ndarray  # (steps, sums in a step, rows, lanes): what was felt, by step modulo steps
    history_rows: np.ndarray  # (rows,): of the state
    late_start: np.ndarray  # rows of the matrices of synapses with delays, as `Lanes.start`
    late_source: np.ndarray  # place in a sum of the history
    late_weight: np.ndarray
    late_delay: np.ndarray  # steps
    cell: np.ndarray  # (1,): the next millisecond whose Poisson trains are to be drawn
    trains: np.ndarray  # (inputs, 6): sender, its first mean, columns of means, trains, how many
    # each stands for, and whether the rate changes
    means: np.ndarray  # expected spikes in a millisecond
    first_cell: np.ndarray  # (1,): that of the first row of means
    keys: np.ndarray  # (trains, trials, 2)
    times: np.ndarray  # (2 * PER_CELL,): room for those of one train in a millisecond
    trials: np.ndarray  # (trials,): their words of addresses
    given_step: np.ndarray  # (given,): steps of spikes that are given, rising
    given_sender: np.ndarray
    given_source: np.ndarray
    given_at: np.ndarray  # (1,): the next of them


@shared("f64(f64*, f64*, i64, f64)")
def efficacy(plasticity, resources, sources, time):
    """u x of a source in a trial, at a spike (Tsodyks & Markram).

    `plasticity` is U, tau_rec and tau_facil of its sender, `resources` the numbers u, x and the
    time of the last spike, which stand `sources` places apart.
    """
    U, tau_rec, tau_facil = plasticity[0], plasticity[1], plasticity[2]
    u, x, since = resources[0], resources[sources], time - resources[2 * sources]
    u = u * exp(-since / tau_facil) if tau_facil > 0.0 else 0.0
    x = 1.0 - (1.0 - x) * exp(-since / tau_rec) if tau_rec > 0.0 else 1.0
    u = u + U * (1.0 - u)
    resources[0] = u
    resources[sources] = x - u * x
    resources[2 * sources] = time
    return u * x


@shared("void(real*, i64*, i64, i64, i64, i64, i64, i64*, real*, i64*, i64, f64)")
def add_to_slots(
    slots, filled, n_slots, in_slot, slot, first, end, target, weight, delay, trial, factor
):  # fmt: skip
    """What edges first ... end - 1 bring, to the slots of the steps in which it arrives."""
    for e in range(first, end):
        at = slot + delay[e]
        at = at - n_slots if at >= n_slots else at
        slots[at * in_slot + target[e] + trial] += factor * weight[e]
        filled[at] = 1


@shared("void(real*, i64, i64, i64, i64, f64)")
def add_equally(arriving, targets, trials, trial, own, w):
    """The same number to all targets but one."""
    for i in range(targets):
        if i != own:
            arriving[i * trials + trial] += w


@expression
def send(ev, sender, source, trial, trials, step, time):
    """A spike of a source, numbered within its sender, in a trial: to all its targets."""
    one = ev.senders[sender]
    factor = 1.0
    if one[PLASTIC]:
        sources = ev.resources.shape[2]
        factor = efficacy(
            row(ev.plasticity, sender, 3, "plasticity"),
            row(ev.resources, 1, sender * 3 * sources + source * trials + trial, "resources"),
            sources,
            time,
        )
    n_slots, in_slot = ev.filled.size, ev.slots.shape[1] * ev.slots.shape[2]
    slot = step % n_slots
    add_to_slots(
        ev.slots, ev.filled, n_slots, in_slot, slot, ev.start[one[START] + source],
        ev.start[one[START] + source + 1], ev.target, ev.weight, ev.delay, trial, factor,
    )  # fmt: skip
    for b in range(one[FIRST_BLOCK], one[END_BLOCK]):
        at = slot + ev.blocks[b, 3]
        at = at - n_slots if at >= n_slots else at
        own = one[FIRST_SOURCE] + source - ev.blocks[b, 2] if one[RULE] >= 0 else -1
        add_equally(
            row(ev.slots, 1, at * in_slot + ev.blocks[b, 0], "slots"), ev.blocks[b, 1], trials,
            trial, own, factor * ev.block_weight[b],
        )  # fmt: skip
        ev.filled[at] = 1


@expression
def send_spikes(ev, x, used, trials, step, time, h):
    """Those that the step from `time` on ended with."""
    lanes = x.shape[1]
    for r in range(ev.rules.shape[0]):
        ev.counts[0] = 0
        detect(
            x[0], 0, used, lanes, time, h, ev.rules[r, 0], ev.rules[r, 1], ev.rules[r, 2],
            row(ev.seen, r, 3 * lanes, "seen"), row(ev.spikes, 0, 0, "spikes"), lanes, ev.counts,
        )  # fmt: skip
        for k in range(ev.counts[0]):
            lane = int(ev.spikes[0, k])
            neuron, trial = lane // trials, lane % trials
            for sender in range(ev.senders.shape[0]):
                source = neuron - ev.senders[sender, FIRST_SOURCE]
                if ev.senders[sender, RULE] == r and 0 <= source < ev.senders[sender, N_SOURCES]:
                    send(ev, sender, source, trial, trials, step, ev.spikes[1, k])


@shared("f64(u64*, i64, i64, i64, u64)")
def uniform_after(key, cell, number, train, trial):
    """The number-th uniform number in [0, 1) of a train in a millisecond."""
    c0, c1 = address(0, cell * PER_CELL + number // 2)
    w0, w1, w2, w3 = philox4x32(c0, c1, np.uint64(train), trial, key[0], key[1])
    if number % 2:
        return unit_interval(w2, w3) - 1.0
    return unit_interval(w0, w1) - 1.0


@shared("i64(f64, f64)")
def poisson(u, mean):
    """A Poisson number of this mean, of a uniform one, by inversion; at most two in a block."""
    p = exp(-mean)
    below, count = p, 0
    # what is left of the sum is lost to rounding where its terms are
    while u >= below and (count < mean or p > 1e-17) and count < 2 * PER_CELL - 2:
        count += 1
        p *= mean / count
        below += p
    return count


@shared("i64(f64*, u64*, i64, f64, i64, u64)")
def draw_times(times, key, cell, mean, train, trial):
    """The rising times of a train in a millisecond; how many there are."""
    number = poisson(uniform_after(key, cell, 0, train, trial), mean)
    for k in range(number):
        time = cell + uniform_after(key, cell, 1 + k, train, trial)
        place = k
        while place > 0 and times[place - 1] > time:
            times[place] = times[place - 1]
            place -= 1
        times[place] = time
    return number


@expression
def send_trains(ev, trials, step, h):
    """The Poisson trains of the milliseconds that begin before the end of the step."""
    while ev.cell[0] < (step + 1) * h - 1e-9 * h:
        cell = ev.cell[0]
        for t in range(ev.trains.shape[0]):
            sender, first, columns, n, per_train = (
                ev.trains[t, 0], ev.trains[t, 1], ev.trains[t, 2], ev.trains[t, 3], ev.trains[t, 4],
            )  # fmt: skip
            later = (cell - ev.first_cell[0]) * columns if ev.trains[t, 5] else 0
            for train in range(n):
                mean = per_train * ev.means[first + later + (train if columns > 1 else 0)]
                for trial in range(trials):
                    number = draw_times(
                        ev.times, row(ev.keys, t * trials + trial, 2, "key"), cell, mean, train,
                        ev.trials[trial],
                    )  # fmt: skip
                    for k in range(number):
                        at = int(ev.times[k] / h)
                        if at >= step:  # what was before the run began is over
                            send(ev, sender, train, trial, trials, at, ev.times[k])
        ev.cell[0] += 1


@expression
def send_given(ev, trials, step, h):
    """Spikes that are given, of this step."""
    while ev.given_at[0] < ev.given_step.size and ev.given_step[ev.given_at[0]] <= step:
        k = ev.given_at[0]
        for trial in range(trials):
            send(ev, ev.given_sender[k], ev.given_source[k], trial, trials, step, (step + 1) * h)
        ev.given_at[0] += 1


@shared("void(real*, real*, i64)")
def take_in(x, arriving, many):
    """x + what arrives, which is then 0."""
    for i in range(many):
        x[i] += arriving[i]
        arriving[i] = 0.0


@shared("void(real*, real*, real*, i64)")
def take_in_scaled(x, arriving, scale, many):
    """The same, so many times."""
    for i in range(many):
        x[i] += scale[i] * arriving[i]
        arriving[i] = 0.0


@expression
def arrive(ev, x, step):
    """What arrives at the end of a step, into the state."""
    slot, lanes = step % ev.filled.size, x.shape[1]
    if ev.filled[slot]:
        for k in range(ev.to.shape[0]):
            v, first, many, i = ev.to[k, 0], ev.to[k, 1], ev.to[k, 2], ev.to[k, 3]
            arriving = row(ev.slots, slot * ev.slots.shape[1] + i, lanes, "slots")
            to, of = row(x, 1, v * lanes + first, "x"), row(arriving, 1, first, "arriving")
            if ev.scale.shape[0]:
                take_in_scaled(to, of, row(ev.scale, 1, k * lanes + first, "scale"), many)
            else:
                take_in(to, of, many)
        ev.filled[slot] = 0


@expression
def remember(ev, x):
    """Keep the rows of x that are felt later; the number of this sum within the step."""
    number = ev.now[1]
    ev.now[1] += 1
    step = ev.now[0] % ev.history.shape[0]
    for k in range(ev.history_rows.size):
        for lane in range(x.shape[1]):
            ev.history[step, number, k, lane] = x[ev.history_rows[k], lane]
    return number


@expression
def add_late(ev, sums, number, n_neurons, trials):
    """To the sums, what left its neuron some steps ago, as the same sum felt it then."""
    steps = ev.history.shape[0]
    now, in_sum = ev.now[0] % steps, ev.history.shape[2] * ev.history.shape[3]
    for k in range(sums.shape[0]):
        for i in range(n_neurons):
            first, end = ev.late_start[k * n_neurons + i], ev.late_start[k * n_neurons + i + 1]
            for e in range(first, end):
                then = now - ev.late_delay[e]
                then = then + steps if then < 0 else then
                felt = row(ev.history, then * ev.history.shape[1] + number, in_sum, "history")
                for t in range(trials):
                    sums[k, i * trials + t] += ev.late_weight[e] * felt[ev.late_source[e] + t]


@stepper
def sums_with_delays(
    ev, x, sums, n_neurons, trials, start, source, weight, blocks, block_weight
):  # fmt: skip
    """`coupling.couple`, and what comes late."""
    couple_rows(
        x, sums, x.shape[1], sums.shape[0], 0, n_neurons, n_neurons, trials, start, source, weight,
        blocks, block_weight,
    )  # fmt: skip
    if ev.history.shape[0]:
        number = remember(ev, x)
        add_late(ev, sums, number, n_neurons, trials)


@stepper
def after_step(ev, x, n_neurons, trials, step, h):
    """Send the spikes of a step, the one after grid step `step`, and let arrive what is due."""
    send_spikes(ev, x, n_neurons * trials, trials, step, step * h, h)
    send_trains(ev, trials, step, h)
    send_given(ev, trials, step, h)
    arrive(ev, x, step)
    ev.now[0], ev.now[1] = step + 1, 0

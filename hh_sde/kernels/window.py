"""A window of steps: compiled once, whatever the model and the scheme.

What belongs to them is a function of its own, `steps.advance`, which is called by its address.
"""

from hh_sde.kernels.coupling import bring_noise
from hh_sde.kernels.jit import call, kernel
from hh_sde.kernels.meeting import leave
from hh_sde.kernels.watch import save


@kernel
def window(advance, m, inputs, kept, h, first_step, begin, steps):
    """Make steps begin + 1 ... begin + steps of a run that began at grid step first_step.

    Parameters
    ----------
    advance : address of the scheme's `steps.advance`
    m : Lanes, whose state is overwritten with the last one
    inputs : Inputs
    kept : Kept, whose `out` is filled after each step begin + k that save_every divides, and its
        spikes and counts as they are found

    Returns
    -------
    The number of steps made: fewer than `steps` if the last one gave a state that is not finite, or
    if there is no room for another step's spikes.
    """
    length = m.A_dW.shape[0]
    saved, made = 0, 0
    while made < steps:
        first, grid = made, first_step + begin + made
        m.at[0], last = first, steps
        if m.noisy:
            if inputs.drawn:
                last = min(steps, first + length - grid % length)  # where blocks of numbers end
            bring_noise(m, inputs, grid, last - first)
        while made < last:
            to_save = kept.save_every - (begin + made) % kept.save_every
            wanted = min(last - made, to_save)
            done = call(advance, (m, kept, h, made - first, made - first + wanted, grid))
            made += abs(done)
            if done < wanted:
                return made
            if wanted == to_save:
                state = m.work[1] if kept.closes else m.x
                if not save(state, m.own.lane, m.own.used, kept.rows, kept.out, saved):
                    leave(m.own)
                    return made
                saved += 1
    return made

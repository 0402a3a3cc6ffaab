"""A network's equations with Decimal: expressions evaluated from their definition."""

from decimal import Decimal

import numpy as np

import hh_sde as hh
from hh_sde.equations.expressions import Binary, Call, Negative, Number, Power, Symbol


def exact(e, values):
    """An expression's value with Decimal, from its definition."""
    match e:
        case Symbol(name):
            return values[name]
        case Number(value):
            return Decimal(value)
        case Negative(operand):
            return -exact(operand, values)
        case Power(base, n):
            return exact(base, values) ** n
        case Binary(operator, left, right):
            a, b = exact(left, values), exact(right, values)
            return {"+": a.__add__, "-": a.__sub__, "*": a.__mul__, "/": a.__truediv__}[operator](b)
        case Call("exp", (u,)):
            return exact(u, values).exp()
        case Call("linoid", (u,)):
            u = exact(u, values)
            return u / (1 - (-u).exp()) if u else Decimal(1)
    raise TypeError(e)


def exact_drift(net, x, I=3):
    """f of a flat state of Decimals under a current I, synapses and gap junctions summed here."""
    (equations,), n = net._made.equations, net.n_neurons
    gates = {
        v.role["synapse"]: row
        for row, v in enumerate(equations.variables)
        if v.role["role"] == "synaptic gate"
    }
    state = np.array(x, dtype=object).reshape(-1, n)
    G = {
        v.role["synapse"]: row
        for row, v in enumerate(equations.variables)
        if v.role["role"] == "second messenger"
    }
    sums = []
    for synapse in net.synapses:
        of = state[0] if isinstance(synapse, hh.GapJunction) else state[gates[synapse.name]]
        if getattr(synapse, "messenger", None) is not None:
            bound = [g**synapse.messenger.power for g in state[G[synapse.name]]]
            of = [one / (one + Decimal(synapse.messenger.Kd)) for one in bound]
        sums.append(
            [sum(Decimal(w) * s for w, s in zip(row, of, strict=True)) for row in synapse.weights]
        )
    f = np.empty_like(state)
    for i in range(n):
        values = {k: Decimal(p.values[i]) for k, p in equations.parameters.table.items()}
        values["I_stim"] = Decimal(I)
        values |= {s.name: sums[k][i] for k, s in enumerate(equations.coupled)}
        values |= {v.symbol.name: state[row, i] for row, v in enumerate(equations.variables)}
        for target, value, *_ in equations.assignments:
            values[target.name] = exact(value, values)
        f[:, i] = [values[symbol.name] for symbol in equations.drift]
    return f.ravel()

"""Strong orders where noise multiplies the state, from METHODS, by nested grids on one path."""

import numpy as np
import pytest

import hh_sde as hh

# Slow rates and few channels: a step's error is then that of the noise, not that of the drift. A
# gate that opens steeply with V does not commute with noise on V. From a = 0.5 and over 0.5 ms the
# gate stays well inside [0, 1].
GATE = hh.Gate("a", 1, alpha=hh.Sigmoid(0.2, -60.0, 1.0), beta=hh.Constant(0.4))
CELL = hh.Cell(
    "small",
    (hh.Channel("L", g=0.05, E=-60.0), hh.Channel("A", g=0.05, E=-80.0, gates=(GATE,))),
)
GATES = hh.SubunitNoise(numbers={"A": 4})
# A current that feeds a pool, and follows it, as the gate does: the pool moves with V.
POOLED = hh.Cell(
    "pooled",
    (
        CELL.channels[0],
        hh.Channel(
            "A",
            g=0.05,
            E=hh.Nernst("Ca", outside=3.0, temperature=20.0),
            gates=(GATE.replace(beta=hh.Proportional("Ca", 200.0)),),
        ),
    ),
    pools=(hh.Pool("Ca", channels=("A",), k=1e-3, rest=1e-3, tau=1.0),),
)
NETWORKS = {
    "commutative": hh.Network(1, cell=CELL, noise=GATES),
    "general": hh.Network(1, cell=CELL, noise=[GATES, hh.CurrentNoise(4.0)]),
    "additive, pool": hh.Network(1, cell=POOLED, noise=hh.CurrentNoise(4.0)),
    "general, pool": hh.Network(1, cell=POOLED, noise=[GATES, hh.CurrentNoise(4.0)]),
}
#: Which variable's error is looked at: the noise drives V, or the gate. That of the concentration,
#: which it drives through those alone, may fall faster.
MEASURED = {"additive, pool": ("V", "Ca"), "general, pool": ("a", "Ca")}
X0 = {2: np.array([-60.0, 0.5]), 3: np.array([-60.0, 0.5, 2e-3])}
T_END = 0.5
FINE, FACTORS = 1 / 4096, [16, 32, 64, 128, 256]
CASES = [
    (name, method)
    for name in NETWORKS
    for method, entry in hh.METHODS.items()
    if name.partition(",")[0] in entry.strong_order
    and method != "tamed_euler"
    and (entry.compiled or not name.endswith("pool"))
]


def errors(name, method, trials, path_class=hh.BrownianPath):
    """Squared errors at T_END, (factors, trials) of each variable, against the best at FINE."""
    sde = NETWORKS[name].sde()
    measured = MEASURED.get(name, ("a",))
    path = path_class(7, m=sde.m, dt=FINE, area_groups=sde.area_groups)
    options = {"trials": trials, "save_dt": T_END, "x0": X0[sde.d], "record": measured}

    def last(path, method):
        ds = hh.solve(NETWORKS[name], T_END, dt=path.dt, method=method, path=path, **options)
        return np.stack([ds[variable].values[:, -1, 0] for variable in measured])

    exact = last(path, "sra1" if sde.noise_type == "additive" else "sri2")
    squares = [(last(path.coarsen(k), method) - exact) ** 2 for k in FACTORS]
    return np.stack(squares, axis=1)


def slope(squares):
    """99.9 % bootstrap interval over trials of the slope of log(rms error) against log(step)."""
    resample = np.random.default_rng(0).integers(0, squares.shape[1], (2000, squares.shape[1]))
    rms = 0.5 * np.log(squares[:, resample].mean(axis=2))
    return np.quantile(np.polyfit(np.log(FACTORS), rms, 1)[0], [0.0005, 0.9995])


@pytest.mark.parametrize(("name", "method"), CASES)
def test_strong_order(name, method):
    trials = 200 if hh.METHODS[method].compiled else 40
    squares, *of_concentration = errors(name, method, trials)
    low, high = slope(squares)
    declared = hh.METHODS[method].strong_order[name.partition(",")[0]]
    assert low - 0.12 < declared < high + 0.12, (low, high)
    for squares in of_concentration:
        assert declared < slope(squares)[1] + 0.12


class NoAreas(hh.BrownianPath):
    def integrals_within(self, members, start, stop, *, areas=True):
        return super().integrals_within(members, start, stop, areas=False)


def test_without_areas_sri2_falls_to_one_half():
    low, high = slope(errors("general", "sri2", 200, NoAreas)[0])
    assert high < 0.8, (low, high)


def test_milstein_without_its_correction_falls_to_one_half():
    """What the order test would say of a Milstein scheme with a wrong coefficient."""
    low, high = slope(errors("commutative", "euler_maruyama", 200)[0])
    assert high < 0.8, (low, high)

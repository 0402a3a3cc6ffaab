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
NETWORKS = {
    "commutative": hh.Network(1, cell=CELL, noise=GATES),
    "general": hh.Network(1, cell=CELL, noise=[GATES, hh.CurrentNoise(4.0)]),
}
X0 = np.array([-60.0, 0.5])
T_END = 0.5
FINE, FACTORS = 1 / 4096, [16, 32, 64, 128, 256]
CASES = [
    (noise_type, name)
    for noise_type in NETWORKS
    for name, method in hh.METHODS.items()
    if noise_type in method.strong_order and name != "tamed_euler"
]


def errors(noise_type, method, trials, path_class=hh.BrownianPath):
    """Squared errors of the gate at T_END, (factors, trials), against sri2 at FINE."""
    net = NETWORKS[noise_type]
    sde = net.sde()
    path = path_class(7, m=sde.m, dt=FINE, area_groups=sde.area_groups)
    options = {"trials": trials, "save_dt": T_END, "x0": X0, "record": ["a"]}
    exact = hh.solve(net, T_END, dt=FINE, method="sri2", path=path, **options).isel(time=-1)
    squares = []
    for k in FACTORS:
        coarse = path.coarsen(k)
        ds = hh.solve(net, T_END, dt=coarse.dt, method=method, path=coarse, **options).isel(time=-1)
        squares.append(((ds.a - exact.a) ** 2).values[:, 0])
    return np.array(squares)


def slope(squares):
    """99.9 % bootstrap interval over trials of the slope of log(rms error) against log(step)."""
    resample = np.random.default_rng(0).integers(0, squares.shape[1], (2000, squares.shape[1]))
    rms = 0.5 * np.log(squares[:, resample].mean(axis=2))
    return np.quantile(np.polyfit(np.log(FACTORS), rms, 1)[0], [0.0005, 0.9995])


@pytest.mark.parametrize(("noise_type", "method"), CASES)
def test_strong_order(noise_type, method):
    trials = 200 if hh.METHODS[method].compiled else 40
    low, high = slope(errors(noise_type, method, trials))
    declared = hh.METHODS[method].strong_order[noise_type]
    assert low - 0.12 < declared < high + 0.12, (low, high)


class NoAreas(hh.BrownianPath):
    def integrals_within(self, members, start, stop, *, areas=True):
        return super().integrals_within(members, start, stop, areas=False)


def test_without_areas_sri2_falls_to_one_half():
    low, high = slope(errors("general", "sri2", 200, NoAreas))
    assert high < 0.8, (low, high)


def test_milstein_without_its_correction_falls_to_one_half():
    """What the order test would say of a Milstein scheme with a wrong coefficient."""
    low, high = slope(errors("commutative", "euler_maruyama", 200))
    assert high < 0.8, (low, high)

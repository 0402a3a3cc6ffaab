"""Brownian paths: addressing, coarsening, and the law of the iterated integrals."""

import numpy as np
import pytest
import scipy.stats

import hh_sde as hh

ALARM = 1e-4  # false-alarm rate of each statistical test; seeds are fixed


@pytest.fixture
def path():
    return hh.BrownianPath(3, m=5, dt=0.02, blocks=[0, 0, 1, 1, 1])


def test_windows_are_windows_of_one_path(path):
    dW, integrals = path.increments(0, 100), path.integrals(0, 100)
    assert np.array_equal(path.increments(31, 77), dW[31:77])
    assert np.array_equal(path.integrals(31, 77), integrals[31:77])


def test_the_seed_makes_the_path_again(path):
    again = hh.BrownianPath(path.seed, m=5, dt=0.02, blocks=path.blocks)
    assert np.array_equal(again.integrals(0, 20), path.integrals(0, 20))
    other = hh.BrownianPath(4, m=5, dt=0.02)
    assert not np.any(other.increments(0, 20) == path.increments(0, 20))
    assert not np.any(path.of_trial(1).increments(0, 20) == path.increments(0, 20))


def test_a_trial_alone_is_the_trial_in_the_ensemble(path):
    together = path.coarsen(3).lanes(0, 10, [0, 7, 9]).reshape(10, 5, 3)
    alone = path.of_trial(7).coarsen(3).increments(0, 10)
    assert np.array_equal(together[:, :, 1], alone)


def test_coarse_increments_are_sums(path):
    fine = path.increments(0, 60).reshape(10, 6, 5).sum(axis=1)
    np.testing.assert_allclose(path.coarsen(6).increments(0, 10), fine, atol=1e-14)
    np.testing.assert_allclose(path.coarsen(2).coarsen(3).increments(0, 10), fine, atol=1e-14)
    assert path.coarsen(6).dt == pytest.approx(0.12)


@pytest.mark.parametrize("k", [1, 4])
def test_symmetric_part_of_the_integrals_is_exact(path, k):
    coarse = path.coarsen(k)
    I, dW = coarse.integrals(0, 50), coarse.increments(0, 50)
    symmetric = dW[:, :, None] * dW[:, None, :] - coarse.dt * np.eye(5)
    together = coarse.blocks[:, None] == coarse.blocks
    np.testing.assert_allclose(
        (I + I.transpose(0, 2, 1))[:, together], symmetric[:, together], atol=1e-14
    )
    # between blocks there is no area
    np.testing.assert_allclose(2 * I[:, ~together], symmetric[:, ~together], atol=1e-14)
    without = coarse.integrals(0, 50, areas=False)
    np.testing.assert_allclose(2 * without[:, together], symmetric[:, together], atol=1e-14)


def test_chen_relation_against_the_definition(path):
    """A coarse I is the Ito sum over the fine steps plus the fine I."""
    dW, fine = path.increments(0, 8), path.integrals(0, 8)
    expected = np.zeros((5, 5))
    W = np.zeros(5)
    for step in range(8):
        expected += np.outer(W, dW[step]) + fine[step]
        W += dW[step]
    together = path.blocks[:, None] == path.blocks
    got = path.coarsen(8).integrals(0, 1)[0]
    np.testing.assert_allclose(got[together], expected[together], atol=1e-14)


def levy_areas(path, steps):
    I = path.integrals(0, steps)
    return 0.5 * (I - I.transpose(0, 2, 1))


def test_levy_area_has_the_right_law():
    """Unconditional characteristic function of the area A of a step h: E cos(lA) = 1/cosh(l h/2)
    (Levy 1951), and E[A^2 | dW] = h^2/12 + h |dW|^2/12."""
    h, steps = 0.5, 200_000
    path = hh.BrownianPath(5, m=2, dt=h)
    A = levy_areas(path, steps)[:, 0, 1]
    bound = scipy.stats.norm.isf(ALARM / 2)
    for frequency in (1.0, 3.0, 8.0, 15.0):
        values = np.cos(frequency * A)
        error = values.mean() - 1 / np.cosh(frequency * h / 2)
        assert abs(error) < bound * values.std() / np.sqrt(steps)
    dW = path.increments(0, steps)
    surplus = A**2 - h**2 / 12 - h * np.sum(dW**2, axis=1) / 12
    assert abs(surplus.mean()) < bound * surplus.std() / np.sqrt(steps)
    assert scipy.stats.pearsonr(surplus, np.sum(dW**2, axis=1)).pvalue > ALARM


def test_areas_of_three_processes_are_uncorrelated_given_nothing():
    A = levy_areas(hh.BrownianPath(6, m=3, dt=1.0), 100_000)
    pairs = [A[:, 0, 1], A[:, 0, 2], A[:, 1, 2]]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert scipy.stats.pearsonr(pairs[i], pairs[j]).pvalue > ALARM


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rng": -1, "m": 1, "dt": 0.1}, "rng must not be negative, got -1"),
        ({"rng": "a", "m": 1, "dt": 0.1}, "rng must be an int"),
        ({"rng": True, "m": 1, "dt": 0.1}, "rng must be an int"),
        ({"rng": 1, "m": -1, "dt": 0.1}, "m must not be negative"),
        ({"rng": 1, "m": 1, "dt": 0.0}, "dt must be positive"),
        ({"rng": 1, "m": 1, "dt": 0.1, "trial": -1}, "trial must lie between"),
        ({"rng": 1, "m": 2, "dt": 0.1, "blocks": [0]}, "blocks must have shape"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        hh.BrownianPath(**arguments)


def test_bad_windows(path):
    with pytest.raises(ValueError, match="0 <= start <= stop, got 3, 1"):
        path.increments(3, 1)
    with pytest.raises(ValueError, match="k must be 1, 2, 3"):
        path.coarsen(0)


def test_a_generator_gives_new_paths_and_a_recorded_seed():
    generator = np.random.default_rng(1)
    first, second = (hh.BrownianPath(generator, m=1, dt=0.1) for _ in range(2))
    assert first.seed.entropy != second.seed.entropy
    again = hh.BrownianPath(first.seed.entropy, m=1, dt=0.1)
    assert np.array_equal(again.increments(0, 5), first.increments(0, 5))


def test_blocks_leave_out_areas_alone():
    """Two commuting columns on one component: dx = x dW_1 + x dW_2, exactly exp(W_1 + W_2 - t)."""
    sde = hh.SDE(
        f=lambda x, t: 0.0 * x,
        G=lambda x, t: np.array([[x[0], x[0]]]),
        x0=[1.0],
        noise_type="commutative",
        blocks=[0, 1],
    )
    fine = hh.BrownianPath(3, m=2, dt=2.0**-7, blocks=[0, 1])
    exact = [np.exp(fine.of_trial(i).increments(0, 128).sum() - 1.0) for i in range(60)]
    errors = []
    for k in (1, 4):
        run = {"dt": 2.0**-7 * k, "path": fine.coarsen(k), "trials": 60, "save_dt": 1.0}
        ds = hh.solve(sde, 1.0, method="sdeint.itoSRI2", **run)
        errors.append(np.sqrt(np.mean((ds.x[:, -1, 0].values - exact) ** 2)))
    assert errors[1] / errors[0] > 3.0  # order 1; without the symmetric part 2


def test_areas_are_not_refined():
    with pytest.raises(ValueError, match="areas are not refined"):
        hh.BrownianPath(1, m=2, dt=0.1).refine().integrals(0, 3)

"""Brownian paths: addressing, coarsening, and the law of the iterated integrals."""

import numpy as np
import pytest
import scipy.stats

import hh_sde as hh
from hh_sde import addresses, levy

ALARM = 1e-4  # false-alarm rate of each statistical test; seeds are fixed


@pytest.fixture
def path():
    return hh.BrownianPath(3, m=5, dt=0.02, area_groups=[0, 0, 1, 1, 1])


def test_windows_are_windows_of_one_path(path):
    dW, integrals = path.increments(0, 100), path.integrals(0, 100)
    assert np.array_equal(path.increments(31, 77), dW[31:77])
    assert np.array_equal(path.integrals(31, 77), integrals[31:77])


def test_the_seed_makes_the_path_again(path):
    again = hh.BrownianPath(path.seed, m=5, dt=0.02, area_groups=path.area_groups)
    assert np.array_equal(again.integrals(0, 20), path.integrals(0, 20))
    other = hh.BrownianPath(4, m=5, dt=0.02)
    assert not np.any(other.increments(0, 20) == path.increments(0, 20))
    assert not np.any(path.of_trial(1).increments(0, 20) == path.increments(0, 20))


def test_a_trial_alone_is_the_trial_in_the_ensemble(path):
    together = path.coarsen(3).lanes(0, 10, [0, 7, 9]).reshape(10, 5, 3)
    alone = path.of_trial(7).coarsen(3).increments(0, 10)
    assert np.array_equal(together[:, :, 1], alone)


@pytest.mark.parametrize("trials", [1, 2, 5, 33])
def test_a_refined_trial_is_bitwise_itself_in_any_company(path, trials):
    fine = path.refine().refine()
    together = fine.lanes(0, 9, range(trials)).reshape(9, 5, trials)
    for trial in range(trials):
        assert np.array_equal(together[:, :, trial], fine.of_trial(trial).increments(0, 9))
        assert np.array_equal(together[3:8, :, trial], fine.of_trial(trial).increments(3, 8))


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
    together = coarse.area_groups[:, None] == coarse.area_groups
    np.testing.assert_allclose(
        (I + I.transpose(0, 2, 1))[:, together], symmetric[:, together], atol=1e-14
    )
    # between groups there is no area
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
    together = path.area_groups[:, None] == path.area_groups
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


@pytest.mark.parametrize("fine", [1, 64])
def test_levy_area_has_the_right_law_given_the_increments(fine):
    """E[cos(l A) | dW] = a/sinh(a) exp(-(a coth(a) - 1) |dW|^2/(2 h)), a = l h/2 (Levy 1951).

    Drawn on the grid, and by Chen's relation from one 64 times finer, where areas hardly count.
    """
    h, steps = 0.5, 200_000 if fine == 1 else 20_000
    path = hh.BrownianPath(8, m=2, dt=h / fine).coarsen(fine)
    A = levy_areas(path, steps)[:, 0, 1]
    size = np.sum(path.increments(0, steps) ** 2, axis=1) / h
    bound = scipy.stats.norm.isf(ALARM / 2)
    for frequency in (2.0, 5.0, 10.0):
        a = frequency * h / 2
        expected = a / np.sinh(a) * np.exp(-(a / np.tanh(a) - 1) * size / 2)
        for weight in (1.0, size - 2.0):
            errors = weight * (np.cos(frequency * A) - expected)
            assert abs(errors.mean()) < bound * errors.std() / np.sqrt(steps)


def test_areas_are_those_of_a_much_finer_grid():
    """Of three processes, each area over its standard deviation given dW, and E[A_ij A_ik | dW] =
    h dW_j dW_k/12 (Kloeden, Platen & Wright 1992): drawn, against steps 64 times finer."""
    h, steps = 0.5, 20_000
    samples = []
    for fine in (1, 64):
        path = hh.BrownianPath(9, m=3, dt=h / fine).coarsen(fine)
        A, dW = levy_areas(path, steps), path.increments(0, steps)
        scale = np.sqrt(h**2 / 12 + h * (dW[:, 0] ** 2 + dW[:, 1] ** 2) / 12)
        products = A[:, 0, 1] * A[:, 0, 2] - h * dW[:, 1] * dW[:, 2] / 12
        bound = scipy.stats.norm.isf(ALARM / 2)
        assert abs(products.mean()) < bound * products.std() / np.sqrt(steps)
        samples.append(A[:, 0, 1] / scale)
    assert scipy.stats.ks_2samp(*samples).pvalue > ALARM


def coupled_areas(h, p, far, steps=4000, seed=1):
    """Areas of two processes over steps of h from `far` terms and their tail, taken as the truth,
    and those from p terms whose tail's normals are the truth's own.

    Given X_r, what the truth has beyond p is normal: its linear part is a multiple of Z, and the
    sum of (X_1 Y_2 - X_2 Y_1)/r has a variance that B has in the mean. So Z and B have exactly the
    law that is drawn, and are near to the truth: as 1/p.
    """
    rng = np.random.default_rng(seed)
    r = np.arange(1.0, far + 1)[:, None, None]
    xi, last_Z = rng.standard_normal((2, steps, 1, 2))
    X, Y = rng.standard_normal((2, far, steps, 1, 2))
    last_B = rng.standard_normal((steps, 1))
    left, last = (np.sqrt(np.pi**2 / 6 - np.sum(1 / r[:q] ** 2)) for q in (p, far))
    Z = (np.sum(X[p:] / r[p:, ..., None], axis=0) + last * last_Z) / left
    products = np.sum(
        (X[p:, ..., 0] * Y[p:, ..., 1] - X[p:, ..., 1] * Y[p:, ..., 0]) / r[p:], axis=0
    )
    variance = np.sum((X[p:, ..., 0] ** 2 + X[p:, ..., 1] ** 2) / r[p:] ** 2, axis=0) + 2 * last**2
    B = (products + np.sqrt(2) * last * last_B) / np.sqrt(variance)
    true = levy.areas(xi, h, zip(X, Y, strict=True), last_Z, lambda j: last_B[..., None])
    drawn = levy.areas(xi, h, zip(X[:p], Y[:p], strict=True), Z, lambda j: B[..., None])
    return true[:, 0, 0, 1], drawn[:, 0, 0, 1]


def test_areas_keep_strong_order_one_however_small_the_step():
    """The error of W_1 dW_2 integrated over 1 ms is that of 1/h areas, each of mean 0.

    With as many terms as the step asks for it is below h and falls as h; with five it falls as the
    root of h. Three standard errors of the root mean square over 4000 steps are 4 per cent.
    """
    steps = np.array([2.0**-14, 2.0**-17, 2.0**-20])
    errors = {"rule": [], "five": []}
    for h in steps:
        for name, p in (("rule", levy.terms(2, h)), ("five", 5)):
            true, drawn = coupled_areas(h, p, far=8 * levy.terms(2, h))
            errors[name].append(np.sqrt(np.mean((drawn - true) ** 2) / h))
    rates = {name: np.polyfit(np.log(steps), np.log(rms), 1)[0] for name, rms in errors.items()}
    assert rates["rule"] == pytest.approx(1.0, abs=0.05)
    assert rates["five"] == pytest.approx(0.5, abs=0.05)
    assert np.all(np.array(errors["rule"]) < steps)


@pytest.mark.parametrize(
    ("b", "dt", "terms"), [(1, 0.01, 5), (29, 0.01, 5), (28, 1e-3, 16), (2, 2.0**-12, 9)]
)
def test_terms_follow_the_step(b, dt, terms):
    assert levy.terms(b, dt) == terms
    assert levy.terms(b, 1e-6 * dt) == pytest.approx(1e3 * np.sqrt(b / (12 * dt)) / np.pi, abs=1)


@pytest.mark.parametrize("k", [1, 3])
def test_integrals_of_some_processes_are_those_of_all(path, k, monkeypatch):
    coarse = path.coarsen(k)
    whole = coarse.integrals(0, 9)
    members = np.array([[2, 4], [3, 4]])
    some = coarse.integrals_within(members, 4, 9)
    for row, got in zip(members, some.transpose(1, 0, 2, 3), strict=True):
        assert np.array_equal(got, whole[4:9, row[:, None], row])
    monkeypatch.setattr(levy, "_AT_ONCE", 1)  # a step in parts
    assert np.array_equal(coarse.integrals_within(members, 4, 9), some)
    with pytest.raises(ValueError, match="no areas between processes of different groups"):
        path.integrals_within(np.array([[0, 2]]), 0, 1)


def test_areas_of_three_processes_are_uncorrelated_given_nothing():
    A = levy_areas(hh.BrownianPath(6, m=3, dt=1.0), 100_000)
    pairs = [A[:, 0, 1], A[:, 0, 2], A[:, 1, 2]]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert scipy.stats.pearsonr(pairs[i], pairs[j]).pvalue > ALARM


# -- halves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_halves_of_a_coarsened_path_are_those_of_its_steps(k, depth):
    path = hh.BrownianPath(1, m=2, dt=0.1)
    path = path.refine() if depth else path
    fine = path.halves(0, 6 * k, [0, 3]).reshape(6, k, 2, -1)
    coarse = path.coarsen(k).halves(0, 6, [0, 3])
    first = fine[:, : k // 2, 0].sum(axis=1)
    if k % 2:
        first = first + fine[:, k // 2, 1]
    np.testing.assert_allclose(coarse[:, 1], first, atol=1e-15)
    np.testing.assert_array_equal(path.coarsen(k).halves(2, 5, [3]), coarse[2:5, :, 1::2])
    np.testing.assert_allclose(coarse[:, 0], path.coarsen(k).lanes(0, 6, [0, 3]), atol=1e-15)


@pytest.mark.parametrize("k", [1, 3])
def test_law_of_the_first_half(k):
    """Given dW it is normal with mean dW/2 and variance dt/4."""
    path = hh.BrownianPath(1, m=1, dt=0.1 / k).coarsen(k)
    dW, half = path.halves(0, 20_000, [0])[:, :, 0].T
    z = (half - 0.5 * dW) / np.sqrt(0.1 / 4)
    assert scipy.stats.kstest(z, "norm").pvalue > ALARM
    assert scipy.stats.pearsonr(z, dW).pvalue > ALARM
    assert scipy.stats.pearsonr(z[1:], z[:-1]).pvalue > ALARM


# -- addresses ------------------------------------------------------------------------------------


def test_no_domain_is_that_of_another_use():
    first = {
        addresses.domain(use, i)
        for use, place in addresses.DOMAINS.items()
        for i in range(len(place))
    }
    assert len(first) == sum(map(len, addresses.DOMAINS.values()))
    halved = {
        addresses.domain(use, halvings=d)
        for use in ("bridge", "midpoint")
        for d in range(1, addresses.MOST_HALVINGS + 1)
    }
    assert len(halved) == 2 * addresses.MOST_HALVINGS
    assert not first & halved
    assert max(first | halved) < 2**16
    terms = [addresses.term_domain(r) for r in range(1, addresses.MOST_TERMS + 1)]
    assert len(set(terms)) == addresses.MOST_TERMS
    for use, i in (("increment", 1), ("area, tail of a pair", addresses.MOST_IN_GROUP - 1)):
        with pytest.raises(IndexError):
            addresses.domain(use, i)


def test_steps_beyond_the_addresses_are_refused():
    path = hh.BrownianPath(1, m=2, dt=0.1)
    last = 2**48 - 1
    assert path.increments(last, last + 1).shape == (1, 2)
    assert path.coarsen(2).integrals(2**47 - 1, 2**47).shape == (1, 2, 2)
    for call in (path.increments, path.integrals, path.time_integrals, path.refine().increments):
        with pytest.raises(ValueError, match=r"addressed by 2.48 steps"):
            call(last, last + 2)
    with pytest.raises(ValueError, match=r"addressed by 2.48 steps"):
        path.coarsen(2).halves(2**47, 2**47 + 1, [0])
    with pytest.raises(ValueError, match=r"addressed by 2.48 steps"):
        path.coarsen(2**49)
    with pytest.raises(ValueError, match=r"addressed by 2.48 steps"):
        hh.solve(hh.Network(1), 2**49 * 0.25, dt=0.25, save_dt=2**49 * 0.25)


@pytest.mark.parametrize("trial", [2**32, 2**32 + 5])
def test_trials_beyond_the_addresses_are_refused(trial, noisy_pair):
    path = hh.BrownianPath(1, m=2, dt=0.1)
    for call in (path.lanes, path.halves, path.with_time_integrals, path.time_integrals):
        with pytest.raises(ValueError, match=r"addressed by 2.32 trials"):
            call(0, 1, [0, trial])
    with pytest.raises(ValueError, match="trial must be a whole number from 0 to 4294967295"):
        path.of_trial(trial)
    for method in ("euler_maruyama", "sdeint.itoEuler", "scipy.LSODA"):
        noise = {"noise": "ignore"} if method.startswith("scipy") else {"rng": 1}
        with pytest.raises(ValueError, match=f"there is none for trial {trial}"):
            hh.solve(noisy_pair, 1.0, trials=[0, trial], method=method, **noise)


@pytest.mark.parametrize("trials", [np.array([-1]), [0.5], [True]])
def test_trials_are_whole_numbers(trials):
    with pytest.raises(ValueError, match="trials must be whole numbers"):
        hh.BrownianPath(1, m=1, dt=0.1).lanes(0, 1, trials)


def test_what_has_no_random_numbers_of_its_own_is_refused():
    path = hh.BrownianPath(1, m=1, dt=0.1)
    for _ in range(addresses.MOST_HALVINGS):
        path = path.refine()
    assert path.increments(0, 1).shape == (1, 1)
    with pytest.raises(ValueError, match="can be halved 31 times, not 32"):
        path.refine()
    large = hh.BrownianPath(1, m=1985, dt=0.1)
    with pytest.raises(ValueError, match=r"group of 1985 .* for 1984 at most"):
        large.integrals_within(np.array([[0, 1984]]), 0, 1)
    largest = hh.BrownianPath(1, m=1984, dt=0.1)
    assert largest.integrals_within(np.array([[0, 1983]]), 0, 1).shape == (1, 1, 2, 2)
    with pytest.raises(ValueError, match=r"take \d+ terms, and there are random numbers for 2014"):
        hh.BrownianPath(1, m=2, dt=1e-9).integrals(0, 1)


def test_a_chain_has_fewer_addresses():
    net = hh.Network(1, noise=hh.ConductanceNoise(1.0))
    with pytest.raises((ValueError, hh.IntegrationError), match=r"addresses .* by 2.32 steps"):
        hh.solve(net, 2**33 * 0.25, dt=0.25, save_dt=2**33 * 0.25, method="gillespie", rng=1)


# -- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, -1, 1.5, 2.0, True, np.inf, np.nan, "2", None])
def test_a_path_is_coarsened_by_whole_numbers(path, k):
    with pytest.raises(ValueError, match=r"k must be 1, 2, 3, ..., got"):
        path.coarsen(k)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rng": -1, "m": 1, "dt": 0.1}, "rng must not be negative, got -1"),
        ({"rng": "a", "m": 1, "dt": 0.1}, "rng must be an int"),
        ({"rng": True, "m": 1, "dt": 0.1}, "rng must be an int"),
        ({"rng": 1, "m": -1, "dt": 0.1}, "m must be a whole number from 0 to 4294967295, got -1"),
        ({"rng": 1, "m": 1.5, "dt": 0.1}, "m must be a whole number .* got 1.5"),
        ({"rng": 1, "m": True, "dt": 0.1}, "m must be a whole number .* got True"),
        ({"rng": 1, "m": 1, "dt": True}, "dt \\(ms\\) must be a number"),
        ({"rng": 1, "m": 1, "dt": 0.1, "trial": 2**32}, "trial must be a whole number"),
        ({"rng": 1, "m": 1, "dt": 0.1, "trial": 0.5}, "trial must be a whole number"),
        ({"rng": 1, "m": 1, "dt": 0.1, "area_groups": [0.5]}, "area_groups must be whole numbers"),
        ({"rng": 1, "m": 1, "dt": 0.0}, "dt \\(ms\\) must be positive"),
        ({"rng": 1, "m": 1, "dt": 0.1, "trial": -1}, "trial must be a whole number .* got -1"),
        ({"rng": 1, "m": 2, "dt": 0.1, "area_groups": [0]}, "area_groups must have shape"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        hh.BrownianPath(**arguments)


def test_bad_windows(path):
    with pytest.raises(ValueError, match="0 <= start <= stop, got 3, 1"):
        path.increments(3, 1)


def test_a_generator_gives_new_paths_and_a_recorded_seed():
    generator = np.random.default_rng(1)
    first, second = (hh.BrownianPath(generator, m=1, dt=0.1) for _ in range(2))
    assert first.seed.entropy != second.seed.entropy
    again = hh.BrownianPath(first.seed.entropy, m=1, dt=0.1)
    assert np.array_equal(again.increments(0, 5), first.increments(0, 5))


def test_area_groups_leave_out_areas_alone():
    """Two commuting columns on one component: dx = x dW_1 + x dW_2, exactly exp(W_1 + W_2 - t)."""
    sde = hh.SDE(
        f=lambda x, t: 0.0 * x,
        G=lambda x, t: np.array([[x[0], x[0]]]),
        x0=[1.0],
        noise_type="commutative",
        area_groups=[0, 1],
    )
    fine = hh.BrownianPath(3, m=2, dt=2.0**-7, area_groups=[0, 1])
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


# -- the path of a model --------------------------------------------------------------------------


def area_sde(**groups):
    return hh.SDE(
        f=lambda x, t: 0.0 * x,
        G=lambda x, t: np.array([[1.0, 0.0], [0.0, x[0]]]),
        x0=[0.0, 0.0],
        **groups,
    )


def test_the_path_of_a_model_fits_it():
    sde = hh.Network(2, noise=[hh.SubunitNoise(100.0), hh.CurrentNoise(1.0)]).sde()
    path = sde.path(3, 0.02, trial=4)
    by_hand = hh.BrownianPath(3, m=sde.m, dt=0.02, trial=4, area_groups=sde.area_groups)
    assert np.array_equal(path.integrals(0, 5), by_hand.integrals(0, 5))
    assert path.coarsen(2).dt == 0.04


def test_a_path_that_lacks_areas_is_refused():
    run = {"dt": 0.25, "method": "sdeint.itoSRI2"}
    with pytest.raises(ValueError, match=r"part what the model's .* sde.path\(rng, dt\) makes one"):
        hh.solve(area_sde(), 1.0, path=hh.BrownianPath(1, m=2, dt=0.25, area_groups=[0, 1]), **run)
    with pytest.raises(ValueError, match=r"path has m = 3 .*sde.path\(rng, dt\) makes one"):
        hh.solve(area_sde(), 1.0, path=hh.BrownianPath(1, m=3, dt=0.25), **run)
    # other names of the same groups, and larger groups, have all the areas that are needed
    path = hh.BrownianPath(1, m=2, dt=0.25, area_groups=[7, 7])
    I = path.coarsen(4).integrals(0, 1)[0]
    for groups in ([0, 0], [0, 1]):
        ds = hh.solve(area_sde(area_groups=groups), 1.0, path=path, **run)
        assert float(ds.x[-1, 1]) == pytest.approx(I[0, 1], abs=1e-12)

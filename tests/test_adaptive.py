"""Step control on the path: that the path stays one, that nothing is biased, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

import hh_sde as hh
from hh_sde.methods import adaptive
from hh_sde.methods.adaptive import HalvedSteps, Scheme, halved_steps
from hh_sde.problems import PROBLEMS

ADAPTIVE = {"adaptive_heun": False, "adaptive_sra1": True}
TIGHT = {"rtol": 1e-4, "atol": 1e-4}


def with_W(problem):
    """A problem's equation with its Wiener process as the last component."""
    sde = problem.sde

    def correction(x, t):
        return np.append(sde.correction(x[:-1], t), 0.0)

    return hh.SDE(
        f=lambda x, t: np.append(sde.f(x[:-1], t), 0.0),
        G=lambda x, t: np.vstack([sde.G(x[:-1], t), [[1.0]]]),
        x0=np.append(sde.x0, 0.0),
        noise_type="additive" if sde.noise_type == "additive" else "commutative",
        interpretation=sde.interpretation,
        correction=sde.correction and correction,
    )


def spied(method, seen):
    """A method that notes t, h, dW and I_(1,0) of every step it tries."""
    step, name = getattr(adaptive, method.removeprefix("adaptive_")), "spied"

    def noted(sde, x, slopes, t, h, dW, I_10):
        seen.append((t, h, *dW, *I_10))
        return step(sde, x, slopes, t, h, dW, I_10)

    scheme = Scheme(noted, ADAPTIVE[method])
    return replace(hh.METHODS[method], run=halved_steps(scheme), name=name)


# -- the path --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ADAPTIVE)
def test_every_step_is_one_of_the_fine_path(method):
    """Tried, accepted or given up, at any depth: the sums of what lies in it."""
    sde, seen = with_W(PROBLEMS["ornstein_uhlenbeck"]), []
    path = sde.path(3, 0.25)
    ds = hh.solve(sde, 1.0, dt=0.25, method=spied(method, seen), path=path, **TIGHT)
    assert ds.attrs["steps_accepted"] > 20 < ds.attrs["steps_rejected"] * 3
    t, h, dW, I_10 = np.array(seen).T
    depth = int(np.log2(0.25 / h.min()))
    assert depth >= 3  # halvings
    fine = path
    for _ in range(depth):
        fine = fine.refine()
    for k in np.unique(np.rint(h / h.min()).astype(int)):  # steps of k of the fine path's
        here = np.isclose(h, k * h.min())
        which = np.rint(t[here] / h[here]).astype(int)
        coarse = fine.coarsen(k)
        expected, integrals = coarse.with_time_integrals(0, round(1.0 / coarse.dt), [0])
        np.testing.assert_allclose(dW[here], expected[which, 0], rtol=1e-12, atol=1e-14)
        if ADAPTIVE[method]:
            np.testing.assert_allclose(I_10[here], integrals[which, 0], rtol=1e-11, atol=1e-15)
    W = np.concatenate([[0.0], np.cumsum(path.increments(0, 4)[:, 0])])
    np.testing.assert_allclose(ds.x[:, 1], W, rtol=1e-12, atol=1e-14)


def test_a_path_that_was_coarsened_goes_back_to_what_it_was():
    """So that a uniform method on the fine grid sees the same noise, down to its points."""
    problem = PROBLEMS["fitzhugh_nagumo"]
    path = problem.sde.path(1, 2.0**-11)
    coarse = hh.solve(problem.sde, 2.0, dt=2.0**-3, method="adaptive_sra1",
                      path=path.coarsen(2**8), **TIGHT)  # fmt: skip
    uniform = hh.solve(problem.sde, 2.0, dt=2.0**-11, method="sdeint.itoSRI2", path=path,
                       save_dt=2.0**-3)  # fmt: skip
    np.testing.assert_allclose(coarse.x, uniform.x, atol=5e-3)
    assert coarse.attrs["steps_accepted"] < 2**11
    with pytest.raises(ValueError, match="refine before coarsening"):
        hh.solve(problem.sde, 1.5, dt=3 * 2.0**-3, method="adaptive_sra1",
                 path=problem.sde.path(1, 2.0**-3).coarsen(3))  # fmt: skip


def test_trials_and_runs_in_pieces_are_the_same_bit_for_bit(noisy_pair, tmp_path):
    options = {"dt": 0.25, "method": "adaptive_sra1", "rng": 1, "record": ["V", "spikes"]}
    whole = hh.solve(noisy_pair, 20.0, trials=2, **options)
    assert whole.V.sizes["time"] == 81
    assert whole.attrs["steps_accepted"] > 2 * 20 * 4
    alone = hh.solve(noisy_pair, 20.0, trials=[1], **options)
    assert np.array_equal(alone.V[0], whole.V[1])
    first = hh.solve(noisy_pair, 10.0, trials=2, **options)
    rest = hh.solve(noisy_pair, 20.0, x0=first, **options)
    assert np.array_equal(rest.V, whole.V.sel(time=rest.time))
    total = sum(part.attrs["steps_accepted"] for part in (first, rest))
    assert total == whole.attrs["steps_accepted"]
    sparse = hh.solve(noisy_pair, 20.0, trials=2, **{**options, "record": ["V"]}, save_dt=5.0)
    assert np.array_equal(sparse.V, whole.V.sel(time=sparse.time))
    assert hh.rerun(alone).identical(alone)
    hh.solve(noisy_pair, 10.0, trials=2, **options, store=tmp_path / "run")
    stored = hh.solve(noisy_pair, 20.0, trials=2, **options, store=tmp_path / "run")
    assert np.array_equal(stored.V, whole.V)
    assert stored.attrs["steps_accepted"] == whole.attrs["steps_accepted"]


# -- errors ----------------------------------------------------------------------------------------


def pathwise_errors(method, name, tolerance, trials):
    problem = PROBLEMS[name]
    path = problem.sde.path(1, 0.25)
    ds = hh.solve(problem.sde, 1.0, dt=0.25, method=method, rtol=tolerance, atol=tolerance,
                  path=path, trials=trials, save_dt=1.0)  # fmt: skip
    exact = np.array([problem.exact(path.of_trial(i), 1.0) for i in range(trials)])
    return ds.x[:, -1].values - exact, ds.attrs["steps_accepted"] / trials


@pytest.mark.parametrize("name", ["geometric", "cubic", "commutative"])
def test_errors_along_the_path_follow_the_tolerance(name):
    (coarse, few), (fine, many) = (
        pathwise_errors("adaptive_heun", name, tolerance, 40) for tolerance in (1e-2, 1e-4)
    )
    order = np.log(np.sqrt((coarse**2).mean() / (fine**2).mean())) / np.log(many / few)
    assert many > 2 * few
    assert order > 0.8


def test_a_scheme_of_order_one_half_goes_elsewhere():
    """Euler-Maruyama under the same control: its error does not fall, and has a mean."""

    def euler(sde, x, slopes, t, h, dW, I_10):
        return x + h * slopes.f + slopes.G @ dW

    method = replace(
        hh.METHODS["adaptive_heun"], run=halved_steps(Scheme(euler, time_integrals=False)),
        interpretation="ito", name="adaptive_euler",
    )  # fmt: skip
    (coarse, few), (fine, many) = (
        pathwise_errors(method, "cubic", tolerance, 100) for tolerance in (3e-2, 1e-3)
    )
    assert many > 5 * few
    assert np.sqrt((fine**2).mean() / (coarse**2).mean()) > 0.8
    assert abs(fine.mean()) > 5 * fine.std() / 10
    right, _ = pathwise_errors("adaptive_heun", "cubic", 1e-3, 100)
    assert np.sqrt((right**2).mean()) < 0.2 * np.sqrt((fine**2).mean())


class Redrawn(HalvedSteps):
    """Draws the noise anew where a step is given up, as one must not."""

    rng = np.random.default_rng(0)

    def over(self, x, level, i):
        h, t, m = self._h(level + 1), i * self._h(level), self.sde.m
        first, second = self.rng.normal(size=(2, 2, m)) * np.sqrt(h)
        slopes = self.slopes(x, t)
        whole = self.step(x, slopes, t, 2 * h, first + second)
        middle = self.step(x, slopes, t, h, first)
        end = self.step(middle, self.slopes(middle, t + h), t + h, h, second)
        if self.agree(x, whole, end):
            return end
        return self.over(self.over(x, level + 1, 2 * i), level + 1, 2 * i + 1)


def z_scores(name, tolerance, trials=500):
    """Of the mean of x and of W at the end, and of the variance of W."""
    problem = PROBLEMS[name]
    ds = hh.solve(with_W(problem), 1.0, dt=0.25, method="adaptive_heun", rng=5, trials=trials,
                  save_dt=1.0, rtol=tolerance, atol=tolerance)  # fmt: skip
    x, W = ds.x[:, -1].values.T
    (mean,), ((variance,),) = problem.moments(1.0)
    root = np.sqrt(trials)
    return np.array([root * (x.mean() - mean) / np.sqrt(variance), root * W.mean(),
                     root * (W.var() - 1.0) / np.sqrt(2.0)])  # fmt: skip


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3])
@pytest.mark.parametrize("name", ["geometric", "ornstein_uhlenbeck"])
def test_giving_up_steps_does_not_change_the_law(name, tolerance):
    assert np.abs(z_scores(name, tolerance)).max() < 3.0


def test_noise_that_is_drawn_anew_is_seen_to_be_biased(monkeypatch):
    monkeypatch.setattr(adaptive, "HalvedSteps", Redrawn)
    assert np.abs(z_scores("geometric", 1e-3)).min() > 4.0


# -- what is refused, and what cannot be done ------------------------------------------------------


def test_general_noise_is_refused_with_the_reason():
    message = r"does not take general noise: its steps follow the path, .*Gaines & Lyons 1997"
    with pytest.raises(ValueError, match=message):
        hh.solve(PROBLEMS["rotation"].sde, 1.0, method="adaptive_heun")
    with pytest.raises(ValueError, match="adaptive_sra1 does not take diagonal noise"):
        hh.solve(PROBLEMS["geometric"].sde, 1.0, method="adaptive_sra1")


def test_a_stop_ends_the_same_step_as_without(noisy_pair):
    options = {"dt": 0.1, "method": "adaptive_sra1", "rng": 1, "trials": 5}
    whole = hh.solve(noisy_pair, 4.0, **options)
    ds = hh.solve(noisy_pair, 4.0, **options, stop=hh.Threshold("V", -20.0, direction="up"))
    assert np.all(ds.stop_time < 4.0)
    for trial in range(5):
        on = ds.time <= ds.stop_time[trial]
        assert np.array_equal(ds.V[trial, on], whole.V[trial].sel(time=ds.time[on]))


def test_where_no_step_is_short_enough():
    """x^2 from x0 = 2 is infinite at t = 1/2."""
    sde = hh.SDE(f=lambda x, t: x**2, G=lambda x, t: np.array([[0.0]]), x0=[2.0],
                 noise_type="additive")  # fmt: skip
    for method in ADAPTIVE:
        with pytest.raises(hh.IntegrationError, match=r"fell below .* at t = 0\.50") as error:
            hh.solve(sde, 1.0, dt=0.125, method=method, rng=1)
        before = error.value.dataset.sel(time=0.375)
        assert float(before.x[0]) == pytest.approx(8.0, rel=0.01)


def test_tolerances_have_a_default_of_the_method_and_stand_in_the_attributes():
    sde = PROBLEMS["ornstein_uhlenbeck"].sde
    options = {"dt": 0.25, "method": "adaptive_heun", "rng": 1}
    ds = hh.solve(sde, 1.0, **options)
    assert (ds.attrs["rtol"], ds.attrs["atol"]) == (1e-3, 1e-3)
    assert ds.identical(hh.solve(sde, 1.0, **options, rtol=1e-3, atol=1e-3).assign_attrs(
        arguments=ds.attrs["arguments"]))  # fmt: skip
    quiet = hh.solve(sde, 1.0, dt=0.25, method="scipy.DOP853", noise="ignore")
    assert quiet.attrs["rtol"] == 1e-8
    assert "steps_accepted" not in quiet.attrs


def test_measured_orders_are_those_in_the_mean_step():
    found = hh.studies.measured_orders(["adaptive_sra1"], ["passive_membrane"], trials=10)
    assert found.declared_order.item() == 1.5
    assert found.agrees.item() == 1
    wrong = replace(hh.METHODS["adaptive_heun"], strong_order={"additive": 2.0}, name="wrong")
    found = hh.studies.measured_orders([wrong], ["passive_membrane"], trials=10)
    assert found.agrees.item() == 0

"""Posteriors that are learned from simulators."""

import numpy as np
import pytest
import scipy.stats

import hh_sde as hh


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of sbi's own
def test_a_learned_posterior_is_calibrated(tmp_path, monkeypatch):
    """Of parameters drawn from the prior, ranks among samples of their posteriors are uniform.

    Talts, Betancourt, Simpson, Vehtari & Gelman 2018, arXiv:1804.06788. Kolmogorov and Smirnov's
    test of each parameter at 0.1 %: a false alarm in one of 500 seeds at most.
    """
    torch = pytest.importorskip("torch")
    pytest.importorskip("sbi")
    from sbi.diagnostics import run_sbc
    from sbi.inference import NPE
    from sbi.neural_nets import posterior_nn
    from sbi.utils import BoxUniform
    from sklearn.preprocessing import QuantileTransformer

    monkeypatch.chdir(tmp_path)  # where sbi logs to
    torch.manual_seed(1)
    torch.set_num_threads(1)  # of a small network more of them only wait for each other
    net = hh.Network(
        1,
        "pospischil_RS",
        stimulus=hh.StepCurrent(3.25, start=10.0, stop=110.0),
        noise=hh.CurrentNoise(1.0),
    )
    summary = {"step_response": {"onset": 10.0, "offset": 110.0}}
    simulate = hh.simulator(net, ["cell.g_Na", "cell.g_K"], summary, 120.0, save_dt=0.1, rng=1)
    prior = BoxUniform(torch.tensor([0.5, 1e-4]), torch.tensor([80.0, 15.0]))
    theta = prior.sample((10_000,))
    x = simulate(theta)
    scores = QuantileTransformer(n_quantiles=100, output_distribution="normal").fit(x)

    def scored(x):
        return torch.as_tensor(scores.transform(x), dtype=torch.float32)

    flow = posterior_nn("zuko_maf", z_score_theta="transform_to_unconstrained", x_dist=prior)
    inference = NPE(prior, flow, show_progress_bars=False).append_simulations(theta, scored(x))
    inference.train(training_batch_size=250, learning_rate=1e-3, max_num_epochs=120)
    posterior = inference.build_posterior()
    known, samples = prior.sample((300,)), 199
    ranks, _ = run_sbc(
        known, scored(simulate(known)), posterior, num_posterior_samples=samples,
        show_progress_bar=False,
    )  # fmt: skip
    jitter = np.random.default_rng(1).uniform(size=ranks.shape)  # ranks are whole numbers
    for column in ((ranks.numpy() + jitter) / (samples + 1)).T:
        assert scipy.stats.kstest(column, "uniform").pvalue > 1e-3

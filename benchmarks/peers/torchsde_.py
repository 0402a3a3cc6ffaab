"""torchsde's Euler on CPU torch, double precision; a batch of neurons, or of trials of two."""

import torch
import torchsde
from common import Case, run


class HodgkinHuxley(torch.nn.Module):
    """y is (batch, variables x neurons); additive noise draws one number a neuron and step."""

    noise_type = "additive"
    sde_type = "ito"

    def __init__(self, batch: int, neurons: int, coupled: bool, sigma: float = 1.0):
        super().__init__()
        self.neurons, self.coupled = neurons, coupled
        rest = [-65.0, 0.0529, 0.5961, 0.3177, 0.0021][: 5 if coupled else 4]
        rows = torch.tensor(rest, dtype=torch.float64).repeat_interleave(neurons)
        self.start = rows.repeat(batch, 1)
        self.amplitudes = torch.zeros(batch, len(rows), neurons, dtype=torch.float64)
        self.amplitudes[:, :neurons] = sigma * torch.eye(neurons, dtype=torch.float64)

    def f(self, t, y):
        V, m, h, k, *s = y.split(self.neurons, dim=1)
        alpha_m = (0.1 * V + 4.0) / (1.0 - torch.exp(-0.1 * V - 4.0))
        beta_m = 4.0 * torch.exp((-65.0 - V) / 18.0)
        alpha_h = 0.07 * torch.exp((-65.0 - V) / 20.0)
        beta_h = 1.0 / (1.0 + torch.exp(-0.1 * V - 3.5))
        alpha_k = (0.01 * V + 0.55) / (1.0 - torch.exp(-0.1 * V - 5.5))
        beta_k = 0.125 * torch.exp((-65.0 - V) / 80.0)
        dV = 10.0 - 120.0 * m**3 * h * (V - 50.0) - 36.0 * k**4 * (V + 77.0) - 0.3 * (V + 54.387)
        slopes = [
            alpha_m * (1 - m) - beta_m * m,
            alpha_h * (1 - h) - beta_h * h,
            alpha_k * (1 - k) - beta_k * k,
        ]
        if self.coupled:
            dV = dV + (20.0 - V) * 0.1 * s[0].flip(1)
            slopes.append(5.0 * (1 - s[0]) / (1.0 + torch.exp((-3.0 - V) / 8.0)) - s[0])
        return torch.cat([dV, *slopes], dim=1)

    def g(self, t, y):
        return self.amplitudes


def prepare(case: Case):
    # neurons without synapses are a batch of single ones: no matrix of all noises is multiplied
    together = case.neurons if case.coupled else 1
    batch = case.neurons * case.trials // together
    torch.set_num_threads(case.threads)
    sde = HodgkinHuxley(batch, together, case.coupled)
    times = torch.tensor([0.0, case.steps * case.dt], dtype=torch.float64)

    def simulate():
        # told of the step, it lays out its tree of increments for it
        noise = torchsde.BrownianInterval(
            0.0, float(times[-1]), (batch, together), dtype=torch.float64, entropy=1, dt=case.dt
        )
        with torch.no_grad():
            states = torchsde.sdeint(sde, sde.start, times, bm=noise, method="euler", dt=case.dt)
        return float(states[-1, :, :together].mean())

    return simulate


run(prepare)

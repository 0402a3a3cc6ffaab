"""JAX: lax.scan over Euler-Maruyama steps; or diffrax's Euler on the same drift.

As it comes: XLA compiles for this processor without fast-math (xla_cpu_enable_fast_math is false by
default), random numbers are Threefry's. Only the precision is chosen, float64 or its own float32.
"""

import os

import jax
import jax.numpy as jnp
from common import Case, run

DTYPE = os.environ.get("DTYPE", "float64")
jax.config.update("jax_enable_x64", DTYPE == "float64")


def drift(case: Case):
    def f(x):
        V, m, h, k = x[:4]
        alpha_m = (0.1 * V + 4.0) / (1.0 - jnp.exp(-0.1 * V - 4.0))
        beta_m = 4.0 * jnp.exp((-65.0 - V) / 18.0)
        alpha_h = 0.07 * jnp.exp((-65.0 - V) / 20.0)
        beta_h = 1.0 / (1.0 + jnp.exp(-0.1 * V - 3.5))
        alpha_k = (0.01 * V + 0.55) / (1.0 - jnp.exp(-0.1 * V - 5.5))
        beta_k = 0.125 * jnp.exp((-65.0 - V) / 80.0)
        dV = 10.0 - 120.0 * m**3 * h * (V - 50.0) - 36.0 * k**4 * (V + 77.0) - 0.3 * (V + 54.387)
        rows = [
            alpha_m * (1 - m) - beta_m * m,
            alpha_h * (1 - h) - beta_h * h,
            alpha_k * (1 - k) - beta_k * k,
        ]
        if case.coupled:
            s = x[4]
            dV = dV + (20.0 - V) * 0.1 * s[::-1]
            rows.append(5.0 * (1 - s) / (1.0 + jnp.exp((-3.0 - V) / 8.0)) - s)
        return jnp.stack([dV, *rows])

    return f


def start(case: Case):
    rows = jnp.array([-65.0, 0.0529, 0.5961, 0.3177, 0.0021][: 5 if case.coupled else 4])
    return jnp.broadcast_to(rows[:, None, None], (len(rows), case.neurons, case.trials))


def scan(case: Case):
    f, x0, dt = drift(case), start(case), case.dt

    def step(carry, _):
        x, key = carry
        key, now = jax.random.split(key)
        kick = jnp.sqrt(dt) * jax.random.normal(now, x.shape[1:], dtype=DTYPE)
        x = x + dt * f(x)
        return (x.at[0].add(kick), key), None

    @jax.jit
    def integrate(key):
        (x, _), _ = jax.lax.scan(step, (x0, key), None, length=case.steps)
        return x[0].mean()

    return lambda: float(integrate(jax.random.PRNGKey(1)))


def with_diffrax(case: Case):
    import diffrax

    f, x0 = drift(case), start(case)
    t_end = case.steps * case.dt

    class Additive(diffrax.AbstractTerm):
        """Noise on the first row alone."""

        path: diffrax.AbstractBrownianPath

        def vf(self, t, y, args):
            return None

        def contr(self, t0, t1, **kwargs):
            return self.path.evaluate(t0, t1)

        def prod(self, vf, control):
            return jnp.zeros(x0.shape).at[0].set(control)

    @jax.jit
    def integrate(key):
        path = diffrax.UnsafeBrownianPath(jax.ShapeDtypeStruct(x0.shape[1:], x0.dtype), key=key)
        terms = diffrax.MultiTerm(diffrax.ODETerm(lambda t, y, args: f(y)), Additive(path))
        solution = diffrax.diffeqsolve(
            terms,
            diffrax.Euler(),
            0.0,
            t_end,
            case.dt,
            x0,
            max_steps=None,
            adjoint=diffrax.ForwardMode(),
        )
        return solution.ys[-1, 0].mean()

    return lambda: float(integrate(jax.random.PRNGKey(1)))


run(with_diffrax if os.environ.get("JAX_SOLVER") == "diffrax" else scan)

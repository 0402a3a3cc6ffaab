"""Coloured noise: Ornstein-Uhlenbeck processes as currents and conductances."""

from __future__ import annotations

from hh_sde.kinetics import Parameter
from hh_sde.noise.base import Noise
from hh_sde.records import check_name, parameter, record


@record
class OrnsteinUhlenbeckCurrent(Noise):
    """Coloured current: C dV = (... + eta) dt, d eta = (mean - eta)/tau dt + sigma sqrt(2/tau) dW.

    eta is a state variable. With tau -> 0 at fixed sigma^2 tau it is white noise of intensity
    sigma sqrt(2 tau). Independent in every neuron.

    Parameters
    ----------
    mean : float or (n_neurons,) array
        uA/cm^2.
    sigma : float or (n_neurons,) array
        Standard deviation of eta, uA/cm^2.
    tau : float or (n_neurons,) array
        Correlation time, ms.
    name : str
        Name of the state variable.

    References
    ----------
    Uhlenbeck & Ornstein (1930), Phys. Rev. 36, 823, doi:10.1103/PhysRev.36.823.

    Examples
    --------
    >>> OrnsteinUhlenbeckCurrent(mean=5.0, sigma=2.0, tau=3.0).tau
    3.0
    """

    units = {"mean": "uA/cm^2", "sigma": "uA/cm^2", "tau": "ms"}

    mean: Parameter
    sigma: Parameter
    tau: Parameter
    name: str = "eta"

    def __post_init__(self) -> None:
        _check_colored(self)


@record
class OrnsteinUhlenbeckConductance(Noise):
    """Coloured conductance: C dV = (... + g (E - V)) dt with g an Ornstein-Uhlenbeck process.

    dg = (mean - g)/tau dt + sigma sqrt(2/tau) dW, a state variable. Two of them, excitatory and
    inhibitory, are the point-conductance model of synaptic background activity. g is Gaussian, so
    it is negative at times; choose mean and sigma so that this is rare.

    Parameters
    ----------
    mean : float or (n_neurons,) array
        mS/cm^2.
    sigma : float or (n_neurons,) array
        Standard deviation of g, mS/cm^2.
    tau : float or (n_neurons,) array
        Correlation time, ms.
    E : float or (n_neurons,) array
        Reversal potential, mV.
    name : str
        Name of the state variable.

    References
    ----------
    Destexhe, Rudolph, Fellous & Sejnowski (2001), Neuroscience 107, 13,
    doi:10.1016/S0306-4522(01)00344-X.

    Examples
    --------
    >>> excitation = OrnsteinUhlenbeckConductance(0.035, 0.009, 2.728, E=0.0, name="g_e")
    >>> inhibition = OrnsteinUhlenbeckConductance(0.165, 0.019, 10.49, E=-75.0, name="g_i")
    >>> inhibition.E
    -75.0
    """

    units = {"mean": "mS/cm^2", "sigma": "mS/cm^2", "tau": "ms", "E": "mV"}

    mean: Parameter
    sigma: Parameter
    tau: Parameter
    E: Parameter
    name: str = "g_noise"

    def __post_init__(self) -> None:
        _check_colored(self)
        object.__setattr__(self, "E", parameter(self.E, f"E of {self.name}"))


def _check_colored(noise: OrnsteinUhlenbeckCurrent | OrnsteinUhlenbeckConductance) -> None:
    kind = type(noise).__name__
    check_name(noise.name, f"an {kind}")
    checks: dict[str, dict[str, bool]] = {
        "mean": {},
        "sigma": {"nonnegative": True},
        "tau": {"positive": True},
    }
    for name, conditions in checks.items():
        value = parameter(getattr(noise, name), f"{kind}.{name}", **conditions)
        object.__setattr__(noise, name, value)

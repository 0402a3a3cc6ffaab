"""Brian2: the equations of every cell as text, from the papers; spike times on standard output.

What is asked stands on standard input, as JSON: the cell, its state at the beginning, the current
that begins at `start`, the duration, and the level that an upward crossing counts at.
"""

import json
import sys

import brian2 as b2
import numpy as np

b2.prefs.codegen.target = "cython"
DT = 0.005  # ms; by Runge-Kutta's method of order 4


def gates(**rates: tuple[str, str]) -> str:
    """dx/dt = alpha (1 - x) - beta x"""
    return "".join(
        f"d{x}/dt = (({alpha})*(1 - {x}) - ({beta})*{x})/ms : 1\n"
        for x, (alpha, beta) in rates.items()
    )


def relaxing(**rates: tuple[str, str]) -> str:
    """dx/dt = (x_inf - x)/tau"""
    return "".join(
        f"d{x}/dt = (({inf}) - {x})/(({tau})*ms) : 1\n" for x, (inf, tau) in rates.items()
    )


def squid(rest: float, E_L: float, phi: str = "1") -> str:
    v = f"(V - ({rest}))"
    return (
        f"dV/dt = (I - 120*m**3*h*({v} - 115) - 36*n**4*({v} + 12) - 0.3*(V - ({E_L})))/ms : 1\n"
        + gates(
            m=(f"{phi}*1/exprel((25 - {v})/10)", f"{phi}*4*exp(-{v}/18)"),
            h=(f"{phi}*0.07*exp(-{v}/20)", f"{phi}/(exp((30 - {v})/10) + 1)"),
            n=(f"{phi}*0.1/exprel((10 - {v})/10)", f"{phi}*0.125*exp(-{v}/80)"),
        )
    )


def traub_miles(V_T: float) -> str:
    v = f"(V - ({V_T}))"
    return gates(
        m=(f"0.32*4/exprel((13 - {v})/4)", f"0.28*5/exprel(({v} - 40)/5)"),
        h=(f"0.128*exp((17 - {v})/18)", f"4/(1 + exp((40 - {v})/5))"),
        n=(f"0.032*5/exprel((15 - {v})/5)", f"0.5*exp((10 - {v})/40)"),
    )


def cortical(g_K: float, g_L: float, E_L: float, others: str = "0") -> str:
    fast = f"50*m**3*h*(V - 50) + {g_K}*n**4*(V + 100) + {g_L}*(V - ({E_L}))"
    return f"dV/dt = (I - ({fast}) - ({others}))/ms : 1\n" + traub_miles(-55)


SLOW_POTASSIUM = relaxing(
    p=("1/(1 + exp(-(V + 35)/10))", "1000/(3.3*exp((V + 35)/20) + exp(-(V + 35)/20))")
)


def s(mid: float, slope: float) -> str:
    return f"(1/(1 + exp((V + ({mid}))/({slope}))))"


PRINZ = """
    E_Ca = 1e3*8.31446261815324*283.15/(2*96485.33212331001)*log(3000/Ca) : 1
    I_Ca = (2.5*m_T**3*h_T + 6*m_S**3*h_S)*(V - E_Ca) : 1
    I_K = (50*m_A**3*h_A + 10*m_KCa**4 + 100*m_Kd**4)*(V + 80) : 1
    dV/dt = (I - 400*m_Na**3*h_Na*(V - 50) - I_Ca - I_K - 0.01*m_H*(V + 20))/ms : 1
    dCa/dt = (-14.96*0.628*I_Ca - Ca + 0.05)/(200*ms) : 1  # uM
    """ + relaxing(
    m_Na=(s(25.5, -5.29), f"2.64 - 2.52*{s(120, -25)}"),
    h_Na=(s(48.9, 5.18), f"1.34*{s(62.9, -10)}*(1.5 + {s(34.9, 3.6)})"),
    m_T=(s(27.1, -7.2), f"43.4 - 42.6*{s(68.1, -20.5)}"),
    h_T=(s(32.1, 5.5), f"210 - 179.6*{s(55, -16.9)}"),
    m_S=(s(33, -8.1), "2.8 + 14/(exp((V + 27)/10) + exp((V + 70)/(-13)))"),
    h_S=(s(60, 6.2), "120 + 300/(exp((V + 55)/9) + exp((V + 65)/(-16)))"),
    m_A=(s(27.2, -8.7), f"23.2 - 20.8*{s(32.9, -15.2)}"),
    h_A=(s(56.9, 4.9), f"77.2 - 58.4*{s(38.9, -26.5)}"),
    m_KCa=(f"Ca/(Ca + 3)*{s(28.3, -12.6)}", f"180.6 - 150.2*{s(46, -22.7)}"),
    m_Kd=(s(12.3, -11.8), f"14.4 - 12.8*{s(28.3, -19.2)}"),
    m_H=(s(75, 5.5), "2/(exp((V + 169.7)/(-11.6)) + exp((V - 26.7)/14.3))"),
)

PINSKY_RINZEL = """
    v = V + 60 : 1
    a_m = 0.32*4/exprel((13.1 - v)/4) : 1
    b_m = 0.28*5/exprel((v - 40.1)/5) : 1
    m = a_m/(a_m + b_m) : 1
    I_Ca = 10*s**2*(v - 140) : 1
    somatic = 0.1*v + 30*m**2*h*(v - 120) + 15*n*(v + 15) : 1
    dendritic = 0.1*v + I_Ca + (0.8*q + 15*c*clip(Ca/250, 0, 1))*(v + 15) : 1
    dV/dt = (I - 0.5*somatic - 0.5*dendritic)/(3*ms) : 1
    dCa/dt = (-0.13*I_Ca - 0.075*Ca)/ms : 1
    below = int(v <= 50) : 1
    total_c = 2*exp((6.5 - v)/27) : 1
    a_c = below*exp((v - 10)/11 - (v - 6.5)/27)/18.975 + (1 - below)*total_c : 1
    """ + gates(
    h=("0.128*exp((17 - v)/18)", "4/(1 + exp((40 - v)/5))"),
    n=("0.016*5/exprel((35.1 - v)/5)", "0.25*exp(0.5 - 0.025*v)"),
    s=("1.6/(1 + exp(-0.072*(v - 65)))", "0.02*5/exprel((v - 51.1)/5)"),
    c=("a_c", "total_c - a_c"),
    q=("clip(0.00002*Ca, 0, 0.01)", "0.001"),
)

EQUATIONS = {
    "hodgkin_huxley": squid(-65, -54.387),
    "hodgkin_huxley, 18.5 °C": squid(-65, -54.387, phi="3**1.22"),
    "hodgkin_huxley_1952": squid(0, 10.613),
    "wang_buzsaki": """
        a_m = 1/exprel(-0.1*(V + 35)) : 1
        m = a_m/(a_m + 4*exp(-(V + 60)/18)) : 1
        dV/dt = (I - 35*m**3*h*(V - 55) - 9*n**4*(V + 90) - 0.1*(V + 65))/ms : 1
        """
    + gates(
        h=("5*0.07*exp(-(V + 58)/20)", "5/(exp(-0.1*(V + 28)) + 1)"),
        n=("5*0.1/exprel(-0.1*(V + 34))", "5*0.125*exp(-(V + 44)/80)"),
    ),
    "morris_lecar": """
        m = 0.5*(1 + tanh((V + 1.2)/18)) : 1
        dV/dt = (I - 4.4*m*(V - 120) - 8*w*(V + 84) - 2*(V + 60))/(20*ms) : 1
        """
    + relaxing(w=("0.5*(1 + tanh((V - 2)/30))", "1/(0.04*cosh((V - 2)/60))")),
    "connor_stevens": """
        I_A = 47.7*a**3*b*(V + 75) : 1
        dV/dt = (I - 120*m**3*h*(V - 55) - 20*n**4*(V + 72) - I_A - 0.3*(V + 17))/ms : 1
        """
    + gates(
        m=("3.8/exprel(-(V + 29.7)/10)", "15.2*exp(-0.0556*(V + 54.7))"),
        h=("0.266*exp(-0.05*(V + 48))", "3.8/(1 + exp(-0.1*(V + 18)))"),
        n=("0.2/exprel(-(V + 45.7)/10)", "0.25*exp(-0.0125*(V + 55.7))"),
    )
    + relaxing(
        a=(  # as published: it exceeds 1 above 40 mV
            "(0.0761*exp(0.0314*(V + 94.22))/(1 + exp(0.0346*(V + 1.17))))**(1.0/3)",
            "0.3632 + 1.158/(1 + exp(0.0497*(V + 55.96)))",
        ),
        b=("(1/(1 + exp(0.0688*(V + 53.3))))**4", "1.24 + 2.678/(1 + exp(0.0624*(V + 50)))"),
    ),
    "traub_miles": "dV/dt = (I - 100*m**3*h*(V - 50) - 30*n**4*(V + 90) - 0.05*(V + 60))/ms : 1\n"
    + traub_miles(-63),
    "pospischil_RS": cortical(5, 0.1, -70, "0.07*p*(V + 100)") + SLOW_POTASSIUM,
    "pospischil_FS": cortical(10, 0.15, -70),
    "pospischil_IB": cortical(5, 0.01, -85, "0.03*p*(V + 100) + 0.17*q**2*r*(V - 120)")
    + SLOW_POTASSIUM
    + gates(
        q=("0.055*3.8/exprel((-27 - V)/3.8)", "0.94*exp((-75 - V)/17)"),
        r=("0.000457*exp((-13 - V)/50)", "0.0065/(exp((-15 - V)/28) + 1)"),
    ),
    "pospischil_LTS": cortical(5, 0.01, -85, "0.03*p*(V + 100) + 0.4*S**2*u*(V - 120)")
    + SLOW_POTASSIUM
    + "S = 1/(1 + exp(-(V + 59)/6.2)) : 1\n"
    + relaxing(
        u=(
            "1/(1 + exp((V + 83)/4))",
            "(30.8 + (211.4 + exp((V + 115.2)/5))/(1 + exp((V + 86)/3.2)))/3**1.2",
        )
    ),
    "traub_ca3": PINSKY_RINZEL,
    "prinz_abpd": PRINZ,
}
#: What gates are called there, since mS and mA are units to Brian2.
RENAMED = {
    f"{x}{channel}": f"{x}_{channel.removeprefix('Ca')}"
    for x in "mh"
    for channel in ("Na", "CaT", "CaS", "A", "KCa", "Kd", "H")
}
#: Units of concentrations, mM.
UNITS = {"traub_ca3": 0.01 / 250, "prinz_abpd": 1e-3}


def spikes(case: dict) -> list[float]:
    """Times of upward crossings, from a straight line between steps, ms."""
    name, start = case["cell"], case["start"]
    b2.defaultclock.dt = DT * b2.ms
    group = b2.NeuronGroup(1, EQUATIONS[name] + "I : 1\n", method="rk4")
    for variable, value in case["state"].items():
        scale = UNITS.get(name, 1.0) if variable == "Ca" else 1.0
        setattr(group, RENAMED.get(variable, variable), value / scale)
    monitor = b2.StateMonitor(group, "V", record=True)
    network = b2.Network(group, monitor)
    network.run(start * b2.ms)
    group.I = case["current"]
    network.run((case["duration"] - start) * b2.ms)
    V = np.append(monitor.V[0], group.V[0])
    k = np.flatnonzero((V[:-1] < case["threshold"]) & (V[1:] >= case["threshold"]))
    return list((k + (case["threshold"] - V[k]) / (V[k + 1] - V[k])) * DT)


if __name__ == "__main__":
    print(json.dumps([spikes(case) for case in json.load(sys.stdin)]))

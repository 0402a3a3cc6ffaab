"""The gates m, h and k of the classic cell as Brian2 has them, for its programs here."""

GATE = "d{x}/dt = (({alpha})*(1 - {x}) - ({beta})*{x})/ms : 1\n"
GATES = (
    GATE.format(
        x="m",
        alpha="0.1*(V + 40.0)/(1.0 - exp(-0.1*(V + 40.0)))",
        beta="4.0*exp((-65.0 - V)/18.0)",
    )
    + GATE.format(
        x="h",
        alpha="0.07*exp((-65.0 - V)/20.0)",
        beta="1.0/(1.0 + exp(-0.1*(V + 35.0)))",
    )
    + GATE.format(
        x="k",
        alpha="0.01*(V + 55.0)/(1.0 - exp(-0.1*(V + 55.0)))",
        beta="0.125*exp((-65.0 - V)/80.0)",
    )
)

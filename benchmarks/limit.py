"""The arithmetic limit: the engine's operations over the peak throughput, and its distance.

    python benchmarks/limit.py [--repeats 10] [--out results]

Operations are counted in the equations of the classic cell as they are generated for the loop of
Euler-Maruyama, with the polynomials of the elementary functions, and in the generation of a normal
random number. peaks.c measures the peak throughput of one core in the widest vectors. Divisions and
roots have an execution unit of their own and overlap with multiplications and additions, so the
limit is the largest of three times. Comparisons, integer operations, loads and stores are not
counted: it is a lower bound. Needs gcc. Writes limit_KIND.json and .md for this kind of processor.
"""

import argparse
import ast
import inspect
import json
import subprocess
import tempfile
import textwrap
from collections import Counter
from functools import cache
from pathlib import Path

import laps
import processor

import hh_sde as hh
from hh_sde.equations.expressions import Binary, Call, Expression, Power, names, operands
from hh_sde.equations.sharing import SharedExponentials
from hh_sde.kernels import elementary

HERE = Path(__file__).parent
Counts = Counter[str]  # of fused, multiplications, additions, divisions
IN_EXPRESSIONS = {"+": "additions", "-": "additions", "*": "multiplications", "/": "divisions"}
IN_CODE = {
    ast.Add: "additions", ast.Sub: "additions", ast.Mult: "multiplications", ast.Div: "divisions",
}  # fmt: skip
ALONE = {"fmuladd": "fused", "sqrt": "divisions"}  # functions that are one operation


# -- counting --------------------------------------------------------------------------------------


def of_expression(e: Expression) -> Counts:
    """Operations in an expression of the equations."""
    found = sum((of_expression(part) for part in operands(e)), Counts())
    match e:
        case Binary(operator, _, _):
            found[IN_EXPRESSIONS[operator]] += 1
        case Power(_, exponent):  # of the fourth power, two squares
            found["multiplications"] += 2 if exponent == 4 else exponent - 1
        case Call(function, _):
            found += of_function(function)
    return found


@cache
def of_function(name: str) -> Counts:
    """Operations in a function of `hh_sde.kernels.elementary`, and in those that it calls."""
    function = getattr(elementary, name)
    return of_code(ast.parse(textwrap.dedent(inspect.getsource(function.py_func))))


def of_code(node: ast.AST) -> Counts:
    """Operations on floats in what was parsed."""
    if isinstance(node, ast.BinOp) and (type(node.op) not in IN_CODE or _is_constant(node)):
        return Counts()  # integer operations, and what the compiler evaluates
    found = sum((of_code(child) for child in ast.iter_child_nodes(node)), Counts())
    if isinstance(node, ast.BinOp):
        found[IN_CODE[type(node.op)]] += 1
    elif isinstance(node, ast.Call):
        called = ast.unparse(node.func).removeprefix("math.")
        if called in ALONE:
            found[ALONE[called]] += 1
        elif hasattr(getattr(elementary, called, None), "py_func"):
            found += of_function(called)
    return found


def _is_constant(node: ast.AST) -> bool:
    used = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
    return all(
        name == "math" or isinstance(getattr(elementary, name, None), float) for name in used
    )


def euler_step(net: hh.Network) -> Counts:
    """x + f h + A dW of all variables: each definition that f needs once."""
    (population,) = net.sde().program.compiled.populations
    shared = SharedExponentials(population.assignments, population.parameters, population.names)
    definitions = {a.target.name: a.value for a in shared.assignments}
    found = Counts(additions=1)  # A dW
    waiting = [symbol.name for symbol in population.drift]
    for name in waiting:  # grows meanwhile
        if name in definitions:
            value = definitions.pop(name)
            found += of_expression(value)
            waiting += names(value)
    each = len(population.variables)
    return found + Counts(additions=each, multiplications=each)


def normal_number() -> Counts:
    """Half of Box and Muller's pair: a logarithm, a root, a cosine and a sine, four products."""
    pair = of_function("log") + of_function("cos_sin_turns")
    pair += Counts(divisions=1, multiplications=5)  # -2 log u, r cos, r sin, and twice the scale
    return Counts({kind: number / 2 for kind, number in pair.items()})


# -- peak throughput, and measured time ------------------------------------------------------------


def peaks(real: str) -> dict[str, float]:
    """Operations per ns of one core: see peaks.c."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "peaks"
        flags = ["-O3", "-march=native", f"-DREAL={real}"]
        subprocess.run(["gcc", *flags, "-o", program, HERE / "peaks.c"], check=True)
        run = subprocess.run([program], check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def limit(counts: Counts, peak: dict[str, float]) -> float:
    """The least time of these operations, ns."""
    products = counts["fused"] + counts["multiplications"]
    return max(
        products / peak["fma"],
        (products + counts["additions"]) / peak["all"],
        counts["divisions"] / peak["division"],
    )


def measured(repeats: int) -> dict[str, float]:
    """ns for a neuron and step with and without white noise, and for a normal number."""
    white, method = laps.free(hh.CurrentNoise(1.0)), "euler_maruyama"
    runs = laps.long_and_short("white noise", white, 20_000, method)
    runs |= laps.long_and_short("no noise", laps.free(()), 20_000, method, rng=None)
    return laps.in_rounds(runs | laps.normals(laps.NEURONS, 128), repeats)


def rows(peak: dict[str, float], repeats: int) -> dict[str, dict]:
    """The operations, the limit and the measured time of each part."""
    step, normal = euler_step(laps.free(hh.CurrentNoise(1.0))), normal_number()
    found = measured(repeats)
    parts = {
        "Euler loop: a run without noise": (step, found["no noise"]),
        "a normal random number": (normal, found["normal"]),
        "whole engine: a run with white noise": (step + normal, found["white noise"]),
    }
    return {
        name: {**counts, "limit": limit(counts, peak), "measured": ns}
        for name, (counts, ns) in parts.items()
    }


def markdown(peak_of: dict[str, dict], table: dict[str, dict]) -> str:
    """A line for each part."""
    lines = [
        "| operations | fused multiply-adds | multiplications | additions | "
        "divisions, square roots | limit | measured | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    kinds = ("fused", "multiplications", "additions", "divisions")
    for name, row in table.items():
        counts = " | ".join(f"{row.get(kind, 0):g}" for kind in kinds)
        least, ns = row["limit"], row["measured"]
        lines.append(f"| {name} | {counts} | {least:.2f} ns | {ns:.2f} ns | {ns / least:.1f} |")
    lines.append("\nPer neuron and step. Peak throughput of one core, per nanosecond:")
    lines.append(
        "; ".join(
            f"in {dtype}, {peak['fma']:.1f} fused multiply-adds, or {peak['all']:.1f} operations "
            f"where additions alternate with them, and {peak['division']:.1f} divisions"
            for dtype, peak in peak_of.items()
        )
        + ".\n"
    )
    return "\n".join(lines)


def main() -> None:
    """Count, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    peak_of = {"float64": peaks("double"), "float32": peaks("float")}
    table = rows(peak_of["float64"], options.repeats)
    result = {"peaks": peak_of, "rows": table}
    processor.write(options.out, "limit", result, markdown(peak_of, table))


if __name__ == "__main__":
    main()

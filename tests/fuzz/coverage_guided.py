"""Bytes for the readers of files, guided by the coverage of the library (atheris): extra `fuzz`.

``PYTHONPATH=tests python -m fuzz.coverage_guided --runs 20000``. The inputs are those of `slots`.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What numba compiles is not instrumented.
KERNELS = [f"hh_sde.kernels.{file.stem}" for file in (ROOT / "hh_sde" / "kernels").glob("*.py")]


def main() -> None:
    """Run libFuzzer with so many inputs; what is found goes to a file, a line each."""
    parser = argparse.ArgumentParser(prog="fuzz.coverage_guided", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("findings.jsonl"))
    given = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("this needs the package atheris: pip install 'hh_sde[fuzz]'")
    with atheris.instrument_imports(include=["hh_sde"], exclude=KERNELS):
        from fuzz.judging import judging
        from fuzz.slots import Slots

    out, slots = given.out.absolute(), Slots()
    with tempfile.TemporaryDirectory() as corpus, judging() as judge:
        slots.write(Path(corpus))

        def one(data: bytes) -> None:
            finding = judge.of(slots.input(data))
            if finding:
                with out.open("a") as file:
                    print(json.dumps(vars(finding)), file=file)

        flags = ["-timeout=0", "-rss_limit_mb=0", "-handle_int=0", "-max_len=65536"]
        flags += [f"-runs={given.runs}", f"-seed={given.seed}", os.fspath(corpus)]
        atheris.Setup([sys.argv[0], *flags], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

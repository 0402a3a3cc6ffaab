"""Bytes for the readers of files, guided by the coverage of the library (atheris): extra `fuzz`.

``PYTHONPATH=tests python -m fuzz.coverage_guided --runs 20000``. The input is the content of one of
the files of `reading.Readers`, of a configuration or of a description; its first two bytes say of
which, the third who reads it.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import atheris
except ImportError:
    sys.exit(
        "coverage-guided fuzzing needs atheris: pip install -e '.[fuzz]' (CPython 3.11 to 3.13)"
    )

ROOT = Path(__file__).parents[2]
# numba does not compile what is instrumented
KERNELS = [f"hh_sde.kernels.{file.stem}" for file in (ROOT / "hh_sde" / "kernels").glob("*.py")]
with atheris.instrument_imports(include=["hh_sde"], exclude=KERNELS):
    from fuzz import judging, reading, surface
    from fuzz.examples import collected


class Slots:
    """The places whose content an input is, and what stands there to begin with."""

    def __init__(self) -> None:
        targets = surface.targets()
        examples = collected(targets.values(), lambda name: "studies" not in name)
        readers = reading.Readers(targets, examples)
        ds = examples.kinds["Dataset"][0]
        self.slots: list[tuple[bytes, Callable[[bytes, int], reading.Input]]] = [
            (text.encode(), readers.of_configuration) for text in reading.configurations()
        ]

        def described(data: bytes, which: int) -> reading.Input:
            return readers.of_description(data.decode("utf-8", "replace"), which, ds)

        self.slots += [(text.encode(), described) for text in reading.described(examples)]
        for folder in readers.folders:
            for file, data in folder.files.items():

                def in_place(
                    data: bytes, which: int, folder: Any = folder, file: str = file
                ) -> reading.Input:
                    return readers.of_files(folder, {**folder.files, file: data}, which)

                self.slots.append((data, in_place))

    def seeds(self, folder: Path) -> None:
        """What stands there, as files in a folder."""
        for k, (data, _) in enumerate(self.slots):
            (folder / str(k)).write_bytes(k.to_bytes(2) + bytes([k % 256]) + data)

    def input(self, data: bytes) -> reading.Input:
        """What some bytes stand for."""
        _, make = self.slots[int.from_bytes(data[:2]) % len(self.slots)]
        return make(data[3:], sum(data[2:3]))


def main() -> None:
    """Run libFuzzer with so many inputs; findings are written, a line each."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("findings.jsonl"))
    given = parser.parse_args()
    out, slots = given.out.absolute(), Slots()
    corpus = Path(tempfile.mkdtemp())
    slots.seeds(corpus)
    with judging.judging() as judge:

        def one(data: bytes) -> None:
            finding = slots.input(data).judged(judge)
            if finding:
                with out.open("a") as file:
                    print(json.dumps(vars(finding)), file=file)

        flags = ["-timeout=0", "-rss_limit_mb=0", "-handle_int=0", "-max_len=65536"]
        flags += [f"-runs={given.runs}", f"-seed={given.seed}", os.fspath(corpus)]
        atheris.Setup([sys.argv[0], *flags], one)
        try:
            atheris.Fuzz()
        finally:
            shutil.rmtree(corpus)


if __name__ == "__main__":
    main()

"""The campaign as a command."""

import argparse
import json
import sys

from fuzz.campaign import campaign, table

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="fuzz", description=campaign.__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="in all families together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="parts whose name has this in it")
    parser.add_argument("--family", action="append", help="one of the families, or several")
    parser.add_argument("--quick", action="store_true", help="examples of small modules alone")
    parser.add_argument("--out", help="a file for the findings, as JSON")
    given = vars(parser.parse_args())
    out = given.pop("out")
    done = campaign(**given)
    print(table(done))
    if out:
        with open(out, "w") as file:
            json.dump([vars(finding) for finding in done.findings], file, indent=1)
    sys.exit(bool(done.findings))

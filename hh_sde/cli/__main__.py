"""python -m hh_sde.cli: the command hh-sde."""

from hh_sde.cli import main

main()

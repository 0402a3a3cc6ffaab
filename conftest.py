"""Modules of frameworks that are not there are no part of the tests."""

from importlib.util import find_spec

collect_ignore = [
    f"hh_sde/methods/{name}_.py"
    for name in ("diffrax", "torchsde", "jitcsde")
    if find_spec(name) is None
]

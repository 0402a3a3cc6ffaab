"""Hostile values: numbers, texts, arrays and objects that nobody means to give."""

import datetime
import fractions
import io
import pathlib
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import scipy.sparse
import xarray as xr


class Unprintable:
    """What cannot be shown, nor compared."""

    def __repr__(self) -> str:
        raise ValueError("it has no repr")


NUMBERS = st.sampled_from([
    0, 1, -1, 2, 3, 7, 1000, 2**31 - 1, 2**31, 2**53 + 1, 2**63, -(2**63), 10**40, True, False,
    0.0, -0.0, 0.5, 1.0, -1.0, 1e-3, 0.1, 1e-12, 5e-324, 1e9, 1e15, 1e100, 1e308, -1e308,
    float("nan"), float("inf"), float("-inf"), 1j, np.float32(0.1), np.int8(-1),
    np.uint64(2**64 - 1), np.bool_(True), np.float16(60000), np.longdouble(1.5),
    fractions.Fraction(1, 3), np.datetime64("2020-01-01"), np.timedelta64(1, "s"),
])  # fmt: skip
TEXTS = st.sampled_from([
    "", " ", "V", "E", "spikes", "mean", "all", "é", "\0", "a" * 3000, "../x", "x/../../y", "1e5",
    "nan", "__class__", "{}", "{0}", "%s", "[1", "$\\frac{", "V_mean", "time", "trial", "neuron",
    "\ud800", "euler_maruyama", "gillespie", "scipy.LSODA", "ignore", "I_Na", "g_Na",
])  # fmt: skip


def _arrays() -> list[Any]:
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    number = np.dtype([("a", float)])
    return [
        np.zeros(0), np.zeros((2, 0)), np.ones((2, 3)), np.ones((2, 2)), np.ones((1, 1, 1, 1)),
        np.array(1.0), np.array([np.nan]), np.array([1.0, np.inf]), np.arange(3), -np.ones(2),
        np.array(["a", "b"]), np.array([b"a"]), np.array([None, 1], dtype=object),
        np.array([True, False]), np.array([1j, 2]), np.zeros(2, number), masked,
        np.array(["2020-01-01"], "datetime64[ns]"), np.ones(2, ">f8"), np.ones(3, np.float16),
        np.ones(4)[::2], np.full(3, 1e308), np.full(2, 2**62), np.random.default_rng(0).random(50),
    ]  # fmt: skip


OBJECTS: list[Any] = [
    None, ..., slice(None), object(), Unprintable(), int, xr.Dataset, len,
    lambda *args, **names: 1.0, range(3), iter([1.0, 2.0]), (i for i in range(2)), b"",
    b"\x00\xff", bytearray(b"a"), set(), {1.0}, frozenset([1]), [], (), {}, [1.0], [1.0, 2.0],
    (1.0, 2.0), [[1.0], [1.0, 2.0]], [[1, 2], [3, 4]], [None], ["a"], [True], [float("nan")],
    ["V", "V"], ["V", 3], {"V": float("nan")}, {"V": "x"}, {1: 2}, {"": 1}, {"a": {"b": {}}},
    {None: None}, NotImplemented, ValueError, ValueError("x"), datetime.datetime(2020, 1, 1),
    pathlib.Path("x"), pathlib.Path("."), io.StringIO("x"), np.random.default_rng(1),
    np.random.SeedSequence(1), np.dtype(float), np.random, scipy.sparse.eye_array(2),
    scipy.sparse.csr_array((2, 3)), scipy.sparse.coo_array(np.ones((2, 2))),
    pd.DataFrame({"source": [0], "target": [1], "weight": [0.1]}), pd.DataFrame(),
    pd.Series([1.0]), pd.Timestamp("2020"), xr.Dataset(), xr.DataArray([1.0, 2.0]),
    xr.DataArray(1.0, name="V"), xr.Dataset({"V": ("time", [1.0, 2.0])}), [[]], [()], ((), ()),
    [[[1.0]]], [2**63], [1e308] * 3,
]  # fmt: skip
ARRAYS = _arrays()
# by their numbers: hypothesis writes down what it samples from, and one of these cannot be written
HOSTILE = st.one_of(
    NUMBERS,
    TEXTS,
    st.integers(0, len(OBJECTS) - 1).map(lambda at: OBJECTS[at]),
    st.integers(0, len(ARRAYS) - 1).map(lambda at: ARRAYS[at].copy()),
)

"""Where threads that share a block of lanes wait for each other, without locks.

The memory of a meeting is one array of whole numbers, whose places lie on cache lines of their own.
Who waits reads it again and again: a step is too short to be woken up for. After a while it lets
other threads have the processor, which may be what the others need.
"""

import ctypes
import sys

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from hh_sde.kernels.jit import expression, shared
from hh_sde.kernels.rows import Row

#: Places: how many have come, how often all had, whether one has left, in which round to stop.
COME, ROUND, LEFT, STOP = 0, 16, 32, 48
SIZE = 64
#: Looks at the meeting before others may have the processor: a few microseconds.
PATIENCE = 2000
GIVE_WAY = "hh_sde.give_way"


def _give_way() -> int:
    """The address of what lets other threads run."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return address


llvm.add_symbol(GIVE_WAY, _give_way())


def room_to_meet() -> np.ndarray:
    """The memory of a meeting."""
    return np.zeros(SIZE, np.int64)


@intrinsic
def read(typingctx, array, place):
    """The number at a place, as the last thread has left it."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(builder.gep(args[0], [args[1]]), "seq_cst", 8)

    return (types.int64(array, types.int64), codegen) if isinstance(array, Row) else None


@intrinsic
def add_one(typingctx, array, place):
    """Add 1 at a place, all at once; what was there before."""

    def codegen(context, builder, signature, args):
        where = builder.gep(args[0], [args[1]])
        return builder.atomic_rmw("add", where, ir.Constant(ir.IntType(64), 1), "seq_cst")

    return (types.int64(array, types.int64), codegen) if isinstance(array, Row) else None


@intrinsic
def put(typingctx, array, place, value):
    """Put a number at a place, for all threads to see."""

    def codegen(context, builder, signature, args):
        where = builder.gep(args[0], [args[1]])
        builder.store_atomic(args[2], where, "seq_cst", 8)
        return context.get_dummy_value()

    return (
        (types.void(array, types.int64, types.int64), codegen) if isinstance(array, Row) else None
    )


@intrinsic
def give_way(typingctx):
    """Let other threads have the processor."""

    def codegen(context, builder, signature, args):
        kind = ir.FunctionType(ir.IntType(32), [])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, GIVE_WAY), [])

    return types.int32(), codegen


@shared("void(i64*, i64)")
def wait_for_all(meeting, members):
    """Wait until all members have come, or one has left for good."""
    now = read(meeting, ROUND)
    if add_one(meeting, COME) == members - 1:
        put(meeting, COME, 0)
        add_one(meeting, ROUND)
        return
    looks = 0
    while read(meeting, ROUND) == now and read(meeting, LEFT) == 0:
        looks += 1
        if looks > PATIENCE:
            give_way()


@expression
def meet(own):
    """Wait for the others, where there are some who need what this one has made."""
    if own.members > 1:
        wait_for_all(own.meeting, own.members)


@expression
def leave(own):
    """Nobody needs to wait for this one any more."""
    if own.members > 1:
        mark(own.meeting, LEFT)


@shared("void(i64*, i64)")
def mark(meeting, place):
    """Say so."""
    put(meeting, place, 1)


@shared("bool(i64*, i64, bool)")
def all_stop(meeting, members, wanted):
    """Whether one of the members wants to stop, or has left: then all of them do."""
    this = read(meeting, ROUND) + 1
    if wanted:
        put(meeting, STOP, this)
    wait_for_all(meeting, members)
    return read(meeting, STOP) == this or read(meeting, LEFT) != 0


@expression
def stops(own, wanted):
    """Whether to stop before the next step."""
    return all_stop(own.meeting, own.members, wanted) if own.members > 1 else wanted

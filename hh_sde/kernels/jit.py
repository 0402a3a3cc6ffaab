"""How kernels are compiled: one place for the flags, and for what is compiled once.

`error_model="numpy"`: a division does not raise, so loops that divide are vectorised.
No fast-math: NaN and infinity keep their meaning, and a result does not depend on its loop.

numba compiles what a kernel calls anew within it, again at each level of calls. What is `shared` is
compiled by itself, once for all models; its callers know its address by a name.
"""

import uuid
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache, cached_property
from typing import Any

import llvmlite.binding as llvm
import numba as nb
from numba.core import cgutils, event, types
from numba.core.caching import FunctionCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.imputils import lower_constant
from numba.core.registry import cpu_target
from numba.extending import intrinsic, models, register_model, typeof_impl

from hh_sde.kernels.cache import folder
from hh_sde.kernels.rows import Row
from hh_sde.kernels.waiting import WAITING

#: A scalar expression, or a part of one function, inlined wherever it is used.
expression = nb.njit(error_model="numpy", inline="always")


class MachineCode(FunctionCache):
    """numba's cache of a function's machine code, in the cache folder.

    numba would keep it beside the source, where it outlives the package and hides the next one.
    What cannot be read there counts as missing; what cannot be written is compiled again next time.
    """

    def __init__(self, function: Any) -> None:
        self.function = function
        config: Any = nb.config  # where numba looks for the folder, and only now
        elsewhere, config.CACHE_DIR = config.CACHE_DIR, str(folder())
        try:
            super().__init__(function)
        finally:
            config.CACHE_DIR = elsewhere
        # numba counts a function's files: two processes that begin at once would both take the
        # first name, and one of them find the code of other argument types under it
        file = self._cache_file
        file._data_name_pattern = f"{file._data_name_pattern}.{uuid.uuid4().hex[:8]}"

    def load_overload(self, signature: Any, target: Any) -> Any:
        for one in called_by(self.function):  # their addresses are needed by what is loaded
            one.link("f32" if "float32" in str(signature) else "f64")
        try:
            return super().load_overload(signature, target)
        except Exception:  # a damaged pickle can raise anything
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        try:
            super().save_overload(signature, data)
        except OSError as error:
            warn_once(f"compiled code cannot be kept in {self.cache_path}: {error}")


@cache
def warn_once(message: str) -> None:
    """A warning the first time that it is to be given."""
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def kernel(function: Any) -> Any:
    """A function of arrays that makes none: releases the GIL, and its machine code is kept.

    Without arrays of its own it has no references to count, which numba does atomically.
    """
    return _kept(function, _nrt=False)


def stepper(function: Any) -> Any:
    """The same for one that other machine code calls by its address; see `call`."""
    return _kept(function, _nrt=False, no_cpython_wrapper=True)


def maker(function: Any) -> Any:
    """The same for one that makes arrays."""
    return _kept(function)


def _kept(function: Any, **options: bool) -> Any:
    njit: Any = nb.njit  # whose stubs know fewer options than it takes
    compiled = njit(error_model="numpy", nogil=True, no_cfunc_wrapper=True, **options)(function)
    compiled._cache = MachineCode(function)
    return compiled


# -- compiled once ---------------------------------------------------------------------------------


class Shared:
    """A kernel that other kernels call by the name of its machine code.

    Where its signature says `real`, that is float64, or float32 if a caller has such arrays there.
    """

    def __init__(self, function: Any, signature: str) -> None:
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__
        self.reals = ("f64", "f32") if "real" in signature else ("f64",)
        self.variants = {
            real: _Variant(self, function, signature.replace("real", real), real)
            for real in self.reals
        }

    def link(self, real: str) -> "_Variant":
        """Compile or load it, and tell LLVM where it is."""
        variant = self.variants[real if real in self.reals else "f64"]
        with global_compiler_lock:  # which who compiles a caller holds when it comes here
            if not variant.linked:
                variant.compile()
                variant.linked = True
        return variant

    @cached_property
    def type(self) -> "SharedType":
        """Its type in numba."""
        return SharedType(self)


class _Variant:
    """A shared kernel with the one signature that it has in a precision."""

    def __init__(self, shared: Shared, function: Any, signature: str, real: str) -> None:
        self.shared = shared
        self.signature = _signature(signature)
        self.symbol = f"hh_sde.{function.__module__}.{function.__name__}.{real}"
        self.function = _kept(function, _nrt=False, no_cpython_wrapper=True)
        self.linked = False
        self.address = 0

    def compile(self) -> None:
        """Compile or load it; make it known to LLVM and to numba."""
        self.address = _address(self.function, self.signature.args)
        self.function.disable_compile()
        llvm.add_symbol(self.symbol, self.address)
        definition = (self.call, self.shared, self.signature.args)
        cpu_target.target_context.insert_func_defn([definition])

    def call(self, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Write a call of it, in numba's own calling convention."""
        convention = context.call_conv
        result, kinds = self.signature.return_type, self.signature.args
        function = cgutils.get_or_insert_function(
            builder.module, convention.get_function_type(result, kinds), self.symbol
        )
        status, value = convention.call_function(builder, function, result, kinds, arguments)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return value


class SharedType(types.Callable, types.Opaque):
    """The type of one shared kernel."""

    def __init__(self, kernel: Shared) -> None:
        self.kernel = kernel
        super().__init__(f"shared({kernel.__module__}.{kernel.__name__})")

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        """The signature for these arguments; numba converts them, or says that it cannot."""
        return self.kernel.link(_real_of(args)).signature

    def get_call_signatures(self) -> Any:
        """All signatures, and whether more can be made."""
        return [variant.signature for variant in self.kernel.variants.values()], False

    def get_impl_key(self, sig: Any) -> Any:
        """What its definitions are found by."""
        return self.kernel


def _real_of(args: Any) -> str:
    """Whether there are arrays of float32."""
    single = any(getattr(one, "dtype", None) == types.float32 for one in args)
    return "f32" if single else "f64"


@typeof_impl.register(Shared)
def _typeof(value: Shared, context: Any) -> SharedType:
    return value.type


register_model(SharedType)(models.OpaqueModel)


@lower_constant(SharedType)
def _constant(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.get_dummy_value()


def shared(signature: str) -> Callable[[Any], Any]:
    """A kernel that is compiled once, with this signature, whatever calls it.

    It makes no arrays, and Python cannot call it.
    """
    return lambda function: Shared(function, signature)


def called_by(function: Any) -> list[Shared]:
    """The shared kernels that a function calls, itself or through what is compiled into it."""
    found: dict[int, Any] = {}  # by identity: functions of two modules may have one name
    waiting = [function]
    while waiting:
        one = waiting.pop()
        for name in one.__code__.co_names:
            value = one.__globals__.get(name)
            if isinstance(value, Shared | Dispatcher) and id(value) not in found:
                found[id(value)] = value
                waiting += [value.py_func] if isinstance(value, Dispatcher) else []
    return [value for value in found.values() if isinstance(value, Shared)]


def _caller(result: Any) -> Any:
    """A function of numba: call the kernel at an address with a tuple of arguments."""

    def call(typingctx: Any, address: Any, arguments: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            convention, kinds = context.call_conv, arguments.types
            kind = convention.get_function_type(result, kinds)
            function = builder.inttoptr(args[0], kind.as_pointer())
            values = cgutils.unpack_tuple(builder, args[1])
            status, value = convention.call_function(builder, function, result, kinds, values)
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            return value

        return result(types.int64, arguments), codegen

    return intrinsic(call)


call = _caller(types.int64)  # of a kernel that gives a whole number
call_void = _caller(types.void)  # and of one that gives nothing


def address_of(kernel: Any, *arguments: Any) -> int:
    """The address of a kernel's machine code for arguments of these types."""
    return _address(kernel, tuple(nb.typeof(one) for one in arguments))


def _address(kernel: Any, kinds: tuple[Any, ...]) -> int:
    kernel.compile(kinds)
    code = kernel.overloads[kinds]
    return code.library.get_pointer_to_function(code.fndesc.llvm_func_name)


_SCALARS = {
    "void": types.void,
    "bool": types.boolean,
    "i64": types.int64,
    "u64": types.uint64,
    "f64": types.float64,
    "f32": types.float32,
}


def _signature(text: str) -> Any:
    """What "void(f64[:,:], i64, real*)" says; arrays are contiguous, last index fastest.

    `real*` are the numbers of an array without its shape.
    """
    result, _, arguments = text.removesuffix(")").partition("(")
    return _type(result)(*(_type(one) for one in arguments.split(", ")))


def _type(text: str) -> Any:
    name, _, dimensions = text.partition("[")
    if name.endswith("*"):
        return Row(_SCALARS[name[:-1]], "any")
    kind = _SCALARS[name]
    return types.Array(kind, dimensions.count(":"), "C") if dimensions else kind


class _Compiling(event.Listener):
    """Tells WAITING of the kernels that numba compiles, not of other code."""

    def on_start(self, event: Any) -> None:
        if isinstance(event.data["dispatcher"]._cache, MachineCode):
            WAITING.begin()

    def on_end(self, event: Any) -> None:
        if isinstance(event.data["dispatcher"]._cache, MachineCode):
            WAITING.end()


event.register("numba:compile", _Compiling())

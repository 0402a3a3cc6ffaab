"""Rows of lanes that LLVM knows not to overlap.

A loop over the rows of a model with many variables would compare many pointers before it goes the
SIMD way, and LLVM gives up above 128 comparisons, which 14 variables exceed. `row` says what is
known anyway: rows of different names are different memory. Its element accesses carry the metadata
`alias.scope` and `noalias`, https://llvm.org/docs/LangRef.html#noalias-and-alias-scope-metadata.

Where an argument may be the array that is written, its rows have the names of the rows there.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from llvmlite.ir.values import MDValue
from numba.core import types
from numba.core.datamodel.models import PrimitiveModel
from numba.core.imputils import lower_builtin, lower_cast
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, register_model


class Row(types.Type):
    """Numbers of all lanes, by their name in the loop."""

    def __init__(self, dtype: types.Type, label: str) -> None:
        self.dtype = dtype
        self.label = label
        super().__init__(f"row({dtype}, {label})")


@register_model(Row)
class RowModel(PrimitiveModel):
    """The address of the first lane."""

    def __init__(self, manager: Any, row: Row) -> None:
        pointer = manager.lookup(row.dtype).get_data_type().as_pointer()
        super().__init__(manager, row, pointer)


@intrinsic(prefer_literal=True)
def row(typingctx, array, index, lanes, label):
    """Row `index` of an array (rows, lanes), or of one that was passed as a row; called `label`."""
    if not isinstance(array, Row | types.Array):
        return None

    def codegen(context, builder, signature, args):
        first = context.cast(builder, args[0], signature.args[0], signature.return_type)
        return builder.gep(first, [builder.mul(args[1], args[2])])

    result = Row(array.dtype, label.literal_value)
    return result(array, types.intp, types.intp, label), codegen


@lower_cast(types.Array, Row)
def row_of_array(context, builder, kind, result, value):
    """All numbers of an array, where they are wanted without its shape."""
    if kind.layout != "C" or kind.dtype != result.dtype:
        raise TypeError(f"{result} is taken of a contiguous array of its numbers, not of {kind}")
    return context.make_array(kind)(context, builder, value).data


@lower_cast(Row, Row)
def row_of_row(context, builder, kind, result, value):
    """A row under another name."""
    if kind.dtype != result.dtype:
        raise TypeError(f"{result} cannot be taken of {kind}")
    return value


@infer_global(operator.getitem)
class GetItem(AbstractTemplate):
    """row[lane]"""

    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Row):
            return signature(args[0].dtype, args[0], types.intp)
        return None


@infer_global(operator.setitem)
class SetItem(AbstractTemplate):
    """row[lane] = value"""

    def generic(self, args: Any, kws: Any) -> Any:
        if isinstance(args[0], Row):
            return signature(types.none, args[0], types.intp, args[0].dtype)
        return None


@lower_builtin(operator.getitem, Row, types.intp)
def load(context, builder, signature, args):
    """The value of a lane."""
    value = builder.load(builder.gep(args[0], [args[1]]))
    _mark(builder, value, signature.args[0].label)
    return value


@lower_builtin(operator.setitem, Row, types.intp, types.Any)
def store(context, builder, signature, args):
    """A lane's value."""
    stored = builder.store(args[2], builder.gep(args[0], [args[1]]))
    _mark(builder, stored, signature.args[0].label)


class Scopes:
    """The scopes of a function's rows: lists that grow as long as it is being written."""

    def __init__(self, module: ir.Module) -> None:
        self.module = module
        self.domain = self._distinct()
        self.scopes: dict[str, MDValue] = {}
        self.own: dict[str, MDValue] = {}  # lists of one
        self.others: dict[str, MDValue] = {}

    def add(self, label: str) -> None:
        """Make the scope of a row, and tell the others."""
        scope = self._distinct(self.domain)
        self.own[label] = MDValue(self.module, [scope], str(len(self.module.metadata)))
        rest = MDValue(self.module, self.scopes.values(), str(len(self.module.metadata)))
        for other in self.others.values():
            other.operands = (*other.operands, scope)
        self.scopes[label], self.others[label] = scope, rest

    def _distinct(self, *operands: MDValue) -> MDValue:
        """A node that no other equals, since it refers to itself; LLVM copies it as it inlines."""
        node = MDValue(self.module, [], str(len(self.module.metadata)))
        node.operands = (node, *operands)
        return node


def _mark(builder: ir.IRBuilder, access: Any, label: str) -> None:
    """Say that the access is to this row and to none of the function's other rows."""
    function = builder.function
    if not hasattr(function, "hh_sde_scopes"):
        function.hh_sde_scopes = Scopes(builder.module)
    scopes = function.hh_sde_scopes
    if label not in scopes.scopes:
        scopes.add(label)
    access.set_metadata("alias.scope", scopes.own[label])
    access.set_metadata("noalias", scopes.others[label])

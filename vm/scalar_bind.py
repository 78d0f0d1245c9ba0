"""Binding scalar code: which names are tensors, what their elements are, and how long the outputs become."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.errors import BindError, Diagnostic, Related, error
from lpuasm.isa.program import SCALAR_QUEUE, Program
from lpuasm.isa.suggest import did_you_mean
from lpuasm.isa.values import Address
from lpuasm.vm.scalar_code import Op

#: Elements that lie in a list, which is faster, rather than in an array, which is smaller.
LIST_MOST = 1 << 20
_CODES = {"i8": "b", "u8": "B", "i16": "h", "i32": "i", "f16": "f", "f32": "f"}

Elements: TypeAlias = "list[Any] | array[Any]"


@dataclass(frozen=True, slots=True)
class Bound:
    """A tensor of a run. ``shape`` is None for one that is only stored to, and its type may change until it is known.

    ``values`` are the elements that the caller, or a ``const``, gives; ``stored``: whether the program stores to it.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    values: NDArray[Any] | None
    stored: bool
    output: bool

    @property
    def size(self) -> int:
        """Bytes of what is known of it."""
        return 0 if self.shape is None else prod(self.shape) * DTYPES[self.dtype].itemsize

    def elements(self) -> Elements:
        """Its elements as Python's numbers, which the engines read and change; halves as floats."""
        if self.shape is None:
            return array(_CODES[self.dtype])
        count = prod(self.shape)
        if count <= LIST_MOST:
            return [0] * count if self.values is None else list(self.values.ravel().tolist())
        fresh = np.zeros(count, DTYPES[self.dtype]) if self.values is None else self.values.ravel()
        code = _CODES[self.dtype]
        return array(code, fresh.astype(code, copy=False).tobytes())


def bind(
    program: Program, operations: Sequence[Op], inputs: Mapping[str, NDArray[Any]], defines: Mapping[str, int]
) -> dict[int, Bound]:
    """The tensors of a run, by the index of their names; those that the program declares and never names come after.

    A name is a tensor if it is declared, is bound, is stored to, or begins an address that goes on; else it is a
    dimension.

    Raises:
        BindError: LPU1007 a tensor without elements, LPU1008 a name or an array that does not fit, LPU1009 memory.
    """
    problems: list[Diagnostic] = []
    stored = {op.address.name for op in operations if op.name == "st" and op.address is not None}
    tensors = stored | {a.name for a in _addresses(operations) if a.products or a.offset}
    names = list(dict.fromkeys([*program.names, *program.tensor]))
    tensors |= {k for k, name in enumerate(names) if name in inputs or name in program.tensor}
    factors = {n for a in _addresses(operations) for p in a.products for n in p.names}
    for name in sorted(inputs.keys() - set(names)):
        problems.append(error("LPU1008", f"the program has no tensor {name}", help=_similar(name, names)))
    found: dict[int, Bound] = {}
    for k in sorted(n for n in tensors if n is not None):
        name = names[k]
        if k in factors or name in defines:
            problems.append(
                error("LPU1008", f"{name} is a dimension here, and cannot be a tensor too", _span(program, k))
            )
            continue
        result = _bound(program, k, name, k in stored, inputs)
        if isinstance(result, Bound):
            found[k] = result
        else:
            problems += result
    if not problems and sum(t.size for t in found.values()) > program.target.memory_bytes:
        sizes = tuple(Related(f"{t.name} takes {t.size} bytes") for t in found.values() if t.size)
        have = f"the {program.target.memory_bytes} bytes of {program.target.name}'s memory"
        problems.append(error("LPU1009", f"the tensors do not fit {have}", related=sizes))
    if problems:
        raise BindError(*problems)
    return found


def _addresses(operations: Iterable[Op]) -> Iterator[Address]:
    return (op.address for op in operations if op.address is not None)


def _span(program: Program, name: int) -> Any:
    """The first place where a name stands."""
    from lpuasm.vm.scalar_code import decode

    for word, op in enumerate(decode(program)):
        a = op.address
        if a is not None and (a.name == name or any(name in p.names for p in a.products)):
            return program.span(SCALAR_QUEUE, word)
    return None


def _bound(
    program: Program, k: int, name: str, stored: bool, inputs: Mapping[str, NDArray[Any]]
) -> Bound | list[Diagnostic]:
    declared = program.tensor.get(name)
    layout = declared.layout if declared is not None else None
    kind = declared.kind if declared is not None else ""
    output = kind == "output" or (stored and kind not in ("const", "temp"))
    if name not in inputs:
        if declared is not None and layout is not None and kind == "const":
            values = np.frombuffer(declared.data, DTYPES[layout.dtype].newbyteorder("<")).reshape(layout.shape)
            return Bound(name, layout.dtype, layout.shape, values, stored, output)
        if layout is not None and kind in ("output", "temp"):
            return Bound(name, layout.dtype, layout.shape, None, stored, output)
        if stored and declared is None:
            return Bound(name, "i32", None, None, stored, True)
        help_ = f"give it elements: -i {name}=FILE, or inputs={{{name!r}: array}}"
        return [
            error("LPU1007", f"the tensor {name} is read, and nothing is bound to it", _span(program, k), help=help_)
        ]
    values = np.asarray(inputs[name])
    dtype = next((n for n, d in DTYPES.items() if d == values.dtype.newbyteorder("=")), None)
    if kind in ("const", "temp"):
        return [error("LPU1008", f"{name} is a .{kind} of the program, and takes no elements from outside")]
    if dtype is None:
        help_ = f"convert it first, as in {name}.astype(np.int32); the types are {', '.join(DTYPES)}"
        return [
            error("LPU1008", f"the elements of {name} are {values.dtype}, which the machine does not have", help=help_)
        ]
    if layout is not None and (layout.dtype, layout.shape) != (dtype, values.shape):
        wanted, given = (f"{t} {list(s)}" for t, s in ((layout.dtype, layout.shape), (dtype, values.shape)))
        return [error("LPU1008", f"{name} is declared as {wanted}, and {given} is bound to it")]
    return Bound(name, dtype, values.shape, values, stored, output)


def _similar(name: str, names: Sequence[str]) -> str:
    return did_you_mean(name, names, f"it has {', '.join(sorted(names))}" if names else "")

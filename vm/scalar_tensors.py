"""Scalar code made ready to run: addresses as numbers and registers, the types and the shapes of new tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.errors import BindError, error
from lpuasm.isa.program import SCALAR_QUEUE, Program
from lpuasm.isa.values import REGISTERS, Address
from lpuasm.vm.scalar_bind import Bound, Elements
from lpuasm.vm.scalar_code import Block, Op, Reg, blocks_of

INTEGER, FLOAT = 1, 2


@dataclass(frozen=True, slots=True)
class Place:
    """An address with the dimensions put in: the sum of ``terms``, each a number times registers, and ``offset``.

    ``tensor`` is the index of its name, −1 where the sum is a dimension's value.
    """

    tensor: int
    terms: tuple[tuple[int, tuple[int, ...]], ...]
    offset: int


@dataclass(frozen=True)
class Ready:
    """A program bound to its tensors: what both engines run. ``places`` has None for operations without an address.

    ``limits``: the number of elements of each tensor, or the most that one without a shape may have.
    """

    program: Program
    operations: tuple[Op, ...]
    blocks: tuple[Block, ...]
    places: tuple[Place | None, ...]
    tensors: Mapping[int, Bound]
    limits: Mapping[int, int]
    values: Mapping[int, int]

    def result(self, k: int, elements: Elements, written: int) -> NDArray[Any]:
        """The tensor that ``elements`` make; of one without a shape, those up to the highest index ``written``."""
        tensor = self.tensors[k]
        dtype, shape = DTYPES[tensor.dtype], tensor.shape
        if shape is not None:
            wide = np.float32 if dtype.kind == "f" else dtype
            return np.array(elements, wide).astype(dtype).reshape(shape)
        strides = _strides(self.program, self.operations, k, self.values)
        rest = [a // b if b else 0 for a, b in pairwise(strides)] + strides[-1:]
        count = written + 1
        rows = (-(-count // strides[0]) if strides[0] else 0) if strides else count
        shape = (rows, *rest) if strides else (count,)
        out = np.zeros(prod(shape), dtype)
        kept = min(count, len(out))
        out[:kept] = np.array(elements[:kept], dtype)
        return out.reshape(shape)


def ready(
    program: Program, operations: tuple[Op, ...], tensors: Mapping[int, Bound], values: Mapping[int, int]
) -> Ready:
    """A program with tensors and dimensions bound. Raises BindError (LPU1013) where an output's shape is not one."""
    blocks = blocks_of(operations)
    places = tuple(None if op.address is None else _place(op.address, tensors, values) for op in operations)
    tensors = _typed(operations, blocks, tensors)
    free = program.target.memory_bytes - sum(t.size for t in tensors.values())
    limits = {k: free // 4 if t.shape is None else prod(t.shape) for k, t in tensors.items()}
    for k, tensor in tensors.items():
        if tensor.shape is None:
            _strides(program, operations, k, values)
    return Ready(program, operations, blocks, places, tensors, limits, values)


def _place(address: Address, tensors: Mapping[int, Bound], values: Mapping[int, int]) -> Place:
    terms: dict[tuple[int, ...], int] = {(): address.offset}
    for product in address.products:
        key = tuple(sorted(product.registers))
        terms[key] = terms.get(key, 0) + prod((product.coefficient, *(values[n] for n in product.names)))
    offset = terms.pop(())
    if address.name is not None and address.name not in tensors:
        return Place(-1, (), offset + values[address.name])
    name = -1 if address.name is None else address.name
    return Place(name, tuple((number, registers) for registers, number in terms.items() if number), offset)


def _typed(operations: Sequence[Op], blocks: Sequence[Block], tensors: Mapping[int, Bound]) -> dict[int, Bound]:
    """The tensors, those without a shape f32 where any store may store an f32, and else i32.

    A register may be an i32, an f32 or either; what a tensor is depends on its stores, and these on its loads: the
    types only grow, so the least that fits is found by going on until nothing changes.
    """
    types = {k: FLOAT if t.dtype in ("f16", "f32") else INTEGER for k, t in tensors.items()}
    open_ = {k for k, t in tensors.items() if t.shape is None}
    before = [[0] * REGISTERS for _ in blocks]
    if blocks:
        before[0] = [INTEGER] * REGISTERS
    waiting = set(range(len(blocks)))
    while waiting:
        block = waiting.pop()
        registers = list(before[block])
        for op in operations[blocks[block].start : blocks[block].stop]:
            name = -1 if op.address is None or op.address.name is None else op.address.name
            if op.name == "ld":
                registers[op.register] = types.get(name, INTEGER)
            elif op.name == "st" and name in open_ and registers[op.register] & FLOAT and types[name] != FLOAT:
                types[name] = FLOAT
                waiting |= set(range(len(blocks)))
            elif op.operands and op.register >= 0:
                registers[op.register] = _result([_type(o, registers) for o in op.operands])
        for after in blocks[block].next:
            merged = [a | b for a, b in zip(before[after], registers, strict=True)]
            if merged != before[after]:
                before[after] = merged
                waiting.add(after)
    return {k: replace(t, dtype="f32") if k in open_ and types[k] == FLOAT else t for k, t in tensors.items()}


def _type(operand: Reg | float, registers: Sequence[int]) -> int:
    if isinstance(operand, Reg):
        return registers[operand.number]
    return FLOAT if isinstance(operand, float) else INTEGER


def _result(types: Sequence[int]) -> int:
    """The types that a sum or a product (or a copy) of operands of these types may have."""
    if len(types) == 1 or 0 in types:
        return types[0] if len(types) == 1 else 0
    return (INTEGER if all(t & INTEGER for t in types) else 0) | (FLOAT if any(t & FLOAT for t in types) else 0)


def _strides(program: Program, operations: Sequence[Op], k: int, values: Mapping[int, int]) -> list[int]:
    """The distances along all axes but the last of a tensor without a shape, the largest first, from its stores.

    ``[C + r4 * k + r5]`` has k; every factor of one register but 1 counts, be it a dimension or a number.
    """
    best: list[int] = []
    others: list[tuple[int, list[int]]] = []
    for word, op in enumerate(operations):
        if op.name != "st" or op.address is None or op.address.name != k:
            continue
        single = [p for p in op.address.products if len(p.registers) == 1 and (p.names or p.coefficient > 1)]
        found = [(len(p.names), prod((p.coefficient, *(values[n] for n in p.names)))) for p in single]
        strides = [stride for _, stride in sorted(found, key=lambda f: (-f[1], -f[0])) if stride >= 0]
        others.append((word, strides))
        if len(strides) > len(best):
            best = strides
    for word, strides in others:
        outside = [s for s in strides if s not in best]
        uneven = [a for a, b in pairwise(best) if b and a % b]
        if outside or uneven:
            name = program.names[k]
            raise BindError(
                error(
                    "LPU1013",
                    f"the stores give {name} rows of different lengths: {', '.join(map(str, [*best, *outside]))}",
                    program.span(SCALAR_QUEUE, word),
                    help=f"declare its shape, as in .output {name} : i32 [4, 4]",
                )
            )
    return best

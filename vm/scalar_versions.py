"""Versions of basic blocks: a block once for each combination of types that its registers may come in with.

So the type of every register is known where code is made for it. A block of many versions gets
further ones with registers of either type, which end the growth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lpuasm.vm.scalar_code import Op, Reg, live_registers
from lpuasm.vm.scalar_tensors import Ready

#: Types of a register: an i32, an f32, or either.
INTEGER, FLOAT, EITHER = "i", "f", "?"
END = -1
_VERSIONS = 4

Types = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A block with the types of the registers that it or what follows reads; the versions that follow, −1 the end."""

    block: int
    types: Types
    taken: int | None
    fall: int | None

    @property
    def next(self) -> tuple[int, ...]:
        return tuple(v for v in (self.taken, self.fall) if v is not None and v >= 0)


def tensor_type(ready: Ready, k: int) -> str:
    """The type that a load from a tensor gives a register; k is −1 for a dimension."""
    return FLOAT if k >= 0 and ready.tensors[k].dtype in ("f16", "f32") else INTEGER


def operand_type(operand: Reg | float, types: Mapping[int, str]) -> str:
    """The type of an operand."""
    if isinstance(operand, Reg):
        return types[operand.number]
    return FLOAT if isinstance(operand, float) else INTEGER


def result_type(op: Op, types: Mapping[int, str]) -> str:
    """The type of what mov, add, sub or mul make."""
    own = [operand_type(o, types) for o in op.operands]
    if len(own) == 1 or own[0] == own[1]:
        return own[0]
    return FLOAT if FLOAT in own else EITHER


def versions(ready: Ready) -> list[Version]:
    """Every version that can be reached; the program begins with version 0."""
    live = live_registers(ready.operations, ready.blocks)
    numbers: dict[tuple[int, Types], int] = {}
    keys: list[tuple[int, Types]] = []
    of_block: dict[int, list[Types]] = {}

    def number(block: int | None, types: Mapping[int, str]) -> int | None:
        if block is None or block < 0:
            return block
        wanted = tuple((r, types[r]) for r in sorted(live[block]))
        own = of_block.setdefault(block, [])
        if wanted not in own and len(own) >= _VERSIONS:
            wanted = _join([*own, wanted])
        key = block, wanted
        if key not in numbers:
            numbers[key] = len(keys)
            keys.append(key)
            own.append(wanted)
        return numbers[key]

    number(0, dict.fromkeys(range(32), INTEGER))
    found: list[Version] = []
    while len(found) < len(keys):
        index, key = keys[len(found)]
        block = ready.blocks[index]
        types = dict(key)
        for word in range(block.start, block.stop):
            _step(ready, word, types)
        found.append(Version(index, key, number(block.taken, types), number(block.fall, types)))
    return found


def _join(several: Sequence[Types]) -> Types:
    return tuple(
        (ways[0][0], ways[0][1] if len({t for _, t in ways}) == 1 else EITHER) for ways in zip(*several, strict=True)
    )


def _step(ready: Ready, word: int, types: dict[int, str]) -> None:
    op, place = ready.operations[word], ready.places[word]
    if op.name == "ld" and place is not None:
        types[op.register] = tensor_type(ready, place.tensor)
    elif op.operands and op.register >= 0:
        types[op.register] = result_type(op, types)

"""Scalar code, decoded: operations, and the basic blocks that they form."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from lpuasm.isa.core import table
from lpuasm.isa.errors import ObjectError, error
from lpuasm.isa.operands import OperandError
from lpuasm.isa.program import SCALAR_QUEUE, Program
from lpuasm.isa.values import Address, Factor
from lpuasm.vm.scalar_values import Number

#: The comparison that each conditional jump makes.
CONDITIONS = {"jlt": "<", "jle": "<=", "jgt": ">", "jge": ">=", "jeq": "==", "jne": "!="}


@dataclass(frozen=True, slots=True)
class Reg:
    """A register as an operand."""

    number: int


@dataclass(frozen=True, slots=True)
class Op:
    """An instruction. ``register`` is the one it writes, or stores; ``target`` the word that a jump leads to."""

    name: str
    cycles: int
    register: int = -1
    operands: tuple[Reg | Number, ...] = ()
    address: Address | None = None
    target: int = -1

    @property
    def writes(self) -> int:
        """The register that it writes, −1 if none."""
        return -1 if self.name == "st" else self.register

    @property
    def reads(self) -> set[int]:
        """The registers that it reads."""
        used = {o.number for o in self.operands if isinstance(o, Reg)}
        if self.address is not None:
            used.update(r for product in self.address.products for r in product.registers)
        return used | {self.register} if self.name == "st" else used


@dataclass(frozen=True, slots=True)
class Block:
    """The operations ``start`` … ``stop`` − 1, and the blocks that follow: after a taken jump, and otherwise.

    −1 is the end of the program, None that there is no such way.
    """

    start: int
    stop: int
    taken: int | None
    fall: int | None

    @property
    def next(self) -> tuple[int, ...]:
        """The blocks that may follow."""
        return tuple(b for b in (self.taken, self.fall) if b is not None and b >= 0)


def decode(program: Program) -> tuple[Op, ...]:
    """The operations of a scalar program.

    Raises:
        ObjectError: LPU0602, a word is no scalar instruction, or names a word or a tensor that there is not.
    """
    count = len(program.queues[SCALAR_QUEUE])
    return tuple(_op(program, index, count) for index in range(count))


def _op(program: Program, index: int, count: int) -> Op:
    try:
        instruction = table(program.target).decode(program.word(SCALAR_QUEUE, index), SCALAR_QUEUE)
    except OperandError as e:
        raise ObjectError(error("LPU0602", f"word {index} of scalar code: {e.message}")) from None
    values, register, address, target = instruction.values, -1, None, -1
    held = values.get("into", values.get("from"))
    if isinstance(held, Factor):
        register = held.value
    found = values.get("address")
    if isinstance(found, Address):
        address = found
        used = [n for product in found.products for n in product.names]
        if any(n >= len(program.names) for n in used + ([] if found.name is None else [found.name])):
            raise ObjectError(error("LPU0602", f"word {index} of scalar code: a name that the program does not have"))
    aim = values.get("target")
    if isinstance(aim, int):
        target = aim
        if target > count:
            raise ObjectError(error("LPU0602", f"word {index} of scalar code: a jump to word {target} of {count}"))
    operands = tuple(_operand(v) for n in ("a", "b") if isinstance(v := values.get(n), Factor))
    return Op(instruction.mnemonic, instruction.definition.timing.func, register, operands, address, target)


def _operand(factor: Factor) -> Reg | Number:
    if factor.kind == "register":
        return Reg(factor.value)
    if factor.kind == "float":
        return float(struct.unpack("<f", struct.pack("<I", factor.value))[0])
    return factor.value


def blocks_of(operations: Sequence[Op]) -> tuple[Block, ...]:
    """The basic blocks, in order; block 0 is where the program begins. Empty for a program without a word."""
    if not operations:
        return ()
    ends = [k + 1 for k, op in enumerate(operations) if op.target >= 0 or op.name == "halt"]
    starts = sorted({0, *ends, *(op.target for op in operations if op.target >= 0)} - {len(operations)})
    number = {start: k for k, start in enumerate(starts)} | {len(operations): -1}
    found = []
    for start, stop in zip(starts, [*starts[1:], len(operations)], strict=True):
        last = operations[stop - 1]
        taken = number[last.target] if last.target >= 0 else None
        fall = -1 if last.name == "halt" else None if last.name == "jmp" else number[stop]
        found.append(Block(start, stop, taken, fall))
    return tuple(found)


def live_registers(operations: Sequence[Op], blocks: Sequence[Block]) -> list[frozenset[int]]:
    """The registers whose values each block, or what follows it, may read before they are written."""
    used, killed = [], []
    for block in blocks:
        reads: set[int] = set()
        writes: set[int] = set()
        for op in operations[block.start : block.stop]:
            reads |= op.reads - writes
            writes |= {op.writes} - {-1}
        used.append(reads)
        killed.append(writes)
    return _backwards(blocks, used, killed)


def live_comparison(operations: Sequence[Op], blocks: Sequence[Block]) -> list[bool]:
    """Whether each block, or what follows it, may jump on a comparison that was made before it."""
    used, killed = [], []
    for block in blocks:
        own = [op.name for op in operations[block.start : block.stop]]
        compares = "cmp" in own
        used.append({0} if own[-1] in CONDITIONS and not compares else set[int]())
        killed.append({0} if compares else set[int]())
    return [bool(live) for live in _backwards(blocks, used, killed)]


def _backwards(blocks: Sequence[Block], used: list[set[int]], killed: list[set[int]]) -> list[frozenset[int]]:
    before: list[set[int]] = [set() for _ in blocks]
    for k, block in enumerate(blocks):
        for after in block.next:
            before[after].add(k)
    live = [set(u) for u in used]
    waiting = set(range(len(blocks)))
    while waiting:
        k = waiting.pop()
        new = used[k].union(*(live[b] - killed[k] for b in blocks[k].next))
        if new != live[k]:
            live[k] = new
            waiting |= before[k]
    return [frozenset(found) for found in live]

"""Scalar code, one instruction at a time: the meaning that the fast engine is held to."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from lpuasm.isa.errors import Fault, error
from lpuasm.isa.program import SCALAR_QUEUE
from lpuasm.isa.values import REGISTERS
from lpuasm.vm.scalar_bind import Elements
from lpuasm.vm.scalar_code import CONDITIONS, Reg
from lpuasm.vm.scalar_tensors import Ready
from lpuasm.vm.scalar_values import STORED, Number, add, f32, mul, pair, sub, wrap

Progress = Callable[[int], None]
_ARITHMETIC = {"add": add, "sub": sub, "mul": mul}
_COMPARE: dict[str, Callable[[Number, Number], bool]] = {
    "jlt": lambda a, b: a < b,
    "jle": lambda a, b: a <= b,
    "jgt": lambda a, b: a > b,
    "jge": lambda a, b: a >= b,
    "jeq": lambda a, b: a == b,
    "jne": lambda a, b: a != b,
}
assert _COMPARE.keys() == CONDITIONS.keys()


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: the elements and the highest index written of each tensor, instructions and cycles."""

    elements: Mapping[int, Elements]
    written: Mapping[int, int]
    instructions: int
    cycles: int


def interpret(ready: Ready, progress: Progress | None = None) -> Outcome:
    """Runs a program. Raises Fault: LPU1014 an element outside, LPU1015 an f32 in an address, LPU1016 no comparison."""
    registers: list[Number] = [0] * REGISTERS
    elements = {k: t.elements() for k, t in ready.tensors.items()}
    written = dict.fromkeys(elements, -1)
    compared: tuple[Number, Number] | None = None
    word = instructions = cycles = 0

    def value(operand: Reg | Number) -> Number:
        return registers[operand.number] if isinstance(operand, Reg) else operand

    while word < len(ready.operations):
        op = ready.operations[word]
        place = ready.places[word]
        following = word + 1
        instructions += 1
        cycles += op.cycles
        if progress is not None and instructions % 100_000 == 0:
            progress(instructions)
        if op.name == "halt":
            break
        if place is not None:
            index = place.offset
            for number, factors in place.terms:
                for r in factors:
                    if isinstance(registers[r], float):
                        raise no_integer(ready, word, r, registers[r])
                index += int(prod((number, *(registers[r] for r in factors))))
            if place.tensor < 0:
                registers[op.register] = wrap(index)
            elif not 0 <= index < ready.limits[place.tensor]:
                raise outside(ready, word, index)
            elif op.name == "ld":
                held = elements[place.tensor]
                is_float = ready.tensors[place.tensor].dtype in ("f16", "f32")
                registers[op.register] = held[index] if index < len(held) else 0.0 if is_float else 0
                if is_float:
                    registers[op.register] = f32(registers[op.register])
            else:
                grow(elements[place.tensor], index)
                elements[place.tensor][index] = STORED[ready.tensors[place.tensor].dtype](registers[op.register])
                written[place.tensor] = max(written[place.tensor], index)
        elif op.name == "mov":
            registers[op.register] = value(op.operands[0])
        elif op.name in _ARITHMETIC:
            registers[op.register] = _ARITHMETIC[op.name](value(op.operands[0]), value(op.operands[1]))
        elif op.name == "cmp":
            compared = pair(value(op.operands[0]), value(op.operands[1]))
        else:
            if op.name != "jmp" and compared is None:
                raise not_compared(ready, word)
            if op.name == "jmp" or (compared is not None and _COMPARE[op.name](*compared)):
                following = op.target
                cycles += 1
        word = following
    return Outcome(elements, written, instructions, cycles)


def grow(elements: Elements, index: int) -> None:
    """Makes room for ``index`` in a tensor without a shape, with zeros."""
    if index >= len(elements):
        assert isinstance(elements, array)
        elements.frombytes(bytes(elements.itemsize * (index + 1 - len(elements) // 2)))


def outside(ready: Ready, word: int, index: int) -> Fault:
    """The fault of an element that a tensor does not have."""
    op, place = ready.operations[word], ready.places[word]
    assert place is not None
    tensor = ready.tensors[place.tensor]
    has = f"has {ready.limits[place.tensor]}" if tensor.shape is not None else f"may have {ready.limits[place.tensor]}"
    shape = f", shape {list(tensor.shape)}" if tensor.shape is not None else ""
    text = address_of(ready, word)
    return _fault(
        ready, word, "LPU1014", f"{op.name} {text} is element {index} of {tensor.name}, which {has}{shape}",
        "its elements count from 0 in row-major order; compare the bounds of the loops with the shapes",
    )  # fmt: skip


def no_integer(ready: Ready, word: int, register: int, value: Number) -> Fault:
    """The fault of an f32 in an address."""
    text = address_of(ready, word)
    return _fault(ready, word, "LPU1015", f"r{register} holds the f32 {value!r}, and {text} needs an integer", "")


def not_compared(ready: Ready, word: int) -> Fault:
    """The fault of a conditional jump before any comparison."""
    name = ready.operations[word].name
    return _fault(ready, word, "LPU1016", f"{name} has nothing to go by: no cmp was executed before it", "")


def address_of(ready: Ready, word: int) -> str:
    """The address of an operation as it is written."""
    from lpuasm.isa.address import address_text

    address = ready.operations[word].address
    assert address is not None
    return address_text(address, ready.program.names)


def _fault(ready: Ready, word: int, code: str, message: str, help_: str) -> Fault:
    return Fault(error(code, message, ready.program.span(SCALAR_QUEUE, word), help=help_))

"""Scalar operations as lines of Python, with the types of the registers known.

Names in the lines are made here: ``r4`` a register, ``T0`` the elements of the tensor whose name has index 0, ``h0``
the highest index written in it, ``i`` an index, ``x`` and ``y`` what was compared. Nothing of a program's text gets in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lpuasm.vm.scalar_code import CONDITIONS, Block, Op, Reg
from lpuasm.vm.scalar_tensors import Place, Ready
from lpuasm.vm.scalar_values import Number, f32, wrap
from lpuasm.vm.scalar_versions import EITHER, FLOAT, INTEGER, Version, operand_type, result_type, tensor_type

_SIGNS = {"add": "+", "sub": "-", "mul": "*"}
_BITS = {"i8": 8, "u8": 9, "i16": 16, "i32": 32}
#: An integer of so many bits, with its sign, is an f32 exactly.
_EXACT = 25


class Lines:
    """The code of one version, and for each line the word that it comes from."""

    def __init__(self, ready: Ready, version: Version, check: bool, kept: bool) -> None:
        """``check``: a jump may come before any comparison; ``kept``: what is compared is read in other blocks."""
        self.ready = ready
        self.types = dict(version.types)
        self.bits: dict[int, int] = {}
        self.lines: list[tuple[int, str]] = []
        self.condition = ""
        block = ready.blocks[version.block]
        jump = ready.operations[block.stop - 1].name
        last = _last_comparison(ready.operations, block) if jump in CONDITIONS else None
        for word in range(block.start, block.stop):
            op = ready.operations[word]
            if op.name == "cmp":
                self._compare(op, word, CONDITIONS[jump] if word == last else "", kept or word != last)
            elif op.name in CONDITIONS and not self.condition:
                if check and last is None:
                    self._line(word, "if x is None: missing()")
                self.condition = f"x {CONDITIONS[op.name]} y"
            elif op.name not in ("jmp", "halt", *CONDITIONS):
                self._operation(op, word)

    def _line(self, word: int, text: str) -> None:
        self.lines.append((word, text))

    def _operation(self, op: Op, word: int) -> None:
        place = self.ready.places[word]
        if place is None:
            self._arithmetic(op, word)
        elif op.name == "st":
            self._store(op.register, place, word)
        else:
            self._load(op.register, place, word)

    def _set(self, register: int, kind: str, bits: int = 32) -> None:
        self.types[register] = kind
        self.bits[register] = bits

    # Memory

    def _index(self, place: Place, word: int) -> str:
        registers = sorted({r for _, factors in place.terms for r in factors})
        for r in registers:
            if self.types[r] != INTEGER:
                self._line(word, f"if type(r{r}) is float: no_integer({r}, r{r})")
        products = [
            "*".join([*(f"r{r}" for r in factors), *([] if number == 1 else [f"({number})"])])
            for number, factors in place.terms
        ]
        return " + ".join([*products, *([str(place.offset)] if place.offset or not products else [])])

    def _load(self, register: int, place: Place, word: int) -> None:
        k = place.tensor
        if k < 0:
            self._line(word, f"r{register} = {wrap(place.offset)}")
            self._set(register, INTEGER, place.offset.bit_length() + 1)
            return
        index, tensor = self._index(place, word), self.ready.tensors[k]
        kind = tensor_type(self.ready, k)
        if tensor.shape is None:
            self._line(word, f"i = {index}")
            self._line(word, f"if not 0 <= i < {self.ready.limits[k]}: outside(i)")
            self._line(word, f"r{register} = T{k}[i] if i < len(T{k}) else {'0.0' if kind == FLOAT else '0'}")
        elif not place.terms and 0 <= place.offset < self.ready.limits[k]:
            self._line(word, f"r{register} = T{k}[{place.offset}]")
        else:
            self._line(word, f"r{register} = T{k}[i] if (i := {index}) >= 0 else outside(i)")
        self._set(register, kind, _BITS.get(tensor.dtype, 32))

    def _store(self, register: int, place: Place, word: int) -> None:
        k = place.tensor
        tensor = self.ready.tensors[k]
        self._line(word, f"i = {self._index(place, word)}")
        self._line(word, f"if not 0 <= i < {self.ready.limits[k]}: outside(i)")
        if tensor.shape is None:
            self._line(word, f"if i > h{k}:")
            self._line(word, f"    h{k} = i")
            self._line(word, f"    if i >= len(T{k}): grow(T{k}, i)")
        kind = self.types[register]
        if (tensor.dtype, kind) == ("i32", INTEGER):
            self._line(word, f"T{k}[i] = r{register}")
        elif (tensor.dtype, kind) == ("f32", FLOAT):
            self._line(word, f"T{k}[i] = r{register} if r{register} == r{register} else NAN")
        else:
            self._line(word, f"T{k}[i] = to_{tensor.dtype}(r{register})")

    # Arithmetic

    def _arithmetic(self, op: Op, word: int) -> None:
        kind, target = result_type(op, self.types), f"r{op.register}"
        if op.name == "mov":
            only = op.operands[0]
            bits = self._bits(only)
            self._line(word, f"{target} = {self._text(only)}")
            self._set(op.register, kind, bits)
        elif kind == EITHER or EITHER in [operand_type(o, self.types) for o in op.operands]:
            self._line(word, f"{target} = {op.name}({', '.join(self._text(o) for o in op.operands)})")
            self._set(op.register, kind)
        elif kind == FLOAT:
            a, b = (self._float(o) for o in op.operands)
            self._line(word, f"F[0] = {a} {_SIGNS[op.name]} {b}")
            self._line(word, f"{target} = F[0]")
            self._set(op.register, FLOAT)
        else:
            a, b = (self._text(o) for o in op.operands)
            first, second = (self._bits(o) for o in op.operands)
            bits = first + second if op.name == "mul" else max(first, second) + 1
            self._line(word, f"{target} = {a} {_SIGNS[op.name]} {b}")
            if bits > 32:
                wrapped = f"({target} + 0x80000000 & 0xffffffff) - 0x80000000"
                self._line(word, f"if not -0x80000000 <= {target} <= 0x7fffffff: {target} = {wrapped}")
            self._set(op.register, INTEGER, min(bits, 32))

    def _compare(self, op: Op, word: int, sign: str, kept: bool) -> None:
        kinds = [operand_type(o, self.types) for o in op.operands]
        if EITHER in kinds:
            a, b = "x", "y"
            self._line(word, f"x, y = pair({', '.join(self._text(o) for o in op.operands)})")
        else:
            a, b = (self._float(o) if FLOAT in kinds else self._text(o) for o in op.operands)
            if kept or not sign:
                self._line(word, f"x = {a}")
                self._line(word, f"y = {b}")
        if sign:
            self.condition = f"{a} {sign} {b}"

    def _bits(self, operand: Reg | Number) -> int:
        """The bits that an integer takes, with its sign."""
        if isinstance(operand, Reg):
            return self.bits.get(operand.number, 32)
        return operand.bit_length() + 1 if isinstance(operand, int) else 32

    def _float(self, operand: Reg | Number) -> str:
        if not isinstance(operand, Reg):
            return _literal(f32(operand))
        if self.types[operand.number] == FLOAT:
            return f"r{operand.number}"
        return f"{'float' if self._bits(operand) <= _EXACT else 'f32'}(r{operand.number})"

    def _text(self, operand: Reg | Number) -> str:
        if isinstance(operand, Reg):
            return f"r{operand.number}"
        return _literal(operand) if isinstance(operand, float) else f"({operand})" if operand < 0 else str(operand)


def _literal(value: float) -> str:
    if math.isfinite(value):
        return f"({value!r})"
    return "NAN" if value != value else "INF" if value > 0 else "(-INF)"


def _last_comparison(operations: Sequence[Op], block: Block) -> int | None:
    """The comparison that the block's jump goes by, if what it compares is still in its registers then."""
    written: set[int] = set()
    for word in range(block.stop - 1, block.start - 1, -1):
        op = operations[word]
        if op.name == "cmp":
            return word if not written & op.reads else None
        written.add(op.writes)
    return None

"""Dimensions of scalar code: what ``n``, ``m`` and ``k`` are, from -D and from the shapes of the bound tensors.

The rules, in this order:

1. ``-D n=7`` (when the program is built or run) gives a name its value.
2. A name that multiplies a register in the address of a bound tensor is the distance of two elements along an axis:
   in ``[A + r4 * m + r7]`` m is the length of A's last axis, and in ``[T + r1 * n * m + r2 * m + r3]`` n · m is that of
   the last two together. A tensor of one axis says nothing, nor do two different names alone in one address.
3. A name that no address determines is the length of an axis that it bounds: ``ld r0, [n]``, where nothing else writes
   r0, and ``cmp r4, r0``, where r4 counts the rows in ``[A + r4 * m + r7]``, make n the number of A's rows.

Values that contradict each other are an error, be they from -D or from shapes; a name with no value is one too. Rule 3
is not asked where rule 2 has answered: what a loop is bounded by is then the program's own affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from lpuasm.isa.errors import BindError, Diagnostic, Related, error
from lpuasm.isa.program import SCALAR_QUEUE, Program
from lpuasm.isa.values import Address
from lpuasm.vm.scalar_bind import Bound
from lpuasm.vm.scalar_code import Op, Reg

_MOST = (1 << 31) - 1


def dimensions(
    program: Program, operations: Sequence[Op], tensors: Mapping[int, Bound], defines: Mapping[str, int]
) -> dict[int, int]:
    """The values of the dimensions of a program, by the index of their names.

    Raises:
        BindError: LPU1010 a dimension without a value, LPU1011 values that contradict each other, LPU1012 a define that
            is no dimension of the program.
    """
    return _Dimensions(program, operations, tensors, defines).solve()


class _Dimensions:
    def __init__(
        self, program: Program, operations: Sequence[Op], tensors: Mapping[int, Bound], defines: Mapping[str, int]
    ) -> None:
        self.program = program
        self.operations = operations
        self.tensors = tensors
        self.problems: list[Diagnostic] = []
        self.value: dict[int, int] = {}
        self.why: dict[int, str] = {}
        self.wanted = self._wanted()
        merged = {name: value for name, value in program.defines.items() if isinstance(value, int)}
        for name, value in defines.items():
            if merged.setdefault(name, value) != value:
                self._wrong(f"{name} is {value} by -D, and the program was built with {merged[name]}")
        for name, value in merged.items():
            k = program.names.index(name) if name in program.names else -1
            if k in self.wanted:
                if not 0 <= value <= _MOST:
                    self._wrong(f"a dimension is from 0 to {_MOST}, and -D makes {name} {value}")
                self.value[k], self.why[k] = value, "by -D"
            elif name in defines and name not in program.defines:
                message = f"the program has no dimension {name}"
                known = ", ".join(program.names[k] for k in sorted(self.wanted))
                self.problems.append(error("LPU1012", message, help=f"its dimensions are {known}" if known else ""))

    def solve(self) -> dict[int, int]:
        determined = self._strides()
        self._bounds(determined)
        for k in sorted(self.wanted - self.value.keys()):
            if self.problems:
                break
            name = self.program.names[k]
            span = self.program.span(SCALAR_QUEUE, self.wanted_at[k])
            message = f"nothing says what {name} is"
            self.problems.append(error("LPU1010", message, span, help=f"give it a value with -D {name}=…"))
        if self.problems:
            raise BindError(*self.problems)
        return self.value

    def _wanted(self) -> set[int]:
        self.wanted_at: dict[int, int] = {}
        for word, address in self._addresses():
            names = [n for p in address.products for n in p.names]
            if address.name is not None and address.name not in self.tensors:
                names.append(address.name)
            for name in names:
                self.wanted_at.setdefault(name, word)
        return set(self.wanted_at)

    def _addresses(self) -> Iterator[tuple[int, Address]]:
        return ((word, op.address) for word, op in enumerate(self.operations) if op.address is not None)

    def _wrong(self, message: str, word: int | None = None, *related: str) -> None:
        span = None if word is None else self.program.span(SCALAR_QUEUE, word)
        help_ = "leave -D out to take it from the shapes, or bind tensors that agree"
        parties = tuple(Related(text) for text in related)
        self.problems.append(error("LPU1011", message, span, related=parties, help=help_))

    def _strides(self) -> set[int]:
        """Rule 2, until nothing new follows. Returns the names that it determines."""
        equations: list[tuple[int, tuple[int, ...], int, str]] = []
        for word, address in self._addresses():
            tensor = self.tensors.get(-1 if address.name is None else address.name)
            if tensor is None or tensor.shape is None:
                continue
            strides = {p.names for p in address.products if len(p.registers) == 1 and p.names and p.coefficient == 1}
            for names in strides:
                if len(names) < len(tensor.shape) and sum(len(s) == len(names) for s in strides) == 1:
                    equations.append((word, names, prod(tensor.shape[-len(names) :]), _rows(tensor, len(names))))
        determined = {n for _, names, _, _ in equations for n in names}
        while equations:
            left = []
            for equation in equations:
                word, names, length, why = equation
                unknown = [n for n in names if n not in self.value]
                if not unknown:
                    self._agree(word, names, length, why)
                elif len(unknown) == 1:
                    self._divide(word, names, unknown[0], length, why)
                else:
                    left.append(equation)
            if len(left) == len(equations):
                break
            equations = left
        return determined & self.value.keys()

    def _agree(self, word: int, names: tuple[int, ...], length: int, why: str) -> None:
        product = prod(self.value[n] for n in names)
        if product != length:
            text = " * ".join(self.program.names[n] for n in names)
            parties = [f"{self.program.names[n]} is {self.value[n]} {self.why[n]}" for n in names]
            if len(names) == 1:
                self._wrong(f"{parties.pop()}, and {length} {why}", word)
            else:
                self._wrong(f"{text} is {length} {why}, and {product} otherwise", word, *parties)

    def _divide(self, word: int, names: tuple[int, ...], unknown: int, length: int, why: str) -> None:
        others = prod(self.value[n] for n in names if n != unknown)
        if others == 0 or length % others:
            self._wrong(f"{length} {why} is no multiple of {others}, what the other dimensions make", word)
            self.value[unknown] = 0
        else:
            self.value[unknown], self.why[unknown] = length // others, why

    def _bounds(self, determined: set[int]) -> None:
        """Rule 3, for the names that rule 2 says nothing of."""
        writers: dict[int, list[Op]] = {}
        for op in self.operations:
            if op.writes >= 0:
                writers.setdefault(op.writes, []).append(op)
        holds: dict[int, int] = {}
        for register, ops in writers.items():
            address = ops[0].address
            if len(ops) == 1 and address is not None and address.name is not None and address.name in self.wanted:
                holds[register] = address.name
        counts = self._counters()
        facts: dict[int, dict[int, str]] = {}
        for op in self.operations:
            if op.name == "cmp" and all(isinstance(o, Reg) for o in op.operands):
                x, y = (o.number for o in op.operands if isinstance(o, Reg))
                for counter, bound in ((x, y), (y, x)):
                    name = holds.get(bound)
                    if name is not None and name not in determined:
                        facts.setdefault(name, {}).update(counts.get(counter, {}))
        for name, lengths in facts.items():
            self._settle(name, lengths)

    def _settle(self, name: int, lengths: Mapping[int, str]) -> None:
        text, parties = self.program.names[name], [f"{length} {why}" for length, why in lengths.items()]
        if len(lengths) == 1:
            length = next(iter(lengths))
            if name not in self.value:
                self.value[name], self.why[name] = length, lengths[length]
            elif self.value[name] != length:
                self._wrong(f"{text} is {self.value[name]} by -D, and {length} {lengths[length]}", self.wanted_at[name])
        elif lengths and name not in self.value:
            self.value[name] = 0
            span = self.program.span(SCALAR_QUEUE, self.wanted_at[name])
            related = tuple(Related(p) for p in parties)
            message = f"{text} bounds axes of different lengths"
            help_ = f"say which is meant with -D {text}=…"
            self.problems.append(error("LPU1010", message, span, related=related, help=help_))

    def _counters(self) -> dict[int, dict[int, str]]:
        """The lengths of the axes that each register indexes: of addresses with a product for every axis."""
        found: dict[int, dict[int, str]] = {}
        for _, address in self._addresses():
            tensor = self.tensors.get(-1 if address.name is None else address.name)
            products = [p for p in address.products if p.registers]
            if tensor is None or tensor.shape is None or len(products) != len(tensor.shape):
                continue
            if any(len(p.registers) != 1 for p in products) or any(
                n not in self.value for p in products for n in p.names
            ):
                continue
            steps = [prod((p.coefficient, *(self.value[n] for n in p.names))) for p in products]
            order = sorted(range(len(steps)), key=lambda k: (-len(products[k].names), -steps[k]))
            shape = tensor.shape
            if [steps[k] for k in order] != [prod(shape[a + 1 :]) for a in range(len(shape))]:
                continue
            for axis, k in enumerate(order):
                register = products[k].registers[0]
                found.setdefault(register, {}).setdefault(shape[axis], _axis(tensor, axis))
        return found


def _rows(tensor: Bound, axes: int) -> str:
    return f"by the shape of {tensor.name}, {list(tensor.shape or ())}" + (
        f" (its last {axes} axes)" if axes > 1 else ""
    )


def _axis(tensor: Bound, axis: int) -> str:
    return f"by axis {axis} of {tensor.name}, {list(tensor.shape or ())}"

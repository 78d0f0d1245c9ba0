"""The values that operands take, and the types on streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Types on streams, in the order of their codes in an instruction word, with their width in bytes.
TYPE_BYTES: Mapping[str, int] = {"i8": 1, "u8": 1, "i16": 2, "i32": 4, "f16": 2, "f32": 4}
TYPES = tuple(TYPE_BYTES)
STREAM_BITS = 5
"""Bits of the number of a stream in an instruction word."""
STREAMS = 1 << STREAM_BITS
"""Streams each way, of every chip: what its words can name."""
REGISTER_BITS = 5
"""Bits of the number of a scalar register."""
REGISTERS = 1 << REGISTER_BITS
"""Scalar registers: r0 and so on."""


@dataclass(frozen=True, slots=True)
class Streams:
    """An aligned group of streams: ``s5.e`` is one stream, ``sg4.w[2]`` the streams 8 … 11 going west."""

    direction: str
    base: int
    size: int = 1

    def __str__(self) -> str:
        if self.size == 1:
            return f"s{self.base}.{self.direction}"
        return f"sg{self.size}.{self.direction}[{self.base // self.size}]"


@dataclass(frozen=True, slots=True)
class Link:
    """The result of another ALU of the same pass."""

    alu: int

    def __str__(self) -> str:
        return f"vxm.alu{self.alu}"


@dataclass(frozen=True, slots=True)
class Immediate:
    """A 32-bit immediate, as bits."""

    bits: int


@dataclass(frozen=True, slots=True)
class Latch:
    """The last operand that the ALU was told to keep."""

    def __str__(self) -> str:
        return "latch"


@dataclass(frozen=True, slots=True)
class Dim:
    """One dimension of a nest of issues: how many, how many cycles apart, and the step of the operand."""

    count: int
    every: int = 1
    step: int = 0


@dataclass(frozen=True, slots=True)
class Factor:
    """An operand of scalar code that is no address: kind "register", "integer" or "float" (its bits)."""

    kind: str
    value: int


@dataclass(frozen=True, slots=True)
class Product:
    """A product in a scalar address: a number times registers and names (indices into the program's names)."""

    coefficient: int
    registers: tuple[int, ...] = ()
    names: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """A scalar memory operand: a tensor (a dimension, where it stands alone) and the index of its element.

    The index is the sum of the products and the offset. Without a name it is the number ``offset``: a dimension whose
    value was known when the program was built.
    """

    name: int | None
    products: tuple[Product, ...] = ()
    offset: int = 0


Value = int | str | bool | None | Streams | Link | Immediate | Latch | Address | Factor | tuple[Dim, ...]


class OperandError(ValueError):
    """A value does not fit its operand. ``operand`` is the operand's name in the specification."""

    def __init__(self, operand: str, message: str) -> None:
        super().__init__(message)
        self.operand = operand
        self.message = message


@dataclass(frozen=True, slots=True)
class Context:
    """What the layout and the limits of an operand may depend on: the types of the instruction."""

    bytes: Mapping[str, int]

    def size(self, size: object) -> tuple[int, ...]:
        """The group sizes that a ``size`` attribute allows: a number, a list, or the name of a type operand."""
        if isinstance(size, int):
            return (size,)
        if isinstance(size, str):
            return (self.bytes[size],)
        assert isinstance(size, list)
        return tuple(size)

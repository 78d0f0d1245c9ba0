"""Operand values and kinds: how a value is written, and how it lies in an instruction word.

A *kind* turns a value into the parts of a bit field and back. It knows nothing
of any instruction; sizes that follow from an instruction's types are handed in.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

#: Types on streams, in the order of their codes in an instruction word, with their width in bytes.
TYPE_BYTES: Mapping[str, int] = {"i8": 1, "u8": 1, "i16": 2, "i32": 4, "f16": 2, "f32": 4}
TYPES = tuple(TYPE_BYTES)


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
    """A factor of a scalar address: a register, a name (an index into the program's names) or a number."""

    kind: str
    value: int


@dataclass(frozen=True, slots=True)
class Address:
    """A scalar memory operand: a tensor, and the sum of products that indexes its elements."""

    name: int
    terms: tuple[tuple[Factor, Factor], ...] = ()
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

    def size(self, size: int | str | Sequence[int]) -> tuple[int, ...]:
        """The group sizes that a ``size`` attribute allows: a number, a list, or the name of a type operand."""
        if isinstance(size, int):
            return (size,)
        if isinstance(size, str):
            return (self.bytes[size],)
        return tuple(size)


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand of an instruction as the specification declares it.

    ``role``: "in", "out", "clause" (a keyword after the operands), "suffix" (after the mnemonic).
    ``at``: the lowest bit. ``attributes`` are the kind's own.
    """

    name: str
    kind: str
    role: str
    at: int
    optional: bool
    attributes: Mapping[str, object]
    doc: str = ""

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        """The bit fields of this operand, lowest first: (name, width)."""
        own = KINDS[self.kind].parts(self.attributes)
        named = tuple((f"{self.name}.{part}" if part else self.name, width) for part, width in own)
        return (*named, (f"{self.name}.given", 1)) if self.optional else named

    def pack(self, value: Value, context: Context) -> tuple[int, ...]:
        """The parts of ``value``. Raises OperandError where it does not fit."""
        if self.optional and value is None:
            return (0,) * len(self.parts)
        if value is None:
            raise OperandError(self.name, f"{self.name} is missing")
        try:
            packed = KINDS[self.kind].pack(value, self.attributes, context)
        except ValueError as e:
            raise OperandError(self.name, str(e)) from None
        return (*packed, 1) if self.optional else packed

    def unpack(self, parts: Sequence[int], context: Context) -> Value:
        """The value of ``parts``. Raises OperandError where no value has them."""
        try:
            if self.optional:
                if not parts[-1]:
                    if any(parts):
                        raise ValueError("bits are set in an operand that is absent")
                    return None
                parts = parts[:-1]
            return KINDS[self.kind].unpack(tuple(parts), self.attributes, context)
        except ValueError as e:
            raise OperandError(self.name, str(e)) from None

    def text(self, value: Value) -> str:
        """The operand as it is written, without the name of a clause."""
        return KINDS[self.kind].text(value, self.attributes)


class Kind(Protocol):
    """How values of one kind are packed, unpacked and written."""

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]: ...
    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]: ...
    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value: ...
    def text(self, value: Value, a: Mapping[str, object]) -> str: ...


def _int(a: Mapping[str, object], key: str, default: int | None = None) -> int:
    value = a.get(key, default)
    assert isinstance(value, int)
    return value


class Number:
    """A whole number of ``width`` bits; ``signed``, or counted from ``least``; ``hex`` is how it is written."""

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        return (("", _int(a, "width")),)

    def range(self, a: Mapping[str, object]) -> tuple[int, int]:
        """The least and the greatest value."""
        width, most, scale = _int(a, "width"), _int(a, "most", 1 << 64), _int(a, "scale", 1)
        if a.get("signed"):
            return -min(most, scale << (width - 1)), min(most, scale * ((1 << (width - 1)) - 1))
        least = _int(a, "least", 0)
        return least, min(least + (1 << width) - 1, most)

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        low, high = self.range(a)
        scale = _int(a, "scale", 1)
        if not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{value} is not in {low} … {high}")
        if value % scale:
            raise ValueError(f"{value} is not a multiple of {scale}")
        return ((value - _int(a, "least", 0)) // scale & ((1 << _int(a, "width")) - 1),)

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        value, width = parts[0], _int(a, "width")
        if a.get("signed") and value >> (width - 1):
            value -= 1 << width
        value = value * _int(a, "scale", 1) + _int(a, "least", 0)
        low, high = self.range(a)
        if not low <= value <= high:
            raise ValueError(f"{value} is not in {low} … {high}")
        return value

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        return f"{value:#x}" if a.get("hex") else str(value)


class Flag:
    """One bit."""

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        return (("", 1),)

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        return (int(bool(value)),)

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        return bool(parts[0])

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        return ""


class Type:
    """A type of ``TYPES``, as a suffix of the mnemonic."""

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        return (("", 3),)

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        if value not in TYPES:
            raise ValueError(f"'{value}' is not a type")
        return (TYPES.index(str(value)),)

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        if parts[0] >= len(TYPES):
            raise ValueError(f"{parts[0]} is not the code of a type")
        return TYPES[parts[0]]

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        return str(value)


class StreamGroup:
    """An aligned group of streams of the sizes that ``size`` allows; the word holds the size where it may vary."""

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        own = (("stream", 5), ("west", 1))
        return (*own, ("size", 3)) if isinstance(a["size"], list) else own

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        if not isinstance(value, Streams):
            raise ValueError("a stream group is wanted here, such as s5.e or sg4.w[0]")
        sizes = c.size(a["size"])  # type: ignore[arg-type]
        if value.size not in sizes:
            raise ValueError(f"{value} is a group of {value.size}; {_one_of(sizes)} streams are wanted here")
        if not 0 <= value.base <= 32 - value.size or value.base % value.size:
            raise ValueError(f"{value} is not one of the 32 streams" if value.size == 1 else f"there is no {value}")
        own = (value.base, int(value.direction == "w"))
        return (*own, value.size.bit_length() - 1) if isinstance(a["size"], list) else own

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        sizes = c.size(a["size"])  # type: ignore[arg-type]
        size = 1 << parts[2] if isinstance(a["size"], list) else sizes[0]
        if size not in sizes or parts[0] % size:
            raise ValueError(f"stream {parts[0]} does not begin a group of {_one_of(sizes)}")
        return Streams("ew"[parts[1]], parts[0], size)

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        return str(value)


class Source:
    """An operand of an ALU: streams, another ALU's result, the immediate or the latch."""

    NAMES = ("streams", "link", "immediate", "latch")

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        return (("value", 6), ("kind", 2))

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        match value:
            case Streams():
                stream, west = StreamGroup().pack(value, a, c)
                return (stream | west << 5, 0)
            case Link(alu) if 0 <= alu < 16:
                return (alu, 1)
            case Immediate(bits) if 0 <= bits < 1 << 32:
                return (0, 2)
            case Latch():
                return (0, 3)
        raise ValueError("a stream group, an ALU, a number or the latch is wanted here")

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        value, kind = parts
        if kind == 0:
            return StreamGroup().unpack((value & 31, value >> 5), a, c)
        if kind == 1 and value < 16:
            return Link(value)
        if value:
            raise ValueError("bits are set that an operand of this kind does not have")
        return Immediate(0) if kind == 2 else Latch()

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        return str(value)


class Dims:
    """A nest of issues, innermost first; ``widths`` gives the bits of count, every and step of each dimension.

    The word holds count − 1, so that a dimension of all zeros is one that is not used.
    """

    def _widths(self, a: Mapping[str, object]) -> list[tuple[int, int, int]]:
        widths = a["widths"]
        assert isinstance(widths, list)
        return [(w[0], w[1], w[2]) for w in widths]

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        return tuple(
            (f"{name}{k}", width)
            for k, widths in enumerate(self._widths(a))
            for name, width in zip(("count", "every", "step"), widths, strict=True)
        )

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        assert isinstance(value, tuple)
        widths = self._widths(a)
        if len(value) > len(widths):
            raise ValueError(f"{len(value)} dimensions are more than the {len(widths)} of one word")
        check_nest(value)
        packed: list[int] = []
        for dim, (count, every, step) in zip(value, widths, strict=False):
            if not 2 <= dim.count <= 1 << count:
                raise ValueError(f"a count of {dim.count} is not in 2 … {1 << count} in this dimension")
            if not 1 <= dim.every < 1 << every:
                raise ValueError(f"every {dim.every} is not in 1 … {(1 << every) - 1} in this dimension")
            if not -(1 << (step - 1)) <= dim.step < 1 << (step - 1):
                raise ValueError(f"step {dim.step} does not fit {step} bits with a sign")
            packed += [dim.count - 1, dim.every, dim.step & ((1 << step) - 1)]
        return (*packed, *[0] * (3 * (len(widths) - len(value))))

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        dims: list[Dim] = []
        for k, (_, _, width) in enumerate(self._widths(a)):
            count, every, step = parts[3 * k : 3 * k + 3]
            if count == 0:
                if any(parts[3 * k :]):
                    raise ValueError("bits are set in a dimension that is not used")
                break
            if every == 0:
                raise ValueError("a dimension has issues no cycle apart")
            dims.append(Dim(count + 1, every, step - (1 << width) if step >> (width - 1) else step))
        check_nest(dims)
        return tuple(dims)

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        assert isinstance(value, tuple)
        return " repeat ".join(
            f"{d.count}"
            + (f" every {d.every}" if d.every != 1 else "")
            + (f" step {d.step}" if d.step != _int(a, "step") else "")
            for d in value
        )


def check_nest(dims: Sequence[Dim]) -> None:
    """Raises ValueError unless each dimension begins again only after the inner ones have ended."""
    span = 0
    for dim in dims:
        if dim.every <= span:
            raise ValueError(
                f"every {dim.every} begins again before the inner dimensions have ended; at least {span + 1} is wanted"
            )
        span += (dim.count - 1) * dim.every


class Register:
    """A scalar register, r0 … r31."""

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        return (("", 5),)

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        if not isinstance(value, Factor) or value.kind != "register" or not 0 <= value.value < 32:
            raise ValueError("a register is wanted here, r0 … r31")
        return (value.value,)

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        return Factor("register", parts[0])

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        assert isinstance(value, Factor)
        return f"r{value.value}"


class Scalar:
    """A register, a 32-bit integer or a float literal."""

    NAMES = ("register", "integer", "float")

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        return (("value", 32), ("kind", 2))

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        if not isinstance(value, Factor) or value.kind not in self.NAMES:
            raise ValueError("a register or a number is wanted here")
        if value.kind == "register" and not 0 <= value.value < 32:
            raise ValueError("a register is wanted here, r0 … r31")
        if value.kind == "integer" and not -(1 << 31) <= value.value < 1 << 32:
            raise ValueError(f"{value.value} does not fit 32 bits")
        return (value.value & 0xFFFFFFFF, self.NAMES.index(value.kind))

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        value, kind = parts
        if kind == 3 or (kind == 0 and value > 31):
            raise ValueError("neither a register nor a number")
        if kind == 1 and value >> 31:
            value -= 1 << 32
        return Factor(self.NAMES[kind], value)

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        assert isinstance(value, Factor)
        if value.kind == "float":
            return float_text(value.value)
        return f"r{value.value}" if value.kind == "register" else str(value.value)


class Memory:
    """A scalar address: a name, up to three products of two factors, and an offset."""

    FACTORS = ("register", "name", "integer")
    TERMS = 3

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        terms = ((f"term{k}.{side}", 14) for k in range(self.TERMS) for side in "ab")
        return (("name", 8), *terms, ("offset", 23))

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        if not isinstance(value, Address):
            raise ValueError("an address is wanted here, such as [A + r4 * m + r7]")
        if len(value.terms) > self.TERMS:
            raise ValueError(f"an address has at most {self.TERMS} products")
        if not 0 <= value.name < 256:
            raise ValueError("a program has at most 256 names")
        if not -(1 << 22) <= value.offset < 1 << 22:
            raise ValueError(f"an offset of {value.offset} does not fit 23 bits with a sign")
        parts: list[int] = [value.name]
        for term in value.terms:
            for factor in term:
                if not 0 <= factor.value < 4096:
                    raise ValueError(f"a factor of {factor.value} in an address is not in 0 … 4095")
                parts.append(factor.value << 2 | (self.FACTORS.index(factor.kind) + 1))
        parts += [0] * (1 + 2 * self.TERMS - len(parts))
        return (*parts, value.offset & ((1 << 23) - 1))

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        name, *factors, offset = parts
        terms = []
        for first, second in zip(factors[::2], factors[1::2], strict=True):
            if not first and not second:
                continue
            if not first & 3 or not second & 3:
                raise ValueError("half a product in an address")
            terms.append(tuple(Factor(self.FACTORS[(f & 3) - 1], f >> 2) for f in (first, second)))
        if any(factors[2 * len(terms) :]):
            raise ValueError("an empty product before a full one in an address")
        if any(f.kind == "register" and f.value > 31 for term in terms for f in term):
            raise ValueError("no such register in an address")
        return Address(name, tuple(terms), offset - (1 << 23) if offset >> 22 else offset)  # type: ignore[arg-type]

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        return str(value)


def _one_of(sizes: Sequence[int]) -> str:
    return " or ".join(str(s) for s in sizes)


def immediate_bits(value: int | float, type_name: str) -> int:
    """The 32-bit immediate of a number in a type; integers sign-extend, f16 is not a type of immediates.

    Raises ValueError where the number does not fit the type.
    """
    if type_name == "f16":
        raise ValueError("f16 has no immediates; write the number as f32")
    if type_name == "f32":
        try:
            return int(struct.unpack("<I", struct.pack("<f", value))[0])
        except OverflowError:
            raise ValueError(f"{value} is beyond the largest f32; write inf if infinity is meant") from None
    if isinstance(value, float):
        raise ValueError(f"{value} is not a whole number, and the operand is {type_name}")
    bits = 8 * TYPE_BYTES[type_name]
    low, high = 0 if type_name == "u8" else -(1 << (bits - 1)), (1 << bits) - 1
    if not low <= value <= high:
        raise ValueError(f"{value} is not in {low} … {high}, what {bits} bits hold")
    if type_name != "u8" and value >> (bits - 1):
        value -= 1 << bits
    return value & 0xFFFFFFFF


def immediate_text(bits: int, type_name: str) -> str:
    """The text that :func:`immediate_bits` turns into ``bits``. Raises ValueError where there is none."""
    text = float_text(bits) if type_name == "f32" else str(bits - (1 << 32) if bits >> 31 else bits)
    if immediate_bits(float(text) if type_name == "f32" else int(text), type_name) != bits:
        raise ValueError(f"{bits:#x} is not an immediate of type {type_name}")
    return text


def float_text(bits: int) -> str:
    """The shortest text of an f32 that reads back as the same bits."""
    value = struct.unpack("<f", struct.pack("<I", bits))[0]
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    for digits in range(1, 18):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<I", bits):
            break
    return text if re.search(r"[.e]", text) else f"{text}.0"


KINDS: Mapping[str, Kind] = {
    "number": Number(),
    "flag": Flag(),
    "type": Type(),
    "streams": StreamGroup(),
    "source": Source(),
    "dims": Dims(),
    "register": Register(),
    "scalar": Scalar(),
    "memory": Memory(),
}

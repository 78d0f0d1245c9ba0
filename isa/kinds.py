"""Kinds of operands: how a value is written, and how it lies in an instruction word.

A *kind* turns a value into the parts of a bit field and back. It knows nothing
of any instruction; sizes that follow from an instruction's types are handed in.
Which attributes an operand of each kind may state is in ``attributes.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from lpuasm.isa.address import Memory
from lpuasm.isa.immediates import float_text
from lpuasm.isa.values import (
    REGISTER_BITS,
    REGISTERS,
    STREAM_BITS,
    STREAMS,
    TYPES,
    Context,
    Dim,
    Factor,
    Immediate,
    Latch,
    Link,
    Streams,
    Value,
)


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
        own = (("stream", STREAM_BITS), ("west", 1))
        return (*own, ("size", 3)) if isinstance(a["size"], list) else own

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        if not isinstance(value, Streams):
            raise ValueError("a stream group is wanted here, such as s5.e or sg4.w[0]")
        sizes = c.size(a["size"])
        if value.size not in sizes:
            raise ValueError(f"{value} is a group of {value.size}; {_one_of(sizes)} streams are wanted here")
        if not 0 <= value.base <= STREAMS - value.size or value.base % value.size:
            raise ValueError(
                f"{value} is not one of the {STREAMS} streams" if value.size == 1 else f"there is no {value}"
            )
        own = (value.base, int(value.direction == "w"))
        return (*own, value.size.bit_length() - 1) if isinstance(a["size"], list) else own

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        sizes = c.size(a["size"])
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


def _fits(dim: Dim, widths: tuple[int, int, int]) -> bool:
    count, every, step = widths
    return dim.count <= 1 << count and 1 <= dim.every < 1 << every and -(1 << step) <= 2 * dim.step < 1 << step


def _told(dim: Dim) -> str:
    return f"{dim.count} every {dim.every} step {dim.step}"


def _room(widths: list[tuple[int, int, int]]) -> str:
    rooms = (f"count ≤ {1 << c}, every ≤ {(1 << e) - 1}, |step| < {1 << (s - 1)}" for c, e, s in widths)
    return "; ".join(rooms)


class Dims:
    """A nest of issues, innermost first; ``widths`` gives the bits of count, every and step of each dimension.

    The word holds count − 1, so that a place of all zeros is one that is not used.
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
        """Each dimension goes into the first place, after those of the inner ones, that is wide enough for it."""
        assert isinstance(value, tuple)
        widths = self._widths(a)
        if len(value) < _int(a, "least", 0):
            raise ValueError("at least one dimension is wanted here")
        if len(value) > len(widths):
            raise ValueError(f"{len(value)} dimensions are more than the {len(widths)} of one word")
        check_nest(value)
        packed: list[int] = []
        places = iter(widths)
        for number, dim in enumerate(value):
            if dim.count < 2:
                raise ValueError(f"a dimension of {dim.count} is none; a count is at least 2")
            for place in places:
                if _fits(dim, place):
                    packed += [dim.count - 1, dim.every, dim.step & ((1 << place[2]) - 1)]
                    break
                packed += [0, 0, 0]
            else:
                raise ValueError(
                    f"dimension {number + 1} ({_told(dim)}) does not fit the word, which has {_room(widths)}"
                )
        return (*packed, *[0] * (3 * len(widths) - len(packed)))

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        dims: list[Dim] = []
        for k, (_, _, width) in enumerate(self._widths(a)):
            count, every, step = parts[3 * k : 3 * k + 3]
            if count:
                dims.append(Dim(count + 1, every, step - (1 << width) if step >> (width - 1) else step))
        if self.pack(tuple(dims), a, c) != parts:
            raise ValueError("a dimension does not stand in its first place, or an unused one is not zero")
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
        return (("", REGISTER_BITS),)

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        if not isinstance(value, Factor) or value.kind != "register" or not 0 <= value.value < REGISTERS:
            raise ValueError(f"a register is wanted here, r0 … r{REGISTERS - 1}")
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
        if value.kind == "register" and not 0 <= value.value < REGISTERS:
            raise ValueError(f"a register is wanted here, r0 … r{REGISTERS - 1}")
        if value.kind == "integer" and not -(1 << 31) <= value.value < 1 << 32:
            raise ValueError(f"{value.value} does not fit 32 bits")
        return (value.value & 0xFFFFFFFF, self.NAMES.index(value.kind))

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        value, kind = parts
        if kind == 3 or (kind == 0 and value >= REGISTERS):
            raise ValueError("neither a register nor a number")
        if kind == 2 and value & 0x7FFFFFFF > 0x7F800000 and value != 0x7FC00000:
            raise ValueError("a NaN other than the canonical one")
        if kind == 1 and value >> 31:
            value -= 1 << 32
        return Factor(self.NAMES[kind], value)

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        assert isinstance(value, Factor)
        if value.kind == "float":
            return float_text(value.value)
        return f"r{value.value}" if value.kind == "register" else str(value.value)


def _one_of(sizes: Sequence[int]) -> str:
    return " or ".join(str(s) for s in sizes)


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

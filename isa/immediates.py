"""Numbers as 32-bit immediates, and back as text."""

from __future__ import annotations

import re
import struct

from lpuasm.isa.values import TYPE_BYTES


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
    if type_name != "u8" and value >= 1 << (bits - 1):
        value -= 1 << bits
    return value & 0xFFFFFFFF


def immediate_text(bits: int, type_name: str) -> str:
    """The text that :func:`immediate_bits` turns into ``bits``. Raises ValueError where there is none."""
    text = float_text(bits) if type_name == "f32" else str(bits - (1 << 32) if bits >> 31 else bits)
    if immediate_bits(float(text) if type_name == "f32" else int(text), type_name) != bits:
        raise ValueError(f"{bits:#x} is not an immediate of type {type_name}")
    return text


def float_text(bits: int) -> str:
    """The shortest text of an f32 that reads back as the same bits; every NaN is "nan"."""
    value = struct.unpack("<f", struct.pack("<I", bits))[0]
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    text = next(text for digits in range(1, 18) if _float_bits(text := f"{value:.{digits}g}") == bits)
    return text if re.search(r"[.e]", text) else f"{text}.0"


def _float_bits(text: str) -> int | None:
    try:
        return int(struct.unpack("<I", struct.pack("<f", float(text)))[0])
    except OverflowError:  # rounded up beyond the largest f32
        return None

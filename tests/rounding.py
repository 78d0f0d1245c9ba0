"""The oracle of the number tests: IEEE 754 formats over Python's fractions, without numpy."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Format:
    """A binary interchange format: bits of the significand and of the exponent."""

    code: str
    precision: int
    exponent: int

    @property
    def sign(self) -> int:
        """The sign bit."""
        return 1 << self.precision + self.exponent - 1

    @property
    def infinity(self) -> int:
        """The bits of +inf."""
        return (1 << self.exponent) - 1 << self.precision - 1

    @property
    def nan(self) -> int:
        """The bits of the canonical quiet NaN."""
        return self.infinity | 1 << self.precision - 2

    def decode(self, bits: int) -> float:
        """The value of ``bits``, which a Python float always holds."""
        value: float = struct.unpack("<" + self.code, bits.to_bytes(self.sign.bit_length() // 8, "little"))[0]
        return value

    def encode(self, value: Fraction | float) -> int:
        """The bits of ``value`` rounded to nearest, ties to even."""
        if isinstance(value, float):
            if math.isnan(value):
                return self.nan
            sign = self.sign if math.copysign(1.0, value) < 0 else 0
            return sign | (self.infinity if math.isinf(value) else self.encode(Fraction(abs(value))))
        size = abs(value)
        if not size:
            return 0
        least = 2 - (1 << self.exponent - 1)
        exponent = size.numerator.bit_length() - size.denominator.bit_length()
        exponent = max(exponent - (Fraction(2) ** exponent > size), least)
        significand = round(size / Fraction(2) ** (exponent - self.precision + 1))
        bits = (exponent - least << self.precision - 1) + significand
        return min(bits, self.infinity) | (self.sign if value < 0 else 0)


F16 = Format("e", 11, 5)
F32 = Format("f", 24, 8)

"""How a convolution lies on the chip: vectors of several pixels of a row, and tiles of weights as bands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd

from lpuasm.stdlib.products import LANES, WORDS, tiles


@dataclass(frozen=True)
class Shape:
    """A convolution as its caller knows it: NHWC, kernels KH × KW, strides SH and SW, PH and PW zeros on each side.

    With ``APART`` no tile serves two pixels or two groups: a zero of a band would make NaN of what is not finite.
    """

    N: int
    H: int
    W: int
    I: int  # noqa: E741
    O: int  # noqa: E741
    KH: int = 1
    KW: int = 1
    SH: int = 1
    SW: int = 1
    PH: int = 0
    PW: int = 0
    GROUPS: int = 1
    BIAS: int = 0
    APART: int = 0

    @property
    def out(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        high = (self.H + 2 * self.PH - self.KH) // self.SH + 1
        return high, (self.W + 2 * self.PW - self.KW) // self.SW + 1


@dataclass(frozen=True)
class Plan:
    """A convolution as `conv2d.s` knows it; ``way`` is how the arrays become its images.

    ``rows``: as they are. ``turned``: rows and columns change places. ``line``: the pixels of all images, one after
    another, are rows of P pixels each. ``whole``: likewise, and a pixel is all that the only window of an image sees.
    ``fold`` rows of an image share a vector. ``alone``: each plane has tiles of its own.
    """

    way: str
    n: int
    oh: int
    ow: int
    kh: int
    kw: int
    sh: int
    sw: int
    groups: int
    packed: int
    ci: int
    co: int
    p: int = 1
    q: int = 1
    fold: int = 1
    alone: bool = False

    @property
    def units(self) -> int:
        """Parts of the channels, of ``packed`` groups each, that know nothing of each other."""
        return -(-self.groups // self.packed)

    @property
    def phases(self) -> int:
        """Vectors of a row of the result that have tiles of their own, since X is cut elsewhere below them."""
        return self.p // gcd(self.p, self.sw * self.q)

    @property
    def blocks(self) -> int:
        """Vectors of a row of the result."""
        return -(-self.ow // self.q)

    @property
    def reach(self) -> int:
        """Pixels of a row that a vector of the result needs."""
        return self.sw * (self.q - 1) + self.kw

    @property
    def rows(self) -> int:
        """Rows of the result of a class and an image, padded for the planes."""
        return 4 * -(-self.oh // (4 * self.classes))

    @property
    def classes(self) -> int:
        """Classes of rows of the result, by where the rows below them lie in a vector."""
        return max(1, self.fold // self.sh)

    @property
    def kinds(self) -> int:
        """Vectors of the result that have tiles of their own."""
        return self.classes * min(self.phases, self.blocks)

    @property
    def down(self) -> int:
        """Tiles down a kernel."""
        return -(-self.kh // self.fold)

    def met(self, phase: int) -> int:
        """Vectors of a row of X that a vector of the result of this phase needs."""
        first = self.sw * self.q * phase
        return (first + self.reach - 1) // self.p - first // self.p + 1

    def passes(self, dtype: str) -> Iterator[tuple[int, int]]:
        """(vectors of a row of the result, times that they pass) of each tile of a column, a class, a row of tiles."""
        for phase in range(min(self.phases, self.blocks)):
            count, first = -(-(self.blocks - phase) // self.phases), self.sw * self.q * phase
            for block in range(first // self.p, first // self.p + self.met(phase)):
                for k in range(tiles(self.ci)):
                    low, high = max(0, first - self.p * block), min(self.p, first + self.reach - self.p * block)
                    across = self.ci > LANES
                    used = min(LANES, self.ci - LANES * k) if across else high * self.ci
                    halves = int(across or low * self.ci < LANES // 2) + int(used > LANES // 2)
                    if self.fold > 1:
                        halves = 1 + int(self.fold * self.p * self.ci > LANES // 2)
                    yield count, halves if dtype == "f16" else 1

    def cost(self, dtype: str) -> int:
        """Cycles that the planes need: for each tile as many as it takes to load, or to stream, whichever is more.

        A sum is added to again 20 cycles later at the soonest.
        """
        planes = 2 if dtype == "f16" else 4
        if self.alone:
            busy = max(20, self.sums) * max(times for _, times in self.passes(dtype))
            copies = self.units * tiles(self.ci) * self.sh * self.across * self.n * self.high(dtype) // 4
            return self.rounds(dtype) * max(44, busy) + self.columns * self.sums + copies
        loads = self.lines // 4 + 4 if dtype == "f16" else self.lines // 8 + 8
        if self.weights(2 if dtype == "f16" else 1) > 16 * WORDS:  # 32 slices, far apart, for one load after the other
            loads += 50
        rows = self.n * self.rows // planes
        each = sum(max(loads, max(20, count * rows) * times) for count, times in self.passes(dtype))
        folding = self.classes * self.across * self.n * self.high(dtype) // planes if self.fold > 1 else 0
        return self.columns * self.classes * self.down * each + folding

    def defines(self, bias: int, dtype: str) -> Mapping[str, int]:
        """The parameters of the source."""
        own = {"N": self.n, "OH": self.oh, "OW": self.ow, "KH": self.kh, "KW": self.kw, "SH": self.sh, "SW": self.sw}
        own |= {"UNITS": self.units, "CI": self.ci, "CO": self.co, "P": self.p, "Q": self.q}
        own |= {"PHASES": min(self.phases, self.blocks), "FOLD": self.fold, "TILES": int(self.alone), "BIAS": bias}
        return own | {"F16": int(dtype == "f16")}

    @property
    def columns(self) -> int:
        """Tiles across the channels of the result."""
        return self.units * tiles(self.co)

    @property
    def sums(self) -> int:
        """Vectors of a column of the result, where planes have tiles of their own."""
        return self.blocks * self.n * self.oh

    def rounds(self, dtype: str) -> int:
        """Tiles that a plane has of its own."""
        return -(-self.columns * self.kh * self.met(0) * tiles(self.ci) // (2 if dtype == "f16" else 4))

    @property
    def across(self) -> int:
        """Vectors of a row of X."""
        return (self.sw * self.q * (self.blocks - 1) + self.reach - 1) // self.p + 1

    @property
    def most(self) -> int:
        """Vectors of X that a vector of the result may need."""
        return (self.reach + self.p - 2) // self.p + 1 if min(self.phases, self.blocks) > 1 else self.met(0)

    @property
    def lines(self) -> int:
        """Rows of a tile that are loaded."""
        return 16 * -(-min(LANES, self.q * self.co) // 16)

    def high(self, dtype: str) -> int:
        """Rows of X of a stride, a multiple of those that lie side by side; 0 where they do not fit."""
        deep = self.units * tiles(self.ci) * self.sh * self.across * self.n
        rows = self.rows + (self.down if self.fold > 1 else (self.kh - 1) // self.sh)
        for spread in (4, 8) if dtype == "f16" else (4, 8, 16):
            if deep * 4 * -(-rows // 4) <= spread * WORDS:
                high = spread * -(-rows // spread)
                return high if deep * high <= spread * WORDS else 0
        return 0

    def weights(self, size: int) -> int:
        """Vectors of bytes that the tiles of weights take, of elements of ``size`` bytes."""
        return self.columns * self.kinds * self.down * self.most * tiles(self.ci) * self.lines * size

    def fits(self, dtype: str, bias: int) -> bool:
        """Whether the tensors find room in the slices that the source gives them."""
        size = 2 if dtype == "f16" else 1
        results = self.columns * self.kinds * -(-self.blocks // min(self.phases, self.blocks)) * self.n * self.rows
        if self.fold > 1:
            # Folded vectors of every other class lie in the same bank of four slices; X and Y share some slices.
            rows, folded = self.across * self.n * self.high(dtype), -(-self.classes // 2)
            given = (rows + 4 * self.across * self.n) * size
            if folded * rows > 2 * WORDS or given + results > 4 * WORDS:
                return False
        if self.alone:
            high = self.high(dtype)
            words = self.units * tiles(self.ci) * self.sh * self.across * self.n * high
            loads = self.rounds(dtype) * self.lines // 8
            return self.phases == 1 and high > 0 and words <= 4 * WORDS and max(loads, results, self.columns) <= WORDS
        words = WORDS - self.columns * bias
        room = self.weights(size) <= 32 * words and results <= (4 if dtype == "f16" else 8) * words
        return self.high(dtype) > 0 and room


@lru_cache(256)
def plan(shape: Shape, dtype: str) -> Plan | None:
    """The cheapest of the plans that fit; None where none does."""
    either = [replace(p, alone=alone) for p in plans(shape) for alone in (False, True) if p.fold == 1 or not alone]
    fitting = [p for p in either if p.fits(dtype, shape.BIAS)]
    if shape.APART:
        fitting = [p for p in fitting if p.p == p.q == p.packed == p.fold == 1]
    return min(fitting, key=lambda p: (p.cost(dtype), p.phases, p.p), default=None)


def plans(shape: Shape) -> Iterator[Plan]:
    """The ways to lay a convolution out."""
    s = shape
    oh, ow = s.out
    if oh == ow == s.GROUPS == 1 and s.KH * s.KW > 1:
        yield from _lines("whole", s.N, s.KH * s.KW * s.I, s.O, 1)
    if s.KH == s.KW == 1:
        yield from _lines("line", s.N * oh * ow, s.I, s.O, s.GROUPS, s.SH * s.SW == 1)
    for part in _parts(s.I, s.O, s.GROUPS):
        rows = Plan("rows", s.N, oh, ow, s.KH, s.KW, s.SH, s.SW, *part)
        yield rows
        yield replace(rows, way="turned", oh=ow, ow=oh, kh=s.KW, kw=s.KH, sh=s.SW, sw=s.SH)
        if rows.units == 1:
            for q in range(1, min(ow, max(1, LANES // rows.co)) + 1):
                for fold in (1, *(f for f in (2, 3, 4) if f % s.SH == 0 and s.KH > 1)):
                    most = LANES // (rows.ci * fold)
                    yield from (replace(rows, p=p, q=q, fold=fold) for p in _pixels(most, s.SW * q, s.W + 2 * s.PW))


def _lines(way: str, pixels: int, i: int, o: int, groups: int, packs: bool = True) -> Iterator[Plan]:
    for part in _parts(i, o, groups):
        _, packed, ci, co = part
        most = min(LANES // ci, LANES // co, pixels) if packs and packed == groups else 1
        for p in {1, max(1, most)}:
            yield Plan(way, 1, -(-pixels // p), p, 1, 1, 1, 1, *part, p, p)


def _parts(i: int, o: int, groups: int) -> Iterator[tuple[int, int, int, int]]:
    """(groups, groups of a unit, its channels in, out): all in one, or as many as a vector holds."""
    one, two = i // groups, o // groups
    for packed in {1, groups, max(1, min(groups, LANES // max(one, two)))}:
        if packed == 1 or max(one, two) * packed <= LANES:
            yield groups, packed, one * packed, two * packed


def _pixels(most: int, step: int, width: int) -> Iterator[int]:
    """How many pixels of a row to put into a vector: what the results' vectors step by, its multiples, or all."""
    found = {most, most // step * step, min(step, most), -(-width // step) * step, width}
    yield from (p for p in found if 1 < p <= most)

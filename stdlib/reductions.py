"""Reductions of axes: reduce_sum, reduce_max, reduce_mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

#: The ways of `reduce.s`, which says what they are, and those that transpose rows.
DOWN, ACROSS, DOWN_ACROSS, BY_PLANES, ROWS_FIRST = range(5)
_TRANSPOSED = (ACROSS, DOWN_ACROSS, ROWS_FIRST)
_TYPES = {"float32": "f32", "float16": "f16", "int32": "i32"}
_BANK = WORDS // 2
#: Tiles that the planes are given one by one: five flows each.
_TILES = 256
#: Cycles of a level beside its issues, and of a round of shifts.
_LEVEL, _ROUND = 36, 76


def issues(n: int, each: int = 8) -> int:
    """Cycles of the trees of a column of n vectors: a level takes ``each``, those after it eight at once."""
    left = -(-n // each)
    return left + (issues(left) if left > 1 else 0)


def levels(n: int, each: int = 8) -> int:
    """Levels of the tree of a column of n vectors."""
    left = -(-n // each)
    return 1 + (levels(left) if left > 1 else 0)


def temporaries(n: int, each: int = 8) -> tuple[int, int]:
    """Words that what lies between the levels of a column takes, in the bank of its operands and in the other."""
    left = -(-n // each)
    if left == 1:
        return 0, 0
    same, other = temporaries(left)
    return other, same + -(-left // 8)


@dataclass(frozen=True)
class Plan:
    """How an array [outer, reduced, inner] goes through: the parameters of `reduce.s`, which says what they mean."""

    way: int
    columns: int
    vectors: int
    split: bool = False
    cast: bool = False
    octets: int = 4
    last: bool = False
    span: int = 20
    rows: int = LANES

    @property
    def west(self) -> int:
        """Columns, rows or blocks of the west."""
        half = -(-self.columns // 2)
        if self.way in _TRANSPOSED:
            half = min(self.columns, 16 * -(-self.columns // 32))
        return self.columns if self.split else half

    @property
    def deep(self) -> int:
        """Vectors of a column, on the side that has more."""
        return -(-self.vectors // 2) if self.split else self.vectors

    @property
    def together(self) -> int:
        """Rows of a few tiles that a side takes in a cycle (ROWS_FIRST)."""
        return 2 if self.vectors <= 4 and not self.cast else 1

    @property
    def rounds(self) -> int:
        """Rounds of shifts by superlanes."""
        if self.way not in _TRANSPOSED or self.span == 1:
            return 0
        return 1 if self.span <= 3 else 2 if self.span <= 7 else 3

    @property
    def depth(self) -> int:
        """Sums, each rounded once, that an element goes through at most."""
        each, rounding = (4, 2) if self.cast else (8, 3)
        total = 3 if self.last else 0
        if self.way in (DOWN, DOWN_ACROSS):
            total += rounding + 3 * (levels(self.deep, each) - 1) + self.split
        if self.way == ACROSS:
            total += rounding + 3 * (levels(16 * self.vectors, each) - 1)
        if self.way == DOWN_ACROSS:
            total += 6
        if self.way == ROWS_FIRST:
            total += 4 + (2 if self.vectors <= 4 else 3)
        if self.way == BY_PLANES:
            total += 1 + 3 * levels(self.vectors)
        return total + 2 * self.rounds

    def cycles(self) -> int:
        """The cycles that are promised."""
        each = 4 if self.cast else 8
        total = 30
        if self.last and not self.rounds:
            total += 45 + (-(-self.west // 16) if self.way in _TRANSPOSED else self.west)
        if self.way in (DOWN, DOWN_ACROSS):
            total += self.west * issues(self.deep, each) + _LEVEL * levels(self.deep, each)
        if self.way == DOWN_ACROSS:
            total += 2 * self.west + 80
        if self.way == ROWS_FIRST:
            total += -(-self.west // 16) * 16 // self.together + 40
        if self.way in _TRANSPOSED:
            groups, deep = -(-self.west // 16), self.vectors if self.way == ACROSS else 1
            first = each if self.way == ACROSS else 8
            total += groups * (deep * self.octets // 2 + issues(16 * deep, first)) + 75
            total += -(-groups // 2) * self.rounds
            total += _LEVEL * levels(16 * deep, first) + _ROUND * self.rounds
        if self.way == BY_PLANES:
            total += self.west * (-(-self.vectors // 2) * (self.rows // 16 + 6) + issues(self.vectors))
            total += 110 + _LEVEL * levels(self.vectors)
        return total

    def fits(self) -> bool:
        """Whether the tensors find room in half a slice each, and the program is of a sensible length."""
        each = 4 if self.cast else 8
        groups = -(-self.west // 16)
        here = there = 0
        if self.way in (DOWN, DOWN_ACROSS):
            same, other = temporaries(self.deep, each)
            here, there = self.west * (-(-self.deep // 8) + same), self.west * other
        if self.way in (ACROSS, DOWN_ACROSS):
            deep, first = (self.vectors, each) if self.way == ACROSS else (1, 8)
            same, other = temporaries(16 * deep // first * 8)
            planes = groups * deep * self.octets // 2
            here, there = here + planes + groups * other, there + planes + groups * same
        if self.way == ROWS_FIRST:
            same, other = temporaries(16)
            here = groups * (self.octets // 2 + 16 // (2 if self.cast else self.together) + same)
            there = groups * (self.octets // 2 + 1 + other)
        if self.way == BY_PLANES:
            here = self.west * -(-self.vectors // 2) * self.rows // 16
            other, same = temporaries(self.vectors)
            there = self.west * (-(-self.vectors // 8) + same)
            here += self.west * other
            if self.columns * self.vectors > 2 * _TILES:
                return False
        if self.rounds:
            pairs = -(-groups // 2)
            here, there = here + pairs, there + pairs
        results = groups if self.way in (ACROSS, ROWS_FIRST) else 2 * self.west if self.way == BY_PLANES else self.west
        return max(here, there, results) <= _BANK


def plans(name: str, dtype: str, outer: int, pieces: int, reduced: int, inner: int) -> list[Plan]:
    """All ways of a reduction, fitting or not."""
    mean, small = name == "reduce_mean", name == "reduce_max" and dtype == "f16"
    cast = dtype == "f16" or (dtype == "i32" and mean)
    last = mean or small
    found = []
    if inner > 1:
        columns = outer * tiles(inner)
        found.append(Plan(DOWN, columns, pieces * reduced, cast=cast, last=last))
        if pieces * reduced > 1:
            found.append(Plan(DOWN, columns, pieces * reduced, split=True, cast=cast, last=True))
        return found
    deep, span = pieces * tiles(reduced), -(-min(reduced, LANES) // 16)
    octets = 2 if dtype == "f16" else 4
    found.append(Plan(ACROSS, outer, deep, cast=cast, octets=octets, last=last, span=span))
    if deep > 1:
        found.append(Plan(DOWN_ACROSS, outer, deep, split=outer <= 16, cast=cast, last=last, span=span))
    if 3 <= deep <= (4 if cast else 8):
        found.append(Plan(ROWS_FIRST, outer, deep, cast=cast, last=last, span=span))
    if dtype == "f16" and not small:
        rows = 16 * -(-min(outer, LANES) // 16)
        halves = -(-reduced // (LANES // 2)) if pieces == 1 else 2 * deep
        found.append(Plan(BY_PLANES, tiles(outer), halves, last=last, rows=rows))
    return found


def _best(name: str, dtype: str, *sizes: int) -> Plan | None:
    return min((plan for plan in plans(name, dtype, *sizes) if plan.fits()), key=Plan.cycles, default=None)


def _plan(name: str, dtype: str, outer: int, pieces: int, reduced: int, inner: int) -> Plan:
    found = _best(name, dtype, outer, pieces, reduced, inner)
    if found is not None:
        return found
    wanted = f"O={outer}, P={pieces}, R={reduced}, I={inner}"
    most = largest(lambda n: _best(name, dtype, n, pieces, reduced, inner) is not None, outer)
    if most:
        help_ = f"up to O={most} fit with the other sizes; the rest is another call"
        raise too_large(f"{name} {dtype}", wanted, help_)
    most = largest(lambda n: _best(name, dtype, outer, n, reduced, inner) is not None, pieces)
    if most:
        raise too_large(f"{name} {dtype}", wanted, f"up to P={most} fit; reduce parts, and then what they give")
    most = largest(lambda n: _best(name, dtype, outer, 1, n, inner) is not None, reduced)
    raise too_large(f"{name} {dtype}", wanted, f"up to P=1, R={most} fit; reduce parts, and then what they give")


def _defines(name: str, *, R: int, O: int = 1, I: int = 1, P: int = 1, dtype: str = "f32") -> Mapping[str, int]:  # noqa: E741
    if min(O, P, R, I) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    plan = _plan(name, dtype, O, P, R, I)
    return {
        "C": plan.columns, "R": plan.vectors, "N": P * R, "WAY": plan.way, "SPLIT": int(plan.split), "SPAN": plan.span,
        "ROWS": plan.rows, "F16": int(dtype == "f16"), "I32": int(dtype == "i32"),
    }  # fmt: skip


def _cycles(name: str, *, R: int, O: int = 1, I: int = 1, P: int = 1, dtype: str = "f32") -> int:  # noqa: E741
    return _plan(name, dtype, O, P, R, I).cycles()


def axes_of(name: str, shape: tuple[int, ...], axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The axes that are meant, from 0 on, in order.

    Raises:
        WrongValue: there is no such axis, or one is named twice.
    """
    rank = len(shape)
    if axis is None:
        return tuple(range(rank))
    named = axis if isinstance(axis, tuple) else (axis,)
    if not rank and all(a in (0, -1) for a in named):
        return ()
    if any(not -rank <= a < rank for a in named):
        raise wrong_value(f"{name}: there is no axis {axis} in an array of {rank} axes")
    found = sorted(a % rank for a in named)
    if len(set(found)) < len(found):
        raise wrong_value(f"{name}: an axis is named twice in {axis}")
    return tuple(found)


def nest(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, int, int, int]]:
    """(order, (outer, pieces, reduced, inner)): the axes as they are taken, and what they come to.

    ``inner`` are the axes after the last that is reduced, ``reduced`` those that are reduced just before them: these
    are lanes, and stay as they are. Those before are taken in any order, since they only say which vector lies where.
    ``pieces`` is what is reduced there; with inner axes it is the same as ``reduced``, and counted so.
    """
    rank = len(shape)
    long = [a for a in axes if shape[a] != 1]
    if not long:
        return tuple(range(rank)), (1, 1, 1, prod(shape))
    end = long[-1] + 1
    start = next((a + 1 for a in reversed(range(end)) if a not in axes and shape[a] != 1), 0)
    kept = [a for a in range(start) if a not in axes]
    apart = [a for a in range(start) if a in axes]
    order = (*kept, *apart, *range(start, rank))
    outer, pieces = prod(shape[a] for a in kept), prod(shape[a] for a in apart)
    reduced, inner = prod(shape[start:end]), prod(shape[end:])
    return order, ((outer, pieces, reduced, 1) if inner == 1 else (outer, 1, pieces * reduced, inner))


def _sides(x: Array, plan: Plan) -> list[tuple[str, Array]]:
    """The part of each side, of columns [columns, vectors, ...] or rows."""
    if plan.split:
        cut = -(-plan.vectors // 2)
        return [("w", x[:, :cut]), ("e", x[:, cut:])]
    return [(h, part) for h, part in (("w", x[: plan.west]), ("e", x[plan.west :])) if len(part)]


def byte_planes(rows: Array, neutral: Any) -> list[Array]:
    """The byte planes of rows [rows, tiles, 320] in groups of sixteen, tile by tile: each u8 [vectors, 320]."""
    import numpy as np

    groups = np.full((-(-len(rows) // 16) * 16, *rows.shape[1:]), neutral, rows.dtype)
    groups[: len(rows)] = rows
    dealt = np.ascontiguousarray(groups.reshape(-1, 16, *rows.shape[1:]).swapaxes(1, 2)).reshape(-1, LANES)
    octets = dealt.view(np.uint8).reshape(-1, LANES, rows.dtype.itemsize)
    return [np.ascontiguousarray(octets[:, :, p]) for p in range(rows.dtype.itemsize)]


def _places(rows: Array, plan: Plan, neutral: Any) -> Array:
    """Rows [rows, tiles, 320] by groups of sixteen, and in these by flows: [groups, flows, places, 320]."""
    import numpy as np

    groups = np.full((-(-len(rows) // 16), 16, 4 if plan.vectors <= 4 else 8, LANES), neutral, rows.dtype)
    groups.reshape(-1, *groups.shape[2:])[: len(rows), : rows.shape[1]] = rows
    if plan.cast or plan.together == 1:
        return groups
    pairs = groups.reshape(-1, 2, 2, 4, 4, LANES).swapaxes(2, 3)
    return np.ascontiguousarray(pairs).reshape(-1, 8, 8, LANES)


def _inputs(x: Array, plan: Plan, neutral: Any) -> Mapping[str, Array]:
    """The tensors of x [outer, pieces, reduced, inner]: lanes beyond the edge, and rows of no block, are neutral."""
    import numpy as np

    outer, pieces, reduced, inner = x.shape
    if plan.way == DOWN:
        wide = np.zeros((outer, reduced, tiles(inner) * LANES), x.dtype)
        wide[:, :, :inner] = x[:, 0]
        cut = wide.reshape(outer, reduced, -1, LANES).swapaxes(1, 2).reshape(plan.columns, reduced, LANES)
    else:
        padded = -(-outer // plan.rows) * plan.rows if plan.way == BY_PLANES else outer
        full = np.full((padded, pieces, tiles(reduced) * LANES), neutral, x.dtype)
        full[:outer, :, :reduced] = x[..., 0]
        cut = full.reshape(padded, -1, LANES)
    found: dict[str, Array] = {}
    if plan.way == BY_PLANES:
        blocks = cut.reshape(plan.columns, plan.rows, -1, LANES).swapaxes(1, 2)
        return {f"X_{h}": np.ascontiguousarray(part) for h, part in _sides(blocks, plan)}
    for h, part in _sides(cut, plan):
        if plan.way == ROWS_FIRST:
            found[f"X_{h}"] = _places(part, plan, neutral)
        elif plan.way == ACROSS:
            found |= {f"X{p}_{h}": octets for p, octets in enumerate(byte_planes(part, neutral))}
        else:
            deep = np.zeros((len(part), -(-part.shape[1] // 8) * 8, LANES), x.dtype)
            deep[:, : part.shape[1]] = part
            found[f"X_{h}"] = deep
    return found


def _finish(outputs: Mapping[str, Array], plan: Plan, outer: int, inner: int) -> Array:
    """The result [outer, inner] of a program's outputs."""
    import numpy as np

    parts = [outputs[f"Y_{h}"] for h in "we" if f"Y_{h}" in outputs]
    if plan.way == DOWN:
        return np.concatenate(parts).reshape(outer, -1)[:, :inner]
    if plan.way == BY_PLANES:
        return np.concatenate(parts).reshape(-1)[:outer, None]
    first = 16 * (0, 2, 6, 0)[plan.rounds]
    rows = (plan.west, outer - plan.west)
    ends = [part[:, first : first + 16].reshape(-1)[:count] for part, count in zip(parts, rows, strict=False)]
    return np.concatenate(ends)[:, None]


def _prepare(name: str, x: Any, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False) -> Call:
    import numpy as np

    x = np.asarray(x)
    dtype = _TYPES.get(x.dtype.name)
    if dtype is None:
        raise wrong_type(f"{name} takes float32, float16 or int32, not {x.dtype}")
    axes = axes_of(name, x.shape, axis)
    kept = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    shape = kept if keepdims else tuple(n for a, n in enumerate(x.shape) if a not in axes)
    largest_ = name == "reduce_max"
    made = x.dtype if largest_ or (dtype == "i32" and name == "reduce_sum") else np.dtype(np.float32)
    if not x.size:
        if largest_ and 0 not in shape:
            raise wrong_value(f"{name}: of no elements there is no largest")
        empty = np.full(shape, np.nan if name == "reduce_mean" else 0, made)
        return Call(None, dtype, lambda program: {}, lambda outputs: empty)
    order, sizes = nest(x.shape, axes)
    plan = _plan(name, dtype, *sizes)
    least = np.iinfo(np.int32).min if dtype == "i32" else -np.inf

    def inputs(program: Program) -> Mapping[str, Array]:
        return _inputs(x.transpose(order).reshape(sizes), plan, least if largest_ else 0)

    def finish(outputs: Mapping[str, Array]) -> Array:
        return np.ascontiguousarray(_finish(outputs, plan, sizes[0], sizes[3])).reshape(shape)

    return Call(dict(zip("OPRI", sizes, strict=True)), dtype, inputs, finish)


_FORMULA = (
    "P(n) = ⌈n/8⌉ + ⌈n/64⌉ + … to 1, L(n) how many these are; of what the busier side has: C columns of n vectors: "
    "C·P(n) + 36·L(n) + 30; G groups of 16 rows of T tiles: G·(T·bytes/2 + P(16·T) + s/2) + 36·L(16·T) + 76·s + 105, "
    "s ≤ 3 rounds of shifts, or, with the tiles as columns of their own first, both, 2 a row, and 80, or, of three to "
    "eight tiles, that of one tile and 16·G, of up to four 8·G, and 40; B blocks of h "
    "rows, H halves of tiles: B·(⌈H/2⌉·(h/16 + 6) + P(H)) + 36·L(H) + 140; what is cast goes ⌈n/4⌉ first; a result "
    "that is scaled, cast or met from both sides: its vectors and 45"
)
_SUMS = (
    "d · 2⁻²⁴ of the sum of magnitudes, d the additions that an element goes through: three a level, of eight, "
    "two a round of shifts (`Plan.depth`): 9 for 512 rows, 12 for rows of 1,280, 25 for a million elements"
)


def _reduction(name: str, says: str, error: str, bound: float | None) -> Kernel:
    contract = Contract(
        types=("f32", "f16", "i32"),
        shapes="any; one axis, several or (None) all. Of a program: [O, P, R, I], of which P and R are reduced: lanes "
        "are R and, if it is more than 1, I alone",
        error=error,
        bound=bound,
        cycles=partial(_cycles, name),
        formula=_FORMULA,
    )
    given = f"{name}(x, axis=-1, keepdims=False)"
    return Kernel(name, contract, partial(_defines, name), partial(_prepare, name), doc=f"{given}: {says}")


REDUCE_SUM = _reduction(
    "reduce_sum", "the sum along axes; of f16 in f32.", f"i32: exact, modulo 2³²; else {_SUMS}", None
)
REDUCE_MEAN = _reduction("reduce_mean", "the mean along axes, in f32.", f"{_SUMS}, and 3 for the division", None)
REDUCE_MAX = _reduction("reduce_max", "the largest along axes; a NaN prevails.", "exact", 0.0)

"""Weights that add up to one: softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, largest, too_large
from lpuasm.stdlib.products import LANES, WORDS, tiles
from lpuasm.stdlib.reductions import axes_of, byte_planes, issues, levels, nest
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_TYPES = {"float32": "f32", "float16": "f16"}
_BANK = WORDS // 2


@dataclass(frozen=True)
class Plan:
    """How an array [outer, reduced, inner] goes through: the parameters of `softmax.s`, which says what they mean."""

    across: bool
    columns: int
    vectors: int
    split: bool = False
    short: bool = False
    half: bool = False
    cross: bool = False

    @property
    def west(self) -> int:
        """Columns, or rows, of the west."""
        if self.split:
            return self.columns
        return min(self.columns, 16 * -(-self.columns // 32)) if self.across else -(-self.columns // 2)

    @property
    def trees(self) -> int:
        """Columns of a side, on the side that has more: of rows, groups of sixteen."""
        return -(-self.west // 16) if self.across else self.west

    @property
    def deep(self) -> int:
        """Vectors of each."""
        return 16 * self.vectors if self.across else self.vectors

    @property
    def depth(self) -> int:
        """Additions, each rounded once, that a power goes through."""
        return 3 * levels(self.deep) + self.split + 6 * (self.across and not self.short) + 12 * self.cross

    def cycles(self) -> int:
        """The cycles that are promised."""
        n = self.trees * self.deep
        kept = not self.half and self.deep >= 64 and self.trees <= 48
        total = 3 * self.trees + 2 * (self.trees * issues(self.deep) + 24 * levels(self.deep)) + n // 4 + 128
        total += n // 8 + (4 if self.across else 2) * self.trees if kept else n // 4
        total += (n // 4 + 35) * self.half + 35 * self.split
        if self.across:
            total += n // (8 if self.half else 4) + 60
            total += (6 * self.trees + 430) * (not self.short)
        if self.cross:
            total += 14 * self.trees + 860
        return total

    def fits(self) -> bool:
        """Whether the tensors find room in half a slice each."""
        if self.cross and self.trees > 16:
            return False
        words = self.trees * self.deep // 8
        return 3 * words + 3 * self.trees <= _BANK if self.across else 2 * words + words // 4 + self.trees <= _BANK


def plans(dtype: str, outer: int, reduced: int, inner: int) -> list[Plan]:
    """All ways of a softmax over the middle axis, fitting or not."""
    half = dtype == "f16"
    if inner == 1:
        deep = tiles(reduced)
        found = [Plan(True, outer, deep, short=reduced <= 16, half=half)]
        found.append(Plan(False, outer, 8 * -(-deep // 8), half=half, cross=True))
        found.append(Plan(False, outer, 8 * -(-deep // 16), split=True, half=half, cross=True))
        return found
    columns = outer * tiles(inner)
    found = [Plan(False, columns, 8 * -(-reduced // 8), half=half)]
    if reduced > 8:
        found.append(Plan(False, columns, 8 * -(-reduced // 16), split=True, half=half))
    return found


def _best(dtype: str, outer: int, reduced: int, inner: int) -> Plan | None:
    fitting = [plan for plan in plans(dtype, outer, reduced, inner) if plan.fits()]
    return min(fitting, key=Plan.cycles, default=None)


def _plan(dtype: str, outer: int, reduced: int, inner: int) -> Plan:
    found = _best(dtype, outer, reduced, inner)
    if found is not None:
        return found
    wanted = f"O={outer}, R={reduced}, I={inner}"
    most = largest(lambda n: _best(dtype, n, reduced, inner) is not None, outer)
    if most:
        raise too_large(f"softmax {dtype}", wanted, f"up to O={most} fit with these R and I; the rest is another call")
    most = largest(lambda n: _best(dtype, outer, n, inner) is not None, reduced)
    raise too_large(f"softmax {dtype}", wanted, f"up to R={most} fit with these O and I")


def _defines(*, R: int, O: int = 1, I: int = 1, dtype: str = "f32") -> Mapping[str, int]:  # noqa: E741
    if min(O, R, I) < 1:
        raise wrong_dimension("the dimensions of a program are 1 or more")
    plan = _plan(dtype, O, R, I)
    return {
        "C": plan.columns, "R": plan.vectors, "ACROSS": int(plan.across), "CROSS": int(plan.cross),
        "SPLIT": int(plan.split), "SHORT": int(plan.short), "F16": int(plan.half),
    }  # fmt: skip


def _cycles(*, R: int, O: int = 1, I: int = 1, dtype: str = "f32") -> int:  # noqa: E741
    return _plan(dtype, O, R, I).cycles()


def _sides(columns: Array, plan: Plan) -> list[tuple[str, Array]]:
    if plan.split:
        return [("w", columns[:, : plan.vectors]), ("e", columns[:, plan.vectors :])]
    return [(h, part) for h, part in (("w", columns[: plan.west]), ("e", columns[plan.west :])) if len(part)]


def _inputs(x: Array, plan: Plan) -> Mapping[str, Array]:
    """The tensors of x [outer, reduced, inner]: whatever pads what is summed is −∞."""
    import numpy as np

    outer, reduced, inner = x.shape
    if plan.across:
        rows = np.full((outer, plan.vectors * LANES), -np.inf, x.dtype)
        rows[:, :reduced] = x[:, :, 0]
        cut = rows.reshape(outer, -1, LANES)
        return {f"X{p}_{h}": a for h, part in _sides(cut, plan) for p, a in enumerate(byte_planes(part, -np.inf))}
    name = "H" if plan.half else "X"
    deep = plan.vectors * (2 if plan.split else 1)
    if plan.cross:
        rows = np.full((outer, deep * LANES), -np.inf, x.dtype)
        rows[:, :reduced] = x[:, :, 0]
        cut = rows.reshape(outer, deep, LANES)
        return {f"{name}_{h}": np.ascontiguousarray(part) for h, part in _sides(cut, plan)}
    wide = np.full((outer, deep, tiles(inner) * LANES), -np.inf, x.dtype)
    wide[:, :reduced, :inner] = x
    cut = wide.reshape(outer, deep, -1, LANES).swapaxes(1, 2).reshape(plan.columns, deep, LANES)
    return {f"{name}_{h}": np.ascontiguousarray(part) for h, part in _sides(cut, plan)}


def _finish(outputs: Mapping[str, Array], plan: Plan, shape: tuple[int, int, int], dtype: Any) -> Array:
    """The result [outer, reduced, inner] of a program's outputs."""
    import numpy as np

    outer, reduced, inner = shape
    if plan.across:
        found = []
        for h, count in (("w", plan.west), ("e", outer - plan.west)):
            if count:
                octets = np.stack([outputs[f"Y{p}_{h}"] for p in range(dtype.itemsize)], -1)
                groups = octets.view(dtype).reshape(-1, plan.vectors, 16, LANES).swapaxes(1, 2)
                found.append(groups.reshape(-1, plan.vectors * LANES)[:count, :reduced])
        return np.concatenate(found)[:, :, None]
    parts = [outputs[f"Y_{h}"] for h in "we" if f"Y_{h}" in outputs]
    whole = np.concatenate(parts, 1 if plan.split else 0)
    if plan.cross:
        return whole.reshape(outer, -1)[:, :reduced, None]
    cut = whole.reshape(outer, -1, whole.shape[1], LANES).swapaxes(1, 2).reshape(outer, whole.shape[1], -1)
    return cut[:, :reduced, :inner]


def _prepare(x: Any, axis: int = -1) -> Call:
    import numpy as np

    x = np.asarray(x)
    dtype = _TYPES.get(x.dtype.name)
    if dtype is None:
        raise wrong_type(f"softmax takes float32 or float16, not {x.dtype}")
    if not isinstance(axis, int):
        raise wrong_type(f"softmax: an axis is one number, not {axis}")
    axes = axes_of("softmax", x.shape, axis)
    if not x.size:
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(x.shape, x.dtype))
    outer, _, reduced, inner = nest(x.shape, axes)[1]
    shape = outer, reduced, inner
    plan = _plan(dtype, *shape)

    def inputs(program: Program) -> Mapping[str, Array]:
        return _inputs(x.reshape(shape), plan)

    def finish(outputs: Mapping[str, Array]) -> Array:
        return np.ascontiguousarray(_finish(outputs, plan, shape, x.dtype)).reshape(x.shape)

    return Call(dict(zip("ORI", shape, strict=True)), dtype, inputs, finish)


SOFTMAX = Kernel(
    "softmax",
    Contract(
        types=("f32", "f16"),
        shapes="any shape, any axis; the result has it too. Of a program: [O, R, I], R is the axis",
        error="f32: (d + ln n + D + 7) · 2⁻²⁴ of the result, d how far x is below the largest, n elements, D additions "
        "that one goes through (`Plan.depth`: 9 for 512, 12 for a row of 1,280, 19 for one of 32,000), and 2⁻¹⁴⁸; "
        "f16: 2⁻¹¹ + 2⁻¹⁸ of the result, or 2⁻²⁵ + 2⁻³²",
        bound=None,
        cycles=_cycles,
        formula="3·G + 2·(G·P(n) + 24·L(n)) + G·n/4 + 128 for G columns, or groups of 16 rows, of n vectors on a "
        "side, P(n) = ⌈n/8⌉ + ⌈n/64⌉ + … to 1, L(n) how many these are; to scale G·n/8 + 2·G (rows: 4·G), or, for f16, "
        "n < 64 or G > 48, G·n/4; f16: G·n/4 + 35; columns cut in two: 35; rows: G·n/4 (f16: G·n/8) + 60, and, above "
        "16 lanes, 6·G + 430; rows as columns: 14·G + 860",
    ),
    _defines,
    _prepare,
    doc="softmax(x, axis=-1): exp(x - max(x)) / sum(exp(x - max(x))) along an axis.",
)

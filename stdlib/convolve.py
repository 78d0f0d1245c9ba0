"""conv2d: convolutions of images, NHWC, with strides, padding and groups."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.kernel import Call, Contract, Kernel, check_arguments, largest, too_large
from lpuasm.stdlib.products import LANES, product_type, tiles
from lpuasm.stdlib.refusals import wrong_dimension, wrong_type, wrong_value
from lpuasm.stdlib.windows import Plan, Shape, plan

if TYPE_CHECKING:
    from lpuasm.isa.program import Program
    from lpuasm.stdlib.kernel import Array

_RESULT = {"i8": "int32", "f16": "float16"}


def _cycles(*, dtype: str = "i8", **dims: int) -> int:
    laid = plan(Shape(**dims), dtype)
    return 0 if laid is None else laid.cost(dtype) * 11 // 10 + 300


def _defines(*, dtype: str = "i8", **dims: int) -> Mapping[str, int]:
    check_arguments("conv2d", wrong_dimension, Shape, **dims)
    shape = Shape(**dims)
    sizes = (shape.N, shape.H, shape.W, shape.I, shape.O, shape.KH, shape.KW, shape.SH, shape.SW, shape.GROUPS)
    if min(sizes) < 1 or min(shape.PH, shape.PW) < 0 or shape.I % shape.GROUPS or shape.O % shape.GROUPS:
        raise wrong_dimension(
            "the dimensions of a program are 1 or more, padding 0 or more, and GROUPS divides I and O"
        )
    if min(shape.out) < 1:
        raise wrong_dimension("the kernel is larger than the image")
    laid = plan(shape, dtype)
    if laid is None:
        images = largest(lambda n: plan(Shape(**{**dims, "N": n}), dtype) is not None, shape.N)
        rows = largest(lambda h: plan(Shape(**{**dims, "H": max(h, shape.KH)}), dtype) is not None, shape.H)
        ways = [f"N up to {images}"] * (images > 0) + [f"bands of up to {rows} rows"] * (rows >= shape.KH)
        help_ = f"what fits: {', or '.join(ways)}" if ways else "cut O into several calls, or I and add the results"
        wanted = ", ".join(f"{key}={value}" for key, value in dims.items())
        raise too_large(f"conv2d {dtype}", wanted, help_)
    return laid.defines(shape.BIAS, dtype)


def _pair(name: str, value: Any) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(isinstance(v, int) and not isinstance(v, bool) for v in pair):
        raise wrong_type(f"conv2d: {name} is an integer or a pair of them, not {value!r}")
    return pair[0], pair[1]


def _prepare(x: Any, w: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, groups: int = 1) -> Call:
    import numpy as np

    x, w = np.asarray(x), np.asarray(w)
    dtype = product_type("conv2d", x, w)
    (sh, sw), (ph, pw) = _pair("stride", stride), _pair("padding", padding)
    if x.ndim != 4 or w.ndim != 4:
        raise wrong_value(f"conv2d: x [N, H, W, I] and w [O, KH, KW, I/groups] are wanted, not {x.shape} and {w.shape}")
    (n, h, wide, i), (o, kh, kw, _) = x.shape, w.shape
    if min(sh, sw, groups) < 1 or min(ph, pw) < 0:
        raise wrong_value("conv2d: strides and groups are 1 or more, padding 0 or more")
    if i % groups or o % groups or w.shape[3] * groups != i:
        raise wrong_value(f"conv2d: {groups} groups do not divide {i} channels and {o} kernels of {w.shape[3]}")
    if not (1 <= kh <= h + 2 * ph and 1 <= kw <= wide + 2 * pw):
        raise wrong_value(f"conv2d: a kernel of {kh} × {kw} does not lie in an image of {h + 2 * ph} × {wide + 2 * pw}")
    kind = np.dtype(np.int32 if dtype == "i8" else np.float16)
    if bias is not None:
        bias = np.asarray(bias)
        if bias.shape != (o,) or bias.dtype != kind:
            raise wrong_type(f"conv2d: a bias of {o} {kind} is wanted, not {bias.shape} {bias.dtype}")
    if i == 0:  # sums of nothing are zeros all the same: one channel of them
        x, w, i, groups = np.zeros((n, h, wide, 1), x.dtype), np.zeros((o, kh, kw, 1), w.dtype), 1, 1
    apart = dtype == "f16" and not np.isfinite(x).all()
    shape = Shape(n, h, wide, i, o, kh, kw, sh, sw, ph, pw, groups, int(bias is not None), int(apart))
    result = (n, *shape.out, o)
    if not prod(result):
        return Call(None, dtype, lambda program: {}, lambda outputs: np.zeros(result, kind))

    def inputs(program: Program) -> Mapping[str, Array]:
        laid = plan(shape, dtype)
        assert laid is not None
        weights = bands(w, laid)
        given = images(x, shape, laid, laid.high(dtype))
        given["W"] = dealt(weights, laid, dtype) if laid.alone else weights
        if bias is not None:
            given["bias"] = columns(bias, laid)
        return given

    def finish(outputs: Mapping[str, Array]) -> Array:
        laid = plan(shape, dtype)
        assert laid is not None
        return results(outputs["Y"], shape, laid)

    return Call({k: int(v) for k, v in vars(shape).items()}, dtype, inputs, finish)


def images(x: Array, shape: Shape, laid: Plan, rows: int) -> dict[str, Array]:
    """X of images x: [units · tiles, strides, vectors of a row, images, ``rows``, LANES].

    Folded, X{i} has the rows that are i modulo ``fold``, in the lanes where they are wanted.
    """
    import numpy as np

    x = np.pad(x, ((0, 0), (shape.PH, shape.PH), (shape.PW, shape.PW), (0, 0)))
    if laid.way == "turned":
        x = x.transpose(0, 2, 1, 3)
    elif laid.way != "rows":
        high, wide = shape.out
        seen = x[:, : shape.KH, : shape.KW] if laid.way == "whole" else x[:, :: shape.SH, :: shape.SW][:, :high, :wide]
        flat = seen.reshape(-1, laid.groups * laid.ci // laid.packed)
        x = np.zeros((1, laid.oh, laid.p, flat.shape[1]), x.dtype)
        x.reshape(-1, flat.shape[1])[: len(flat)] = flat
    lanes, across = min(laid.ci, LANES), laid.across
    rows, step = (rows + 4, laid.fold) if laid.fold > 1 else (rows, laid.sh)
    padded = np.zeros((laid.n, rows * step, across * laid.p, laid.units, tiles(laid.ci) * lanes), x.dtype)
    x = x[:, : padded.shape[1], : padded.shape[2]]
    channels = np.zeros((*x.shape[:3], laid.units * laid.ci), x.dtype)
    channels[..., : x.shape[3]] = x
    padded[:, : x.shape[1], : x.shape[2], :, : laid.ci] = channels.reshape(*x.shape[:3], laid.units, laid.ci)
    cut = padded.reshape(laid.n, rows, step, across, laid.p, laid.units, tiles(laid.ci), lanes)
    dealt = cut.transpose(5, 6, 2, 3, 0, 1, 4, 7).reshape(-1, step, across, laid.n, rows, laid.p * lanes)
    made = np.zeros((*dealt.shape[:-1], LANES), x.dtype)
    if laid.fold == 1:
        made[..., : laid.p * lanes] = dealt
        return {"X": made}
    for i in range(step):
        made[0, i, ..., i * laid.p * lanes : (i + 1) * laid.p * lanes] = dealt[0, i]
    return {f"X{i}": made[0, i] for i in range(step)}


def bands(w: Array, laid: Plan) -> Array:
    """W of weights w: in the tile of vector j, row (q, o) and lane (p, i) have the weight between these pixels."""
    import numpy as np

    if laid.way == "turned":
        w = w.transpose(0, 2, 1, 3)
    elif laid.way == "whole":
        w = w.reshape(len(w), 1, 1, -1)
    units, packed = laid.units, laid.packed
    one, two, down, across = laid.ci // packed, laid.co // packed, tiles(laid.co), tiles(laid.ci)
    lanes, lines = min(laid.ci, LANES), min(laid.co, LANES)
    grouped = np.zeros((units * packed, two, laid.kh, laid.kw, one), w.dtype)
    grouped.reshape(-1, laid.kh, laid.kw, one)[: len(w)] = w
    grouped = grouped.reshape(units, packed, two, laid.kh, laid.kw, one)
    whole = np.zeros((units, down * lines, laid.kh, laid.kw, across * lanes), w.dtype)
    for g in range(packed):
        whole[:, g * two : g * two + two, :, :, g * one : g * one + one] = grouped[:, g]
    whole = whole.reshape(units * down, lines, laid.kh, laid.kw, across, lanes).transpose(0, 2, 3, 4, 1, 5)
    phases = min(laid.phases, laid.blocks)
    made = np.zeros((units * down, laid.kinds, laid.down, laid.most, across, laid.lines, LANES), w.dtype)
    for kind, q, k, row in product(range(laid.kinds), range(laid.q), range(laid.kw), range(laid.kh)):
        begin, phase = divmod(kind, phases)
        block, p = divmod(laid.sw * (laid.q * phase + q) + k, laid.p)
        j = block - laid.sw * laid.q * phase // laid.p
        # The row of X that meets this row of the kernel lies where its number modulo `fold` says.
        slot = (laid.sh * begin + row) % laid.fold
        lane, line = (slot * laid.p + p) * lanes, q * lines
        made[:, kind, row // laid.fold, j, :, line : line + lines, lane : lane + lanes] = whole[:, row, k]
    return made


def dealt(weights: Array, laid: Plan, dtype: str) -> Array:
    """W where planes have tiles of their own: tile i goes to plane i mod 4, or pair i mod 2, in turn."""
    import numpy as np

    planes, high = (1, 8) if dtype == "f16" else (2, 16)
    flat = np.zeros((laid.rounds(dtype) * 2 * planes, laid.lines, LANES), weights.dtype)
    given = weights.reshape(-1, laid.lines, LANES)
    flat[: len(given)] = given
    cut = flat.reshape(-1, 2, planes, laid.lines // high, high, LANES).transpose(0, 2, 3, 1, 4, 5)
    return np.ascontiguousarray(cut[:, 0] if dtype == "f16" else cut)


def columns(bias: Array, laid: Plan) -> Array:
    """The bias of each column, in every pixel of a vector."""
    import numpy as np

    lines = min(laid.co, LANES)
    channels = np.zeros(laid.units * laid.co, bias.dtype)
    channels[: len(bias)] = bias
    wide = np.zeros((laid.units, tiles(laid.co) * lines), bias.dtype)
    wide[:, : laid.co] = channels.reshape(laid.units, laid.co)
    made = np.zeros((laid.units * tiles(laid.co), LANES), bias.dtype)
    made[:, : laid.q * lines] = np.tile(wide.reshape(-1, lines), laid.q)
    return made


def results(y: Array, shape: Shape, laid: Plan) -> Array:
    """The result of Y [units · tiles, classes · phases, vectors, images, rows, LANES]."""
    import numpy as np

    lines, down = min(laid.co, LANES), tiles(laid.co)
    _, kinds, count, n, rows, _ = y.shape
    classes, phases = laid.classes, kinds // laid.classes
    cut = y[..., : laid.q * lines].reshape(laid.units, down, classes, phases, count, n, rows, laid.q, lines)
    across, deep = count * phases * laid.q, down * lines
    pixels = cut.transpose(5, 6, 2, 4, 3, 7, 0, 1, 8).reshape(n, rows * classes, across, laid.units, deep)
    high, wide = shape.out
    whole = pixels[:, : laid.oh, : laid.ow, :, : laid.co].reshape(n, laid.oh, laid.ow, -1)
    if laid.way == "turned":
        whole = whole.transpose(0, 2, 1, 3)
    whole = whole[..., : shape.O].reshape(-1, shape.O)[: shape.N * high * wide]
    return np.ascontiguousarray(whole).reshape(shape.N, high, wide, shape.O)


CONV2D = Kernel(
    "conv2d",
    Contract(
        types=("i8", "f16"),
        shapes="x [N, H, W, I], w [O, KH, KW, I/groups], bias [O] (i32, or f16) → [N, OH, OW, O]; i8 → i32, f16 → f16",
        error="i8: exact, modulo 2³²; f16: (T + 1) · 2⁻²⁴ · (Σ|x·w| + |bias|), T = KH · KW · (⌈I/groups / 160⌉ + 1), "
        "then rounded to f16",
        bound=None,
        cycles=_cycles,
        formula="1.1 · cost + 300; cost: the sum over the tiles of weights of the larger of two times: to load one "
        "(rows / 8 + 8; f16: rows / 4 + 4; 50 more for over 16 slices of weights), and to stream the vectors of its "
        "results (a quarter of them; f16: half, for each half of the lanes that has weights; at least 20). Or, few "
        "pixels: ⌈tiles / 4⌉ (f16: / 2) · max(44, vectors of a column; f16: twice) + vectors of results + of x / 4. "
        "And, where rows are folded, a quarter of the vectors of x for each class (f16: half)",
    ),
    _defines,
    _prepare,
    doc="conv2d(x, w, bias=None, stride=1, padding=0, groups=1): x [N, H, W, I], w [O, KH, KW, I/groups].",
)

"""What a user may hand to a kernel: arrays in any memory layout, and plain errors for all the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lpuasm
from lpuasm import stdlib
from lpuasm.stdlib.kernel import Kernel

Array = NDArray[Any]
_RANDOM = np.random.default_rng(0)
F32 = _RANDOM.standard_normal((6, 10)).astype(np.float32)
F16 = F32.astype(np.float16)
I8 = _RANDOM.integers(-100, 100, (6, 10)).astype(np.int8)
ROWS = np.array([5, 0, 5], np.int32)
CALLS: dict[str, tuple[Any, ...]] = {
    "matmul": (F16, F16.T),
    "linear": (I8, I8, np.arange(6, dtype=np.int32)),
    "add": (F32, F32[0]),
    "gelu": (F16,),
    "transpose": (F16,),
    "gather": (F32, ROWS),
    "quantize": (F32, np.float32(0.5)),
    "dequantize": (I8, np.float32(0.5)),
    "reduce_max": (F16,),
    "softmax": (F16,),
}
LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "fortran": lambda a: np.asfortranarray(a) if a.ndim else a,
    "strided": lambda a: np.repeat(a, 2, -1)[..., ::2] if a.ndim else a,
    "backwards": lambda a: a[::-1].copy()[::-1] if a.ndim else a,
    "swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "read only": lambda a: np.broadcast_to(a, a.shape),
    "masked": np.ma.array,
}
DIMS: dict[str, dict[str, Any]] = {
    "matmul": {"M": 3, "K": 4, "N": 5},
    "linear": {"M": 3, "K": 4, "N": 5},
    "add": {"R": 8},
    "gelu": {"N": 9},
    "transpose": {"R": 3, "N": 4},
    "gather": {"V": 4, "M": 3, "D": 4},
    "quantize": {"R": 8},
    "dequantize": {"R": 8},
    "reduce_max": {"R": 8},
    "softmax": {"R": 8},
}


def kernel(name: str) -> Kernel:
    found = getattr(stdlib, name)
    assert isinstance(found, Kernel)
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_layout_of_an_array_does_not_matter(name: str, layout: str) -> None:
    given = CALLS[name]
    found = kernel(name)(*(LAYOUTS[layout](np.asarray(a)) for a in given))
    assert np.array_equal(found, kernel(name)(*given))


@pytest.mark.parametrize("name", ["gelu", "transpose"])
def test_a_number_stays_one(name: str) -> None:
    assert kernel(name)(np.float32(2)).shape == ()


@pytest.mark.parametrize("value", [0, -1, 2.5, "3", None, float("nan")])
@pytest.mark.parametrize("name", DIMS)
def test_dimensions_are_whole_and_positive(name: str, value: object) -> None:
    for key in DIMS[name]:
        with pytest.raises(TypeError, match=f"{key} is a whole number|1 or more"):
            kernel(name).program(**{**DIMS[name], key: value})


@pytest.mark.parametrize("name", DIMS)
def test_names_are_known(name: str) -> None:
    with pytest.raises(TypeError, match=r"QQ|dimensions"):
        kernel(name).program(**DIMS[name], QQ=3)
    with pytest.raises(TypeError, match=f"{name} takes .*, not float64"):
        kernel(name).program(**DIMS[name], dtype="float64")
    with pytest.raises(TypeError, match=f"{name}: missing"):
        kernel(name)()
    with pytest.raises(TypeError, match=f"{name}: .*'foo'"):
        kernel(name)(*CALLS[name], foo=3)
    with pytest.raises(TypeError, match=f"{name}"):
        kernel(name)(*(None for _ in CALLS[name]))


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), 1e60, [1.0, 2.0]])
def test_linear_scale_is_one_number(scale: object) -> None:
    with pytest.raises(ValueError, match="one finite number"):
        stdlib.linear(I8, I8, scale=scale)


def test_linear_options() -> None:
    with pytest.raises(ValueError, match="activation"):
        stdlib.linear(I8, I8, activation=["relu"])
    with pytest.raises(TypeError, match="0 or 1"):
        stdlib.linear.program(M=3, K=4, N=5, BIAS=2)


@pytest.mark.parametrize("axis", [2, -3, 1.0, "0"])
def test_an_axis_is_one_of_the_array(axis: object) -> None:
    with pytest.raises(ValueError, match="no axis"):
        stdlib.quantize(F32, np.full(10, 0.5), axis)


def refused(call: Callable[[], object]) -> lpuasm.LpuError:
    with pytest.raises(lpuasm.ArgumentError) as caught:
        call()
    assert caught.value.diagnostics[0].help and caught.value.diagnostics[0].help in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", CALLS)
def test_what_is_refused_has_a_code_and_a_way_out(name: str) -> None:
    assert refused(lambda: kernel(name)(*(None for _ in CALLS[name]))).code in ("LPU0511", "LPU0512")
    assert refused(lambda: kernel(name)(*CALLS[name], foo=3)).code == "LPU0511"
    assert refused(lambda: kernel(name).program(dtype="f64")).code == "LPU0514"


def test_attention_takes_any_layout() -> None:
    rows = _RANDOM.standard_normal((3, 1, 40, 32)).astype(np.float16)
    want = stdlib.attention(*rows)
    for layout in LAYOUTS.values():
        np.testing.assert_array_equal(stdlib.attention(*map(layout, rows)), want)


def test_conv2d_dimensions_are_named() -> None:
    assert refused(lambda: stdlib.conv2d.program()).code == "LPU0514"
    assert refused(lambda: stdlib.conv2d.program(Q=3)).code == "LPU0514"


def test_refusals_are_errors_of_python_too() -> None:
    table = np.ones((4, 2), np.int8)
    error = refused(lambda: stdlib.gather(table, np.array([4], np.int32)))
    assert isinstance(error, IndexError) and error.code == "LPU0513"
    assert "gather(table, indices)" in error.diagnostics[0].help
    error = refused(lambda: stdlib.matmul(table, table))
    assert isinstance(error, ValueError) and error.code == "LPU0512"

"""Both engines give the same bits and cycles for every kernel, whose inputs are its operands and no constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lpuasm import stdlib
from lpuasm.stdlib.kernel import Kernel
from lpuasm.stdlib.transformers import BERT, LLAMA
from lpuasm.vm.run import STREAMING

_RANDOM = np.random.default_rng(0)
I8 = _RANDOM.integers(-128, 128, (40, 330)).astype(np.int8)
F16 = _RANDOM.standard_normal((40, 330)).astype(np.float16)
F32 = _RANDOM.standard_normal((40, 330)).astype(np.float32)
I32 = _RANDOM.integers(-(2**31), 2**31, (3, 700)).astype(np.int32)
HEADS = _RANDOM.standard_normal((2, 5, 16)).astype(np.float16)
PIXELS = I8[:, :324].reshape(2, 9, 18, 40)
TAPS = I8[:18, :320].reshape(16, 3, 3, 40)
BIAS = np.linspace(-1, 1, 40).astype(np.float16)
# A block of 40 features, two heads of 20, and a hidden layer of 40.
LLAMA_WEIGHTS = {name: F16[:, :40] if len(axes) > 1 else F16[0, :40] for name, axes in LLAMA.items()}
BERT_WEIGHTS = {name: F16[:, :40] if len(axes) > 1 else F16[0, :40] for name, axes in BERT.items()}

CALLS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "matmul": [((I8, I8.T), {}), ((F16, F16.T), {}), ((I8[:3], I8.T), {})],
    "linear": [((I8, I8), {"activation": "relu", "scale": 0.01}), ((F16, F16, BIAS), {"activation": "gelu"})],
    **{name: [((F16,), {}), ((F32,), {})] for name in ("exp", "gelu", "relu", "sigmoid", "silu", "tanh")},
    **{name: [((F16, F16[0]), {}), ((F32, F32[:, :1]), {})] for name in ("add", "maximum", "mul", "sub")},
    "decoder_block": [((F16[:7, :40], LLAMA_WEIGHTS, np.arange(7)), {"heads": 2})],
    "encoder_block": [((F16[:7, :40], BERT_WEIGHTS), {"heads": 2})],
    "swiglu_mlp": [((F16, F16, F16, F16.T), {})],
    "attention": [((HEADS, HEADS, HEADS), {}), ((HEADS[:, :3], HEADS[:1], HEADS[:1]), {"causal": True})],
    "conv2d": [((PIXELS, TAPS), {"padding": 1}), ((PIXELS.astype(np.float16), TAPS.astype(np.float16)), {"stride": 2})],
    "matmul_w4": [
        ((F16[:, :64], I8[:32], abs(F16[:2])), {}),
        ((F16[:3, :48], I8[:24, :9], F16[:1, :9]), {"group": 48}),
        ((F16[:2, :176].reshape(1, 352), np.resize(I8, (176, 9)), abs(F16[:11, :9])), {}),
    ],
    "transpose": [((I8,), {}), ((F32,), {}), ((I8[:3],), {}), ((F16[:, :9],), {}), ((I8[:, :5],), {})],
    "gather": [((F16, np.array([3, 0, 39], np.int32)), {})],
    **{
        name: [
            ((F32,), {}),
            ((F16, 0), {}),
            ((I32,), {}),
            ((F32.reshape(12, 1100),), {}),
            ((F32.reshape(4, 10, 330), (0, 2)), {}),
        ]
        for name in ("reduce_max", "reduce_mean", "reduce_sum")
    },
    "softmax": [((F32,), {}), ((F16[:, :9],), {}), ((F16,), {"axis": 0}), ((F32[:, :5],), {"axis": 0})],
    "quantize": [((F32, 0.02), {}), ((F16, np.full(40, 0.02), 0), {})],
    "dequantize": [((I8, 0.02), {}), ((I8, np.full(330, 0.02), 1), {"dtype": "float16"})],
    "rms_norm": [((F16, F16[0]), {}), ((F32[:20], F32[0]), {"eps": 0.0})],
    "layer_norm": [((F16, F16[0], F16[1]), {}), ((F32[:20], F32[0], F32[1]), {"eps": 1e-12})],
    "rope": [((F16[:, :64], np.arange(40)), {}), ((F32[:, ::6][:, :54], np.arange(40) * 9), {"interleaved": True})],
    "permute": [((I8, (1, 0)), {}), ((F32.reshape(8, 5, 330), (1, 0, 2)), {})],
    "embedding": [((np.array([3, 0, 39]), F16), {}), ((np.array([[1], [2]]), F32), {})],
}


def octets(outputs: Mapping[str, NDArray[Any]]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in outputs.items()}


def test_every_kernel_is_here() -> None:
    assert set(CALLS) == set(stdlib.KERNELS)


@pytest.mark.skipif(len(STREAMING) < 2, reason="one engine")
@pytest.mark.parametrize("name", sorted(CALLS))
def test_engines_agree(name: str) -> None:
    kernel = getattr(stdlib, name)
    assert isinstance(kernel, Kernel)
    for arrays, options in CALLS[name]:
        one, two = (kernel.run(*arrays, engine=engine, **options) for engine in STREAMING)
        assert one.cycles == two.cycles and octets(one.outputs) == octets(two.outputs)


#: Cosines and sines: tables of a model.
TABLES = {"rope": ("Cos", "Sin"), "decoder_block": ("Cos", "Sin")}


def other(x: Any) -> Any:
    """An operand of the same shape and type with other elements; of integers the same ones in another order."""
    if isinstance(x, dict):
        return {name: other(value) for name, value in x.items()}
    if isinstance(x, np.ndarray):
        return np.flip(x) if x.dtype.kind == "i" else np.flip(x) * x.dtype.type(1.5)
    return x * 1.5 if isinstance(x, float) else x


@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_input_depends_on_the_operands(name: str) -> None:
    kernel = getattr(stdlib, name)
    for arrays, options in CALLS[name]:
        one, two = kernel.prepare(*arrays, **options), kernel.prepare(*map(other, arrays), **options)
        program = kernel.program(dtype=one.dtype, **one.dims)
        before, after = one.inputs(program), two.inputs(program)
        same = [key for key in before if np.array_equal(before[key], after[key], equal_nan=True)]
        assert [key for key in same if not key.startswith(TABLES.get(name, ()))] == []

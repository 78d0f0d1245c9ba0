"""int8 products by onnxruntime, where it is installed and exact on this CPU: `pip install lpuasm[int8]`.

CPUs that multiply bytes (AMX, VNNI) do so several times faster than they multiply
float32. Older ones add pairs of byte products in 16 bits, and saturate. So what
decides is no list of CPUs but a test, made once, of the products that saturate
first: a library that fails it is not used, and one that passes gives the same
bits as numpy. Without it everything works, and `LPUASM_INT8=numpy` keeps it away.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnxruntime

Bytes = NDArray[np.uint8]
Weights = NDArray[np.int8]

OFFSET = 128
"""What activations have added to them: i8 as u8, with this as their zero."""

_LEAST = 1 << 20  # multiplications of a call that is worth what calling costs
_LOADED_AFTER = 1 << 33  # so many take numpy as long as it takes to load the library


class Products:
    """Products of bytes by onnxruntime's operator MatMulInteger."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    def multiply(self, a: Bytes, b: Weights, out: NDArray[np.int32]) -> None:
        """``out`` [n, N] becomes (``a`` - OFFSET) [n, K] times ``b`` [K, N], modulo 2**32; all are contiguous."""
        binding = self._session.io_binding()
        binding.bind_cpu_input("a", a)
        binding.bind_cpu_input("b", b)
        binding.bind_output("y", "cpu", 0, np.int32, out.shape, out.ctypes.data)
        self._session.run_with_iobinding(binding)


class _Choice:
    """What this process multiplies bytes with. Nothing is loaded before ``done`` multiplications."""

    def __init__(self) -> None:
        self.use(os.environ.get("LPUASM_INT8", ""))

    def use(self, name: str) -> None:
        self.products: Products | None = None
        self.open = name != "numpy"
        self.left = 0 if name == "onnxruntime" else _LOADED_AFTER

    def for_product(self, size: int) -> Products | None:
        if self.open:
            self.left -= size
            if self.left < 0:
                self.open, self.products = False, load()
        return self.products if size >= _LEAST else None


_choice = _Choice()


def use(name: str) -> None:
    """Chooses ``numpy``, ``onnxruntime`` (from the first product on), or with ``""`` what is worth it."""
    _choice.use(name)


def for_product(size: int) -> Products | None:
    """What to compute a product of ``size`` multiplications with; None: with float32."""
    return _choice.for_product(size)


def load(threads: int = 1) -> Products | None:
    """onnxruntime on so many threads; None where it is not installed, or not exact on this CPU."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(_model(), options, providers=["CPUExecutionProvider"])
    made = Products(session)
    return made if all(exact(made, a, b) for a, b in trials()) else None


def exact(products: Products, a: Bytes, b: Weights) -> bool:
    """Whether a product is what it is in float64, which sums so few bytes exactly."""
    out = np.empty((len(a), b.shape[1]), np.int32)
    products.multiply(a, b, out)
    return bool(np.array_equal(out, (a.astype(np.float64) - OFFSET) @ b.astype(np.float64)))


def trials() -> Iterator[tuple[Bytes, Weights]]:
    """Products that tell: the largest sums of two and four bytes of either sign, of all widths that kernels have."""
    extremes = np.array([-128, 127], np.int8)
    for n, k, width in ((1, 2, 1), (1, 320, 320), (2, 67, 31), (5, 64, 16), (17, 129, 65), (64, 320, 96)):
        a = np.zeros((n, k), np.uint8)
        a[:, :: 1 + n % 2] = 255
        for first in extremes:
            yield a, np.full((k, width), first, np.int8)
        turns = np.arange(k)[:, None] // 2 + np.arange(width)
        yield a, extremes[turns % 2]
        rows = np.arange(n * k, dtype=np.int64).reshape(n, k)
        yield (rows * rows * 37 % 256).astype(np.uint8), (turns * 61 % 256).astype(np.uint8).view(np.int8)


def _model() -> bytes:
    """An ONNX model (onnx.proto3) of one MatMulInteger: u8 ``a``, i8 ``b`` and the zero of ``a`` to i32 ``y``."""
    u8, i8, i32 = 2, 3, 6

    def value(name: bytes, kind: int) -> bytes:
        return _field(1, name) + _field(2, _field(1, _field(1, kind)))

    zero = _field(2, u8) + _field(8, b"zero") + _field(9, bytes([OFFSET]))
    node = b"".join(_field(1, name) for name in (b"a", b"b", b"zero")) + _field(2, b"y") + _field(4, b"MatMulInteger")
    graph = (
        _field(1, node)
        + _field(2, b"products")
        + _field(5, zero)
        + _field(11, value(b"a", u8))
        + _field(11, value(b"b", i8))
        + _field(12, value(b"y", i32))
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _field(2, 10))


def _field(number: int, value: bytes | int) -> bytes:
    """A field of a protobuf message."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2]) + _varint(len(value)) + value


def _varint(n: int) -> bytes:
    out = []
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])

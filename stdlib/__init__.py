"""The kernel library: arrays in, arrays out, cycles known beforehand.

    from lpuasm.stdlib import matmul

Each name is a :class:`lpuasm.stdlib.kernel.Kernel`; importing one imports the module of its family and no more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpuasm.stdlib.attend import ATTENTION as attention
    from lpuasm.stdlib.axes import PERMUTE as permute
    from lpuasm.stdlib.binary import ADD as add
    from lpuasm.stdlib.binary import MAXIMUM as maximum
    from lpuasm.stdlib.binary import MUL as mul
    from lpuasm.stdlib.binary import SUB as sub
    from lpuasm.stdlib.blocks import SWIGLU_MLP as swiglu_mlp
    from lpuasm.stdlib.convolve import CONV2D as conv2d
    from lpuasm.stdlib.distributions import SOFTMAX as softmax
    from lpuasm.stdlib.fourbit import MATMUL_W4 as matmul_w4
    from lpuasm.stdlib.kernel import Contract, Kernel, KernelRun
    from lpuasm.stdlib.layers import LINEAR as linear
    from lpuasm.stdlib.moves import GATHER as gather
    from lpuasm.stdlib.moves import TRANSPOSE as transpose
    from lpuasm.stdlib.norms import LAYER_NORM as layer_norm
    from lpuasm.stdlib.norms import RMS_NORM as rms_norm
    from lpuasm.stdlib.pointwise import EXP as exp
    from lpuasm.stdlib.pointwise import GELU as gelu
    from lpuasm.stdlib.pointwise import RELU as relu
    from lpuasm.stdlib.pointwise import SIGMOID as sigmoid
    from lpuasm.stdlib.pointwise import SILU as silu
    from lpuasm.stdlib.pointwise import TANH as tanh
    from lpuasm.stdlib.products import MATMUL as matmul
    from lpuasm.stdlib.reductions import REDUCE_MAX as reduce_max
    from lpuasm.stdlib.reductions import REDUCE_MEAN as reduce_mean
    from lpuasm.stdlib.reductions import REDUCE_SUM as reduce_sum
    from lpuasm.stdlib.rotary import ROPE as rope
    from lpuasm.stdlib.scaling import DEQUANTIZE as dequantize
    from lpuasm.stdlib.scaling import QUANTIZE as quantize
    from lpuasm.stdlib.tables import EMBEDDING as embedding
    from lpuasm.stdlib.transformers import DECODER_BLOCK as decoder_block
    from lpuasm.stdlib.transformers import ENCODER_BLOCK as encoder_block

_TYPES = ("Contract", "Kernel", "KernelRun")

#: The module of each kernel.
KERNELS = {
    "attention": "attend",
    **dict.fromkeys(("add", "maximum", "mul", "sub"), "binary"),
    **dict.fromkeys(("exp", "gelu", "relu", "sigmoid", "silu", "tanh"), "pointwise"),
    "conv2d": "convolve",
    **dict.fromkeys(("decoder_block", "encoder_block"), "transformers"),
    **dict.fromkeys(("dequantize", "quantize"), "scaling"),
    "linear": "layers",
    "swiglu_mlp": "blocks",
    "matmul": "products",
    "matmul_w4": "fourbit",
    **dict.fromkeys(("gather", "transpose"), "moves"),
    **dict.fromkeys(("reduce_max", "reduce_mean", "reduce_sum"), "reductions"),
    "softmax": "distributions",
    **dict.fromkeys(("layer_norm", "rms_norm"), "norms"),
    "rope": "rotary",
    "permute": "axes",
    "embedding": "tables",
}

__all__ = [
    "Contract",
    "Kernel",
    "KernelRun",
    "add",
    "attention",
    "conv2d",
    "decoder_block",
    "dequantize",
    "embedding",
    "encoder_block",
    "exp",
    "gather",
    "gelu",
    "layer_norm",
    "linear",
    "matmul",
    "matmul_w4",
    "maximum",
    "mul",
    "permute",
    "quantize",
    "reduce_max",
    "reduce_mean",
    "reduce_sum",
    "relu",
    "rms_norm",
    "rope",
    "sigmoid",
    "silu",
    "softmax",
    "sub",
    "swiglu_mlp",
    "tanh",
    "transpose",
]


def __getattr__(name: str) -> object:
    if name in _TYPES:
        return getattr(import_module("lpuasm.stdlib.kernel"), name)
    home = KERNELS.get(name)
    if home is None:
        raise AttributeError(f"module 'lpuasm.stdlib' has no attribute '{name}'")
    return getattr(import_module(f"lpuasm.stdlib.{home}"), name.upper())


def __dir__() -> list[str]:
    return __all__

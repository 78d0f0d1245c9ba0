"""The kernel library: arrays in, arrays out, cycles known beforehand.

    from lpuasm.stdlib import matmul

Each name is a :class:`lpuasm.stdlib.kernel.Kernel`; importing one imports the module of its family and no more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpuasm.stdlib.kernel import Contract, Kernel, KernelRun
    from lpuasm.stdlib.products import MATMUL as matmul

__all__ = ["Contract", "Kernel", "KernelRun", "matmul"]

#: The module of each kernel.
KERNELS = {"matmul": "products"}
_TYPES = ("Contract", "Kernel", "KernelRun")


def __getattr__(name: str) -> object:
    if name in _TYPES:
        return getattr(import_module("lpuasm.stdlib.kernel"), name)
    home = KERNELS.get(name)
    if home is None:
        raise AttributeError(f"module 'lpuasm.stdlib' has no attribute '{name}'")
    return getattr(import_module(f"lpuasm.stdlib.{home}"), name.upper())


def __dir__() -> list[str]:
    return __all__

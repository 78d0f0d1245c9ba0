"""What kernels refuse: calls that they do not take, as diagnostics that are Python's own errors too.

The way out is the same for all refusals of a kernel, what it takes, and is added by the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from lpuasm.isa.errors import ArgumentError, WrongIndex, WrongType, WrongValue, error


def wrong_type(message: str) -> WrongType:
    """An array or an option of a type that the kernel does not take: LPU0511."""
    return WrongType(error("LPU0511", message))


def wrong_value(message: str) -> WrongValue:
    """Shapes, or values of options, that the kernel does not take: LPU0512."""
    return WrongValue(error("LPU0512", message))


def wrong_index(message: str) -> WrongIndex:
    """An index outside a table: LPU0513."""
    return WrongIndex(error("LPU0513", message))


def wrong_dimension(message: str) -> WrongType:
    """A dimension of a program that is missing, unknown or impossible: LPU0514."""
    return WrongType(error("LPU0514", message))


@contextmanager
def way_out(help: str) -> Iterator[None]:
    """Gives ``help`` to what is refused inside without one."""
    try:
        yield
    except ArgumentError as refused:
        diagnostics = (replace(d, help=d.help or help) for d in refused.diagnostics)
        raise type(refused)(*diagnostics) from None

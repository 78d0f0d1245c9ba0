"""The functions that expressions may call, and what they may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: The most elements that an expression may make.
_LARGEST = 1 << 28


@dataclass(frozen=True)
class Context:
    """What an expression may use: arrays by name, the shape that is declared for what it makes, a generator, files."""

    arrays: Callable[[str], Array | None]
    shape: tuple[int, ...] | None
    random: np.random.Generator
    load: Callable[[str], Array]


def _shape(context: Context, arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape that arguments say: numbers, or one list of them; the declared one where there are none."""
    flat = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], tuple) else arguments
    if not flat:
        if context.shape is None:
            raise ValueError("nothing says which shape; the tensor is not declared")
        return context.shape
    if not all(isinstance(n, int) and n >= 0 for n in flat):
        raise ValueError("a shape is a list of whole numbers")
    if prod(flat) > _LARGEST:
        raise ValueError(f"more than {_LARGEST:,} elements")
    return tuple(flat)


def _randn(context: Context, *shape: Any) -> Array:
    return context.random.standard_normal(_shape(context, shape))


def _uniform(context: Context, low: float, high: float, *shape: Any) -> Array:
    return context.random.uniform(low, high, _shape(context, shape))


def _integers(context: Context, low: int, high: int, *shape: Any) -> Array:
    """From ``low`` to ``high``, that one not included."""
    if high <= low:
        raise ValueError(f"there is no number from {low} to below {high}")
    return context.random.integers(low, high, _shape(context, shape))


def _full(context: Context, value: float, *shape: Any) -> Array:
    return np.full(_shape(context, shape), value)


def _zeros(context: Context, *shape: Any) -> Array:
    return np.zeros(_shape(context, shape), np.int64)


def _ones(context: Context, *shape: Any) -> Array:
    return np.ones(_shape(context, shape), np.int64)


def _arange(context: Context, *bounds: int) -> Array:
    """As numpy's; without bounds as many as the declared shape holds, in that shape."""
    if bounds:
        if not all(isinstance(b, int) for b in bounds) or len(range(*bounds)) > _LARGEST:
            raise ValueError("its bounds are whole numbers")
        return np.arange(*bounds)
    shape = _shape(context, ())
    return np.arange(prod(shape)).reshape(shape)


def _eye(context: Context, *shape: Any) -> Array:
    rows, *columns = _shape(context, shape)
    return np.eye(rows, *columns[:1], dtype=np.int64)


def _reshape(context: Context, array: Array, *shape: Any) -> Array:
    return np.reshape(array, _shape(context, shape))


def _maximum(context: Context, a: Any, b: Any) -> Array:
    return np.asarray(np.maximum(a, b))


def _minimum(context: Context, a: Any, b: Any) -> Array:
    return np.asarray(np.minimum(a, b))


#: Functions of expressions, with how they are written. A shape may be left out where the tensor is declared.
FUNCTIONS: Mapping[str, tuple[Callable[..., Any], str]] = {
    "randn": (_randn, "randn(64, 320), or randn where the tensor is declared"),
    "uniform": (_uniform, "uniform(-1, 1, 64, 320)"),
    "integers": (_integers, "integers(-8, 8, 64, 320): from -8 to 7"),
    "zeros": (_zeros, "zeros(64, 320)"),
    "ones": (_ones, "ones(64, 320)"),
    "full": (_full, "full(1.5, 64, 320)"),
    "arange": (_arange, "arange(320), or arange where the tensor is declared"),
    "eye": (_eye, "eye(320)"),
    "reshape": (_reshape, "reshape(arange(640), 2, 320)"),
    "maximum": (_maximum, "maximum(A, 0)"),
    "minimum": (_minimum, "minimum(A, 0)"),
}


def generator(seed: int, name: str) -> np.random.Generator:
    """Random numbers that a tensor of that name always gets, whatever was asked for before it."""
    return np.random.default_rng([seed, crc32(name.encode())])

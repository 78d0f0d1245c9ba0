"""The functions that an instruction's meaning may name: exact lane arithmetic.

All are pure and vectorised, and none depends on the CPU: only integer operations, + - * / and
square roots of floats, comparisons, casts and tables are used, because numpy's own exp, tanh and
log are not the same everywhere. Matrix products are in :mod:`lpuasm.isa.dot`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from lpuasm.isa import elementwise
from lpuasm.isa.casts import DTYPES, cast, cast_sat
from lpuasm.isa.transcendental import MAX_ULP, exp, rsqrt, tanh

__all__ = ["DTYPES", "FUNCTIONS", "MAX_ULP"]

FUNCTIONS: dict[str, Callable[..., NDArray[Any]]] = {
    "add": elementwise.add,
    "add_sat": elementwise.add_sat,
    "sub": elementwise.sub,
    "sub_sat": elementwise.sub_sat,
    "mul": elementwise.mul,
    "mul_sat": elementwise.mul_sat,
    "neg": elementwise.neg,
    "neg_sat": elementwise.neg_sat,
    "abs": elementwise.abs_,
    "abs_sat": elementwise.abs_sat,
    "maximum": elementwise.maximum,
    "minimum": elementwise.minimum,
    "relu": elementwise.relu,
    "band": elementwise.band,
    "bor": elementwise.bor,
    "bxor": elementwise.bxor,
    "bnot": elementwise.bnot,
    "shl": elementwise.shl,
    "shr": elementwise.shr,
    "eq": elementwise.eq,
    "ne": elementwise.ne,
    "gt": elementwise.gt,
    "ge": elementwise.ge,
    "lt": elementwise.lt,
    "le": elementwise.le,
    "mask": elementwise.mask,
    "mask_bar": elementwise.mask_bar,
    "identity": elementwise.identity,
    "cast": cast,
    "cast_sat": cast_sat,
    "exp": exp,
    "tanh": tanh,
    "rsqrt": rsqrt,
}
"""Functions by the name that the instruction table uses: arrays in, one array out."""

"""Lanes in and out of byte planes: types on streams, and the 32 bits that links and latches carry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.vm.state import Octets

Wide = NDArray[np.uint32]


def joined(rows: Octets, type_name: str) -> NDArray[Any]:
    """The lanes of byte planes [bytes, lanes], lowest byte first."""
    dtype = DTYPES[type_name]
    return np.ascontiguousarray(rows.T).view(dtype.newbyteorder("<"))[:, 0].astype(dtype, copy=False)


def planes(lanes: NDArray[Any]) -> Octets:
    """The byte planes [bytes, lanes] of lanes, lowest byte first."""
    octets = np.ascontiguousarray(lanes, lanes.dtype.newbyteorder("<")).view(np.uint8)
    return octets.reshape(len(lanes), lanes.itemsize).T


def widened(lanes: NDArray[Any]) -> Wide:
    """Lanes as 32 bits: integers extended by their type's sign, floats by zeros."""
    if lanes.itemsize == 4:
        return lanes.view(np.uint32)
    if lanes.dtype.kind == "i":
        return lanes.astype(np.int32).view(np.uint32)
    return (lanes.view(np.uint16) if lanes.dtype.kind == "f" else lanes).astype(np.uint32)


def narrowed(wide: Wide, type_name: str) -> NDArray[Any]:
    """The low bytes of 32 bits as lanes of a type."""
    dtype = DTYPES[type_name]
    return wide.astype(f"u{dtype.itemsize}").view(dtype)

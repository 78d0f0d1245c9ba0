"""The host's side: tensors into SRAM before a run, and out of it after.

What the host does for nothing is to pad, to split byte planes and to spread rows over slices, as the layout says.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.isa.errors import BindError, Diagnostic, error
from lpuasm.isa.layout import Layout, gather_rows, scatter_rows
from lpuasm.isa.program import Program, Tensor
from lpuasm.isa.suggest import did_you_mean
from lpuasm.vm.state import Octets, State


def bind(program: Program, inputs: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    """The elements of every input, weight and constant of a streaming program, by name, held to their declarations.

    Raises:
        BindError: tensors are missing or unknown, or have another type or shape than was declared.
    """
    wanted = {t.name: t for t in program.tensors if t.bound}
    problems = [_unknown(name, program) for name in inputs if name not in wanted]
    arrays: dict[str, NDArray[Any]] = {}
    for name, tensor in wanted.items():
        assert tensor.layout is not None, "only scalar programs have tensors without a place"
        if name not in inputs:
            shape = _shape(tensor.layout.shape)
            message = f"{tensor.kind} {name} is missing: {DTYPES[tensor.layout.dtype]} of shape {shape}"
            problems.append(error("LPU0551", message, help=f"give it as {name}"))
            continue
        array = np.asarray(inputs[name])
        wrong = _mismatch(name, tensor.layout, array)
        if wrong is None:
            arrays[name] = array
        else:
            problems.append(wrong)
    if problems:
        raise BindError(*problems)
    for tensor in program.tensors:
        if tensor.kind == "const":
            arrays[tensor.name] = _constant(tensor)
    return arrays


def _unknown(name: str, program: Program) -> Diagnostic:
    known = [t.name for t in program.tensors if t.bound]
    other = program.tensor.get(name)
    if other is not None:
        message = f"{name} is {'an' if other.kind == 'output' else 'a'} {other.kind} of the program, not an input"
        return error("LPU0552", message, help="leave it out")
    inputs = f"its inputs are {', '.join(known)}" if known else "it has no inputs"
    return error("LPU0552", f"the program has no input {name}", help=did_you_mean(name, known, inputs))


def _mismatch(name: str, layout: Layout, array: NDArray[Any]) -> Diagnostic | None:
    dtype = DTYPES[layout.dtype]
    if array.dtype.newbyteorder("=") != dtype:
        message = f"{name} is {layout.dtype}, which is {dtype} in numpy; the array given is {array.dtype}"
        return error("LPU0553", message, help=f"write {name}.astype(numpy.{dtype}) if its values fit")
    if array.shape == layout.shape:
        return None
    message = f"{name} has the shape {_shape(layout.shape)}; the array given has {_shape(array.shape)}"
    help = ""
    if array.shape == layout.shape[::-1]:
        help = f"write {name}.T if it is the transpose"
    elif array.size == prod(layout.shape):
        help = f"write {name}.reshape({_shape(layout.shape)}) if the elements are in this order"
    return error("LPU0554", message, help=help)


def _shape(shape: tuple[int, ...]) -> str:
    return str(tuple(int(n) for n in shape))


def _constant(tensor: Tensor) -> NDArray[Any]:
    assert tensor.layout is not None
    dtype = DTYPES[tensor.layout.dtype]
    return np.frombuffer(tensor.data, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(tensor.layout.shape)


def load(state: State, program: Program, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Puts the elements of tensors where the program has them in SRAM."""
    for name, array in arrays.items():
        layout = program.tensor[name].layout
        assert layout is not None
        native = array.astype(DTYPES[layout.dtype], copy=False)
        vectors = scatter_rows(layout, native, program.target.lanes)
        for plane in range(layout.planes):
            slices, addresses = layout.locate(np.arange(layout.vectors), plane)
            for number in np.unique(slices):
                here = slices == number
                state.slice(int(number))[addresses[here]] = vectors[plane, here]


def unload(state: State, program: Program, name: str) -> NDArray[Any]:
    """The elements of a tensor, from where the program has them in SRAM."""
    layout = program.tensor[name].layout
    assert layout is not None
    vectors: Octets = np.zeros((layout.planes, layout.vectors, program.target.lanes), np.uint8)
    for plane in range(layout.planes):
        slices, addresses = layout.locate(np.arange(layout.vectors), plane)
        for number in np.unique(slices):
            here = slices == number
            vectors[plane, here] = state.slice(int(number))[addresses[here]]
    return gather_rows(layout, vectors, DTYPES[layout.dtype])

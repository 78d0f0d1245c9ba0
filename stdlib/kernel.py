"""What a kernel is: a source, its contract, and a face that takes arrays.

A kernel is called with arrays, run for its cycles, or asked for its program:

    from lpuasm.stdlib import matmul
    c = matmul(a, b)
    run = matmul.run(a, b)              # run.result, run.outputs, run.cycles, run.floor, run.gap
    matmul.program(M=512, K=1280, N=640).cycles

Nothing here imports numpy or the assembler before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpuasm.stdlib.refusals import way_out, wrong_dimension, wrong_type

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpuasm.asm.explain import Explanation
    from lpuasm.isa.program import Program

    Array = NDArray[Any]

#: Programs that are kept: a second call with the same shapes does not assemble again.
KEPT = 64

#: Values of a source's parameters, in order of their names.
Defines = tuple[tuple[str, int | float], ...]


@dataclass(frozen=True)
class Contract:
    """What a kernel promises.

    ``types`` are the types of its first operand, the default one first. ``error`` says in words how far a result may
    be from the exact one, ``bound`` in units of its last place (0: exact; None: the words give a formula).
    ``cycles`` is the most that a program takes, of the dimensions and ``dtype``; ``formula`` is the same as text.
    """

    types: tuple[str, ...]
    shapes: str
    error: str
    bound: float | None
    cycles: Callable[..., int]
    formula: str


@dataclass(frozen=True)
class Call:
    """Arrays made ready: the program's dimensions and type, its inputs, and the way from its outputs to the result.

    ``inputs`` takes the program, whose tensors say which layout was chosen. Without ``dims`` there is nothing to
    compute, and ``finish`` makes the result of nothing.
    """

    dims: Mapping[str, int | float] | None
    dtype: str
    inputs: Callable[[Program], Mapping[str, Array]]
    finish: Callable[[Mapping[str, Array]], Any]


@dataclass(frozen=True)
class KernelRun:
    """What a kernel gave: ``result`` as a call returns it, ``outputs`` the program's tensors by name, and its time.

    ``program`` is None, and the time 0, where there was nothing to compute (an axis of size 0).
    """

    result: Any
    outputs: Mapping[str, Array]
    cycles: int
    program: Program | None

    @cached_property
    def explanation(self) -> Explanation | None:
        """Why the program takes as long as it does (``lpuasm explain``)."""
        from lpuasm.asm.explain import explain

        return None if self.program is None else explain(self.program)

    @property
    def floor(self) -> int:
        """The fewest cycles that this work could take."""
        return 0 if self.explanation is None else self.explanation.floor

    @property
    def gap(self) -> int:
        """Cycles above the floor."""
        return self.cycles - self.floor


@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel of the library.

    ``defines`` gives the parameters of the source from the dimensions and ``dtype``, and refuses what does not fit
    the chip; ``prepare`` makes a :class:`Call` of arrays and options. ``file`` is the source's stem where several
    kernels share one.
    """

    name: str
    contract: Contract
    defines: Callable[..., Mapping[str, int | float]]
    prepare: Callable[..., Call]
    doc: str = ""
    file: str = ""
    __doc__: str = field(init=False, default="", repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.doc)

    @property
    def path(self) -> Path:
        """The kernel's source file."""
        return Path(str(resources.files("lpuasm.stdlib").joinpath(f"{self.file or self.name}.s")))

    @property
    def source(self) -> str:
        """The kernel's assembly."""
        return self.path.read_text("utf-8")

    def program(self, *, dtype: str | None = None, **dims: int | float) -> Program:
        """The program for given dimensions (capital letters) and type; the same object for the same arguments.

        Raises:
            AssemblyError: LPU0510, the tensors do not fit the chip; the help says what would.
            WrongType: a dimension is missing, unknown, no whole number or impossible, or there is no such type.
        """
        kind = self.contract.types[0] if dtype is None else dtype
        with way_out(f"docs/kernels/{self.name}.md has programs with their dimensions and types"):
            if kind not in self.contract.types:
                raise wrong_dimension(f"{self.name} takes {', '.join(self.contract.types)}, not {kind}")
            for name, value in dims.items():
                if name.isupper() and not hasattr(value, "__index__"):
                    raise wrong_dimension(f"{self.name}: {name} is a whole number, not {value!r}")
            check_arguments(self.name, wrong_dimension, self.defines, dtype=kind, **dims)
            defines = self.defines(dtype=kind, **dims)
        return _assembled(self.path, tuple(sorted(defines.items())))

    def run(self, *arrays: Any, engine: str | None = None, **options: Any) -> KernelRun:
        """Runs the kernel: its result, and what it cost.

        Raises:
            ArgumentError: arrays or options that it does not take; also a TypeError, a ValueError or an IndexError.
            AssemblyError: LPU0510, the tensors do not fit the chip; the help says what would.
        """
        from lpuasm.vm.run import run

        with way_out(f"it is {self.doc.splitlines()[0]}"):
            given = [_native(a) for a in arrays]
            options = {name: _native(value) for name, value in options.items()}
            check_arguments(self.name, wrong_type, self.prepare, *given, **options)
            call = self.prepare(*given, **options)
        if call.dims is None:
            return KernelRun(call.finish({}), {}, 0, None)
        program = self.program(dtype=call.dtype, **call.dims)
        done = run(program, call.inputs(program), engine=engine)
        return KernelRun(call.finish(done.outputs), done.outputs, done.cycles, program)

    def __call__(self, *arrays: Any, **options: Any) -> Any:
        return self.run(*arrays, **options).result

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"


def _native(value: Any) -> Any:
    """Arrays, and those in a mapping or a tuple, in this machine's byte order; anything else as it is."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return value.astype(value.dtype.newbyteorder("="), copy=False)
    if isinstance(value, Mapping):
        return {key: _native(part) for key, part in value.items()}
    return tuple(map(_native, value)) if type(value) is tuple else value


def check_arguments(
    kernel: str, refuse: Callable[[str], Exception], function: Callable[..., Any], *given: Any, **named: Any
) -> None:
    """Refuses, in the kernel's name, what ``function`` does not take."""
    from inspect import signature

    try:
        signature(function).bind(*given, **named)
    except TypeError as problem:
        raise refuse(f"{kernel}: {problem}") from None


@lru_cache(KEPT)
def _assembled(path: Path, defines: Defines) -> Program:
    from lpuasm.asm.build import assemble

    folder = path.parent
    return assemble(path.read_text("utf-8"), str(path), defines=dict(defines), library=(folder,))


def too_large(kernel: str, wanted: str, help: str) -> Exception:
    """The error of a shape that the chip does not hold: LPU0510."""
    from lpuasm.isa.errors import AssemblyError, error

    return AssemblyError(error("LPU0510", f"{kernel} of {wanted} does not fit the chip", help=help))


def largest(fits: Callable[[int], bool], wanted: int) -> int:
    """The largest number below ``wanted`` that fits, 0 where none does; what fits once fits for every smaller one."""
    low, high = 0, wanted
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low

"""The functions of the front door: rooms put together, no logic of their own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpuasm import files

if TYPE_CHECKING:
    from lpuasm.asm.explain import Explanation
    from lpuasm.isa.errors import Diagnostic
    from lpuasm.isa.program import Program
    from lpuasm.isa.target import Target
    from lpuasm.profiling.report import Profile
    from lpuasm.vm.plan import Plan
    from lpuasm.vm.result import Run

StrPath = str | os.PathLike[str]


def library() -> tuple[Path, ...]:
    """The folders in which ``.import`` looks."""
    folder = resources.files("lpuasm.stdlib")
    return (folder,) if isinstance(folder, Path) else ()


def build(
    path: StrPath | None = None,
    *,
    text: str | None = None,
    name: str | None = None,
    defines: Mapping[str, int | float] | None = None,
    target: Target | str | None = None,
    include: Sequence[StrPath] = (),
    sources: dict[str, str] | None = None,
    pins: Mapping[str, int] | None = None,
) -> Program:
    """Assemble the source in the file ``path``, or ``text``.

    Args:
        name: what the text is called in diagnostics; by default its path, or ``<text>``.
        defines: values of its parameters.
        target: a target, the name of one, or the path of a TOML file; by default what the text says, else ``tsp1``.
        include: folders in which ``.include`` looks after the source's own.
        sources: filled with the text of every file read, by its name in diagnostics.
        pins: cycles in which flows start, by name, whatever the text says; the others go where there is room for them.

    Raises:
        AssemblyError: with everything that is wrong in the text.
        FileError: the file cannot be read.
        SpecError: the target is not right.
        WrongType: neither or both of ``path`` and ``text`` are given.
    """
    from lpuasm.asm.build import assemble
    from lpuasm.asm.parser import decode

    if (path is None) == (text is None):
        from lpuasm.isa.errors import WrongType, error

        help = '`build("kernel.s")`, or `build(text="…")`'
        raise WrongType(error("LPU0557", "build() takes a path or a text, one of the two", help=help))
    if text is None:
        assert path is not None
        file = os.fspath(path)
        text = decode(files.read(file), file)
        name = file if name is None else name
    return assemble(
        text,
        "<text>" if name is None else name,
        defines=defines,
        target=target,
        include=[Path(folder) for folder in include],
        library=library(),
        sources=sources,
        pins=pins,
    )


def explain(program: Program) -> Explanation:
    """Why every flow of a program starts when it does; its cycles, its floor, and the gap. `print` it, or `.to_json()`.

    Raises:
        AssemblyError: LPU1113, the program is scalar; or it breaks a rule of time, as one that was loaded may.
    """
    from lpuasm.asm.explain import explain as explained
    from lpuasm.isa.legality import check

    _expect_program(program, "explain")
    if not program.scalar:
        check(program)
    return explained(program)


def plan(program: Program) -> Plan:
    """What the fast engine makes of a program: `print` it for how many batches there are, of what. Nothing runs.

    Raises:
        AssemblyError: LPU1113, the program is scalar.
        ObjectError: a word of the program is not an instruction.
    """
    from lpuasm.isa.errors import AssemblyError, error
    from lpuasm.vm.plan import plan as planned

    _expect_program(program, "plan")
    if program.scalar:
        help = "`lpuasm run` compiles scalar code, and counts its instructions"
        raise AssemblyError(error("LPU1113", "scalar code has no dataflow to plan", help=help))
    return planned(program)


def profile(program: Program) -> Profile:
    """Where the cycles of a program go: `print` it, `.to_json()`, or let a notebook show it. Nothing runs.

    Raises:
        AssemblyError: LPU1113, the program is scalar.
    """
    from lpuasm.profiling.report import profile as profiled

    _expect_program(program, "profile")
    return profiled(program)


def lint(program: Program) -> list[Diagnostic]:
    """Warnings about what a program does for nothing, in the order of the source.

    Raises:
        AssemblyError: LPU1113, the program is scalar.
    """
    from lpuasm.profiling.lint import lint as linted

    _expect_program(program, "lint")
    return linted(program)


def load(path: StrPath) -> Program:
    """The program in an object file. Raises ObjectError where it cannot be read or is none."""
    from lpuasm.isa.objectfile import load as load_object

    return load_object(os.fspath(path))


def disassemble(program: Program) -> str:
    """Text that assembles to the same object file."""
    from lpuasm.asm.disasm import disassemble as text_of

    _expect_program(program, "disassemble")
    return text_of(program)


def run(
    program: Program,
    inputs: Mapping[str, Any] | None = None,
    *,
    engine: str | None = None,
    defines: Mapping[str, int] | None = None,
) -> Run:
    """Run a program on arrays by the names of its inputs and weights, of exactly their types and shapes.

    Args:
        engine: "reference", or the fast one by default.
        defines: dimensions of scalar programs.

    Raises:
        BindError: the arrays do not fit the program.
        Fault: the program broke a rule of the machine.
    """
    from lpuasm.vm.run import run as execute

    _expect_program(program, "run")
    return execute(program, inputs, engine=engine, defines=defines)


def _expect_program(given: object, function: str) -> None:
    """Refuses what is no program: LPU0557."""
    from lpuasm.isa.errors import WrongType, error
    from lpuasm.isa.program import Program

    if not isinstance(given, Program):
        message = f"{function}() takes a program, and this is of type {type(given).__name__}"
        raise WrongType(error("LPU0557", message, help="`build()` makes one of a source, `load()` of an object file"))

"""What `lpuasm run` does: read tensors, run, compare, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Any

from numpy.typing import NDArray

from lpuasm.answer import GOOD, WRONG, Answer, to_stderr
from lpuasm.checks import Check, check
from lpuasm.facts import facts, time
from lpuasm.files import STANDARD, FileError, Writer, check_distinct, check_writable, read, shown_output, write_all
from lpuasm.isa.casts import DTYPES
from lpuasm.isa.errors import Diagnostic, error
from lpuasm.isa.program import Program
from lpuasm.options import Assembly, Named, as_json
from lpuasm.ports import ports, resolve
from lpuasm.programs import Opened, open_program, pointing_into
from lpuasm.tensors import SUFFIXES, encode, parse
from lpuasm.vm.result import Run

_TYPES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True, slots=True)
class Order:
    """The options of `lpuasm run`."""

    file: str
    inputs: tuple[Named, ...]
    outputs: tuple[Named, ...]
    checks: tuple[Named, ...]
    ulp: int
    engine: str | None
    trace: str | None


def execute(order: Order, assembly: Assembly, progress: Callable[[int], None] | None) -> Answer:
    """Runs a program as ordered. Raises LpuError, and then has written nothing."""
    opened = open_program(order.file, assembly, legal=False)  # the engines hold it themselves
    program = opened.program
    known = ports(program)
    inputs = resolve("-i", order.inputs, known.inputs, known.outputs + program.names)
    outputs = resolve("-o", order.outputs, known.outputs)
    checks = resolve("--check", order.checks, known.outputs)
    _check_files(order, inputs, outputs, checks)
    if order.trace is not None and program.scalar:
        raise FileError(
            error("LPU0912", "--trace: scalar code has no timeline before it runs", help="leave --trace out")
        )
    arrays = _tensors(program, inputs)
    references = {name: Check(name, file, read(file), order.ulp) for name, file in checks.items()}
    for reference in references.values():
        reference.check_declared(program)
    with pointing_into(opened.source):
        run = _run(opened, arrays, order.engine, progress)
    diagnostics: list[Diagnostic] = []
    rows: dict[str, Any] = {}
    notes: list[str] = []
    for name, reference in references.items():
        verdict = check(reference, program, run.outputs[name])
        diagnostics += verdict.diagnostics
        notes += verdict.notes
        rows[name] = verdict.document
    _write(order, program, outputs, run.outputs)
    return _answer(order, opened, run, outputs, rows, notes, tuple(diagnostics))


def _check_files(
    order: Order, inputs: Mapping[str, str], outputs: Mapping[str, str], checks: Mapping[str, str]
) -> None:
    """Refuses outputs that cannot be written, before anything runs."""
    written = [f for f in outputs.values() if PurePath(f).suffix.lower() != ".npz"]
    written += {f for f in outputs.values() if PurePath(f).suffix.lower() == ".npz"}
    for file in written:
        if file != STANDARD and PurePath(file).suffix.lower() not in SUFFIXES:
            raise FileError(
                error("LPU0902", f"'{file}' does not say how to write a tensor", help="call it .npy, .npz or .bin")
            )
    written += [order.trace] if order.trace is not None else []
    check_distinct(written, [order.file, *inputs.values(), *checks.values()])
    for file in written:
        check_writable(file)


def bound(program: Program, option: str, given: Sequence[Named]) -> dict[str, NDArray[Any]]:
    """The tensors that an option gives to a program, by name. Raises FileError where it has no such input."""
    known = ports(program)
    return _tensors(program, resolve(option, given, known.inputs, known.outputs + program.names))


def _tensors(program: Program, files: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    return {name: _tensor(program, name, file, read(file)) for name, file in files.items()}


def _tensor(program: Program, name: str, file: str, octets: bytes) -> NDArray[Any]:
    declared = program.tensor.get(name)
    layout = declared.layout if declared else None
    return parse(octets, file, name, layout.dtype if layout else None, layout.shape if layout else None)


def _run(
    opened: Opened, arrays: Mapping[str, NDArray[Any]], engine: str | None, progress: Callable[[int], None] | None
) -> Run:
    from lpuasm.vm.run import run

    try:
        return run(opened.program, arrays, engine=engine, defines=opened.late, progress=progress)
    finally:
        if progress is not None:
            to_stderr("\r\x1b[K")


def _write(order: Order, program: Program, outputs: Mapping[str, str], results: Mapping[str, NDArray[Any]]) -> None:
    by_file: dict[str, dict[str, NDArray[Any]]] = {}
    for name, file in outputs.items():
        by_file.setdefault(file, {})[name] = results[name]
    contents: dict[str, bytes | Writer] = {file: encode(file, arrays) for file, arrays in by_file.items()}
    if order.trace is not None:
        from lpuasm.vm.trace import write_trace

        contents[order.trace] = partial(write_trace, program)
    write_all(contents)


def _answer(
    order: Order,
    opened: Opened,
    run: Run,
    outputs: Mapping[str, str],
    checks: Mapping[str, Any],
    verdicts: list[str],
    diagnostics: tuple[Diagnostic, ...],
) -> Answer:
    clock = opened.program.target.geometry.clock_mhz
    document = {
        **facts(opened.program, as_json()),
        "cycles": run.cycles,
        "engine": run.engine,
        "seconds": run.cycles / (clock * 1e6),
        "trace": order.trace,
        "outputs": {
            name: {"dtype": _TYPES[array.dtype], "shape": list(array.shape), "file": outputs.get(name)}
            for name, array in run.outputs.items()
        },
        "checks": dict(checks),
    }
    notes = []
    for name, array in run.outputs.items():
        to = f" -> {shown_output(outputs[name])}" if name in outputs else ""
        notes.append(f"{name}: {_TYPES[array.dtype]} {list(array.shape)}{to}")
    notes.append(f"{time(run.cycles, clock)} ({run.engine} engine)")
    return Answer(document, "", "\n".join(notes + verdicts), diagnostics, WRONG if diagnostics else GOOD, opened.source)

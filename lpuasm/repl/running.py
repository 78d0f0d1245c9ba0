"""Commands that give tensors to the program, run it, and look at what came out."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lpuasm.isa.casts import DTYPES
from lpuasm.repl.commands import Command, usage
from lpuasm.repl.console import Bound, Console, program_of
from lpuasm.repl.errors import wrong
from lpuasm.repl.makers import Context, generator
from lpuasm.repl.values import Expression, cast

if TYPE_CHECKING:
    from lpuasm.isa.program import Program

TITLE = "Tensors and runs"
_TYPES = {dtype: name for name, dtype in DTYPES.items()}
_ULP = re.compile(r"\s+ulp\s+(\d+)\s*$")


def bind(console: Console, name: str, text: str, offset: int) -> None:
    """Makes the tensor `name` from an expression, which stands at an offset in the typed line."""
    declared = _declared(console, name)
    array = made(console, name, text, offset, declared)
    console.tensors[name] = Bound(array, text, declared)
    if console.debugger is not None:
        console.debugger = None
        console.say("the run that was stopped is over: it had another tensor")
    console.say(described(name, array))


def described(name: str, array: NDArray[Any]) -> str:
    return f"{name}: {_TYPES.get(array.dtype, array.dtype)} {list(array.shape)}"


def _declared(console: Console, name: str) -> tuple[str, tuple[int, ...]] | None:
    tensor = console.session.program.tensor.get(name) if console.session.program else None
    return (tensor.layout.dtype, tensor.layout.shape) if tensor is not None and tensor.layout is not None else None


def made(
    console: Console, name: str, text: str, offset: int, declared: tuple[str, tuple[int, ...]] | None
) -> NDArray[Any]:
    """The array of an expression, in its type, else in the declared one. Raises ReplError, FileError."""
    word, _, file = text.strip().partition(" ")
    if word == "load" and file.strip():
        return _loaded(name, file.strip(), declared)
    context = Context(
        arrays=lambda wanted: _value(console, wanted),
        shape=declared[1] if declared else None,
        random=generator(console.seed, name),
        load=lambda file: _loaded(name, file, declared),
    )
    value, dtype = Expression(text, context, offset).value()
    place = (offset + len(text) - len(text.lstrip()), offset + len(text))
    if isinstance(value, tuple):
        value = np.array(value)
    array = np.asarray(value)
    kind = dtype or (declared[0] if declared else ("f32" if array.dtype.kind == "f" else "i32"))
    if array.ndim == 0 and declared:
        array = np.full(declared[1], array)
    return cast(array, kind, place)


def _loaded(name: str, file: str, declared: tuple[str, tuple[int, ...]] | None) -> NDArray[Any]:
    from lpuasm.files import read
    from lpuasm.tensors import parse

    return parse(read(file), file, name, *(declared or (None, None)))


def _value(console: Console, name: str) -> NDArray[Any] | None:
    """A tensor by name: at the cycle where a run stands, of the last run, or as it was given."""
    if console.debugger is not None and console.debugger.program.tensor.get(name) is not None:
        return console.debugger.tensor(name)
    if console.ran is not None and name in console.ran[1].outputs:
        return np.asarray(console.ran[1].outputs[name])
    return console.tensors[name].array if name in console.tensors else None


def inputs_of(console: Console, program: Program) -> dict[str, NDArray[Any]]:
    """What is given to a program: tensors that it takes, made again where their declaration has changed since."""
    found = {}
    for name, bound in list(console.tensors.items()):
        declared = _declared(console, name)
        if declared != bound.declared:
            array = made(console, name, bound.text, 0, declared)
            console.tensors[name] = bound = Bound(array, bound.text, declared)
        if program.scalar or (name in program.tensor and program.tensor[name].bound):
            found[name] = bound.array
    return found


def run(console: Console, rest: str) -> None:
    from lpuasm.facts import time
    from lpuasm.programs import pointing_into
    from lpuasm.vm.run import run as execute

    if rest not in ("", "fast", "reference"):
        raise usage("run")
    program = program_of(console)
    if console.breaks and not rest and not program.scalar:
        from lpuasm.repl.moving import begin, go_on

        begin(console)
        go_on(console, "")
        return
    inputs = inputs_of(console, program)
    with pointing_into(console.session.source):
        result = execute(program, inputs, engine=rest or None, progress=console.progress)
    console.ran, console.debugger = (program, result), None
    for name, array in result.outputs.items():
        console.say(described(name, array))
    console.say(f"{time(result.cycles, program.target.geometry.clock_mhz)} ({result.engine} engine)")


def show(console: Console, rest: str) -> None:
    if not rest:
        for name in _names(console):
            console.say(described(name, _known(console, name)))
        return
    match = re.match(r"[A-Za-z_]\w*", rest)
    if not match:
        raise usage("show")
    array = _known(console, match[0])
    if rest[match.end() :].strip():
        context = Context(lambda name: _value(console, name), None, np.random.default_rng(0), _no_file)
        offset = console.typed.find(rest)
        part, _ = Expression(rest, context, max(offset, 0)).value()
        array = np.asarray(part).astype(array.dtype)
    console.say(described(rest, array))
    console.say(np.array2string(array, threshold=400, edgeitems=4, max_line_width=console.columns))


def _no_file(file: str) -> NDArray[Any]:
    raise usage("show")


def _names(console: Console) -> list[str]:
    outputs = list(console.ran[1].outputs) if console.ran else []
    if console.debugger is not None:
        outputs = [t.name for t in console.debugger.program.tensors]
    return list(dict.fromkeys([*console.tensors, *outputs]))


def _known(console: Console, name: str) -> NDArray[Any]:
    array = _value(console, name)
    if array is None:
        known = ", ".join(_names(console))
        help = f"there are {known}" if known else "`run` makes the outputs"
        raise wrong("LPU1207", f"there is no tensor '{name}' to look at", help)
    return array


def check(console: Console, rest: str) -> None:
    if not rest:
        program_of(console)
        built = console.session.built
        e = built.explanation if built else None
        console.say(f"legal, {e.cycles:,} cycles" if e else "scalar code, its time is known when it runs")
        return
    name, equals, reference = (part.strip() for part in rest.partition("="))
    if not equals or not reference:
        raise usage("check")
    if console.ran is None:
        raise wrong("LPU1207", "nothing has run yet", "write `run` first")
    result = console.ran[1]
    if name not in result.outputs:
        have = ", ".join(result.outputs)
        raise wrong("LPU1207", f"the run made no tensor '{name}'", f"it made {have}")
    match = _ULP.search(reference)
    _compare(console, name, reference[: match.start()] if match else reference, int(match[1]) if match else 0)


def _compare(console: Console, name: str, reference: str, ulp: int) -> None:
    from lpuasm.checks import Check
    from lpuasm.checks import check as verdict_of
    from lpuasm.files import read
    from lpuasm.isa.errors import LpuError

    assert console.ran is not None
    program, result = console.ran
    array = result.outputs[name]
    word, _, file = reference.partition(" ")
    if word == "load":
        reference = file.strip()
    if word == "load" or reference.lower().endswith((".npy", ".npz", ".bin")):
        octets = read(reference)
    else:
        offset = max(console.typed.find(reference), 0)
        expected = made(console, name, reference, offset, (_TYPES[array.dtype], array.shape))
        buffer = io.BytesIO()
        np.save(buffer, expected.astype(array.dtype))
        octets = buffer.getvalue()
    verdict = verdict_of(Check(name, reference, octets, ulp), program, array)
    for note in verdict.notes:
        console.say(note)
    if verdict.diagnostics:
        raise LpuError(*verdict.diagnostics)


def seed(console: Console, rest: str) -> None:
    if rest:
        if not rest.isdigit():
            raise usage("seed")
        console.seed = int(rest)
    console.say(f"seed {console.seed}")


def forget(console: Console, rest: str) -> None:
    if rest not in console.tensors:
        raise wrong("LPU1207", f"no tensor '{rest}' was given")
    del console.tensors[rest]


COMMANDS = (
    Command(
        "run [fast|reference]",
        "Run the program on the tensors; to the first breakpoint if there are any.",
        run,
        "",
        ("r",),
    ),
    Command("show [NAME[ROWS, COLUMNS]]", "A tensor, or a part such as C[0:4, 0:8].", show, "tensor", ("print", "p")),
    Command("check [NAME = FILE|EXPRESSION [ulp N]]", "Compare an output; by itself: is it legal?", check, "tensor"),
    Command("seed [N]", "Where random numbers begin.", seed),
    Command("forget NAME", "Give a tensor no longer.", forget, "tensor"),
)

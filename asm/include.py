"""Files: the lines of one, and .include and .import as steps of the walk."""

from __future__ import annotations

from lpuasm.asm import files
from lpuasm.asm.blocks import Node, nest
from lpuasm.asm.bulk import read
from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.frames import Frame
from lpuasm.asm.problems import Problem
from lpuasm.asm.state import File, State, Step
from lpuasm.asm.tree import Directive, Str
from lpuasm.isa.errors import AssemblyError, error
from lpuasm.isa.suggest import did_you_mean


def lines_of(state: State, text: str, name: str, frames: tuple[Frame, ...]) -> list[Node]:
    """The blocks of a file; what is wrong with it is reported."""
    state.sources[name] = text
    lines, problems = read(state.parser, text, name)
    for problem in problems:
        state.report(problem, frames)
    nodes, problems = nest(lines)
    if not any(p.span and p.span.file == name for p in state.diagnostics.values()):
        for problem in problems:
            state.report(problem, frames)
    return nodes


def include_file(state: State, evaluator: Evaluator, body: Directive, step: Step) -> Step | None:
    """A file that was not read before, as a step; raises Problem."""
    span = evaluator.line.span(body.start, body.end)
    if body.kind == "import":
        wanted = evaluator.text(body.names[0], dotted=False)
        found = files.find_import(wanted, state.library)
        help_ = did_you_mean(wanted, files.kernels(state.library))
    else:
        name = body.values[0]
        assert isinstance(name, Str)
        found = files.find_include(name.text, step.file.found, state.include)
        help_ = "it is looked for beside this file, then in the folders given with -I"
    if isinstance(found, str):
        raise Problem(error("LPU0213", found, span, help=help_))
    path = found.path.resolve()
    if path in state.read:
        return None
    frames = state.deeper(Frame(body.kind, found.name, span), step)
    state.read.add(path)
    while found.name in state.sources:
        found = files.Found(found.path, f"{found.name}'")
    try:
        text = files.read(found)
    except AssemblyError as e:
        raise Problem(e.diagnostics[0].at(span)) from None
    before = len(state.diagnostics)
    nodes = lines_of(state, text, found.name, frames)
    if len(state.diagnostics) > before:
        return None
    return Step(iter(nodes), state.top, frames, File(found, step.file.imported or body.kind == "import"))
